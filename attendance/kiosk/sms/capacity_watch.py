"""Whether the limits can carry the school, by its roster as it is: lists are imported while the gate runs."""

import logging
from collections.abc import Callable, Sequence
from pathlib import Path

from attendance.clock import Clock
from attendance.domain.capacity import Capacity
from attendance.errors import StorageError
from attendance.kiosk.sms.limits import capacity_problems
from attendance.kiosk.store import roster
from attendance.kiosk.store.database import reading
from attendance.ops.health import ProbeResult, Problem

_AGAIN_NS = 600_000_000_000

log = logging.getLogger(__name__)


class CapacityWatch:
    """The probe ``sms_limits``.

    Args:
        judge: what a morning comes to, given the students who have a guardian that is told, and the numbers of those.
    """

    def __init__(self, database: Path, clock: Clock, judge: Callable[[int, int], Capacity]) -> None:
        self._database = database
        self._clock = clock
        self._judge = judge
        self._weighed_ns: int | None = None
        self._said: Sequence[str] = ()
        self._problems: Sequence[Problem] = ()

    def weigh(self, students: int, numbers: int) -> None:
        """Judge by a roster, and say so in the log if the limits are too low for it, once."""
        self._weighed_ns = self._clock.boot_ns()
        found = self._judge(students, numbers)
        self._problems = capacity_problems(found)
        if found.sentences and found.sentences != self._said:
            log.warning("%s", " ".join(found.sentences))
        self._said = found.sentences

    def probe(self) -> ProbeResult:
        """What health shows; looks at the roster every ten minutes."""
        if self._weighed_ns is None or self._clock.boot_ns() - self._weighed_ns >= _AGAIN_NS:
            try:
                with reading(self._database) as conn:
                    self.weigh(*roster.told(conn))
            except StorageError:
                pass  # the probe of the database says so
        return ProbeResult("sms_limits", {}, self._problems)
