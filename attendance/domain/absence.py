"""Who did not come, or did not leave, and whether the gate knows that well enough to tell a guardian.

A false alarm frightens, and the next true one is not believed. So every doubt is a reason to say nothing.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from attendance.domain.calendar import Closure, closure_on
from attendance.domain.message import MessageKind
from attendance.domain.scan import Direction
from attendance.domain.schedule import Schedule, Session, windows
from attendance.domain.student import Student

KINDS = (MessageKind.ABSENCE, MessageKind.NO_CHECKOUT)
LONGEST_HOLE = timedelta(minutes=3)
"""A restart, and what was proven since the last write: whoever came in it has shown the card again."""
MOST_HOLES = timedelta(minutes=10)
"""Of shorter holes together. A gate that comes and goes has seen too little."""
LATEST = timedelta(hours=3)
"""After so long the news helps nobody: the student is on the way home, or the office has called."""
LATEST_CONFIRMED = timedelta(hours=12)
"""A person who confirms knows what the message is worth."""

Span = tuple[datetime, datetime]


class Reason(StrEnum):
    """Why nothing is sent."""

    NO_WINDOW = "no-window"
    NOT_DUE = "not-due"
    TOO_LATE = "too-late"
    NO_CLASSES = "no-classes"
    LATER_SESSION = "later-session"
    SWITCHED_OFF = "switched-off"
    CLOCK_UNSURE = "clock-unsure"
    CLOCK_JUMPED = "clock-jumped"
    NOT_PROVEN = "not-proven"
    OTHER_GATES = "other-gates"
    OTHERS_UNPROVEN = "others-unproven"
    ONE_WAY = "one-way"
    ROSTER_EMPTY = "roster-empty"
    ROSTER_FRESH = "roster-fresh"
    NOBODY_CAME = "nobody-came"
    TOO_MANY = "too-many"


UNPROVEN = frozenset(
    {
        *(Reason.CLOCK_UNSURE, Reason.CLOCK_JUMPED, Reason.NOT_PROVEN),
        *(Reason.OTHER_GATES, Reason.OTHERS_UNPROVEN, Reason.ONE_WAY),
    }
)
"""A scan that is not there may have been made all the same."""


class Others(StrEnum):
    """What is known of the school's other gates in a session.

    ``MISSING``: not all their scans are here. ``UNPROVEN``: they are, but one of the gates may not have worked.
    """

    MISSING = "missing"
    UNPROVEN = "unproven"
    PROVEN = "proven"


class Order(StrEnum):
    """What a person said about a day."""

    CONFIRM = "confirm"
    OFF = "off"


@dataclass(frozen=True, slots=True)
class Passage:
    """A card that was shown; passages are given in the order of time.

    Attributes:
        session: empty if the gate refused the card.
        direction: ``None`` if nobody can know: the card was refused, or the gate did not know the time.
    """

    session: str
    direction: Direction | None


@dataclass(frozen=True, slots=True)
class Enrolled:
    """A student on the roster; ``settled``: since before the day that is judged, so that they can have a card."""

    student: Student
    settled: bool


@dataclass(frozen=True, slots=True)
class Limits:
    """As configured.

    Attributes:
        after: from the end of a window until guardians are told.
        max_share_percent: of the expected students; if more would be told, a person must confirm.
    """

    after: timedelta
    max_share_percent: int


@dataclass(frozen=True, slots=True)
class Evidence:
    """How well the gate knows what happened.

    Attributes:
        clock_trusted: now.
        clock_jumped: on that day.
        holes: when the gate did not provably work, from the begin of what is ``watched`` until now.
        others: of the school's other gates; ``PROVEN`` if there is none.
        both_ways: the gate, or another one of the school, records what would be missed, an arrival or a departure.
    """

    clock_trusted: bool = True
    clock_jumped: bool = False
    holes: Sequence[Span] = ()
    others: Others = Others.PROVEN
    both_ways: bool = True


@dataclass(frozen=True, slots=True)
class Plan:
    """Who would be told about, and what speaks against it.

    Attributes:
        expected: students that the session was for.
        named: those who did not come, or did not leave.
        reasons: none: it goes.
        holes: as in the evidence.
    """

    day: date
    session: str
    kind: MessageKind
    expected: int
    named: tuple[Student, ...]
    reasons: tuple[Reason, ...]
    holes: Sequence[Span] = ()


def watched(schedule: Schedule, session: Session, day: date, kind: MessageKind, after: timedelta) -> Span | None:
    """From when the gate must have worked, and when guardians are told; ``None`` for a window of no length.

    Of a departure it must have worked since the day's first arrivals: who left early and was not seen has left all the
    same. Naive local time.
    """
    login, logout = windows(session, day)
    if kind is MessageKind.ABSENCE:
        return (login[0], login[1] + after) if login[0] < login[1] else None
    days = [windows(each, day) for each in schedule.sessions]
    first = min((begins for (begins, _), (_, ends) in days if ends <= logout[1]), default=login[0])
    return (first, logout[1] + after) if logout[0] < logout[1] else None


def holes(spans: Iterable[Span], start: datetime, end: datetime) -> list[Span]:
    """The longer gaps that spans, in order of their begin, leave between ``start`` and ``end``; the short ones too if
    the gate came and went, or if there is nothing else."""
    gaps, known_to = [], start
    for began, ended in spans:
        gaps.append((known_to, min(began, end)))
        known_to = max(known_to, ended)
    gaps.append((known_to, end))
    found = [(since, until) for since, until in gaps if since < until]
    short = [until - since for since, until in found if until - since <= LONGEST_HOLE]
    if sum(short, timedelta()) > MOST_HOLES or found == [(start, end)]:
        return found
    return [(since, until) for since, until in found if until - since > LONGEST_HOLE]


def has_classes(schedule: Schedule, closures: Iterable[Closure], day: date, session: str) -> bool:
    return day.weekday() in schedule.weekdays and closure_on(closures, day, session) is None


def plan(
    day: date,
    session: Session,
    kind: MessageKind,
    *,
    now: datetime,
    schedule: Schedule,
    closures: Sequence[Closure],
    roster: Sequence[Enrolled],
    passages: Mapping[str, Sequence[Passage]],
    evidence: Evidence,
    limits: Limits,
    order: Order | None = None,
) -> Plan:
    """What would be told about a session, and every reason against it.

    Args:
        now: naive local time.
        roster: who may pass.
        passages: of the day, by the student's key.
        order: what a person said. A confirmation answers the question whether so many are right, and no other.
    """
    enrolled = [each for each in roster if each.student.attends(session.name)]
    mine = [each for each in enrolled if _is_for(each.student, session, kind, day, schedule, closures)]
    expected = [each.student for each in mine if each.settled]
    later = _later(schedule, session, day) if kind is MessageKind.ABSENCE else ()
    seen = {key: [each for each in shown if each.session not in later] for key, shown in passages.items()}
    named = tuple(student for student in expected if _missed(seen.get(student.key, ()), session.name, kind))
    implausible = _implausible(len(mine), len(expected), len(named), kind, limits, order)
    reasons = (
        *_untimely(watched(schedule, session, day, kind, limits.after), now, order),
        *([] if has_classes(schedule, closures, day, session.name) else [Reason.NO_CLASSES]),
        *([Reason.SWITCHED_OFF] if order is Order.OFF else []),
        *doubts(evidence),
        *([Reason.LATER_SESSION] if enrolled and not mine else implausible),
    )
    return Plan(day, session.name, kind, len(expected), named, reasons, evidence.holes)


def _is_for(
    student: Student,
    session: Session,
    kind: MessageKind,
    day: date,
    schedule: Schedule,
    closures: Sequence[Closure],
) -> bool:
    """Whether a student of a session is expected: to come to each, to leave after the last one of the day."""
    if kind is MessageKind.ABSENCE:
        return True
    theirs = [
        each
        for each in schedule.sessions
        if student.attends(each.name) and has_classes(schedule, closures, day, each.name)
    ]
    return not theirs or max(theirs, key=lambda each: windows(each, day)[1]) == session


def _later(schedule: Schedule, session: Session, day: date) -> set[str]:
    """Sessions that begin when one is over: whoever comes to them has not come to it."""
    over = windows(session, day)[1][0]
    return {each.name for each in schedule.sessions if windows(each, day)[0][0] >= over}


def _missed(passages: Sequence[Passage], session: str, kind: MessageKind) -> bool:
    """Whether a student did not come, or came and did not leave.

    Who is inside has come, although it was for an earlier session. Who was here last and nobody knows which way may
    have come, and may have left.
    """
    if kind is MessageKind.NO_CHECKOUT:
        return bool(passages) and passages[-1].direction is Direction.IN
    away = not passages or passages[-1].direction is Direction.OUT
    return away and all(passage.session != session for passage in passages)


def _untimely(span: Span | None, now: datetime, order: Order | None) -> Iterator[Reason]:
    if span is None:
        yield Reason.NO_WINDOW
        return
    due = span[1]
    if now < due:
        yield Reason.NOT_DUE
    if now > due + (LATEST_CONFIRMED if order is Order.CONFIRM else LATEST):
        yield Reason.TOO_LATE


def doubts(evidence: Evidence) -> Iterator[Reason]:
    """Those of ``UNPROVEN`` that there are."""
    if not evidence.clock_trusted:
        yield Reason.CLOCK_UNSURE
    if evidence.clock_jumped:
        yield Reason.CLOCK_JUMPED
    if evidence.holes:
        yield Reason.NOT_PROVEN
    if evidence.others is Others.MISSING:
        yield Reason.OTHER_GATES
    if evidence.others is Others.UNPROVEN:
        yield Reason.OTHERS_UNPROVEN
    if not evidence.both_ways:
        yield Reason.ONE_WAY


def _implausible(
    mine: int, expected: int, named: int, kind: MessageKind, limits: Limits, order: Order | None
) -> Iterator[Reason]:
    if mine == 0:
        yield Reason.ROSTER_EMPTY
    elif expected * 2 < mine:
        yield Reason.ROSTER_FRESH
    elif named == expected and kind is MessageKind.ABSENCE:
        yield Reason.NOBODY_CAME
    elif named * 100 > limits.max_share_percent * expected and order is not Order.CONFIRM:
        yield Reason.TOO_MANY
