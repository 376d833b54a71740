"""The scans of the school's other gates, and until when all of them are here."""

import logging
import sqlite3
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import partial
from pathlib import Path
from zoneinfo import ZoneInfo

from attendance.clock import Clock, Moment, from_rfc3339
from attendance.domain.contact import ForeignScans, HeartbeatAnswer
from attendance.domain.schedule import Schedule, windows
from attendance.kiosk.store import centre_cursors, foreign_scans
from attendance.kiosk.store.centre_cursors import Feed
from attendance.kiosk.store.database import reading
from attendance.kiosk.store.ledger import local
from attendance.kiosk.sync.pulling import Centre, page
from attendance.ops.sqlite import Writer

log = logging.getLogger(__name__)

_TOLD_BACK = timedelta(days=2, hours=20)
"""The centre tells of scans of the last three days; the rest of them is for clocks that differ."""
_SETTLED = timedelta(seconds=10)
"""A card is seen a moment before its scan is recorded, and a gate that has nothing to send may just be at it."""


@dataclass(frozen=True, slots=True)
class Word:
    """What the centre's last answer says of the other gates.

    Attributes:
        gates: how many there are.
        until: the centre has all their scans up to this time; ``None``: of one of them it knows nothing.
        version: of the scans that it had then.
        now: by the centre's clock.
    """

    gates: int
    until: datetime | None
    version: int
    now: datetime


def word(answer: HeartbeatAnswer) -> Word:
    """What an answer says of the other gates: all that are enrolled, in contact or not. A gate that is silent may hold
    scans that nobody else has."""
    known = [from_rfc3339(each.synced_to) for each in answer.siblings if each.synced_to is not None]
    until = min(known) - _SETTLED if known and len(known) == len(answer.siblings) else None
    return Word(len(answer.siblings), until, answer.versions.scans, from_rfc3339(answer.now))


class OtherGates:
    """Fetches their scans, and notes until when all are here. Used by one thread.

    Args:
        writer: not owned.
        gates: how many the school has, this one included.
        zone: of the local day.
    """

    def __init__(
        self, centre: Centre, database: Path, writer: Writer, *, gates: int, zone: ZoneInfo, deadline_s: float
    ) -> None:
        self._centre = centre
        self._database = database
        self._writer = writer
        self._others = gates - 1
        self._zone = zone
        self._deadline_s = deadline_s
        self.version = 0

    def step(self, said: Word, now: Moment) -> bool:
        """Ask for one page if there is something new; whether there is more to do at once.

        Args:
            said: the centre's last word.
            now: the time, as well as it is known.

        Raises:
            CentreError: there is no answer; the next step goes on.
            StorageError: the disk refused.
        """
        with reading(self._database) as conn:
            self.version = centre_cursors.version(conn, Feed.SCANS)
            known = foreign_scans.span(conn)
            today = local(now.at, self._zone).date()
            expired = foreign_scans.is_expired(conn, today)
        if said.version < self.version:
            log.warning("the other gates' scans are asked for from their beginning: the centre has older ones")
            self._writer.run(partial(centre_cursors.move, feed=Feed.SCANS, to=0))
            return True
        if said.version > self.version:
            found = page(self._centre, "/scans", self.version, ForeignScans, self._deadline_s)
            self._writer.run(partial(_enter, found=found))
            self.version = found.version
            return found.more or expired
        self._confirm(said, known[1] if known else None)
        if expired:
            self._writer.run(partial(foreign_scans.expire, today=today))
        return expired

    def _confirm(self, said: Word, known_until: datetime | None) -> None:
        """All that the centre had at its last word is here."""
        if said.until is None or said.gates < self._others or said.until == known_until:
            return
        since = said.now - _TOLD_BACK
        self._writer.run(partial(foreign_scans.confirm, told_since=since, until=said.until))


class OthersConfirmed:
    """Whether the other gates' scans of a session are here, as far as its time has come. For any thread.

    Args:
        after: from the end of a window until guardians are told.
    """

    def __init__(self, database: Path, schedule: Schedule, zone: ZoneInfo, after: timedelta, clock: Clock) -> None:
        self._database = database
        self._schedule = schedule
        self._zone = zone
        self._after = after
        self._clock = clock

    def __call__(self, day: date, session: str) -> bool:
        at = local(self._clock.now().at, self._zone)
        begins = datetime.combine(day, time(), self._zone)
        passed = [moment for moment in self._moments(day, session) if moment <= at]
        with reading(self._database) as conn:
            span = foreign_scans.span(conn)
        if span is None or not passed:
            return False
        return span[0] <= begins and max(passed).replace(tzinfo=self._zone) <= span[1]

    def _moments(self, day: date, session: str) -> list[datetime]:
        """The times at which something is decided about a session, naive local."""
        for each in self._schedule.sessions:
            if each.name == session:
                ends = [end for _, end in windows(each, day)]
                return [*ends, *(end + self._after for end in ends)]
        return []


def _enter(conn: sqlite3.Connection, found: ForeignScans) -> None:
    foreign_scans.take(conn, found.items)
    centre_cursors.move(conn, Feed.SCANS, found.version)
