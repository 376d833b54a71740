"""How many messages may leave: sliding windows, not buckets, so that no span of a window's length ever holds more.

Times are seconds on one steady clock.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Window:
    """At most ``limit`` messages in any ``seconds``."""

    limit: int
    seconds: float


def free_in_s(left_at: float, now: float, window: Window) -> float:
    """How long until a full window has room: a window's length after the ``limit``-th newest message left."""
    return max(0.0, min(left_at, now) + window.seconds - now)
