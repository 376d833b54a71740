"""Carries what the gate has recorded to the centre: take → send → mark what was answered.

A batch a step, and no question while a transaction is open. A row leaves the queue by a signed answer about that
revision of its record only. Whatever happens in between, it is sent again, and the centre knows it by its key.
"""

import logging
import random
import sqlite3
from collections.abc import Callable, Sequence
from functools import partial
from http import HTTPStatus
from pathlib import Path

from attendance.clock import Clock, Moment
from attendance.domain.backoff import pause_s
from attendance.domain.contact import Synced
from attendance.domain.wire import Head, ItemResult, Result
from attendance.kiosk.store import sync_heads, sync_queue
from attendance.kiosk.store.reader import Reader
from attendance.kiosk.store.sync_items import Item, PhotoOfScan
from attendance.kiosk.store.sync_queue import Queued, Verdict, Waiting
from attendance.kiosk.sync import batch
from attendance.kiosk.sync.batch import Batch
from attendance.kiosk.sync.client import CentreClient, CentreError
from attendance.kiosk.sync.pace import LOOK_S, Pace
from attendance.kiosk.sync.pulling import BadAnswer, read
from attendance.ops.service import Service
from attendance.ops.sparse_log import SparseLog
from attendance.ops.sqlite import Writer

log = logging.getLogger(__name__)

_GATHER_S = 2.0
"""The first scan leaves at once; those of the next moments go together."""
_GATHER_LONGEST_S = 30.0
_GATHER_BY_ANSWER = 30.0
"""A centre that answers slowly is asked the less often, so that a thousand gates never ask more than it can do."""
_ANEW_AT_ONCE = 1_000
"""Rows that one transaction takes back into the queue: nobody at the camera waits longer for it."""
_COUNT_S = 10.0
"""How often a long queue is counted, which takes longer than a batch of it."""
_LATER_FIRST_S = 5.0
_LATER_LONGEST_S = 3600.0
_TAKEN = (Result.CREATED, Result.DUPLICATE)


def gathering_s(took_s: float) -> float:
    """How long scans are gathered before they are sent together, after an answer that took so long."""
    return min(_GATHER_LONGEST_S, max(_GATHER_S, took_s * _GATHER_BY_ANSWER))


class Courier:
    """Sends what waits for the centre, pictures excepted.

    Args:
        writer, client: not owned.
        photo_item: makes what is said of a photo, whose file it reads.
        batch_size: rows of one question, at most; fewer while the line does not carry them.
        on_taken: told how many records the centre took.
        jitter: random numbers in [0, 1), for pauses.
    """

    def __init__(
        self,
        database: Path,
        writer: Writer,
        client: CentreClient,
        clock: Clock,
        *,
        photo_item: Callable[[PhotoOfScan], Item],
        batch_size: int,
        timeout_s: float,
        on_taken: Callable[[int], object] = lambda count: None,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._reader = Reader(database)
        self._writer = writer
        self._client = client
        self._clock = clock
        self._photo_item = photo_item
        self._batch_size = self._size = batch_size
        self._timeout_s = timeout_s
        self._on_taken = on_taken
        self._jitter = jitter
        self._pace = Pace(client, clock, jitter)
        self._failed = SparseLog(log, logging.WARNING, clock)
        self._waiting = Waiting()
        self._counted_ns = clock.boot_ns()
        self._broken: dict[str, int] = {}
        self._fault: CentreError | None = None
        self.service = Service("sync courier", self, wake=client.hang_up, close=self.close)

    @property
    def fault(self) -> CentreError | None:
        """Why the last batch did not get through."""
        return self._fault

    @property
    def waiting(self) -> Waiting:
        """What waited at the last look."""
        return self._waiting

    @property
    def broken(self) -> Sequence[tuple[str, int]]:
        """Epochs in whose chain the centre found a break, each with the number of the scan."""
        return list(self._broken.items())

    def step(self) -> float:
        """Send a batch; how long to rest before the next."""
        if rest_s := self._pace.rest_s():
            return rest_s
        began_ns = self._clock.boot_ns()
        try:
            sent = self.send()
        except CentreError as error:
            self._fault = error
            self._pace.failed(error)
            self._failed(f"nothing went to the centre: {error}")
            return self._pace.rest_s()
        self._fault = None
        gather_s = gathering_s((self._clock.boot_ns() - began_ns) / 1e9)
        self._pace.succeeded(gather_s if sent and not self._waiting.items else 0.0)
        return 0.0 if sent else LOOK_S

    def send(self) -> int:
        """Send one batch; how many rows it was about, 0: nothing may be sent now.

        Raises:
            CentreError: there is no answer; everything waits.
        """
        now = self._clock.now()
        with self._reader.look() as conn:
            queued = sync_queue.take(conn, self._size, now)
        few = len(queued) < self._size
        if few or now.boot_ns >= self._counted_ns + _COUNT_S * 1e9:
            self._count(now)
        if queued:
            self._send(queued)
        if queued and few:
            self._count(now)
        return len(queued)

    def close(self) -> None:
        """Let go of the database; the next step opens it anew."""
        self._reader.close()

    def _count(self, now: Moment) -> None:
        self._counted_ns = now.boot_ns
        with self._reader.look() as conn:
            self._waiting = sync_queue.waiting(conn)

    def _send(self, queued: Sequence[Queued]) -> None:
        made = batch.make(queued, self._photo_item)
        try:
            results, heads = self._ask(made) if made.items else ([], [])
        except CentreError:
            self._size = max(1, self._size // 2)
            raise
        self._size = min(self._batch_size, self._size * 2)
        self._settle(made.verdicts(results, self._pause_s), heads)
        self._on_taken(sum(each.result in _TAKEN for each in results))

    def _ask(self, made: Batch) -> tuple[Sequence[ItemResult], Sequence[Head]]:
        reply = self._client.ask("POST", "/sync", made.body, deadline_s=self._timeout_s)
        if reply.status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE and len(made.items) == 1:
            return [ItemResult(result=Result.REJECTED, reason="the centre calls it too large")], []
        answer = read(reply, Synced)
        if len(answer.results) != len(made.items):
            raise BadAnswer(f"The centre answers {len(answer.results)} of {len(made.items)} records.")
        self._note(answer.heads)
        return answer.results, answer.heads

    def _settle(self, verdicts: Sequence[Verdict], heads: Sequence[Head]) -> None:
        def settle(conn: sqlite3.Connection) -> tuple[list[tuple[str, str, str]], bool]:
            fell_back = sync_heads.fell_back(conn, heads)
            if heads and not fell_back:
                sync_heads.note(conn, heads)
            return sync_queue.settle(conn, verdicts, self._clock.now()), fell_back

        dead, fell_back = self._writer.run(settle)
        for record_type, record_id, reason in dead:
            log.warning("the centre does not take the %s %s: %s", record_type, record_id, reason)
        if fell_back:
            self._send_anew(heads)

    def _send_anew(self, heads: Sequence[Head]) -> None:
        """The centre was restored from a backup: whatever it has lost, it gets. What it has still, it knows again."""
        log.warning("the centre has less than it had taken: everything is sent to it anew")
        last: int | None = 0
        while last is not None:
            last = self._writer.run(partial(sync_queue.send_anew, after=last, limit=_ANEW_AT_ONCE))
        self._writer.run(partial(sync_heads.note, heads=heads))

    def _note(self, heads: Sequence[Head]) -> None:
        for head in heads:
            if head.broken_at is None:
                self._broken.pop(head.epoch, None)
            else:
                self._broken[head.epoch] = head.broken_at

    def _pause_s(self, tries: int) -> float:
        return pause_s(tries, self._jitter, _LATER_FIRST_S, _LATER_LONGEST_S)
