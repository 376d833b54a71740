"""When to ask the centre again: at once while it answers, ever less often while it does not."""

import random
from collections.abc import Callable

from attendance.clock import Clock
from attendance.domain.backoff import pause_s
from attendance.kiosk.sync.client import CentreBusy, CentreClient, CentreError, Revoked
from attendance.kiosk.sync.credentials import Credentials

LOOK_S = 10.0
"""How often a gate looks whether it has been enrolled; a look costs one question about a file."""
_REVOKED_REST_S = 1800.0
"""Only a person ends that, with a new enrolment."""


class Pace:
    """The pause of one service after failures: growing, capped, never in step with other gates. In boot time.

    Args:
        client: not owned.
        jitter: random numbers in [0, 1).
    """

    def __init__(self, client: CentreClient, clock: Clock, jitter: Callable[[], float] = random.random) -> None:
        self._client = client
        self._clock = clock
        self._jitter = jitter
        self._place: Credentials | None = None
        self._failures = 0
        self._until_ns = 0

    def rest_s(self) -> float:
        """How long there is nothing to ask; 0: ask. No longer than ``LOOK_S``, and no wake-up makes it shorter.

        A new enrolment begins afresh.
        """
        place = self._client.credentials
        if place is None:
            return LOOK_S
        if place != self._place:
            self._place = place
            self.succeeded()
        return min(LOOK_S, max(0.0, (self._until_ns - self._clock.boot_ns()) / 1e9))

    def succeeded(self, rest_s: float = 0.0) -> None:
        """The centre answered; it is asked again after ``rest_s``."""
        self._failures = 0
        self._rest(rest_s)

    def failed(self, error: CentreError) -> None:
        self._failures += 1
        rest_s = pause_s(self._failures, self._jitter)
        if isinstance(error, CentreBusy):
            rest_s = max(rest_s, error.retry_after_s * (1 + 0.1 * self._jitter()))
        elif isinstance(error, Revoked):
            rest_s = _REVOKED_REST_S
        self._rest(rest_s)

    def _rest(self, seconds: float) -> None:
        self._until_ns = self._clock.boot_ns() + round(seconds * 1e9)
