"""What the API and the pages of one process of the centre share."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Engine

from attendance.access.door import Door
from attendance.access.throttle import Throttle
from attendance.clock import Clock
from attendance.fleet.log_store import LogStore
from attendance.fleet.photo_store import PhotoStore
from attendance.fleet.sight import Sight
from attendance.ops.peers import Network
from attendance.ops.sparse_log import SparseLog


@dataclass(frozen=True, slots=True)
class Centre:
    """Made by ``app``.

    Attributes:
        door: lets people in to the pages.
        sight: all gates as they are now, looked at once for everybody who asks.
        guesses: slows those who guess enrolment codes.
        storage_log: told of every failure of the database or the disk.
        proxies: those whose ``X-Forwarded-For`` is believed.
        monitor_token: opens the numbers of all schools; empty: nobody gets them.
    """

    engine: Engine
    clock: Clock
    photos: PhotoStore
    logs: LogStore
    door: Door
    guesses: Throttle
    sight: Sight
    storage_log: SparseLog
    proxies: Sequence[Network] = ()
    monitor_token: str = ""
