"""Buzzer and light: the documented patterns and colours; a new result replaces the running one at once."""

import logging
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from gpiozero.pins.mock import MockFactory, MockPWMPin

from attendance.clock import ManualClock
from attendance.errors import AttendanceError
from attendance.kiosk.feedback import Fade, SignalFeedback, signals
from attendance.kiosk.gpio import GpioIndicator

PATTERNS = {"success": (200, 100, 200, 100, 200), "error": (1000,), "duplicate": (100, 100, 100, 100, 100)}
COLOURS = {
    "qr_detected": (0, 0, 255),
    "success": (0, 255, 0),
    "error": (255, 0, 0),
    "duplicate": (255, 150, 0),
    "late": (255, 80, 0),
}
BUZZER, RED, GREEN, BLUE = 23, 26, 6, 24


class Bench:
    """A feedback on mock pins, run by hand on a manual clock."""

    def __init__(self, brightness: float = 1.0) -> None:
        self.clock = ManualClock(datetime(2026, 6, 8, tzinfo=UTC))
        self.pins = MockFactory(pin_class=MockPWMPin)
        self.nudges = 0
        leds = {"red": RED, "green": GREEN, "blue": BLUE}
        self.feedback = SignalFeedback(
            lambda: GpioIndicator(BUZZER, leds, self.pins),
            self._nudge,
            signals(PATTERNS, COLOURS),
            Fade(brightness=brightness),
            self.clock.boot_ns,
        )

    def _nudge(self) -> None:
        self.nudges += 1

    def run(self, milliseconds: float) -> list[tuple[int, bool]]:
        """Let time pass as the service would; when (ms) the buzzer changed, and to what."""
        changes: list[tuple[int, bool]] = []
        begin, end = self.clock.boot_ns(), self.clock.boot_ns() + milliseconds * 1e6
        while True:
            rest = self.feedback.step()
            sounds = bool(self.pins.pin(BUZZER).state)
            if not changes or changes[-1][1] != sounds:
                changes.append((round((self.clock.boot_ns() - begin) / 1e6), sounds))
            if self.clock.boot_ns() + rest * 1e9 > end:
                self.clock.advance((end - self.clock.boot_ns()) / 1e9)
                return changes
            self.clock.advance(rest)

    def colour(self) -> tuple[int, int, int]:
        self.feedback.step()
        red, green, blue = (round(self.pins.pin(pin).state * 255) for pin in (RED, GREEN, BLUE))
        return red, green, blue


@pytest.fixture
def bench() -> Iterator[Bench]:
    bench = Bench()
    yield bench
    bench.feedback.close()


@pytest.mark.parametrize(
    ("tone", "changes"),
    [
        ("in", [(0, True), (200, False), (300, True), (500, False), (600, True), (800, False)]),
        ("duplicate", [(0, True), (100, False), (200, True), (300, False), (400, True), (500, False)]),
        ("unknown", [(0, True), (1000, False)]),
    ],
)
def test_the_buzzer_plays_the_documented_pattern(bench: Bench, tone: str, changes: list[tuple[int, bool]]) -> None:
    """On and off at exactly the documented milliseconds."""
    bench.feedback.show(tone)
    assert bench.run(4000) == changes


@pytest.mark.parametrize(
    ("tone", "colour"),
    [
        ("in", (0, 255, 0)),
        ("out", (0, 0, 255)),
        ("late", (255, 80, 0)),
        ("duplicate", (255, 150, 0)),
        ("unknown", (255, 0, 0)),
        ("wrong_time", (255, 0, 0)),
        ("refused", (255, 0, 0)),
    ],
)
def test_each_tone_has_its_colour(bench: Bench, tone: str, colour: tuple[int, int, int]) -> None:
    """The documented colours, at full brightness after the fade."""
    bench.feedback.show(tone)
    bench.run(600)
    assert bench.colour() == colour


def test_the_light_fades_in_holds_and_fades_out(bench: Bench) -> None:
    """Half a second up, two seconds full, half a second down, then dark."""
    bench.feedback.show("in")
    bench.run(250)
    assert bench.colour() == (0, 128, 0)
    bench.run(2200)
    assert bench.colour() == (0, 255, 0)
    bench.run(300)
    assert bench.colour() == (0, 128, 0)
    bench.run(300)
    assert bench.colour() == (0, 0, 0)


def test_a_new_result_replaces_the_running_one_at_once(bench: Bench) -> None:
    """The new pattern begins now, the old one is forgotten, and nothing queues."""
    bench.feedback.show("in")
    bench.run(250)
    bench.feedback.show("unknown")
    assert bench.run(5000) == [(0, True), (1000, False)]
    assert bench.colour() == (0, 0, 0)
    assert bench.nudges == 2


def test_a_fade_begins_at_the_colour_that_is_lit(bench: Bench) -> None:
    """From green to red through their mixture, not through black."""
    bench.feedback.show("in")
    bench.run(1000)
    bench.feedback.show("unknown")
    bench.run(250)
    assert bench.colour() == (128, 128, 0)


def test_brightness_scales_the_colour() -> None:
    """A brightness of 30 % is 30 % of each part."""
    bench = Bench(brightness=0.3)
    bench.feedback.show("late")
    bench.run(600)
    assert bench.colour() == (76, 24, 0)
    bench.feedback.close()


def test_a_pin_in_use_is_a_problem_and_no_crash(caplog: pytest.LogCaptureFixture) -> None:
    """The gate goes on, the log says it once, health says what to do; freed pins are taken at the next try."""
    pins = MockFactory(pin_class=MockPWMPin)
    holder = GpioIndicator(BUZZER, None, pins)
    feedback = SignalFeedback(
        lambda: GpioIndicator(BUZZER, None, pins), lambda: None, signals(PATTERNS, COLOURS), Fade()
    )
    with caplog.at_level(logging.ERROR):
        feedback.show("in")
        feedback.step()
        feedback.step()
    assert len(caplog.records) == 1
    assert feedback.problems[0].code == "feedback-unavailable"
    holder.close()
    feedback.step()
    assert feedback.problems == ()
    feedback.close()


def test_a_machine_without_pins_is_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a PC opening the pins is an error that says what to check."""
    monkeypatch.setenv("GPIOZERO_PIN_FACTORY", "no-such-library")
    monkeypatch.setattr("gpiozero.Device.pin_factory", None)
    with pytest.raises(AttendanceError, match="group gpio"):
        GpioIndicator(BUZZER, None)
