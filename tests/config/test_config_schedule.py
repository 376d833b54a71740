"""The school's day: classes in the file's order, any valid times, the documented two unless switched off."""

from collections.abc import Callable
from datetime import time

import pytest

from attendance.config import Loaded, Settings

FaultsOf = Callable[..., dict[str, tuple[str, str]]]
Load = Callable[..., Loaded]
NIGHT = {
    "start_time": "22:00",
    "end_time": "02:00",
    "login_window_start": "21:00",
    "login_window_end": "23:30",
    "logout_window_start": "01:00",
    "logout_window_end": "01:00",
}


def test_the_documented_day_is_the_default() -> None:
    """Two sessions with the documented times."""
    sessions = Settings().school_schedule.sessions
    assert list(sessions) == ["morning", "afternoon"]
    assert sessions["morning"].start_time == time(7, 0)
    assert sessions["afternoon"].logout_window_end == time(17, 30)


def test_the_school_s_own_times_are_used(load_tree: Load) -> None:
    """A configured start is the start, and the rest of the class keeps its times."""
    tree = {"school_schedule": {"morning_class": {"start_time": "08:15"}}}
    sessions = load_tree(tree).settings.school_schedule.sessions
    assert sessions["morning"].start_time == time(8, 15)
    assert sessions["morning"].login_window_start == time(6, 30)


def test_sessions_stand_in_the_file_s_order(load_tree: Load) -> None:
    """The first one wins where they overlap, so the order is the school's to choose."""
    tree = {"school_schedule": {"night_class": NIGHT, "afternoon_class": {}, "morning_class": {}}}
    assert list(load_tree(tree).settings.school_schedule.sessions) == ["night", "afternoon", "morning"]


def test_a_class_set_to_null_is_switched_off(load_tree: Load) -> None:
    """A school with one session has one."""
    tree = {"school_schedule": {"afternoon_class": None}}
    assert list(load_tree(tree).settings.school_schedule.sessions) == ["morning"]


def test_a_schedule_without_any_class_is_a_fault(faults_of: FaultsOf) -> None:
    """Such a gate would refuse everybody."""
    found = faults_of({"school_schedule": {"morning_class": None, "afternoon_class": None}})
    assert "at least one class" in found["school_schedule"][1]


@pytest.mark.parametrize(
    "times",
    [
        pytest.param(NIGHT, id="past midnight"),
        pytest.param(dict.fromkeys(NIGHT, "13:00"), id="of no length"),
        pytest.param(NIGHT | {"logout_window_start": "21:00", "logout_window_end": "23:59:59"}, id="overlapping"),
        pytest.param(NIGHT | {"start_time": "7:05"}, id="short hour"),
    ],
)
def test_any_valid_times_are_legal(times: dict[str, str], load_tree: Load) -> None:
    """An unused half of a day must not stop the gate."""
    assert "odd" in load_tree({"school_schedule": {"odd_class": times}}).settings.school_schedule.sessions


@pytest.mark.parametrize("written", ["25:00", "24:00", "7", "07:60", "0700", "", 7, None, "７:00"])
def test_what_is_no_time_is_a_fault(written: object, faults_of: FaultsOf) -> None:
    """The path is that of the file."""
    path = "school_schedule.morning_class.start_time"
    assert path in faults_of({"school_schedule": {"morning_class": {"start_time": written}}})


def test_a_class_of_its_own_name_needs_all_its_times(faults_of: FaultsOf) -> None:
    """Each missing one is named."""
    found = faults_of({"school_schedule": {"night_class": {"start_time": "22:00"}}})
    assert found["school_schedule.night_class.login_window_start"][0] == "missing"
    assert len(found) == 5


def test_a_class_s_name_is_plain(faults_of: FaultsOf) -> None:
    """It becomes part of every record."""
    assert (
        "small letters"
        in faults_of({"school_schedule": {"Night shift_class": NIGHT}})["school_schedule.Night shift_class"][1]
    )


def test_sessions_is_no_key_of_a_file(faults_of: FaultsOf) -> None:
    """Classes are written one way only."""
    assert "school_schedule.sessions" in faults_of({"school_schedule": {"sessions": {"night": NIGHT}}})


def test_weekdays_are_read_in_any_case(load_tree: Load) -> None:
    """People write them with a capital."""
    tree = {"school_schedule": {"weekdays": ["Monday", "TUESDAY"]}}
    assert load_tree(tree).settings.school_schedule.weekdays == ("monday", "tuesday")


@pytest.mark.parametrize("written", [["funday"], [], "monday", [1]])
def test_what_is_no_weekday_is_a_fault(written: object, faults_of: FaultsOf) -> None:
    """Nor is a week without days one."""
    assert any(
        path.startswith("school_schedule.weekdays") for path in faults_of({"school_schedule": {"weekdays": written}})
    )
