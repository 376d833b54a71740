"""Feedback without a screen: a sound pattern and a colour for each tone. The newest result replaces the running one."""

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Protocol

from attendance.clock import boot_ns
from attendance.errors import AttendanceError
from attendance.kiosk.gpio import Colour, Indicator
from attendance.ops.health import Problem

OFF: Colour = (0.0, 0.0, 0.0)
_FRAME_S = 0.02
"""Between two steps of a fade: 50 a second look smooth."""
_RETRY_S = 60.0
_IDLE_S = 3600.0

UNAVAILABLE = Problem(
    "feedback-unavailable",
    "warning",
    "The buzzer and the light do not work: {error}",
    "Correct buzzer.gpio_pin and rgb_led.gpio_pins in config/config.json, or set their `enabled` to false.",
)

log = logging.getLogger(__name__)


class Feedback(Protocol):
    """Shows a result to the student, at once and without waiting."""

    def show(self, tone: str) -> None: ...


class Silent:
    """No buzzer, no light."""

    def show(self, tone: str) -> None:
        """Nothing to show it with."""


@dataclass(frozen=True, slots=True)
class Signal:
    """What one tone sounds and looks like.

    Attributes:
        pattern: milliseconds on, off, on, …
        colour: full brightness, 0 to 255 each.
    """

    pattern: tuple[int, ...]
    colour: tuple[int, int, int]


def signals(
    patterns: Mapping[str, tuple[int, ...]], colours: Mapping[str, tuple[int, int, int]]
) -> Mapping[str, Signal]:
    """The signal of each tone of the screen.

    Args:
        patterns: ``success``, ``duplicate`` and ``error``, as the section ``buzzer`` has them.
        colours: the section ``rgb_led.colors``. Leaving has the blue of a card that was read, coming the green.
    """
    error = Signal(patterns["error"], colours["error"])
    return {
        "in": Signal(patterns["success"], colours["success"]),
        "out": Signal(patterns["success"], colours["qr_detected"]),
        "late": Signal(patterns["success"], colours["late"]),
        "duplicate": Signal(patterns["duplicate"], colours["duplicate"]),
        "unknown": error,
        "wrong_time": error,
        "refused": error,
    }


@dataclass(frozen=True, slots=True)
class Fade:
    """How the light comes and goes. Milliseconds; ``brightness`` 0 to 1."""

    fade_ms: int = 500
    hold_ms: int = 2000
    brightness: float = 0.3


class SignalFeedback:
    """Plays signals on an indicator; a ``Service`` runs it as a stepper, which it nudges.

    Args:
        open_indicator: takes the pins. Tried again each minute when it fails, so that feedback never stops a gate.
        nudge: ends the service's rest.
    """

    def __init__(
        self,
        open_indicator: Callable[[], Indicator],
        nudge: Callable[[], None],
        signals: Mapping[str, Signal],
        fade: Fade = Fade(),
        now_ns: Callable[[], int] = boot_ns,
    ) -> None:
        self._open = open_indicator
        self._nudge = nudge
        self._signals = signals
        self._fade = fade
        self._now_ns = now_ns
        self._lock = threading.Lock()
        self._signal: Signal | None = None
        self._began_ns = 0
        self._from: Colour = OFF
        self._lit: Colour = OFF
        self._indicator: Indicator | None = None
        self._problem: Problem | None = None

    @property
    def problems(self) -> Sequence[Problem]:
        return (self._problem,) if self._problem else ()

    def show(self, tone: str) -> None:
        with self._lock:
            self._signal, self._began_ns, self._from = self._signals[tone], self._now_ns(), self._lit
        self._nudge()

    def step(self) -> float:
        if self._indicator is None and not self._opened():
            return _RETRY_S
        assert self._indicator is not None
        with self._lock:
            signal, elapsed_ms = self._signal, (self._now_ns() - self._began_ns) / 1e6
            on, self._lit, rest_s = (False, OFF, _IDLE_S) if signal is None else self._at(signal, elapsed_ms)
        self._indicator.buzz(on)
        self._indicator.light(self._lit)
        return rest_s

    def close(self) -> None:
        """Give the pins back. Only after the service has stopped."""
        if self._indicator is not None:
            self._indicator.close()
            self._indicator = None

    def _opened(self) -> bool:
        try:
            self._indicator = self._open()
        except AttendanceError as error:
            if self._problem is None:
                log.error("no buzzer and light: %s", error)
            self._problem = UNAVAILABLE.said(error=error)
            return False
        self._problem = None
        return True

    def _at(self, signal: Signal, elapsed_ms: float) -> tuple[bool, Colour, float]:
        """Whether it buzzes, the light's colour, and the seconds until either changes."""
        on, buzzer_rest_ms = sounding(signal.pattern, elapsed_ms)
        fade = self._fade
        full = tuple(part / 255 * fade.brightness for part in signal.colour)
        gone_ms = elapsed_ms - fade.fade_ms - fade.hold_ms
        if elapsed_ms < fade.fade_ms:
            colour, light_rest_ms = _between(self._from, full, elapsed_ms / fade.fade_ms), _FRAME_S * 1000
        elif gone_ms < 0:
            colour, light_rest_ms = _between(full, full, 1), -gone_ms
        elif gone_ms < fade.fade_ms:
            colour, light_rest_ms = _between(full, OFF, gone_ms / fade.fade_ms), _FRAME_S * 1000
        else:
            colour, light_rest_ms = OFF, _IDLE_S * 1000
        return on, colour, min(buzzer_rest_ms, light_rest_ms) / 1000


def sounding(pattern: Sequence[int], elapsed_ms: float) -> tuple[bool, float]:
    """Whether a pattern sounds now, and the milliseconds until that changes."""
    for index, end_ms in enumerate(accumulate(pattern)):
        if elapsed_ms < end_ms:
            return index % 2 == 0, end_ms - elapsed_ms
    return False, _IDLE_S * 1000


def _between(start: Sequence[float], end: Sequence[float], part: float) -> Colour:
    red, green, blue = (a + (b - a) * part for a, b in zip(start, end, strict=True))
    return red, green, blue
