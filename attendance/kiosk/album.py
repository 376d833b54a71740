"""Photos on the disk: written whole or not at all, then named in the ledger. Never in the way of a scan.

Owns the directory ``photos`` in the data directory.
"""

import logging
import queue
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from attendance.clock import boot_ns
from attendance.errors import StorageError
from attendance.kiosk.store import ledger
from attendance.ops.files import write_atomically
from attendance.ops.service import IDLE_S, Service
from attendance.ops.sqlite import Writer
from attendance.vision.messages import Portrait

log = logging.getLogger(__name__)

_NO_ROOM = "The photo was not kept: the disk is full."
_NOT_WRITTEN = "The photo could not be written: the disk is full or failing."


@dataclass(frozen=True, slots=True)
class Entry:
    """A portrait for a recorded scan.

    Attributes:
        day: names the folder.
        read_boot_ns: when the frame was taken that shows the card.
    """

    scan_id: str
    day: str
    portrait: Portrait
    read_boot_ns: int = 0


class Album:
    """Keeps portraits as they come.

    Args:
        data_dir: paths in the ledger are relative to it.
        on_kept: called with the scan's id when its photo is on the disk and in the ledger.
        has_room: whether the disk has room for photos; without it the last of it is left to the database.
        measure: called with each scan's first photo that was kept, and with every one that could not be.
    """

    def __init__(
        self,
        data_dir: Path,
        writer: Writer,
        on_kept: Callable[[str], None],
        *,
        has_room: Callable[[], bool] = lambda: True,
        measure: Callable[[Entry, bool], None] | None = None,
    ) -> None:
        self._data_dir = data_dir
        self._writer = writer
        self._on_kept = on_kept
        self._has_room = has_room
        self._measure = measure
        self._entries: queue.SimpleQueue[Entry | None] = queue.SimpleQueue()
        self.service = Service("album", self, wake=lambda: self._entries.put(None))

    def keep(self, entry: Entry) -> None:
        self._entries.put(entry)

    def stop(self, timeout_s: float = 2.0) -> bool:
        """Keep what is waiting, then end; whether all of it was kept in time."""
        end_ns = boot_ns() + round(timeout_s * 1e9)
        ended = self.service.stop(timeout_s)
        while ended and not self._entries.empty() and boot_ns() < end_ns:
            self._take(self._entries.get())
        return ended and self._entries.empty()

    def step(self) -> float:
        with suppress(queue.Empty):
            self._take(self._entries.get(timeout=IDLE_S))
        return 0

    def _take(self, entry: Entry | None) -> None:
        if entry is None:
            return
        portrait = entry.portrait
        path, reason = None, portrait.reason or "No usable face was seen."
        if portrait.jpeg:
            path, reason = self._write(entry)
        replaced = self._writer.run(
            lambda conn: ledger.attach_photo(conn, entry.scan_id, path, reason, portrait.score, portrait.checks)
        )
        if replaced is not None:
            (self._data_dir / replaced).unlink(missing_ok=True)
        if path is not None:
            self._on_kept(entry.scan_id)
        if self._measure is not None and portrait.jpeg and replaced is None:
            self._measure(entry, path is not None)

    def _write(self, entry: Entry) -> tuple[str | None, str]:
        """The photo's path, or the reason why there is none."""
        if not self._has_room():
            return None, _NO_ROOM
        suffix = "" if entry.portrait.final else "-early"
        path = f"photos/{entry.day}/{entry.scan_id}{suffix}.jpg"
        try:
            write_atomically(self._data_dir / path, entry.portrait.jpeg)
        except StorageError as error:
            log.error("photo not kept: %s", error)
            return None, _NOT_WRITTEN
        return path, ""
