"""Hours in which messages wait."""

from dataclasses import dataclass
from datetime import time


@dataclass(frozen=True, slots=True)
class QuietHours:
    """From ``start`` until just before ``end``, local times of the school; over midnight if they run that way.

    None at all when both are the same.
    """

    start: time
    end: time

    def hold(self, at: time) -> bool:
        """Whether a local time lies within."""
        if self.start <= self.end:
            return self.start <= at < self.end
        return at >= self.start or at < self.end
