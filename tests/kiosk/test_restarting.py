"""A restart that somebody wants comes when nobody is at the gate, once, and within the hour."""

from datetime import UTC, datetime

import pytest

from attendance.clock import ManualClock
from attendance.kiosk.restarting import QUIET_S, OrderlyRestart


class Gate:
    """Somebody showed a card some time ago; counts restarts."""

    def __init__(self) -> None:
        self.clock = ManualClock(datetime(2026, 6, 8, tzinfo=UTC))
        self.quiet_s = 0.0
        self.restarts: list[str] = []
        self.orderly = OrderlyRestart(lambda: self.quiet_s, self.restarts.append, self.clock)

    def wait(self, seconds: float) -> None:
        self.clock.advance(seconds)
        self.orderly.step()


@pytest.fixture
def gate() -> Gate:
    return Gate()


def test_nobody_is_interrupted(gate: Gate) -> None:
    """It waits for a lull of half a minute, and names who asked first."""
    gate.orderly.ask("new settings")
    gate.orderly.ask("something else")
    gate.quiet_s = QUIET_S - 1
    gate.wait(60)
    assert gate.restarts == []
    gate.quiet_s = QUIET_S
    gate.wait(1)
    assert gate.restarts == ["new settings"]


def test_it_happens_once(gate: Gate) -> None:
    """The process may take a moment to end."""
    gate.quiet_s = 100
    gate.orderly.ask("new settings")
    for _ in range(5):
        gate.wait(1)
    assert len(gate.restarts) == 1


def test_without_a_wish_nothing_happens(gate: Gate) -> None:
    """A quiet gate goes on."""
    gate.quiet_s = 1000
    gate.wait(1000)
    assert gate.restarts == []


@pytest.mark.parametrize(("waited_s", "quiet_s", "restarted"), [(599, 3, 0), (601, 3, 1), (601, 2.9, 0), (3601, 0, 1)])
def test_a_busy_gate_restarts_in_a_short_lull_and_at_last_in_none(
    gate: Gate, waited_s: float, quiet_s: float, restarted: int
) -> None:
    """After ten minutes some seconds are enough; after an hour the settings matter more."""
    gate.orderly.ask("new settings")
    gate.quiet_s = quiet_s
    gate.wait(waited_s)
    assert len(gate.restarts) == restarted
