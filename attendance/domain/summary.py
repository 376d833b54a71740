"""A student's week or month in four numbers, and when it is told."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from attendance.domain.absence import has_classes
from attendance.domain.calendar import Closure
from attendance.domain.message import MessageKind
from attendance.domain.schedule import Schedule, windows
from attendance.domain.student import Student

KINDS = (MessageKind.WEEKLY_SUMMARY, MessageKind.MONTHLY_SUMMARY)
_DAY = timedelta(days=1)
_EVERY_DAY = frozenset(range(7))
_WEEKEND = {5, 6}


@dataclass(frozen=True, slots=True)
class Period:
    """A week or month up to its last day with classes.

    Attributes:
        due: when that day's last session is over, naive local time.
    """

    kind: MessageKind
    first: date
    last: date
    due: datetime


@dataclass(frozen=True, slots=True)
class ClassDay:
    """A day on which somebody came.

    Attributes:
        sessions: those that had classes.
        proven: those of them through which the gate provably worked.
        believed: those of them whose missing students are believed to have been missing.
        seen: keys of the students whose card was shown, also if the gate refused it.
    """

    day: date
    sessions: frozenset[str]
    proven: frozenset[str]
    believed: frozenset[str]
    seen: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Counts:
    """What a summary says: numbers of days from ``first`` to ``last``. Late days are also present ones.

    A day without a scan is absent only if the gate knows that; else it is neither.
    """

    first: date
    last: date
    present: int
    late: int
    absent: int
    class_days: int


def period(kind: MessageKind, day: date, schedule: Schedule, closures: Sequence[Closure]) -> Period | None:
    """The week or month that ``day`` lies in; ``None`` if it has no classes.

    A school that has not said on which weekdays it has classes is taken to have none on Saturday and Sunday.
    """
    if kind is MessageKind.WEEKLY_SUMMARY:
        first = day - _DAY * day.weekday()
        end = first + _DAY * 7
    else:
        first = day.replace(day=1)
        end = (first + _DAY * 31).replace(day=1)
    free = _WEEKEND if schedule.weekdays == _EVERY_DAY else set()
    for last in (end - _DAY * back for back in range(1, (end - first).days + 1)):
        sessions = [each for each in schedule.sessions if has_classes(schedule, closures, last, each.name)]
        if sessions and last.weekday() not in free:
            return Period(kind, first, last, max(windows(session, last)[1][1] for session in sessions))
    return None


def counts(
    student: Student, since: date, period: Period, days: Sequence[ClassDay], scans: Mapping[date, bool]
) -> Counts:
    """A student's numbers.

    Args:
        since: when they were enrolled; earlier days, and that one without a scan, do not count.
        days: of the period.
        scans: days with a scan, and whether the arrival was late.
    """
    theirs = [
        (each.day, _knows(each, student))
        for each in days
        if any(student.attends(session) for session in each.sessions) and (each.day > since or each.day in scans)
    ]
    return Counts(
        first=period.first,
        last=period.last,
        present=sum(day in scans for day, _ in theirs),
        late=sum(scans.get(day, False) for day, _ in theirs),
        absent=sum(day not in scans and proven for day, proven in theirs),
        class_days=len(theirs),
    )


def _knows(day: ClassDay, student: Student) -> bool:
    """Whether a student without a scan was missing on a day: no scan of theirs can have been missed, and there was a
    session whose missing students are believed."""
    theirs = {session for session in day.sessions if student.attends(session)}
    return theirs <= day.proven and bool(theirs & day.believed) and student.key not in day.seen
