"""What the API and the pages of one process of the centre share."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Engine

from attendance.clock import Clock
from attendance.fleet.log_store import LogStore
from attendance.fleet.photo_store import PhotoStore
from attendance.ops.peers import Network


@dataclass(frozen=True, slots=True)
class Centre:
    """Made by ``app``.

    Attributes:
        proxies: those whose ``X-Forwarded-For`` is believed.
    """

    engine: Engine
    clock: Clock
    photos: PhotoStore
    logs: LogStore
    proxies: Sequence[Network] = ()
