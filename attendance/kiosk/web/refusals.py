"""What is not taken, and a log of it that a flood cannot fill."""

import logging
import threading
from dataclasses import dataclass

from attendance.clock import Clock

_BETWEEN_LINES_S = 60.0

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Refusal:
    """An HTTP status, and why: for the person who looks after the peer or the gate."""

    status: int
    reason: str


class RefusalLog:
    """Logs the first refusal, then at most one line a minute with a count.

    Args:
        what: who refuses; begins each line.
    """

    def __init__(self, what: str, clock: Clock) -> None:
        self._what = what
        self._clock = clock
        self._lock = threading.Lock()
        self._untold = 0
        self._due_ns = 0

    def __call__(self, refusal: Refusal) -> None:
        now = self._clock.boot_ns()
        with self._lock:
            self._untold += 1
            if now < self._due_ns:
                return
            count, self._untold, self._due_ns = self._untold, 0, now + round(_BETWEEN_LINES_S * 1e9)
        log.warning("%s: %d refused, the last with %d: %s", self._what, count, refusal.status, refusal.reason)
