"""Does what the centre's last word asks for, a bounded piece at a time, until there is no more to do."""

import logging
from collections.abc import Callable
from dataclasses import dataclass

from attendance.clock import Clock, Moment
from attendance.domain.contact import HeartbeatAnswer
from attendance.kiosk.sync.client import CentreClient, CentreError
from attendance.kiosk.sync.pace import Pace
from attendance.ops.service import Service
from attendance.ops.sparse_log import SparseLog

log = logging.getLogger(__name__)

_IDLE_S = 30.0


@dataclass(frozen=True, slots=True)
class Heard:
    """The centre's last word.

    Attributes:
        at: when it came: by the centre's clock, in this boot's time, and trusted as far as this gate's own clock is.
    """

    answer: HeartbeatAnswer
    at: Moment


class Following:
    """A service that works whenever the centre has spoken.

    Args:
        client: not owned.
        work: does one piece; whether there is more to do at once. It raises ``CentreError`` if there is no answer.
    """

    def __init__(self, name: str, client: CentreClient, clock: Clock, work: Callable[[Heard], bool]) -> None:
        self._work = work
        self._heard: Heard | None = None
        self._pace = Pace(client, clock)
        self._failed = SparseLog(log, logging.WARNING, clock)
        self.service = Service(name, self, wake=client.hang_up)

    def hear(self, heard: Heard) -> None:
        """The centre has spoken; any thread."""
        self._heard = heard
        self.service.nudge()

    def step(self) -> float:
        heard = self._heard
        if heard is None:
            return _IDLE_S
        if rest_s := self._pace.rest_s():
            return rest_s
        try:
            more = self._work(heard)
        except CentreError as error:
            self._pace.failed(error)
            self._failed(f"{self.service.name}: {error}")
            return self._pace.rest_s()
        self._pace.succeeded()
        return 0.0 if more else _IDLE_S
