"""Each guardian gets one summary of the week, one of the month, and only if somebody switched them on."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from school_morning import MONDAY, MORNING, SCHEDULE, SchoolMorning

from attendance.domain.absence import Limits, Order
from attendance.domain.calendar import Closure, ClosureKind
from attendance.domain.message import MessageKind
from attendance.domain.scan import Direction, Refusal, Status
from attendance.errors import StorageError
from attendance.kiosk.sms.summaries import Summaries, SummaryRules
from attendance.kiosk.sms.texts import Texts
from attendance.kiosk.store import absence, closures, ledger, preferences, roster
from attendance.kiosk.store.database import writing

FRIDAY = MONDAY + timedelta(days=4)
BOTH = frozenset({MessageKind.WEEKLY_SUMMARY, MessageKind.MONTHLY_SUMMARY})
WEEKLY = frozenset({MessageKind.WEEKLY_SUMMARY})


@pytest.fixture
def school(tmp_path: Path) -> Iterator[SchoolMorning]:
    school = SchoolMorning(tmp_path, students=3)
    yield school
    school.close()


def summaries(school: SchoolMorning, kinds: frozenset[MessageKind] = WEEKLY, **given: Any) -> Summaries:
    rules = SummaryRules(kinds, school.rules(**{"limits": Limits(timedelta(minutes=30), 100), **given}))
    return Summaries(school.database, school.writer, Texts(school_name="S"), school.clock, rules)


def a_week(school: SchoolMorning) -> None:
    """Child 0 comes every day, twice late; child 1 misses two days, one of which is not proven; child 2 never comes."""
    for number in range(5):
        day = MONDAY + timedelta(days=number)
        if number != 3:
            school.works("06:00", "18:00", day)
        school.go_to("06:45", day)
        school.come([0], day=day, status=Status.LATE if number < 2 else Status.ON_TIME)
        school.come([1] if number in (0, 1, 4) else [], day=day)
        school.come([0], direction=Direction.OUT, day=day)
    school.go_to("17:30", FRIDAY)


def bodies(school: SchoolMorning) -> list[str]:
    return [row[0] for row in school.rows("SELECT body FROM sms_outbox WHERE scan_id IS NULL ORDER BY body")]


WEEK = [
    "S: Child 0, Jun 8-Jun 12: present 5, late 2, absent 0 of 5 class days.",
    "S: Child 1, Jun 8-Jun 12: present 3, late 0, absent 1 of 5 class days.",
    "S: Child 2, Jun 8-Jun 12: present 0, late 0, absent 4 of 5 class days.",
]


def test_the_week_is_told_on_friday(school: SchoolMorning) -> None:
    """After the last session, with what the ledger has; what is not proven is no absence."""
    a_week(school)
    school.clock.advance(-1)
    summaries(school).step()
    assert bodies(school) == []
    school.clock.advance(1)
    summaries(school).step()
    assert bodies(school) == WEEK
    assert school.rows("SELECT DISTINCT kind, day, session, priority FROM sms_outbox WHERE scan_id IS NULL") == [
        ("weekly_summary", "2026-06-08", "", 10)
    ]


def test_once_over_restarts(school: SchoolMorning) -> None:
    """Also when somebody's numbers change afterwards."""
    a_week(school)
    summaries(school).step()
    school.come([2], day=FRIDAY)
    school.clock.advance(600)
    summaries(school).step()
    assert bodies(school) == WEEK


def test_a_crash_between_two_parts_tells_nobody_twice(school: SchoolMorning) -> None:
    """What was queued before the crash is found."""
    a_week(school)
    with writing(school.database) as conn:
        conn.execute("CREATE TRIGGER crash BEFORE INSERT ON summary_rounds BEGIN SELECT RAISE(ABORT, 'killed'); END")
    with pytest.raises(StorageError, match="killed"):
        summaries(school).step()
    assert bodies(school) == WEEK
    with writing(school.database) as conn:
        conn.execute("DROP TRIGGER crash")
    summaries(school).step()
    assert bodies(school) == WEEK
    assert school.rows("SELECT kind, first_day, messages FROM summary_rounds") == [("weekly_summary", "2026-06-08", 3)]


def test_a_restored_database_says_the_same_under_the_same_ids(school: SchoolMorning) -> None:
    """Of Friday noon: the gateway recognises on Saturday what it has sent on Friday. Each message has its own."""
    a_week(school)
    before = "SELECT message_id FROM sms_outbox WHERE scan_id IS NULL ORDER BY rowid"
    summaries(school, BOTH).step()
    told = school.rows(before)
    with writing(school.database) as conn:
        conn.execute("DELETE FROM sms_outbox")
        conn.execute("DELETE FROM summary_rounds")
    school.clock.advance(12 * 3600)
    summaries(school, BOTH).step()
    assert school.rows(before) == told
    assert len(set(told)) == len(told) == 3


def test_the_month_is_told_on_its_last_day(school: SchoolMorning) -> None:
    """Beside the week."""
    a_week(school)
    with writing(school.database) as conn:
        closures.add(conn, Closure(date(2026, 6, 13), date(2026, 6, 30), ClosureKind.HOLIDAY, "Vacation"))
    summaries(school, BOTH).step()
    assert school.rows("SELECT kind, first_day FROM summary_rounds ORDER BY first_day") == [
        ("monthly_summary", "2026-06-01"),
        ("weekly_summary", "2026-06-08"),
    ]
    assert "S: Child 1, Jun 1-Jun 12: present 3, late 0, absent 1 of 5 class days." in bodies(school)


def test_off_by_default(school: SchoolMorning) -> None:
    """Each message costs."""
    a_week(school)
    off = summaries(school, frozenset())
    off.step()
    assert bodies(school) == []
    assert off.probe().status == "stopped"


def test_an_untrusted_clock_tells_nothing(school: SchoolMorning) -> None:
    """It may be any week."""
    a_week(school)
    school.clock.trusted = False
    summaries(school).step()
    assert bodies(school) == []


def test_a_gate_that_was_off_tells_on_saturday(school: SchoolMorning) -> None:
    """But not of a week long past."""
    a_week(school)
    school.clock.advance(20 * 3600)
    summaries(school).step()
    assert bodies(school) == WEEK
    assert school.rows("SELECT count(*) FROM summary_rounds") == [(1,)]


def test_a_gate_that_is_switched_off_for_the_weekend_tells_on_monday(school: SchoolMorning) -> None:
    """Many are switched off when the last student has left."""
    a_week(school)
    school.go_to("06:30", MONDAY + timedelta(days=7))
    summaries(school).step()
    assert bodies(school) == WEEK


LITTLE = timedelta(minutes=30), 34
"""Of three children one may be missing."""


def switched_off(school: SchoolMorning) -> None:
    with writing(school.database) as conn:
        absence.give_order(conn, MONDAY, "", Order.OFF, school.clock.now())


def refused(school: SchoolMorning) -> None:
    with writing(school.database) as conn:
        key = roster.key_of(conn, "2")
        origin = ledger.Origin("gate-1", "camera")
        ledger.refuse(conn, Refusal.WRONG_TIME, key, "", school.clock.now(), MONDAY, origin)


@pytest.mark.parametrize(("harm", "absent"), [(switched_off, 3), (refused, 3)])
def test_what_would_not_be_told_as_an_absence_is_none_in_a_summary(
    school: SchoolMorning, harm: Callable[[SchoolMorning], None], absent: int
) -> None:
    """A trip of the school, a card that was refused: child 2 is not absent on that day."""
    a_week(school)
    harm(school)
    summaries(school).step()
    assert f"Child 2, Jun 8-Jun 12: present 0, late 0, absent {absent} of 5 class days." in bodies(school)[2]


@pytest.mark.parametrize(("confirmed", "absent"), [(False, 3), (True, 4)])
def test_a_day_on_which_too_many_are_missing_counts_when_a_person_says_so(
    school: SchoolMorning, confirmed: bool, absent: int
) -> None:
    """Two of three on Wednesday: a holiday that nobody has entered, or a storm."""
    a_week(school)
    if confirmed:
        with writing(school.database) as conn:
            absence.give_order(conn, MONDAY + timedelta(days=2), "", Order.CONFIRM, school.clock.now())
    summaries(school, limits=Limits(*LITTLE)).step()
    assert f"Child 2, Jun 8-Jun 12: present 0, late 0, absent {absent} of 5 class days." in bodies(school)[2]


def test_a_session_to_which_nobody_came_was_none(school: SchoolMorning) -> None:
    """On Thursday all came in the afternoon only: child 2, who has classes in the morning, had none."""
    with writing(school.database) as conn:
        conn.execute("UPDATE students SET allowed_session = 'morning' WHERE student_id = '2'")
    for number in range(5):
        day = MONDAY + timedelta(days=number)
        school.works("06:00", "18:00", day)
        school.go_to("12:45" if number == 3 else "06:45", day)
        school.come([0, 1], "afternoon" if number == 3 else "morning", day=day)
    school.go_to("17:30", FRIDAY)
    summaries(school).step()
    assert bodies(school)[2] == "S: Child 2, Jun 8-Jun 12: present 0, late 0, absent 4 of 4 class days."


def test_a_session_without_arrivals_is_proven_by_its_departures(school: SchoolMorning) -> None:
    """At a school where cards are shown on the way home only."""
    home = replace(MORNING, login_end=MORNING.login_start)
    for number in range(5):
        day = MONDAY + timedelta(days=number)
        if number != 3:
            school.works("06:00", "18:00", day)
        school.go_to("11:45", day)
        school.come([0, 1], direction=Direction.OUT, day=day)
    school.go_to("17:30", FRIDAY)
    summaries(school, schedule=replace(SCHEDULE, sessions=[home])).step()
    assert "S: Child 2, Jun 8-Jun 12: present 0, late 0, absent 4 of 5 class days." in bodies(school)


def test_a_week_long_past_is_not_told(school: SchoolMorning) -> None:
    """It is no news."""
    a_week(school)
    school.clock.advance(5 * 86_400)
    summaries(school).step()
    assert bodies(school) == []


def test_the_scans_of_other_gates_must_be_here(school: SchoolMorning) -> None:
    """Half of a child's week would be wrong; the office learns why nothing was sent."""
    a_week(school)
    held = summaries(school, gates=2)
    held.step()
    assert bodies(school) == []
    assert [problem.code for problem in held.probe().problems] == ["summary-other-gates"]


def test_days_at_other_gates_count(school: SchoolMorning) -> None:
    """Of an older one only the day is kept: child 2 came on Tuesday, late, through another gate."""
    a_week(school)
    with writing(school.database) as conn:
        conn.execute("INSERT INTO foreign_days (student_id, day, late) VALUES ('2', '2026-06-09', 1)")
    summaries(school).step()
    assert bodies(school)[2] == "S: Child 2, Jun 8-Jun 12: present 1, late 1, absent 3 of 5 class days."


def test_who_wants_none_gets_none_and_languages_are_heeded(school: SchoolMorning) -> None:
    """By guardian."""
    a_week(school)
    with writing(school.database) as conn:
        preferences.mute(conn, "0", "+639170000000", [MessageKind.WEEKLY_SUMMARY])
        preferences.speak(conn, "1", "+639170000001", "fil")
    summaries(school).step()
    assert bodies(school) == [
        "S: Child 1, Hun 8-Hun 12: pumasok 3, huli 0, lumiban 1 sa 5 araw ng klase.",
        WEEK[2],
    ]
