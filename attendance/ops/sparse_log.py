"""Log lines that strangers can cause, so few that they push nothing out of the log."""

import logging
import threading

from attendance.clock import Clock

LINES_A_MINUTE = 5
_MINUTE_NS = 60_000_000_000


class SparseLog:
    """Passes a few lines a minute on; the first of the next minute says how many were left out. For any thread."""

    def __init__(self, log: logging.Logger, level: int, clock: Clock) -> None:
        self._log = log
        self._level = level
        self._clock = clock
        self._lock = threading.Lock()
        self._minute_ends_ns = 0
        self._told = self._left_out = 0

    def __call__(self, line: str) -> None:
        now = self._clock.boot_ns()
        with self._lock:
            if now >= self._minute_ends_ns:
                self._minute_ends_ns, self._told = now + _MINUTE_NS, 0
            if self._told >= LINES_A_MINUTE:
                self._left_out += 1
                return
            self._told += 1
            left_out, self._left_out = self._left_out, 0
        self._log.log(self._level, "%s%s", line, f" ({left_out} lines like it were left out)" if left_out else "")
