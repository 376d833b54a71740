"""Tells the centre every minute how this gate is, and passes on what that answers."""

import logging
import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

from attendance.clock import Clock, Moment, age, from_rfc3339, rfc3339
from attendance.domain import contact
from attendance.domain.contact import MOST_HEADS, MOST_RESULTS, MOST_WINDOWS, HeartbeatAnswer
from attendance.kiosk.store import centre_commands, register, sync_queue
from attendance.kiosk.store.heads import heads
from attendance.kiosk.store.reader import Reader
from attendance.kiosk.sync.client import CentreClient, CentreError
from attendance.kiosk.sync.following import Heard
from attendance.kiosk.sync.pace import Pace
from attendance.kiosk.sync.pulling import read
from attendance.ops.service import Service
from attendance.ops.sparse_log import SparseLog
from attendance.ops.sqlite import Writer

log = logging.getLogger(__name__)

_JITTER = 0.1
"""A thousand gates that were switched on together do not call together for ever."""


class Heartbeat:
    """Calls the centre.

    Args:
        writer, client: not owned.
        version: of the program.
        health: what the health page says, without personal data.
        applied: up to which versions this gate has what the centre sends down.
        windows: the sessions of the last days, and whether the gate provably worked through them.
        told: gets each answer.
        interval_s: between two calls.
        jitter: random numbers in [0, 1).
    """

    def __init__(
        self,
        database: Path,
        writer: Writer,
        client: CentreClient,
        clock: Clock,
        *,
        version: str,
        health: Callable[[], dict[str, Any]],
        applied: Callable[[], contact.Versions],
        windows: Callable[[], Sequence[contact.Window]],
        told: Callable[[Heard], object],
        interval_s: float,
        timeout_s: float,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._reader = Reader(database)
        self._writer = writer
        self._client = client
        self._clock = clock
        self._version = version
        self._health = health
        self._applied = applied
        self._windows = windows
        self._told = told
        self._interval_s = interval_s
        self._timeout_s = timeout_s
        self._jitter = jitter
        self._pace = Pace(client, clock, jitter)
        self._failed = SparseLog(log, logging.WARNING, clock)
        self.service = Service("sync heartbeat", self, wake=client.hang_up, close=self._reader.close)

    def step(self) -> float:
        """Call if it is time; how long to rest before the next look."""
        if rest_s := self._pace.rest_s():
            return rest_s
        try:
            self.call()
        except CentreError as error:
            self._pace.failed(error)
            self._failed(f"the centre was not told how this gate is: {error}")
        else:
            self._pace.succeeded(self._interval_s * (1 - _JITTER * self._jitter()))
        return self._pace.rest_s()

    def call(self) -> Heard:
        """Call the centre now; what it answered.

        Raises:
            CentreError: there is no answer.
            StorageError: the database refused.
        """
        beat = self._beat(self._clock.now())  # the time first: what is recorded after it may not be in the queue yet
        reply = self._client.ask("POST", "/heartbeat", beat.model_dump(mode="json"), deadline_s=self._timeout_s)
        answer = read(reply, HeartbeatAnswer)
        if beat.results:
            self._writer.run(partial(centre_commands.reported, told=beat.results))
        heard = Heard(answer, replace(self._clock.now(), at=from_rfc3339(answer.now)))
        self._told(heard)
        return heard

    def _beat(self, now: Moment) -> contact.Heartbeat:
        with self._reader.look() as conn:
            waiting = sync_queue.waiting(conn)
            oldest = register.oldest_unsent_sync(conn)
            found_heads = heads(conn)
            results = centre_commands.results(conn, MOST_RESULTS)
        waited = age(oldest, now) if oldest else timedelta()
        return contact.Heartbeat(
            sent_at=rfc3339(now.at),
            boot_id=now.boot_id,
            boot_ns=now.boot_ns,
            clock_trusted=now.trusted,
            version=self._version,
            health=self._health(),
            queue=contact.Queue(
                items=waiting.items, oldest_seconds=max(0.0, waited.total_seconds()), photos=waiting.pictures
            ),
            heads=found_heads[-MOST_HEADS:],
            results=results,
            applied=self._applied(),
            windows=list(self._windows())[-MOST_WINDOWS:],
        )
