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
    newest_first = sorted((min(at, now) for at in sent_at), reverse=True)
    return max((_wait_s(newest_first, now, window) for window in windows), default=0.0)


def _wait_s(newest_first: Sequence[float], now: float, window: Window) -> float:
    if len(newest_first) < window.limit:
        return 0.0
    return max(0.0, newest_first[window.limit - 1] + window.seconds - now)
