"""Carries pictures to the centre, behind everything else: a part a step, so that a slow line is never held up long.

The centre knows by its digest how far it has a picture, so that one that was broken off goes on where it stopped, in
another run too. A photo that is replaced, erased or deleted meanwhile is let go of at the next part.
"""

import logging
import random
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path

from attendance.clock import Clock
from attendance.domain.backoff import pause_s
from attendance.domain.contact import PhotoState
from attendance.domain.wire import PHOTO_PART_BYTES
from attendance.kiosk.store import sync_queue
from attendance.kiosk.store.reader import Reader
from attendance.kiosk.store.sync_queue import Picture
from attendance.kiosk.sync.client import CentreClient, CentreError, Reply
from attendance.kiosk.sync.pace import LOOK_S, Pace
from attendance.kiosk.sync.photo_files import PhotoFiles
from attendance.kiosk.sync.pulling import read
from attendance.ops.service import Service
from attendance.ops.sparse_log import SparseLog
from attendance.ops.sqlite import Writer

log = logging.getLogger(__name__)

_BEHIND_S = 2.0
_SMALLEST_PART_BYTES = 4096
_PATIENCE = 3
"""Answers in a row that do not bring a picture on, before another one has its turn."""
_AGAIN_FIRST_S = 60.0
_AGAIN_LONGEST_S = 6 * 3600.0


@dataclass(slots=True)
class _Upload:
    """A picture on its way.

    Attributes:
        received: how many bytes the centre has; ``None`` until it was asked.
        in_vain: answers in a row that did not bring it on.
    """

    picture: Picture
    sha256: str
    content: bytes
    received: int | None = None
    in_vain: int = 0


class PhotoLane:
    """Sends the pictures of photos that the centre knows of.

    Args:
        writer, client: not owned.
        jitter: random numbers in [0, 1), for pauses.
    """

    def __init__(
        self,
        database: Path,
        writer: Writer,
        client: CentreClient,
        clock: Clock,
        files: PhotoFiles,
        *,
        timeout_s: float,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._reader = Reader(database)
        self._writer = writer
        self._client = client
        self._clock = clock
        self._files = files
        self._timeout_s = timeout_s
        self._jitter = jitter
        self._pace = Pace(client, clock, jitter)
        self._failed = SparseLog(log, logging.WARNING, clock)
        self._upload: _Upload | None = None
        self._part_bytes = PHOTO_PART_BYTES
        self.finished = 0
        """Pictures that the centre has since this was made."""
        self.service = Service("sync photos", self, wake=client.hang_up, close=self.close)

    def step(self) -> float:
        """Send a part; how long to rest before the next."""
        if not self._files.leave:
            return LOOK_S
        if rest_s := self._pace.rest_s():
            return rest_s
        with self._reader.look() as conn:
            if sync_queue.has_due(conn, self._clock.now()):
                return _BEHIND_S
        try:
            sent = self.send()
        except CentreError as error:
            self._part_bytes = max(_SMALLEST_PART_BYTES, self._part_bytes // 2)
            self._pace.failed(error)
            self._failed(f"no photo went to the centre: {error}")
            return self._pace.rest_s()
        self._pace.succeeded()
        return 0.0 if sent else LOOK_S

    def send(self) -> bool:
        """Ask about a picture, or send its next part; whether there was one.

        Raises:
            CentreError: there is no answer; it goes on there the next time.
        """
        with self._reader.look() as conn:
            if self._upload is not None and not sync_queue.is_current(conn, self._upload.picture):
                self._upload = None
            picture = self._upload.picture if self._upload else sync_queue.next_picture(conn, self._clock.now())
        if picture is None:
            return False
        self._upload = self._upload or self._begun(picture)
        if self._upload is None:
            self._writer.run(lambda conn: sync_queue.picture_taken(conn, picture))
        else:
            self._follow(self._upload, self._ask(self._upload))
        return True

    def close(self) -> None:
        """Let go of the database; the next step opens it anew."""
        self._reader.close()

    def _begun(self, picture: Picture) -> _Upload | None:
        """``None`` if there is no such file any more: then there is nothing that the centre could get."""
        found = self._files.read(picture.path) if picture.path is not None else None
        return _Upload(picture, found.sha256, found.content) if found is not None else None

    def _ask(self, upload: _Upload) -> Reply:
        address, at = f"/photos/{upload.sha256}", upload.received
        if at is None:
            return self._client.ask("GET", address, deadline_s=self._timeout_s)
        part = upload.content[at : at + self._part_bytes]
        query = f"?offset={at}&size={len(upload.content)}"
        return self._client.ask("PUT", address + query, part, deadline_s=self._timeout_s)

    def _follow(self, upload: _Upload, reply: Reply) -> None:
        if reply.ok:
            self._go_on(upload, read(reply, PhotoState))
        elif reply.status == HTTPStatus.CONFLICT:  # it has something else, and has thrown it away
            upload.received = None
            upload.in_vain += 1
        else:
            self._announce_again(upload, reply.fault)
        if upload.in_vain >= _PATIENCE:
            self._announce_again(upload, f"the centre does not get on with it: {reply.fault}")

    def _go_on(self, upload: _Upload, state: PhotoState) -> None:
        if state.complete:
            self._writer.run(lambda conn: sync_queue.picture_taken(conn, upload.picture))
            self._upload = None
            self.finished += 1
            return
        progress = upload.received is None or state.received > upload.received
        upload.in_vain = 0 if progress else upload.in_vain + 1
        upload.received = min(state.received, len(upload.content) - 1)
        self._part_bytes = min(PHOTO_PART_BYTES, self._part_bytes * 2)

    def _announce_again(self, upload: _Upload, reason: str) -> None:
        """The centre does not expect this picture, as after a photo that was replaced without a word: tell it anew."""
        picture = upload.picture
        pause = pause_s(picture.tries + 1, self._jitter, _AGAIN_FIRST_S, _AGAIN_LONGEST_S)
        self._upload = None
        self._writer.run(lambda conn: sync_queue.announce_again(conn, picture, reason, pause, self._clock.now()))
