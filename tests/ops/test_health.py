"""The health board: one snapshot, computed from recent facts."""

from datetime import UTC, datetime

import pytest

from attendance.clock import ManualClock
from attendance.errors import AttendanceError
from attendance.ops.health import HealthBoard, ProbeResult, Problem, with_age

LOW = Problem("low", "warning", "Only {left} left.", "Fill up.")
GONE = Problem("gone", "error", "Nothing left.", "Fill up now.")
KNOWN = Problem("known", "notice", "The tank has no lid.", "Put one on if you want.")


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(datetime(2026, 6, 8, tzinfo=UTC))


@pytest.fixture
def board(clock: ManualClock) -> HealthBoard:
    return HealthBoard(clock.boot_ns)


@pytest.mark.parametrize(
    ("problems", "verdict"),
    [
        ((), "healthy"),
        ((KNOWN,), "healthy"),
        ((KNOWN, LOW), "degraded"),
        ((GONE,), "unhealthy"),
        ((LOW, GONE), "unhealthy"),
    ],
)
def test_problems_decide_the_verdict(board: HealthBoard, problems: tuple[Problem, ...], verdict: str) -> None:
    """The worst problem decides, for the component and for the whole."""
    board.report("tank", {"litres": 1}, problems)
    board.step()
    assert (board.snapshot().overall, board.snapshot().components["tank"].status) == (verdict, verdict)


def test_errors_come_first(board: HealthBoard) -> None:
    """The most important problem is the first of the list, what is only worth knowing the last."""
    board.report("tank", {}, [KNOWN, LOW.said(left=1)])
    board.report("pump", {}, [GONE])
    board.step()
    assert [problem.code for problem in board.snapshot().problems] == ["gone", "low", "known"]


def test_a_report_goes_stale_at_its_deadline(board: HealthBoard, clock: ManualClock) -> None:
    """A component that falls silent turns unhealthy, not earlier and not later."""
    board.report("camera", {"frames": 1}, ttl_s=5)
    clock.advance(5)
    board.step()
    assert board.snapshot().overall == "healthy"
    clock.advance(0.001)
    board.step()
    assert board.snapshot().components["camera"].status == "unhealthy"
    assert "camera" in board.snapshot().problems[0].text


def test_a_step_of_the_wall_clock_makes_nothing_stale(board: HealthBoard, clock: ManualClock) -> None:
    """Freshness is measured in boot time."""
    board.report("camera", {}, ttl_s=5)
    clock.step(3600)
    board.step()
    assert board.snapshot().overall == "healthy"


def test_reading_does_not_ask(board: HealthBoard) -> None:
    """A thousand readers cost no probe anything."""
    asked: list[int] = []

    def probe() -> ProbeResult:
        asked.append(1)
        return ProbeResult("tank", {"asked": len(asked)})

    board.add_probe("tank", probe)
    board.step()
    for _ in range(1000):
        board.snapshot()
    assert len(asked) == 1
    assert board.snapshot().components["tank"].values == {"asked": 1}


def test_a_failing_probe_is_a_problem_and_hides_no_other(board: HealthBoard) -> None:
    """One broken probe leaves the rest visible."""

    def probe() -> ProbeResult:
        raise AttendanceError("the gauge is missing")

    board.add_probe("tank", probe)
    board.add_probe("pump", lambda: ProbeResult("pump", {"on": True}))
    board.step()
    snapshot = board.snapshot()
    assert snapshot.components["tank"].status == "unhealthy"
    assert "the gauge is missing" in snapshot.problems[0].text
    assert snapshot.components["pump"].status == "healthy"


def test_a_part_switched_off_is_stopped_and_no_problem(board: HealthBoard) -> None:
    """What is not wanted is not missing."""
    board.report("pump", {}, stopped=True)
    board.step()
    assert board.snapshot().components["pump"].status == "stopped"
    assert board.snapshot().overall == "healthy"


def test_an_old_snapshot_is_unhealthy(board: HealthBoard, clock: ManualClock) -> None:
    """When the board itself stops, the last good news does not stay."""
    board.step()
    clock.advance(11)
    assert board.snapshot().overall == "healthy"
    assert with_age(board.snapshot(), clock.boot_ns()).overall == "unhealthy"


def test_a_problem_says_its_values() -> None:
    """Placeholders are filled, the constant stays as it is."""
    assert LOW.said(left="2 l").text == "Only 2 l left."
    assert "{left}" in LOW.text
