"""Two gates of a school and a real centre: in at one, out at the other, and an absence only when both are heard."""

import json
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
from school_of_two_gates import MANILA, SchoolOfTwoGates

from attendance.domain.directory import Closure
from attendance.domain.enrolment import Enrolment
from attendance.domain.scan import Accepted, Refused
from attendance.domain.wire import CommandKind
from attendance.fleet import directory
from attendance.fleet.store import commands
from attendance.kiosk.store import closures, roster
from attendance.kiosk.store.database import reading, writing

DUE = datetime(2026, 6, 8, 8, 0, tzinfo=MANILA)
"""Half an hour after the login window of the default morning."""


@pytest.fixture
def school(tmp_path: Path) -> Iterator[SchoolOfTwoGates]:
    with SchoolOfTwoGates(tmp_path) as school:
        school.minutes(3)
        yield school


def until(school: SchoolOfTwoGates, at: datetime) -> None:
    school.clock.advance((at - school.clock.now().at).total_seconds())


def test_both_gates_keep_their_keys_and_know_the_same_students(school: SchoolOfTwoGates) -> None:
    """The list that the first brought is the centre's; a change there reaches both, under each gate's own keys."""
    before = school.one.known(), school.two.known()
    assert set(before[0].values()).isdisjoint(before[1].values())
    school_id, now = school.school.school_id, school.clock.now().at
    school.at_the_centre(directory.enrol, school_id, [Enrolment("1", "Ana Cruz"), Enrolment("9", "Ben Diaz")], now)
    school.minutes(2)
    for gate, keys in zip((school.one, school.two), before, strict=True):
        assert keys.items() <= gate.known().items()
        with reading(gate.paths.database) as conn:
            assert [roster.by_number(conn, number).name for number in ("1", "9")] == ["Ana Cruz", "Ben Diaz"]
    assert school.one.known()["9"] == school.two.known()["9"]


def test_in_at_one_gate_and_out_at_the_other(school: SchoolOfTwoGates) -> None:
    """And a card that was just read at one is a duplicate at the other."""
    arrival = school.one.show("1", school.clock.now().at)
    assert isinstance(arrival.decision, Accepted)
    school.minutes(2)
    again = school.two.show("1", school.clock.now().at)
    assert isinstance(again.decision, Refused)
    until(school, datetime(2026, 6, 8, 9, 0, tzinfo=MANILA))
    leaving = school.two.show("1", school.clock.now().at)
    assert isinstance(leaving.decision, Accepted)
    assert leaving.decision.direction.value == "out"
    school.minutes(2)
    back = school.one.show("1", school.clock.now().at + timedelta(minutes=10))
    assert isinstance(back.decision, Accepted)
    assert (back.decision.direction.value, back.decision.passage) == ("in", 2)


def test_an_absence_waits_for_the_other_gate(school: SchoolOfTwoGates) -> None:
    """The second gate has no network while the window closes: the first says nothing, until it has heard it."""
    school.one.show("1", school.clock.now().at)
    school.minutes(2)
    school.two.show("2", school.clock.now().at)
    until(school, DUE + timedelta(minutes=1))
    school.minutes(2, without=school.two)
    school.one.absences.step()
    [held] = school.one.absences.probe().values["rounds"]
    assert (held["decision"], held["reasons"]) == ("held", ["other-gates"])
    school.minutes(3)
    school.one.absences.step()
    [told] = school.one.absences.probe().values["rounds"]
    assert (told["decision"], told["expected"], told["named"], told["messages"]) == ("told", 3, 1, 1)


def test_a_gate_whose_camera_was_dead_holds_the_absence(school: SchoolOfTwoGates) -> None:
    """It is in contact and has sent all that it has, and yet somebody may have passed it."""
    with writing(school.two.paths.database) as conn:
        conn.execute("DELETE FROM proof_of_work")
    school.one.show("1", school.clock.now().at)
    until(school, DUE + timedelta(minutes=1))
    school.minutes(4)
    school.one.absences.step()
    [held] = school.one.absences.probe().values["rounds"]
    assert (held["decision"], held["reasons"]) == ("held", ["others-unproven"])


def test_whoever_is_forgotten_is_forgotten_everywhere(school: SchoolOfTwoGates) -> None:
    """At the other gate too, by its own key; the scans stay as numbers."""
    school.one.show("1", school.clock.now().at)
    school.minutes(2)
    school.at_the_centre(directory.erase, school.school.school_id, "1", school.clock.now().at)
    school.minutes(2)
    for gate in (school.one, school.two):
        assert "1" not in gate.known()
        with reading(gate.paths.database) as conn:
            assert conn.execute("SELECT count(*) FROM foreign_scans").fetchone()[0] == 0


def test_calendar_and_schedule_reach_both(school: SchoolOfTwoGates) -> None:
    """The calendar at once, the schedule by an orderly restart."""
    school_id, now = school.school.school_id, school.clock.now().at
    typhoon = Closure(first_day="2026-06-09", last_day="2026-06-09", kind="suspension", name="Typhoon")
    school.at_the_centre(directory.put_closure, school_id, typhoon, now)
    school.at_the_centre(directory.put_document, school_id, "schedule", {"early_arrival_minutes": 90}, now)
    school.minutes(2)
    for gate in (school.one, school.two):
        with reading(gate.paths.database) as conn:
            assert [each.first_day for _, each in closures.all_closures(conn)] == [date(2026, 6, 9)]
        decided = json.loads((gate.paths.data_dir / "centre-settings.json").read_text())
        assert decided == {"school_schedule": {"early_arrival_minutes": 90}}
        assert gate.restarts == ["new settings of the centre"]


def test_a_command_is_done_once_and_its_result_is_at_the_centre(school: SchoolOfTwoGates) -> None:
    """A restart by its gate only, done when that runs again; a backup; a setting that the centre may not change."""
    restart = school.order(school.two, CommandKind.RESTART)
    backup = school.order(school.one, CommandKind.BACKUP)
    refused = school.order(school.one, CommandKind.CONFIG, {"health_endpoint.port": 1})
    school.minutes(3)
    assert (school.one.restarts, len(school.two.restarts)) == ([], 1)
    school.two.sync = school.two.start()
    school.minutes(3)
    assert len(school.two.restarts) == 1
    found = {
        each: school.at_the_centre(commands.get, school.school.school_id, each) for each in (restart, backup, refused)
    }
    assert [found[each].state for each in (restart, backup, refused)] == ["done", "done", "refused"]
