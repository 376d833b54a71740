"""A week and a month in four numbers, told after their last school day."""

from datetime import date, datetime, time, timedelta

import pytest

from attendance.domain.calendar import Closure, ClosureKind
from attendance.domain.message import MessageKind
from attendance.domain.schedule import Schedule, Session
from attendance.domain.student import Student
from attendance.domain.summary import ClassDay, Counts, Period, counts, period

MORNING = Session("morning", time(7), time(6, 30), time(7, 30), time(11, 30), time(12, 30), timedelta(minutes=15))
AFTERNOON = Session(
    "afternoon", time(13), time(12, 30), time(13, 30), time(16, 30), time(17, 30), timedelta(minutes=15)
)
WEEKLY, MONTHLY = MessageKind.WEEKLY_SUMMARY, MessageKind.MONTHLY_SUMMARY
MONDAY = date(2026, 6, 8)


def schedule(*weekdays: int) -> Schedule:
    return Schedule([MORNING, AFTERNOON], frozenset(weekdays), timedelta(), timedelta())


def closed(first: str, last: str, session: str = "") -> Closure:
    return Closure(date.fromisoformat(first), date.fromisoformat(last), ClosureKind.HOLIDAY, "Feast", session)


@pytest.mark.parametrize(
    ("kind", "weekdays", "closures", "first", "last", "due"),
    [
        (WEEKLY, range(5), [], "2026-06-08", "2026-06-12", "2026-06-12 17:30"),
        (WEEKLY, range(6), [], "2026-06-08", "2026-06-13", "2026-06-13 17:30"),
        (WEEKLY, range(7), [], "2026-06-08", "2026-06-12", "2026-06-12 17:30"),
        (WEEKLY, [5, 6], [], "2026-06-08", "2026-06-14", "2026-06-14 17:30"),
        (WEEKLY, range(5), [closed("2026-06-12", "2026-06-12")], "2026-06-08", "2026-06-11", "2026-06-11 17:30"),
        (
            WEEKLY,
            range(5),
            [closed("2026-06-12", "2026-06-12", "afternoon")],
            *["2026-06-08", "2026-06-12"],
            "2026-06-12 12:30",
        ),
        (MONTHLY, range(5), [], "2026-06-01", "2026-06-30", "2026-06-30 17:30"),
        (MONTHLY, range(5), [closed("2026-06-20", "2026-07-10")], "2026-06-01", "2026-06-19", "2026-06-19 17:30"),
    ],
)
def test_when_a_period_ends(
    kind: MessageKind, weekdays: range, closures: list[Closure], first: str, last: str, due: str
) -> None:
    """After the last session of its last day with classes."""
    found = period(kind, date(2026, 6, 9), schedule(*weekdays), closures)
    assert found == Period(kind, date.fromisoformat(first), date.fromisoformat(last), datetime.fromisoformat(due))


@pytest.mark.parametrize(
    ("kind", "day"), [(WEEKLY, MONDAY), (MONTHLY, date(2026, 12, 31)), (MONTHLY, date(2028, 2, 1))]
)
def test_every_day_of_a_period_finds_the_same(kind: MessageKind, day: date) -> None:
    """Also over the end of a year and in a leap year."""
    found = period(kind, day, schedule(*range(5)), [])
    assert found is not None
    days = [found.first + timedelta(days=n) for n in range((found.last - found.first).days + 1)]
    assert {period(kind, each, schedule(*range(5)), []) for each in days} == {found}


def test_a_week_without_classes_has_none() -> None:
    """Nothing is told of a vacation."""
    assert period(WEEKLY, MONDAY, schedule(*range(5)), [closed("2026-06-01", "2026-06-30")]) is None


def days(*proven: bool, sessions: tuple[str, ...] = ("morning",)) -> list[ClassDay]:
    return [
        ClassDay(
            MONDAY + timedelta(days=n), frozenset(sessions), frozenset(sessions if each else ()), frozenset(sessions)
        )
        for n, each in enumerate(proven)
    ]


def of(student: Student, since: date, class_days: list[ClassDay], scans: dict[int, bool]) -> Counts:
    week = Period(WEEKLY, MONDAY, MONDAY + timedelta(days=4), datetime.combine(MONDAY, time()))
    return counts(student, since, week, class_days, {MONDAY + timedelta(days=n): late for n, late in scans.items()})


ANA = Student("k", "1", "Ana", "")
LONG_AGO = date(2026, 1, 1)


def test_the_four_numbers() -> None:
    """Present includes late; a day without a scan is absent."""
    found = of(ANA, LONG_AGO, days(True, True, True, True), {0: False, 1: True, 2: False})
    assert (found.present, found.late, found.absent, found.class_days) == (3, 1, 1, 4)


def test_a_day_that_is_not_proven_is_no_absence() -> None:
    """It is a class day all the same."""
    found = of(ANA, LONG_AGO, days(True, False), {0: False})
    assert (found.present, found.absent, found.class_days) == (1, 0, 2)


def test_days_before_a_student_came_do_not_count() -> None:
    """Nor the day of enrolment, unless they passed."""
    assert of(ANA, MONDAY + timedelta(days=1), days(True, True, True), {}).absent == 1
    assert of(ANA, MONDAY + timedelta(days=1), days(True, True, True), {1: False}).class_days == 2


def test_only_a_student_s_own_sessions_count() -> None:
    """Who has classes in the afternoon has no class day where only the morning had classes."""
    afternoon = Student("k", "1", "Ana", "", "afternoon")
    assert of(afternoon, LONG_AGO, days(True), {}).class_days == 0
    both = days(True, sessions=("morning", "afternoon"))
    assert of(afternoon, LONG_AGO, both, {}).absent == 1
    all_day = frozenset({"morning", "afternoon"})
    half = [ClassDay(MONDAY, all_day, frozenset({"morning"}), all_day)]
    assert of(afternoon, LONG_AGO, half, {}).absent == 0


@pytest.mark.parametrize(
    ("believed", "seen", "absent"),
    [(["morning", "afternoon"], [], 1), (["morning"], [], 1), ([], [], 0), (["morning"], ["k"], 0)],
)
def test_an_absence_needs_a_session_that_is_believed(believed: list[str], seen: list[str], absent: int) -> None:
    """A trip in the afternoon leaves the morning; a whole day off leaves none, and nor does a card that was refused."""
    all_day = frozenset({"morning", "afternoon"})
    found = of(ANA, LONG_AGO, [ClassDay(MONDAY, all_day, all_day, frozenset(believed), frozenset(seen))], {})
    assert (found.absent, found.class_days) == (absent, 1)
