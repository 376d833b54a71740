"""An orderly restart that somebody wants: when nobody is at the gate, and without losing what was begun."""

import logging
from collections.abc import Callable

from attendance.clock import Clock
from attendance.ops.service import Service

log = logging.getLogger(__name__)

QUIET_S = 30.0
"""Nobody has shown a card for so long: the gate is away for some seconds, and nobody notices."""
_SHORT_QUIET_S = 3.0
_SHORT_QUIET_AFTER_S = 600.0
_AT_ONCE_AFTER_S = 3600.0
"""A gate that never has a lull is one whose camera sees something that looks like a card all day."""
_LOOK_S = 1.0


class OrderlyRestart:
    """Waits for a lull, then restarts the gate once.

    Args:
        quiet_s: for how long nobody has shown a card; 0 while a photo is awaited.
        restart: ends this run so that another begins; says why in the list of restarts.
    """

    def __init__(self, quiet_s: Callable[[], float], restart: Callable[[str], object], clock: Clock) -> None:
        self._quiet_s = quiet_s
        self._restart = restart
        self._clock = clock
        self._wanted: tuple[str, int] | None = None
        self._done = False
        self.service = Service("orderly restart", self)

    def ask(self, reason: str) -> None:
        """Restart soon; any thread. Whoever asks first is named."""
        if self._wanted is None:
            log.info("the gate restarts as soon as nobody shows a card: %s", reason)
            self._wanted = reason, self._clock.boot_ns()
            self.service.nudge()

    def step(self) -> float:
        wanted = self._wanted
        if wanted is None or self._done:
            return _LOOK_S * 60
        reason, asked_ns = wanted
        if self._quiet_s() < self._enough_s((self._clock.boot_ns() - asked_ns) / 1e9):
            return _LOOK_S
        self._done = True
        self._restart(reason)
        return _LOOK_S

    def _enough_s(self, waited_s: float) -> float:
        if waited_s >= _AT_ONCE_AFTER_S:
            return 0.0
        return _SHORT_QUIET_S if waited_s >= _SHORT_QUIET_AFTER_S else QUIET_S
