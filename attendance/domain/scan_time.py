"""How long a gate's scans took, as gates tell it to the centre: how many took at most so long, for growing bounds.

Such counts can be added up over days and gates, which percentiles cannot.
"""

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any, Protocol

BOUND_EXPONENTS = tuple(quarter / 4 for quarter in range(8, 56))
BOUNDS_MS = tuple(2**exponent for exponent in BOUND_EXPONENTS)
"""4 ms to 13.8 s, four for each doubling: a percentile is right to a fifth at worst."""
LARGEST_COUNT = 2**53


class Taken(Protocol):
    """How long scans took, in milliseconds."""

    @property
    def count(self) -> int: ...

    def quantiles(self, fractions: Iterable[float]) -> list[float]: ...

    def up_to(self, exponents: Iterable[float]) -> list[int]:
        """How many took at most 2 to each of these powers."""
        ...


def told(run: str, taken: Taken) -> dict[str, Any]:
    """What a gate says in the component ``scans`` of its health.

    Args:
        run: names the life of the process that measured.
    """
    half, most = taken.quantiles((0.5, 0.95))
    return {
        "run": run,
        "count": taken.count,
        "p50_ms": round(half, 1),
        "p95_ms": round(most, 1),
        "up_to": [*taken.up_to(BOUND_EXPONENTS), taken.count],
    }


def read(told: Any) -> list[int] | None:
    """The counts, one for each bound and the number of all at the end; ``None``: these are none."""
    if not isinstance(told, list) or len(told) != len(BOUNDS_MS) + 1:
        return None
    if any(type(count) is not int or not 0 <= count <= LARGEST_COUNT for count in told):
        return None
    return told if all(one <= other for one, other in pairwise(told)) else None


def percentile_ms(up_to: Sequence[int], fraction: float) -> float | None:
    """The time within which that part of all were done; ``None`` without any, or when it lies above all bounds.

    Args:
        up_to: as ``read`` gives it, or a sum or difference of such.
    """
    wanted = fraction * up_to[-1]
    if not up_to[-1]:
        return None
    below = 0
    for place, count in enumerate(up_to[:-1]):
        if count >= wanted and count > below:
            share = (wanted - below) / (count - below)
            return float(BOUNDS_MS[place] * 2 ** (0.25 * (share - 1)))
        below = count
    return None
