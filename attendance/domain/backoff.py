"""How long to wait after a failure before the next try: growing, capped, and never in step with others."""

from collections.abc import Callable

FIRST_S = 4.0
LONGEST_S = 300.0
"""A gateway that comes back is noticed within five minutes, however long it was away."""


def pause_s(
    failures: int, random: Callable[[], float], first_s: float = FIRST_S, longest_s: float = LONGEST_S
) -> float:
    """The pause after so many failures in a row: doubled each time, then a random half to whole of that.

    Args:
        failures: 1 after the first.
        random: gives numbers in [0, 1).
    """
    doublings = min(max(failures, 1) - 1, 32)  # far beyond any cap, and no overflow
    whole: float = min(longest_s, first_s * 2**doublings)
    return whole * (0.5 + 0.5 * random())
