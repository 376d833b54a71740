"""What a card means: every cell of the rules, and the properties that hold for all of them."""

from datetime import date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from attendance.domain.calendar import Closure, ClosureKind
from attendance.domain.scan import Accepted, Direction, GateDirection, PastScan, Refused, decide
from attendance.domain.schedule import Schedule, Session
from attendance.domain.student import Student

DAY = date(2026, 3, 2)  # a Monday
ANA = Student("k1", "2026-0001", "Ana", "7-A")


def session(name: str, start: str, login: tuple[str, str], logout: tuple[str, str], late: int = 15) -> Session:
    at = time.fromisoformat
    return Session(name, at(start), at(login[0]), at(login[1]), at(logout[0]), at(logout[1]), timedelta(minutes=late))


MORNING = session("morning", "07:00", ("06:30", "07:30"), ("11:30", "12:30"))
AFTERNOON = session("afternoon", "13:00", ("12:30", "13:30"), ("16:30", "17:30"))


def schedule(*sessions: Session, weekdays: range = range(7), early: int = 0) -> Schedule:
    return Schedule(
        sessions or (MORNING, AFTERNOON), frozenset(weekdays), timedelta(minutes=early), timedelta(minutes=5)
    )


def at(clock: str, day: date = DAY) -> datetime:
    return datetime.combine(day, time.fromisoformat(clock))


def play(*clocks: str, gate: GateDirection = GateDirection.BOTH, student: Student = ANA, **kwargs: object) -> list[str]:
    """The outcomes of one student's scans in turn, short: ``in late``, ``duplicate``, …"""
    plan = kwargs.get("schedule") or schedule()
    assert isinstance(plan, Schedule)
    closures = kwargs.get("closures", ())
    history: list[PastScan] = []
    outcomes = []
    for clock in clocks:
        when = at(clock)
        decision = decide(student, when, schedule=plan, closures=closures, history=history, gate=gate)  # type: ignore[arg-type]
        if isinstance(decision, Accepted):
            history.append(PastScan(when, decision.day, decision.session, decision.direction))
            outcomes.append(f"{decision.direction} {decision.status}")
        else:
            outcomes.append(decision.refusal.value)
    return outcomes


@pytest.mark.parametrize(
    ("clocks", "outcomes"),
    [
        (["06:30"], ["in on_time"]),
        (["06:29:59.9"], ["wrong_time"]),
        (["07:15:00"], ["in on_time"]),
        (["07:15:01"], ["in late"]),
        (["06:40", "06:50"], ["in on_time", "duplicate"]),
        (["06:40", "06:44:59"], ["in on_time", "duplicate"]),
        (["07:30"], ["in late"]),
        (["06:40", "09:00", "09:30"], ["in on_time", "out left_early", "in returned"]),
        (["06:40", "09:00", "09:30", "11:45"], ["in on_time", "out left_early", "in returned", "out on_time"]),
        (["11:29:59"], ["in late"]),
        (["11:30"], ["out on_time"]),
        (["06:40", "11:30", "11:40"], ["in on_time", "out on_time", "duplicate"]),
        (["06:40", "11:25", "11:31"], ["in on_time", "out left_early", "out on_time"]),
        (["06:40", "12:29:59", "12:35"], ["in on_time", "out on_time", "in on_time"]),
        (["12:28", "12:31"], ["out on_time", "duplicate"]),
        (["17:30"], ["wrong_time"]),
        (["00:00"], ["wrong_time"]),
    ],
)
def test_a_day_at_a_gate_for_both_directions(clocks: list[str], outcomes: list[str]) -> None:
    """Windows are half-open, the cooldown comes first, and each window has its rule."""
    assert play(*clocks) == outcomes


@pytest.mark.parametrize(
    ("gate", "clocks", "outcomes"),
    [
        (GateDirection.IN, ["06:40", "09:00", "11:45"], ["in on_time", "in returned", "in returned"]),
        (GateDirection.IN, ["06:40", "06:50"], ["in on_time", "duplicate"]),
        (GateDirection.IN, ["06:40", "06:41"], ["in on_time", "duplicate"]),
        (GateDirection.OUT, ["06:40", "09:00", "11:45"], ["out left_early", "out left_early", "out on_time"]),
        (GateDirection.OUT, ["11:45", "12:00"], ["out on_time", "duplicate"]),
    ],
)
def test_a_gate_for_one_direction_never_records_the_other(
    gate: GateDirection, clocks: list[str], outcomes: list[str]
) -> None:
    """``device.direction`` decides the direction; the windows still decide the status."""
    assert play(*clocks, gate=gate) == outcomes


def test_the_first_configured_session_wins_where_windows_overlap() -> None:
    """At 12:40 both sessions have a window; the morning stands first."""
    long_morning = session("morning", "07:00", ("06:30", "07:30"), ("11:30", "13:00"))
    assert play("12:40", schedule=schedule(long_morning, AFTERNOON)) == ["out on_time"]
    assert play("12:40", schedule=schedule(AFTERNOON, long_morning)) == ["in on_time"]


def test_a_student_of_the_afternoon_is_refused_in_the_morning_only() -> None:
    """The per-student session is applied, and at an overlap the student's own session counts."""
    ben = Student("k2", "2", "Ben", "7-B", "afternoon")
    assert play("06:40", "12:40", student=ben) == ["wrong_session", "in on_time"]


def test_where_login_and_logout_windows_overlap_a_card_means_in_and_out_in_turn() -> None:
    """A gate that is always open for both takes whoever is inside for leaving."""
    open_all_day = session("day", "00:00", ("00:00", "23:59:59"), ("00:00", "23:59:59"), late=1440)
    assert play("08:00", "09:00", "10:00", schedule=schedule(open_all_day)) == [
        "in on_time",
        "out on_time",
        "in returned",
    ]


def test_an_early_arrival_counts_when_allowed() -> None:
    """With an hour of early arrival 05:30 is in, 05:29 is not; a window of another session still comes first."""
    plan = schedule(early=60)
    assert play("05:29", "05:30", "06:40", schedule=plan) == ["wrong_time", "in on_time", "duplicate"]
    assert play("11:45", schedule=plan) == ["out on_time"]


def test_no_classes_on_other_weekdays_holidays_and_suspensions() -> None:
    """Weekdays and the calendar refuse; a suspension of one session leaves the other."""
    assert play("06:40", schedule=schedule(weekdays=range(1, 5))) == ["no_classes"]
    holiday = Closure(DAY, DAY, ClosureKind.HOLIDAY, "Founders' Day")
    assert play("06:40", "12:40", closures=[holiday]) == ["no_classes", "no_classes"]
    storm = Closure(DAY, DAY, ClosureKind.SUSPENSION, "Typhoon", "morning")
    assert play("06:40", "12:40", closures=[storm]) == ["no_classes", "in on_time"]


def test_a_session_past_midnight_belongs_to_the_day_it_began() -> None:
    """A night class logs in before midnight and out after it, on one day."""
    night = session("night", "22:00", ("21:30", "22:30"), ("05:30", "06:30"))
    plan = schedule(night)
    came = decide(ANA, at("21:40"), schedule=plan, closures=(), history=(), gate=GateDirection.BOTH)
    went = decide(
        ANA, at("05:40", DAY + timedelta(days=1)), schedule=plan, closures=(), history=(), gate=GateDirection.BOTH
    )
    assert isinstance(came, Accepted)
    assert isinstance(went, Accepted)
    assert (came.day, came.direction, came.status.value) == (DAY, Direction.IN, "on_time")
    assert (went.day, went.direction) == (DAY, Direction.OUT)


def test_an_unused_half_day_of_no_length_is_legal() -> None:
    """13:00–13:00 everywhere is an empty session, not an error."""
    empty = session("afternoon", "13:00", ("13:00", "13:00"), ("13:00", "13:00"))
    assert play("06:40", "13:00", "14:00", schedule=schedule(MORNING, empty)) == [
        "in on_time",
        "wrong_time",
        "wrong_time",
    ]


def test_minutes_late_count_from_the_beginning_of_class() -> None:
    """07:20 is twenty minutes late although fifteen are forgiven."""
    decision = decide(ANA, at("07:20:59"), schedule=schedule(), closures=(), history=(), gate=GateDirection.BOTH)
    assert isinstance(decision, Accepted)
    assert decision.minutes_late == 20


clock_times = st.times().map(lambda t: t.replace(tzinfo=None))
any_session = st.builds(
    Session,
    name=st.sampled_from(["morning", "afternoon", "evening"]),
    start=clock_times,
    login_start=clock_times,
    login_end=clock_times,
    logout_start=clock_times,
    logout_end=clock_times,
    late_after=st.timedeltas(timedelta(0), timedelta(hours=2)),
)
moments = st.datetimes(at("00:00"), at("00:00", DAY + timedelta(days=3)))


@given(
    sessions=st.lists(any_session, max_size=3, unique_by=lambda s: s.name),
    whens=st.lists(moments, max_size=12),
    gate=st.sampled_from(GateDirection),
)
def test_any_times_give_unique_passages_and_replaying_them_records_nothing_new(
    sessions: list[Session], whens: list[datetime], gate: GateDirection
) -> None:
    """Whatever is configured and whenever cards come, no key repeats, and the same scans again are all refused."""
    plan = Schedule(sessions, frozenset(range(7)), timedelta(minutes=30), timedelta(minutes=5))
    history: list[PastScan] = []
    keys = set()
    for when in [*whens, *whens]:
        decision = decide(ANA, when, schedule=plan, closures=(), history=history, gate=gate)
        if isinstance(decision, Accepted):
            assert gate is GateDirection.BOTH or decision.direction.value == gate.value
            key = (decision.day, decision.session, decision.direction, decision.passage)
            assert key not in keys
            keys.add(key)
            history.append(PastScan(when, decision.day, decision.session, decision.direction))
    in_order: list[PastScan] = []
    for when in sorted(set(whens)):
        decision = decide(ANA, when, schedule=plan, closures=(), history=in_order, gate=gate)
        if isinstance(decision, Accepted):
            in_order.append(PastScan(when, decision.day, decision.session, decision.direction))
    for when in sorted(set(whens)):
        again = decide(ANA, when, schedule=plan, closures=(), history=in_order, gate=gate)
        accepted_then = any(past.at == when for past in in_order)
        if accepted_then:
            assert isinstance(again, Refused)
