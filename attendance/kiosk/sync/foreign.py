"""The scans of the school's other gates, and until when all of them are here."""

import logging
import sqlite3
from collections.abc import Set
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import partial
from pathlib import Path
from zoneinfo import ZoneInfo

from attendance.clock import Clock, Moment, from_rfc3339
from attendance.domain.absence import Others, watched
from attendance.domain.contact import ForeignScans, HeartbeatAnswer
from attendance.domain.message import MessageKind
from attendance.domain.proof import RECORDED
from attendance.domain.schedule import Schedule
from attendance.kiosk.store import centre_cursors, foreign_scans
from attendance.kiosk.store.centre_cursors import Feed
from attendance.kiosk.store.database import reading
from attendance.kiosk.store.foreign_scans import Window
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
        worked: sessions through which each of them provably worked.
        doubted: sessions through which one of them says that it did not.
    """

    gates: int
    until: datetime | None
    version: int
    now: datetime
    worked: frozenset[Window] = frozenset()
    doubted: frozenset[Window] = frozenset()


def word(answer: HeartbeatAnswer) -> Word:
    """What an answer says of the other gates: all that are enrolled, in contact or not. A gate that is silent may hold
    scans that nobody else has."""
    known = [from_rfc3339(each.synced_to) for each in answer.siblings if each.synced_to is not None]
    until = min(known) - _SETTLED if known and len(known) == len(answer.siblings) else None
    told = [{(each.day, each.session, each.kind): each.complete for each in gate.windows} for gate in answer.siblings]
    doubted = frozenset(window for windows in told for window, complete in windows.items() if not complete)
    of_all = frozenset.intersection(*map(frozenset, told)) if told else frozenset()
    return Word(
        len(answer.siblings),
        until,
        answer.versions.scans,
        from_rfc3339(answer.now),
        worked=of_all - doubted,
        doubted=doubted,
    )


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
        today = local(now.at, self._zone).date()
        with reading(self._database) as conn:
            self.version = centre_cursors.version(conn, Feed.SCANS)
            known, proven = foreign_scans.span(conn), foreign_scans.proven(conn)
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
        if self._is_news(said, known[1] if known else None, proven):
            self._writer.run(partial(_confirm, said=said))
        if expired:
            self._writer.run(partial(foreign_scans.expire, today=today))
        return expired

    def _is_news(self, said: Word, known_until: datetime | None, proven: Set[Window]) -> bool:
        """Whether something is to be noted of the other gates: only if all of them are spoken of."""
        if said.until is None or said.gates < self._others:
            return False
        return said.until != known_until or not said.worked <= proven or bool(said.doubted & proven)


class OthersConfirmed:
    """What is known of the other gates in a session once its time has come. For any thread.

    Args:
        after: from the end of a window until guardians are told.
    """

    def __init__(self, database: Path, schedule: Schedule, zone: ZoneInfo, after: timedelta, clock: Clock) -> None:
        self._database = database
        self._schedule = schedule
        self._zone = zone
        self._after = after
        self._clock = clock

    def __call__(self, day: date, session: str, kind: MessageKind) -> Others:
        due = self._due(day, session, kind)
        if due is None or due > local(self._clock.now().at, self._zone):
            return Others.MISSING
        begins = datetime.combine(day, time(), self._zone)
        with reading(self._database) as conn:
            span, proven = foreign_scans.span(conn), foreign_scans.proven(conn)
        if span is None or span[0] > begins or due.replace(tzinfo=self._zone) > span[1]:
            return Others.MISSING
        return Others.PROVEN if (day.isoformat(), session, RECORDED[kind]) in proven else Others.UNPROVEN

    def _due(self, day: date, session: str, kind: MessageKind) -> datetime | None:
        """When guardians are told, naive local time; ``None``: there is no such session."""
        for each in self._schedule.sessions:
            if each.name == session and (span := watched(self._schedule, each, day, kind, self._after)):
                return span[1]
        return None


def _confirm(conn: sqlite3.Connection, said: Word) -> None:
    """All that the centre had at its last word is here."""
    if said.until is not None:
        foreign_scans.confirm(conn, said.now - _TOLD_BACK, said.until)
    foreign_scans.prove(conn, said.worked, said.doubted)


def _enter(conn: sqlite3.Connection, found: ForeignScans) -> None:
    foreign_scans.take(conn, found.items)
    centre_cursors.move(conn, Feed.SCANS, found.version)
