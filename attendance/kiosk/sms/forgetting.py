"""Forgets messages that ended long ago, so that neither the database nor what is known of families grows for ever."""

import logging
from pathlib import Path

from attendance.clock import Clock
from attendance.kiosk.store import outbox_retention
from attendance.kiosk.store.database import reading
from attendance.ops.service import Service
from attendance.ops.sqlite import Writer

_LOOK_S = 3600.0
_BETWEEN_PORTIONS_S = 1.0

log = logging.getLogger(__name__)


class Forgetting:
    """A portion a step.

    Args:
        writer: not owned.
    """

    def __init__(self, database: Path, writer: Writer, clock: Clock) -> None:
        self._database = database
        self._writer = writer
        self._clock = clock
        self._forgotten = 0
        self.service = Service("SMS retention", self)

    def step(self) -> float:
        """Forget some; how long to rest before the next."""
        with reading(self._database) as conn:
            last = outbox_retention.last_old(conn, self._clock.now())
        gone = self._writer.run(lambda conn: outbox_retention.forget(conn, last)) if last else 0
        self._forgotten += gone
        if gone == outbox_retention.PORTION:
            return _BETWEEN_PORTIONS_S
        if self._forgotten:
            log.info("%d messages are past their time and were forgotten", self._forgotten)
        self._forgotten = 0
        return _LOOK_S
