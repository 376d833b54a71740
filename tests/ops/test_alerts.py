"""When people are told of problems."""

from collections.abc import Sequence
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from attendance.clock import ManualClock
from attendance.ops.alert_words import words
from attendance.ops.alerts import Alerts, Found, Notice, Policy, from_json, to_json
from attendance.ops.health import Problem

HOT = Problem("hot", "warning", "The device is hot.", "Shade it.")
LOST = Problem("camera-lost", "error", "The camera has stopped.", "Check its cable.")
TOKEN = Problem("health-without-token", "notice", "No token.", "Set one.")
POLICY = Policy(
    lasts_s={"error": 120, "warning": 3_600},
    again_s={"error": 4 * 3_600, "warning": 24 * 3_600},
    calm_s=300,
    escalate_s=1_800,
)


class Duty:
    """Somebody who looks every minute and writes down what was said."""

    def __init__(self, policy: Policy = POLICY) -> None:
        self.clock = ManualClock(datetime(2026, 6, 8, tzinfo=UTC))
        self.alerts = Alerts(policy)

    def minutes(self, count: int, *problems: Problem, quiet: bool = False, source: str = "") -> list[str]:
        """What is said in so many minutes with these problems, as ``kind code``."""
        said: list[Notice] = []
        for _ in range(count):
            self.clock.advance(60)
            found = [Found(source, problem) for problem in problems]
            said += self.alerts.look(found, self.clock.now(), quiet=quiet)
        return [f"{notice.kind} {'+'.join(each.problem.code for each in notice.alerts)}" for notice in said]


@pytest.fixture
def duty() -> Duty:
    return Duty()


def test_what_passes_quickly_is_not_told(duty: Duty) -> None:
    """An error must last two minutes."""
    assert duty.minutes(2, LOST) == []
    assert duty.minutes(20) == []


def test_an_error_that_lasts_is_told_once_and_called_off(duty: Duty) -> None:
    """And the word that it is over comes when it has stayed away."""
    assert duty.minutes(10, LOST) == ["problem camera-lost"]
    assert duty.minutes(5) == []
    assert duty.minutes(2) == ["recovery camera-lost"]
    assert duty.alerts.all == []


def test_what_comes_and_goes_is_one_alert(duty: Duty) -> None:
    """A loose plug does not ring all night."""
    assert duty.minutes(3, LOST) == ["problem camera-lost"]
    for _ in range(4):
        assert duty.minutes(3) == []
        assert duty.minutes(2, LOST) == []


def test_a_warning_lasts_an_hour_first(duty: Duty) -> None:
    """It is for the morning's list, not for now."""
    assert duty.minutes(60, HOT) == []
    assert duty.minutes(1, HOT) == ["problem hot"]


def test_a_notice_is_never_told(duty: Duty) -> None:
    """Somebody chose it."""
    assert duty.minutes(3_000, TOKEN) == []


def test_it_is_told_again_after_hours(duty: Duty) -> None:
    """Every four for an error."""
    duty.alerts = Alerts(Policy(POLICY.lasts_s, POLICY.again_s, escalate_s=0))
    assert duty.minutes(4 * 60 + 3, LOST) == ["problem camera-lost", "reminder camera-lost"]


def test_quiet_hours_hold_all_but_errors(duty: Duty) -> None:
    """What waited is told together when they end."""
    low = Problem("disk-low", "warning", "…", "…")
    assert duty.minutes(90, HOT, low, LOST, quiet=True) == ["problem camera-lost", "escalation camera-lost"]
    assert duty.minutes(1, HOT, low, LOST) == ["problem disk-low+hot"]


def test_further_people_are_told_once_of_a_neglected_error(duty: Duty) -> None:
    """Half an hour after the first word."""
    assert duty.minutes(31, LOST) == ["problem camera-lost"]
    assert duty.minutes(60, LOST) == ["escalation camera-lost"]


def test_who_says_they_look_after_it_is_left_alone(duty: Duty) -> None:
    """No reminder, no escalation; but the word that it is over."""
    duty.minutes(3, LOST)
    assert duty.alerts.acknowledge("camera-lost")
    assert duty.minutes(600, LOST) == []
    assert duty.minutes(7) == ["recovery camera-lost"]
    assert not duty.alerts.acknowledge("camera-lost")


def test_the_same_problem_of_two_gates_is_two_alerts(duty: Duty) -> None:
    """One may be over while the other lasts."""
    duty.minutes(1)
    found = [Found("A", LOST), Found("B", LOST)]
    for _ in range(3):
        duty.clock.advance(60)
        said = duty.alerts.look(found, duty.clock.now())
    assert [each.source for each in said[0].alerts] == ["A", "B"]
    assert duty.minutes(7, LOST, source="A") == ["recovery camera-lost"]


def test_a_restart_forgets_and_repeats_nothing(duty: Duty) -> None:
    """What was remembered is read back, and goes on from there."""
    duty.minutes(10, LOST, HOT)
    duty.alerts = Alerts(POLICY, from_json(to_json(duty.alerts.all)))
    assert duty.minutes(15, LOST, HOT) == []
    assert duty.minutes(40, LOST, HOT) == ["escalation camera-lost", "problem hot"]


@pytest.mark.parametrize("text", [b"", b"[", b"{}", b'[{"source": 1}]'])
def test_what_nobody_wrote_is_refused(text: bytes) -> None:
    """A damaged file is an error of one kind."""
    with pytest.raises(ValueError, match=r"."):
        from_json(text)


@given(st.lists(st.lists(st.sampled_from(["hot", "camera-lost"]), unique=True), max_size=400))
def test_every_word_that_it_is_over_follows_one_that_it_is_there(minutes: Sequence[Sequence[str]]) -> None:
    """Whatever comes and goes: problem and recovery alternate, and nothing is told that was never found."""
    duty, by_code = Duty(), {"hot": HOT, "camera-lost": LOST}
    open_now: set[str] = set()
    for codes in minutes:
        duty.clock.advance(600)
        for notice in duty.alerts.look([Found("", by_code[code]) for code in codes], duty.clock.now()):
            for alert in notice.alerts:
                code = alert.problem.code
                assert (code in open_now) == (notice.kind != "problem")
                if notice.kind == "problem":
                    open_now.add(code)
                if notice.kind == "recovery":
                    open_now.remove(code)


def test_the_title_names_place_gravest_problem_and_how_many_more(duty: Duty) -> None:
    """A lock screen shows little; below it stands what to do."""
    clock = ManualClock(datetime(2026, 6, 8, tzinfo=UTC))
    alerts = Alerts(Policy({"error": 0, "warning": 0}, POLICY.again_s))
    [notice] = alerts.look([Found("East gate", HOT), Found("Main gate", LOST)], clock.now())
    said = words(notice, "Our school")
    assert said.title == "Our school: Main gate: The camera has stopped. (+1 more)"
    assert "ERROR: Main gate: The camera has stopped.\nWhat to do: Check its cable." in said.body
    assert "WARNING: East gate: The device is hot.\nWhat to do: Shade it." in said.body
    assert said.severity == "error"
