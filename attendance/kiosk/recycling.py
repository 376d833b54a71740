"""When the vision process may be replaced because it has grown: between two sightings, so that no scan is lost."""

from collections.abc import Callable

from attendance.ops.memory import Use

QUIET_S = 3.0
"""About what a new process needs until it sees: whoever comes in that time waits a moment."""
_QUIET_OVER_BUDGET_S = 0.5
"""Over its whole budget it may soon be killed by the kernel in the middle of a sighting: that is worse than a wait."""


class VisionRelief:
    """Replaces the vision process once nobody has shown a card for a while.

    Args:
        quiet_s: for how long nobody has; 0 while a photo is awaited.
        replace: replaces the process, for a reason.
    """

    def __init__(self, quiet_s: Callable[[], float], replace: Callable[[str], None]) -> None:
        self._quiet_s = quiet_s
        self._replace = replace

    def __call__(self, use: Use) -> bool:
        if self._quiet_s() < (_QUIET_OVER_BUDGET_S if use.over else QUIET_S):
            return False
        self._replace(f"memory: {use}")
        return True
