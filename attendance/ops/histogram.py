"""How long things took: counts in buckets that grow by a constant factor, so that percentiles of any number of
durations need little memory and have a bounded relative error.

Source: Masson, Rim, Lee, "DDSketch: a fast and fully-mergeable quantile sketch with relative-error guarantees", PVLDB
12(12), 2019, with γ = 2^(1/32). This γ is also schema 5 of Prometheus' native histograms; every 32nd bound is a power
of two, so that sums up to such a bound are exact.
"""

from collections.abc import Iterable
from math import ceil, inf, log2

_PER_DOUBLING = 32
_GAMMA = 2 ** (1 / _PER_DOUBLING)
RELATIVE_ERROR = (_GAMMA - 1) / (_GAMMA + 1)
"""Of a percentile, at most: 1.1 %."""
_LOWEST = -10 * _PER_DOUBLING
"""The first bucket holds all up to 2^-10 (a microsecond, if the unit is the millisecond)."""
_HIGHEST = 28 * _PER_DOUBLING
"""The last bucket holds all above its lower bound (three days)."""


class Histogram:
    """Counts of values ≥ 0 in one unit. Not thread-safe: its owner has the lock.

    Attributes:
        total: the sum of all values.
    """

    __slots__ = ("_buckets", "count", "highest", "lowest", "total")

    def __init__(self) -> None:
        self.count = 0
        self.total = 0.0
        self.lowest = inf
        self.highest = 0.0
        self._buckets: dict[int, int] = {}

    def add(self, value: float) -> None:
        """Count a finite value ≥ 0. The cost does not depend on what was counted before."""
        index = ceil(log2(value) * _PER_DOUBLING) if value > 0 else _LOWEST
        if not _LOWEST <= index <= _HIGHEST:
            index = _LOWEST if index < _LOWEST else _HIGHEST
        self._buckets[index] = self._buckets.get(index, 0) + 1
        self.count += 1
        self.total += value
        if value < self.lowest:
            self.lowest = value
        if value > self.highest:
            self.highest = value

    def copy(self) -> "Histogram":
        twin = Histogram()
        twin.count, twin.total, twin.lowest, twin.highest = self.count, self.total, self.lowest, self.highest
        twin._buckets = self._buckets.copy()
        return twin

    def quantiles(self, fractions: Iterable[float]) -> list[float]:
        """For each fraction, ascending, the least value that so many of all are at most (the nearest rank).

        Each is within ``RELATIVE_ERROR`` of the true one, and 0 when nothing was counted.
        """
        found = []
        buckets = iter(sorted(self._buckets.items()))
        index, counted = _LOWEST, 0
        for fraction in fractions:
            while counted < fraction * self.count:
                index, count = next(buckets)
                counted += count
            middle = 2 * _GAMMA**index / (_GAMMA + 1)
            found.append(max(min(middle, self.highest), min(self.lowest, self.highest)))
        return found

    def up_to(self, exponents: Iterable[float]) -> list[int]:
        """How many values are at most 2 to each of these powers; exact for multiples of a thirty-second."""
        return [
            sum(count for index, count in self._buckets.items() if index <= exponent * _PER_DOUBLING)
            for exponent in exponents
        ]
