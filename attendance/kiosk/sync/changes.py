"""Brings the school's directory down: students, cards, calendar, schedule, texts, and whom to forget.

All pages of what is new are collected and judged before any of it is entered, so that half a list replaces nothing.
"""

import logging
import sqlite3
from collections.abc import Generator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from attendance.clock import Moment
from attendance.domain.contact import Changes
from attendance.errors import BadInput
from attendance.kiosk import erasure
from attendance.kiosk.store import centre_cursors, centre_refusals, directory
from attendance.kiosk.store.centre_cursors import Feed
from attendance.kiosk.store.centre_refusals import Refusal
from attendance.kiosk.store.database import reading
from attendance.kiosk.sync import ahead, applying
from attendance.kiosk.sync.applying import Batch, Incomplete, Limits
from attendance.kiosk.sync.centre_settings import CentreSettings
from attendance.kiosk.sync.down_problems import problems
from attendance.kiosk.sync.pulling import BadAnswer, Centre, page
from attendance.ops.health import ProbeResult
from attendance.ops.sqlite import Writer

log = logging.getLogger(__name__)

MOST_ENTRIES = 200_000
"""Of one pull: ten times a large school. More is a fault, and would fill this gate's memory."""
_WRITE_S = 60.0
Entering = Generator[None, None, bool]
"""A pull that is being entered: pauses after each transaction, and returns whether there is more to ask for at once."""


class Directory:
    """The gate's copy of the school's directory. Used by one thread, but for ``probe``.

    Args:
        writer: not owned.
    """

    def __init__(
        self,
        centre: Centre,
        database: Path,
        data_dir: Path,
        writer: Writer,
        settings: CentreSettings,
        limits: Limits,
        *,
        deadline_s: float,
    ) -> None:
        self._centre = centre
        self._database = database
        self._data_dir = data_dir
        self._writer = writer
        self._settings = settings
        self._limits = limits
        self._deadline_s = deadline_s
        self._pages: list[Changes] = []
        self._refusals: Sequence[Refusal] = ()
        self._begun = False
        self._entering: Entering | None = None
        self.version = 0

    def step(self, newest: int, now: Moment) -> bool:
        """Ask for one page if there is something new; after the last, enter all of it, a transaction each time.

        Args:
            newest: the centre's version.
            now: the time, as well as it is known.

        Returns:
            Whether there is more to do at once.

        Raises:
            CentreError: there is no answer; the next step goes on.
            StorageError: the disk refused.
        """
        if self._entering is not None:
            return self._go_on(self._entering)
        with reading(self._database) as conn:
            have = self._look(conn)
        if newest < self.version:
            self._begin_anew("the centre has an older directory than this gate")
            return True
        if not self._pages and not self._is_new(newest, have):
            return False
        self._pages.append(self._next_page())
        if self._pages[-1].more:
            return True
        pages, self._pages = self._pages, []
        self._begun = True
        batch = applying.sort(pages, have[Feed.ROSTER], have[Feed.RULES])
        return self._go_on(self._enter(batch, have, now))

    def probe(self) -> ProbeResult:
        """For the health board."""
        return ProbeResult("centre_directory", {"version": self.version}, problems(self._refusals))

    def _look(self, conn: sqlite3.Connection) -> dict[Feed, int]:
        """What is here of each feed, and what was refused."""
        have = {feed: centre_cursors.version(conn, feed) for feed in (Feed.ROSTER, Feed.RULES)}
        if not self._limits.wanted:
            have[Feed.ROSTER] = have[Feed.RULES]
        self.version = min(have.values())
        self._refusals = centre_refusals.known(conn)
        return have

    def _is_new(self, newest: int, have: dict[Feed, int]) -> bool:
        """What was refused is not asked for again, until it changes, a person accepts it or the gate starts anew."""
        refused = {each.what: each.version for each in self._refusals if self._begun and not each.accepted}
        return any(newest > max(version, refused.get(feed, 0)) for feed, version in have.items())

    def _next_page(self) -> Changes:
        after = self._pages[-1].version if self._pages else self.version
        found = page(self._centre, "/changes", after, Changes, self._deadline_s)
        if sum(len(each.items) for each in (*self._pages, found)) > MOST_ENTRIES:
            self._pages = []
            raise BadAnswer(f"The centre sends more than {MOST_ENTRIES} entries of the school's directory.")
        return found

    def _go_on(self, entering: Entering) -> bool:
        """The next transaction of a pull; whether there is more to do at once. After a fault the pull comes again."""
        self._entering = None
        try:
            next(entering)
        except StopIteration as done:
            return bool(done.value)
        self._entering = entering
        return True

    def _enter(self, batch: Batch, have: dict[Feed, int], now: Moment) -> Entering:
        """Enter what came."""
        refused = self._faulty_settings(batch)
        erased = self._to_forget(batch)
        limits = replace(self._limits, accepted={each.what: each.remaining for each in self._refusals if each.accepted})
        photos = self._writer.run(
            partial(
                applying.enter_rules,
                batch=batch,
                refused=refused,
                limits=limits,
                erased=erased,
                remember=lambda: erasure.remember(self._data_dir, erased),
                now=now,
            ),
            _WRITE_S,
        )
        for path in photos:
            (self._data_dir / path).unlink(missing_ok=True)
        yield
        enter = partial(applying.enter_roster, batch=batch, limits=limits, now=now)
        try:
            yield from ahead.enter(self._database, self._writer, batch, limits, now)
            self._writer.run(enter, _WRITE_S)
        except Incomplete as error:
            if have[Feed.ROSTER] > 0:
                self._begin_anew(str(error))
                return True
            batch.faults[Feed.ROSTER] = BadInput(str(error))
            self._writer.run(enter, _WRITE_S)
        self._tell(batch)
        return False

    def _tell(self, batch: Batch) -> None:
        with reading(self._database) as conn:
            self._look(conn)
            decided = directory.settings(conn)
        refused = [each for each in self._refusals if each.version == batch.version]
        for refusal in refused:
            log.warning("of the centre's directory the %s was not taken: %s", refusal.what, refusal.reason)
        log.info(
            "the school's directory is here up to version %d%s", batch.version, ", but for that" if refused else ""
        )
        self._settings.publish(decided)

    def _faulty_settings(self, batch: Batch) -> list[Refusal]:
        """Sections that would make this gate's settings faulty: each is judged with what holds, and both together."""
        with reading(self._database) as conn:
            decided = directory.settings(conn)
        found = []
        for what, body in batch.settings.items():
            if fault := self._settings.fault(decided | {what: body}):
                found.append(Refusal(what, batch.version, fault))
            else:
                decided[what] = body
        return found

    def _to_forget(self, batch: Batch) -> list[str]:
        """The keys here of who is to be forgotten."""
        with reading(self._database) as conn:
            found = [
                directory.keys_of_erased(conn, {*each.keys, key}, each.student_id)
                for key, each in batch.erasures.items()
            ]
        return sorted({key for keys in found for key in keys})

    def _begin_anew(self, why: str) -> None:
        log.warning("the school's directory is asked for from its beginning: %s", why)
        self._pages = []
        self._writer.run(_ask_from_the_beginning)


def _ask_from_the_beginning(conn: sqlite3.Connection) -> None:
    for feed in (Feed.ROSTER, Feed.RULES):
        centre_cursors.move(conn, feed, 0)
