"""The clock of a simulated machine, which has been on for a while."""

import uuid

from attendance.clock import Clock, Moment


class GateClock:
    """Known good: whoever simulates gates and a centre on one machine has one time for all.

    Args:
        clock: of the machine that simulates; its wall time counts.
        up_s: how long ago the simulated one was switched on.
    """

    def __init__(self, clock: Clock, *, up_s: float) -> None:
        self.boot_id = str(uuid.uuid4())
        self._clock = clock
        self._booted_ns = clock.boot_ns() - round(up_s * 1e9)

    def boot_ns(self) -> int:
        return self._clock.boot_ns() - self._booted_ns

    def now(self) -> Moment:
        return self.moment(self.boot_ns())

    def moment(self, at_boot_ns: int) -> Moment:
        return Moment(self._clock.moment(at_boot_ns + self._booted_ns).at, self.boot_id, at_boot_ns, trusted=True)
