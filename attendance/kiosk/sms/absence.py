"""Tells guardians that a student did not come, or did not leave, when the gate can know it and nobody objects."""

import logging
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import partial
from pathlib import Path
from zoneinfo import ZoneInfo

from attendance.clock import Clock, Moment
from attendance.domain import absence as rule
from attendance.domain.absence import LATEST, LATEST_CONFIRMED, Evidence, Limits, Others, Plan, Reason, watched
from attendance.domain.message import MessageKind
from attendance.domain.scan import GateDirection
from attendance.domain.schedule import Schedule, Session
from attendance.domain.student import Student
from attendance.kiosk.sms import absence_problems
from attendance.kiosk.sms.withdrawing import withdraw, withdrawn
from attendance.kiosk.store import absence, closures, notices, preferences, proof
from attendance.kiosk.store.absence import Round
from attendance.kiosk.store.database import reading
from attendance.kiosk.store.ledger import local
from attendance.kiosk.store.notices import Notice
from attendance.kiosk.store.preferences import Preferences
from attendance.ops.health import ProbeResult
from attendance.ops.service import Service
from attendance.ops.sqlite import Writer

log = logging.getLogger(__name__)

_CHECK_S = 30.0
_DAY = timedelta(days=1)

OthersConfirmed = Callable[[date, str, MessageKind], Others]
"""What is known of the school's other gates in a session of a day, until guardians are told of it."""


@dataclass(frozen=True, slots=True)
class AbsenceRules:
    """As configured.

    Attributes:
        kinds: ``absence`` and ``no_checkout``, as far as guardians are to be told.
        gates: how many the school has.
        direction: what this gate records.
    """

    zone: ZoneInfo
    schedule: Schedule
    kinds: frozenset[MessageKind]
    limits: Limits
    gates: int
    direction: GateDirection

    def sees(self, kind: MessageKind) -> bool:
        """Whether this gate records what would be missed."""
        blind = GateDirection.OUT if kind is MessageKind.ABSENCE else GateDirection.IN
        return self.direction is not blind


@dataclass(frozen=True, slots=True)
class Recipient:
    """A guardian of a student who is named; ``None``: there is no number."""

    student: Student
    guardian: Preferences | None
    told: bool


class Absences:
    """Judges each session once its time has come, until it was told or it is too late.

    A message that still waits is cancelled when its student comes, or when a person says that it is not to go.

    Args:
        database: read; ``writer`` writes it, and is not owned.
    """

    def __init__(
        self,
        database: Path,
        writer: Writer,
        clock: Clock,
        rules: AbsenceRules,
        others_confirmed: OthersConfirmed | None = None,
    ) -> None:
        self._database = database
        self._writer = writer
        self._clock = clock
        self._rules = rules
        self._others = others_confirmed or _nobody
        self._rounds: list[Round] = []
        self._blind = False
        self.service = Service("absences", self)

    def step(self) -> float:
        now = self._clock.now()
        self._blind = not now.trusted
        if not now.trusted or not self._rules.kinds:
            return _CHECK_S  # which day it is would be a guess
        today = local(now.at, self._rules.zone).date()
        with reading(self._database) as conn:
            news = [each for each in self._open(today, now) if self._is_news(conn, each, now)]
            overtaken = notices.overtaken(conn)
            unwanted = withdrawn(conn, self._rules.schedule, self._rules.zone)
        if overtaken:
            ended = self._writer.run(lambda conn: notices.cancel(conn, overtaken, now))
            log.info("%d messages cancelled: the students were seen after all", ended)
        if unwanted:
            ended = self._writer.run(lambda conn: withdraw(conn, self._rules.schedule, self._rules.zone, now))
            log.info("%d messages cancelled: the sessions are switched off, or have no classes", ended)
        for each in news:
            self._log(self._writer.run(partial(self._decide, which=each, now=now)))
        with reading(self._database) as conn:
            self._rounds = absence.rounds_since(conn, today)
        return _CHECK_S

    def probe(self) -> ProbeResult:
        """For the health board: today's decisions."""
        if not self._rules.kinds:
            return ProbeResult("absence", status="stopped")
        rounds = list(self._rounds)
        values = [
            {
                "day": each.day.isoformat(),
                "session": each.session,
                "kind": each.kind.value,
                "decision": "told" if each.told else "held",
                "reasons": list(each.reasons),
                "expected": each.expected,
                "named": each.named,
                "messages": each.messages,
            }
            for each in rounds
        ]
        found = [absence_problems.CLOCK_UNSURE] if self._blind else []
        found += [problem for each in rounds for problem in absence_problems.problems(each)]
        return ProbeResult("absence", {"rounds": values}, found)

    def _open(self, today: date, now: Moment) -> Iterator[tuple[date, Session, MessageKind]]:
        """The sessions whose time has come; one that runs past midnight belongs to the day before."""
        at = local(now.at, self._rules.zone)
        for day in (today - _DAY, today):
            for session in self._rules.schedule.sessions:
                for kind in rule.KINDS:
                    span = watched(self._rules.schedule, session, day, kind, self._rules.limits.after)
                    if kind in self._rules.kinds and span and span[1] <= at <= span[1] + LATEST_CONFIRMED:
                        yield day, session, kind

    def _is_news(self, conn: sqlite3.Connection, which: tuple[date, Session, MessageKind], now: Moment) -> bool:
        """Whether a session was not judged yet, or was held for other reasons than there are now."""
        before = absence.round_of(conn, which[0], which[1].name, which[2])
        if before is None or before.told:
            return before is None
        reasons = look(conn, self._rules, *which, now, self._others).reasons
        return reasons != before.reasons and Reason.TOO_LATE not in reasons

    def _decide(self, conn: sqlite3.Connection, which: tuple[date, Session, MessageKind], now: Moment) -> Round:
        """The transaction: judge, and queue what is to be told."""
        found = look(conn, self._rules, *which, now, self._others)
        messages = 0
        for each in () if found.reasons else recipients(conn, found):
            if each.guardian is not None and each.told:
                notice = Notice(each.student.key, each.guardian.guardian_id, found.kind, found.day, found.session)
                messages += bool(notices.queue(conn, notice, now))
        made = absence.as_round(found, messages)
        absence.keep_round(conn, made, now)
        return made

    def _log(self, made: Round) -> None:
        if made.told:
            log.info("%s of %s, %s: %d messages queued", made.kind, made.day, made.session, made.messages)
        else:
            log.info("%s of %s, %s: nothing sent: %s", made.kind, made.day, made.session, ", ".join(made.reasons))


def look(
    conn: sqlite3.Connection,
    rules: AbsenceRules,
    day: date,
    session: Session,
    kind: MessageKind,
    now: Moment,
    others_confirmed: OthersConfirmed | None = None,
) -> Plan:
    """Who would be told about now, and what speaks against it; reads only."""
    return rule.plan(
        day,
        session,
        kind,
        now=local(now.at, rules.zone),
        schedule=rules.schedule,
        closures=closures.around(conn, day),
        roster=absence.roster(conn, _midnight(day, rules.zone)),
        passages=absence.passages(conn, day),
        evidence=evidence(conn, rules, day, session, kind, now, others_confirmed),
        limits=rules.limits,
        order=absence.order_for(conn, day, session.name, _due(rules, day, session, kind)),
    )


def evidence(
    conn: sqlite3.Connection,
    rules: AbsenceRules,
    day: date,
    session: Session,
    kind: MessageKind,
    now: Moment,
    others_confirmed: OthersConfirmed | None = None,
) -> Evidence:
    """How well this gate knows what happened in a session until now, or until it is too late; reads only."""
    span = watched(rules.schedule, session, day, kind, rules.limits.after)
    others = others_confirmed or _nobody
    begins = _midnight(day, rules.zone)
    return Evidence(
        clock_trusted=now.trusted,
        clock_jumped=proof.jumped(conn, begins, min(now.at, begins + 2 * _DAY)),
        holes=_holes(conn, span[0], min(span[1] + LATEST, local(now.at, rules.zone)), rules.zone) if span else (),
        others=Others.PROVEN if rules.gates == 1 else others(day, session.name, kind),
        both_ways=rules.gates > 1 or rules.sees(kind),
    )


def recipients(conn: sqlite3.Connection, found: Plan) -> Iterator[Recipient]:
    """The guardians of everybody who is named, and whether they want to know; reads only."""
    for student in found.named:
        guardians = preferences.of_key(conn, student.key)
        if not guardians:
            yield Recipient(student, None, False)
        yield from (Recipient(student, each, each.wants(found.kind)) for each in guardians)


def is_due(rules: AbsenceRules, day: date, session: str, now: Moment) -> bool:
    """Whether the time of a session has come, or, if none is named, that of any session of the day."""
    sessions = [each for each in rules.schedule.sessions if session in ("", each.name)]
    spans = [watched(rules.schedule, each, day, kind, rules.limits.after) for each in sessions for kind in rule.KINDS]
    return any(span is not None and span[1] <= local(now.at, rules.zone) for span in spans)


def _due(rules: AbsenceRules, day: date, session: Session, kind: MessageKind) -> datetime:
    """When a session is judged, aware; midnight if it never is."""
    span = watched(rules.schedule, session, day, kind, rules.limits.after)
    return _aware(span[1], rules.zone) if span else _midnight(day, rules.zone)


def _holes(conn: sqlite3.Connection, start: datetime, end: datetime, zone: ZoneInfo) -> list[rule.Span]:
    """When the gate did not provably work, naive local time."""
    spans = proof.spans(conn, _aware(start, zone), _aware(end, zone))
    return rule.holes([(local(began, zone), local(ended, zone)) for began, ended in spans], start, end)


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return _aware(datetime.combine(day, time()), zone)


def _aware(at: datetime, zone: ZoneInfo) -> datetime:
    return at.replace(tzinfo=zone)


def _nobody(day: date, session: str, kind: MessageKind) -> Others:
    return Others.MISSING
