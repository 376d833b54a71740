"""A circuit breaker: who fails again and again is left alone for a while, and then tried once."""

import threading

from attendance.clock import Clock

FAILURES = 3
"""Failures in a row that open it."""
FIRST_PAUSE_S = 30.0
LONGEST_PAUSE_S = 600.0
"""A phone that was switched on again is found within ten minutes."""


class Breaker:
    """Closed while things work; open after ``FAILURES`` in a row, or one that is ``grave``; then one trial at a time.

    In boot time, for any thread. Pauses double with each trial that fails. A trial whose outcome nobody tells counts as
    failed.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._failures = 0
        self._pause_s = 0.0
        self._opens_ns = 0

    @property
    def closed(self) -> bool:
        return self._pause_s == 0.0

    def rest_s(self) -> float:
        """How long until it may be tried; 0: at once."""
        return max(0.0, (self._opens_ns - self._clock.boot_ns()) / 1e9)

    def enter(self) -> bool:
        """Whether it may be tried. Whoever gets a yes tells how it went."""
        with self._lock:
            if self.rest_s() > 0:
                return False
            if not self.closed:
                self._wait(self._pause_s)
            return True

    def succeeded(self) -> None:
        with self._lock:
            self._failures, self._pause_s, self._opens_ns = 0, 0.0, 0

    def failed(self, *, grave: bool = False, rest_s: float | None = None) -> None:
        """Tell of a failure.

        Args:
            grave: the next attempt would surely fail too.
            rest_s: how long it wants to be left alone at least.
        """
        with self._lock:
            self._failures += 1
            if not self.closed:
                self._pause_s = min(self._pause_s * 2, LONGEST_PAUSE_S)
            elif grave or rest_s or self._failures >= FAILURES:
                self._pause_s = FIRST_PAUSE_S
            if not self.closed:
                self._wait(max(self._pause_s, rest_s or 0.0))

    def _wait(self, seconds: float) -> None:
        self._opens_ns = self._clock.boot_ns() + round(seconds * 1e9)
