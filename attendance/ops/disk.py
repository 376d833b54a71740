"""Room on the disk: how much is left, as a level that does not flap, and a reserve for the last moments."""

import logging
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import Protocol

from attendance.ops.health import Problem

MARGIN_PERCENT = 1.0
"""A level is left only this far above its threshold, so that one photo more or less changes nothing."""
RESERVE_BYTES = 16 * 1024 * 1024
"""Room for thousands of scans: 4 MB of write-ahead log, which is then used again, and about 1 KB a scan."""

DISK_LOW = Problem(
    "disk-low",
    "warning",
    "The disk is getting full: {free_gb} GB ({free_percent} %) left.",
    "Delete what does not belong on this device, or put in a larger card.",
)
DISK_FULL = Problem(
    "disk-full",
    "error",
    "The disk is almost full: {free_gb} GB ({free_percent} %) left. Photos may soon not be kept.",
    "Delete what does not belong on this device today, or put in a larger card.",
)

log = logging.getLogger(__name__)


class Level(IntEnum):
    """How much room there is: the larger, the less."""

    ENOUGH = 0
    LOW = 1
    SHORT = 2


class Usage(Protocol):
    """As ``shutil.disk_usage`` answers, in bytes; ``free`` is what a program without privileges may take."""

    @property
    def total(self) -> int: ...

    @property
    def used(self) -> int: ...

    @property
    def free(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Room:
    """One look at a file system, in bytes."""

    level: Level
    total_bytes: int
    used_bytes: int
    free_bytes: int

    @property
    def free_percent(self) -> float:
        return 100 * self.free_bytes / self.total_bytes if self.total_bytes else 0.0

    @property
    def problem(self) -> Problem | None:
        if self.level is Level.ENOUGH:
            return None
        kind = DISK_FULL if self.level is Level.SHORT else DISK_LOW
        return kind.said(free_gb=round(self.free_bytes / 1e9, 1), free_percent=round(self.free_percent, 1))


class DiskWatch:
    """The free space of the file system that holds ``folder``, or will once the folder is made.

    Args:
        warn_percent, critical_percent: free space below which room is low, and short.
    """

    def __init__(
        self,
        folder: Path,
        *,
        warn_percent: float = 10.0,
        critical_percent: float = 5.0,
        usage: Callable[[Path], Usage] = shutil.disk_usage,
    ) -> None:
        self._folder = folder
        self._thresholds = {Level.LOW: warn_percent, Level.SHORT: critical_percent}
        self._usage = usage
        self._level = Level.ENOUGH

    def look(self) -> Room:
        """The room now.

        Raises:
            OSError: the file system does not answer.
        """
        usage = self._usage(
            next(folder for folder in (self._folder, *self._folder.absolute().parents) if folder.exists())
        )
        free_percent = 100 * usage.free / usage.total if usage.total else 0.0
        self._level = max(
            (level for level in self._thresholds if free_percent < self._limit(level)), default=Level.ENOUGH
        )
        return Room(self._level, usage.total, usage.used, usage.free)

    def _limit(self, level: Level) -> float:
        threshold = self._thresholds[level]
        return threshold + MARGIN_PERCENT if self._level >= level and threshold > 0 else threshold


class Reserve:
    """A file that only takes up room. When the disk is full it is given up, so that the database can go on.

    Owns ``path``.
    """

    def __init__(self, path: Path, size_bytes: int = RESERVE_BYTES) -> None:
        self._path = path
        self._size_bytes = size_bytes

    def keep(self, free_bytes: int) -> None:
        """Give the room up when hardly any other is left; take it again when there is plenty."""
        self.give_up(free_bytes)
        if free_bytes > self._size_bytes * 4 and not self._path.exists():
            self._take()

    def give_up(self, free_bytes: int) -> None:
        """Give the room up if hardly any other is left."""
        if free_bytes < self._size_bytes / 4 and self._path.exists():
            self._path.unlink(missing_ok=True)
            log.warning("the disk is full: %d bytes that were held in reserve are free now", self._size_bytes)

    def _take(self) -> None:
        try:
            fd = os.open(self._path, os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC, 0o600)
            try:
                os.posix_fallocate(fd, 0, self._size_bytes)
            finally:
                os.close(fd)
        except OSError as error:
            self._path.unlink(missing_ok=True)
            log.warning("no room can be held in reserve at %s: %s", self._path, error.strerror)
