"""How fast a process grows: a robust line through sparse samples of its memory.

The line is Theil and Sen's, the median of the slopes between all pairs of samples: up to a third of the samples may be
off (a burst of work, a warm-up, one big allocation) and it still tells the trend.

Source: P. K. Sen, "Estimates of the regression coefficient based on Kendall's tau", JASA 63 (1968).
"""

from collections import deque
from itertools import combinations
from statistics import median

SAMPLE_S = 300.0
"""One sample stands for so long: its lowest value, because what comes and goes with the work is no leak."""
SHORTEST_S = 2 * 3600.0
"""Before that nobody can tell a leak from a process that is still filling its caches."""
_LONGEST_S = 12 * 3600.0
_MOST = round(_LONGEST_S / SAMPLE_S)
_LEAST = 8
_STEADY_SHARE = 0.8
"""So many pairs of samples must rise: what only wavers has a slope too."""

Sample = tuple[float, float]
"""Hours in boot time, and decimal megabytes."""


class Growth:
    """Follows one process after the other: a new process id begins anew.

    Attributes:
        mb_per_hour: the trend of the last hours, 0 for a process that does not grow steadily; ``None`` until there are
            hours to tell it from.
    """

    def __init__(self) -> None:
        self._pid: int | None = None
        self._samples: deque[Sample] = deque(maxlen=_MOST)
        self._since_ns = 0
        self._lowest_mb = float("inf")
        self._sample_ends_ns = 0
        self.mb_per_hour: float | None = None

    def see(self, pid: int | None, used_mb: float, now_ns: int) -> None:
        """Take a look into account; how often one is made does not matter.

        Args:
            now_ns: boot time.
        """
        if pid != self._pid:
            self._pid = pid
            self._since_ns = now_ns
            self._samples.clear()
            self.mb_per_hour = None
            self._begin(now_ns)
        if pid is None:
            return
        self._lowest_mb = min(self._lowest_mb, used_mb)
        if now_ns >= self._sample_ends_ns:
            self._samples.append((now_ns / 3.6e12, self._lowest_mb))
            old = now_ns - self._since_ns >= SHORTEST_S * 1e9 and len(self._samples) >= _LEAST
            self.mb_per_hour = trend(list(self._samples)) if old else None
            self._begin(now_ns)

    def _begin(self, now_ns: int) -> None:
        self._lowest_mb = float("inf")
        self._sample_ends_ns = now_ns + round(SAMPLE_S * 1e9)


def trend(samples: list[Sample]) -> float:
    """Megabytes an hour by which the samples grow; 0 if they do not grow steadily."""
    slopes = [(mb - mb_before) / (at - at_before) for (at_before, mb_before), (at, mb) in combinations(samples, 2)]
    rising = sum(slope > 0 for slope in slopes)
    return max(0.0, median(slopes)) if rising >= _STEADY_SHARE * len(slopes) else 0.0
