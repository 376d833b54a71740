"""What a centre is told when it starts."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

PORT = 8600


@dataclass(frozen=True, slots=True)
class CentrePlan:
    """Everything that a process of the centre needs to know; plain values, so that it survives a fork.

    Attributes:
        database: URL as SQLAlchemy reads it; several hosts may be named for PostgreSQL.
        folder: where photos and logs lie; all replicas share it.
        trusted_proxies: addresses or networks whose ``X-Forwarded-For`` is believed.
        monitor_token: opens the numbers of all schools to Prometheus; empty: nobody gets them.
    """

    database: str
    folder: Path
    trusted_proxies: Sequence[str] = ()
    monitor_token: str = ""
