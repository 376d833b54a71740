"""Tells guardians of a student's week after its last school day, and of the month, from the ledger's rows."""

import logging
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial
from pathlib import Path

from attendance.clock import Clock, Moment
from attendance.domain.absence import UNPROVEN, Reason, doubts, has_classes
from attendance.domain.calendar import Closure
from attendance.domain.message import MessageKind
from attendance.domain.schedule import Session
from attendance.domain.summary import KINDS, ClassDay, Period, counts, period
from attendance.kiosk.sms.absence import AbsenceRules, OthersConfirmed, evidence, look
from attendance.kiosk.sms.texts import Facts, Texts
from attendance.kiosk.store import absence, closures, notices, preferences, summaries
from attendance.kiosk.store.database import reading
from attendance.kiosk.store.ledger import local
from attendance.kiosk.store.notices import Notice
from attendance.ops.health import ProbeResult, Problem
from attendance.ops.service import Service
from attendance.ops.sqlite import Writer

OTHER_GATES = Problem(
    "summary-other-gates",
    "notice",
    "The {kind} of the days since {first} was not sent: the scans of the school's other gates are not all here.",
    "Set school.gates to 1 if this is the only gate; otherwise look at the gates that the centre misses.",
)

log = logging.getLogger(__name__)

_CHECK_S = 300.0
_LATEST = timedelta(days=4)
"""A gate that was off over a long weekend still tells of the week."""
_AT_ONCE = 100
"""Messages a transaction, so that a scan never waits for all of them."""


@dataclass(frozen=True, slots=True)
class SummaryRules:
    """As configured.

    Attributes:
        kinds: ``weekly_summary`` and ``monthly_summary``, as far as guardians are to be told.
        absences: what makes a missing scan a missing student.
    """

    kinds: frozenset[MessageKind]
    absences: AbsenceRules


class Summaries:
    """Queues each guardian's summary once.

    Args:
        database: read; ``writer`` writes it, and is not owned.
    """

    def __init__(
        self,
        database: Path,
        writer: Writer,
        texts: Texts,
        clock: Clock,
        rules: SummaryRules,
        others_confirmed: OthersConfirmed | None = None,
    ) -> None:
        self._database = database
        self._writer = writer
        self._texts = texts
        self._clock = clock
        self._kinds = rules.kinds
        self._rules = rules.absences
        self._others = others_confirmed
        self._problems: list[Problem] = []
        self.service = Service("summaries", self)

    def step(self) -> float:
        now = self._clock.now()
        if not now.trusted or not self._kinds:
            return _CHECK_S  # which week it is would be a guess
        problems = []
        with reading(self._database) as conn:
            known = [closure for _, closure in closures.all_closures(conn)]
            for due in self._due(conn, known, now):
                days = self._class_days(conn, due, known, now)
                if days is None:
                    problems.append(OTHER_GATES.said(kind=due.kind.replace("_", " "), first=due.first))
                else:
                    self._queue(due, list(self._notices(conn, due, days)), now)
        self._problems = problems
        return _CHECK_S

    def probe(self) -> ProbeResult:
        """For the health board."""
        return ProbeResult("summaries", {}, list(self._problems), "" if self._kinds else "stopped")

    def _due(self, conn: sqlite3.Connection, known: Sequence[Closure], now: Moment) -> list[Period]:
        """The periods that are over and were not told."""
        at = local(now.at, self._rules.zone)
        schedule = self._rules.schedule
        periods = {
            period(kind, day, schedule, known)
            for kind in KINDS
            if kind in self._kinds
            for day in (at.date(), (at - _LATEST).date())
        }
        over = [each for each in periods if each is not None and each.due <= at <= each.due + _LATEST]
        return [each for each in over if not summaries.told(conn, each.kind, each.first)]

    def _class_days(
        self, conn: sqlite3.Connection, due: Period, known: Sequence[Closure], now: Moment
    ) -> list[ClassDay] | None:
        """The period's days on which somebody came; ``None`` if the scans of another gate are missing."""
        came = {day for days in absence.days_present(conn, due.first, due.last).values() for day in days}
        found = []
        for day in sorted(came):
            sessions = [
                each
                for each in self._rules.schedule.sessions
                if has_classes(self._rules.schedule, known, day, each.name)
            ]
            doubts = {each.name: self._doubts(conn, day, each, now) for each in sessions}
            if any(Reason.OTHER_GATES in each for each in doubts.values()):
                return None
            held = {name: each for name, each in doubts.items() if Reason.NOBODY_CAME not in each}
            if held:
                proven = frozenset(name for name, each in held.items() if not each & UNPROVEN)
                believed = frozenset(name for name, each in held.items() if not each - UNPROVEN)
                found.append(ClassDay(day, frozenset(held), proven, believed, frozenset(absence.passages(conn, day))))
        return found

    def _doubts(self, conn: sqlite3.Connection, day: date, session: Session, now: Moment) -> set[Reason]:
        """Why nobody may be called absent from a session, but for the time that has passed since."""
        known = set(look(conn, self._rules, day, session, MessageKind.ABSENCE, now, self._others).reasons)
        if Reason.NO_WINDOW in known:  # without arrivals the departures must do
            shown = evidence(conn, self._rules, day, session, MessageKind.NO_CHECKOUT, now, self._others)
            known = (known & {Reason.SWITCHED_OFF}) | set(doubts(shown))
        return known - {Reason.TOO_LATE}

    def _notices(self, conn: sqlite3.Connection, due: Period, days: Sequence[ClassDay]) -> Iterator[Notice]:
        scans = absence.days_present(conn, due.first, due.last)
        for student, since in summaries.students(conn):
            enrolled: date = local(since, self._rules.zone).date()
            made = counts(student, enrolled, due, days, scans.get(student.key, {}))
            if made.class_days == 0:
                continue
            facts = Facts((student.name,), due.due, (student.student_id,), (student.section,), counts=made)
            for guardian in preferences.of_key(conn, student.key):
                if guardian.wants(due.kind):
                    body = self._texts.compose(due.kind, facts, guardian.language).text
                    yield Notice(student.key, guardian.guardian_id, due.kind, due.first, body=body)

    def _queue(self, due: Period, wanted: Sequence[Notice], now: Moment) -> None:
        """Some at a time; whoever begins again after a crash finds those that are queued already."""
        for start in range(0, len(wanted), _AT_ONCE):
            self._writer.run(partial(_queue_all, wanted=wanted[start : start + _AT_ONCE], now=now))
        self._writer.run(lambda conn: summaries.keep(conn, due.kind, due.first, len(wanted), now))
        log.info("%s since %s: %d messages queued", due.kind, due.first, len(wanted))


def _queue_all(conn: sqlite3.Connection, wanted: Sequence[Notice], now: Moment) -> None:
    for notice in wanted:
        notices.queue(conn, notice, now)
