"""How long the scans of a simulated gate take."""

import random
from math import log
from typing import Any

from attendance.domain import scan_time
from attendance.ops.histogram import Histogram

_MEDIANS_MS = (60.0, 110.0)
"""Of a gate, by its camera and memory card."""
_SPREAD = 0.35
"""Of the logarithm: 95 of 100 take at most 1.8 times the median."""


class ScanTimes:
    """Of one run of a gate; the same for the same ``chance``."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self._run = f"{chance.getrandbits(64):016x}"
        self._median_ms = chance.uniform(*_MEDIANS_MS)
        self._taken = Histogram()

    def take(self) -> None:
        """A card is read, and its scan recorded."""
        self._taken.add(self._chance.lognormvariate(log(self._median_ms), _SPREAD))

    def told(self) -> dict[str, Any]:
        """As the component ``scans`` of a gate's health."""
        return scan_time.told(self._run, self._taken) if self._taken.count else {"run": self._run, "count": 0}
