"""How many messages may leave: sliding windows, not buckets, so that no span of a window's length ever holds more.

Times are seconds on one steady clock.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Window:
    """At most ``limit`` messages in any ``seconds``."""

    limit: int
    seconds: float


def wait_s(sent_at: Sequence[float], now: float, windows: Iterable[Window]) -> float:
    """How long the next message must wait; 0 when it may leave now.

    Args:
        sent_at: when earlier messages left, in any order. One that is still on its way left ``now``.
    """
    newest_first = sorted(sent_at, reverse=True)
    full = (window for window in windows if len(newest_first) >= window.limit)
    return max((free_in_s(newest_first[window.limit - 1], now, window) for window in full), default=0.0)


def free_in_s(left_at: float, now: float, window: Window) -> float:
    """How long until a full window has room: a window's length after the ``limit``-th newest message left."""
    return max(0.0, min(left_at, now) + window.seconds - now)
