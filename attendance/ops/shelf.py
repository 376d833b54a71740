"""A folder of backups with its ``daily`` and ``weekly`` folders: names, order, what goes and what stays.

Owns the files ``STEM_YYYYmmdd_HHMMSS.db`` with their manifests and lists, and the hidden ones, in these folders. A
backup counts only with its manifest, which is written first: a crash leaves a whole backup, or leavings that the next
one removes.
"""

import fcntl
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from zoneinfo import ZoneInfo

from attendance.errors import StorageError
from attendance.ops import backup, manifest, rotation
from attendance.ops.backup import PRIVATE, Stop
from attendance.ops.files import sync_folder, write_atomically
from attendance.ops.manifest import BadBackup, Manifest

_BUSY_TRIES = 300
_BUSY_PAUSE_S = 0.2


@dataclass(frozen=True, slots=True)
class Stored:
    """A backup on a shelf."""

    path: Path
    manifest: Manifest


def first_free(names: Iterable[str], *folders: Path) -> str:
    """The first of endless names that nothing has in any of the folders."""
    return next(name for name in names if not any((folder / name).exists() for folder in folders))


def take_turn(fd: int, stop: Stop) -> bool:
    """Lock an open file or folder among all processes, waiting a minute at most; whether it is. Closing unlocks it.

    Raises:
        Cancelled: the wait was cut short.
    """
    for _ in range(_BUSY_TRIES):
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            stop.check(_BUSY_PAUSE_S)
        else:
            return True
    return False


class Shelf:
    """One folder of backups.

    Args:
        stem: how the names of its backups begin.
    """

    def __init__(self, folder: Path, stem: str) -> None:
        self.folder = folder
        self._stem = stem
        self._tiers: dict[str, Shelf] = {}
        self._read: dict[str, tuple[tuple[int, int], Manifest | None]] = {}

    def tier(self, name: str) -> "Shelf":
        """A shelf in a folder of this one."""
        return self._tiers.setdefault(name, Shelf(self.folder / name, self._stem))

    @property
    def tiers(self) -> "tuple[Shelf, ...]":
        """This shelf, then those of its days and weeks."""
        return self, self.tier("daily"), self.tier("weekly")

    def files(self) -> list[Path]:
        """Everything that is named like a backup; empty if there is no such folder, or its disk fails."""
        try:
            return sorted(self.folder.glob(f"{self._stem}_*.db"))
        except OSError:
            return []

    def backups(self) -> list[Stored]:
        """Those with a sound manifest that fits in size, the newest first. They are not read to their end."""
        files = self.files()
        found = [Stored(path, known) for path in files if (known := self._manifest(path)) is not None]
        names = {path.name for path in files}
        self._read = {name: read for name, read in list(self._read.items()) if name in names}
        return sorted(found, key=lambda each: -each.manifest.number)

    def everything(self) -> list[Stored]:
        """The backups of all tiers, the newest first, each once."""
        found = {each.path.name: each for tier in reversed(self.tiers) for each in tier.backups()}
        return sorted(found.values(), key=lambda each: -each.manifest.number)

    @contextmanager
    def locked(self, stop: Stop) -> Iterator[None]:
        """Alone on this shelf, among all processes. Makes the folder, and removes what a crash left.

        Raises:
            StorageError: it cannot be written, or another process is at work for very long.
        """
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            fd = os.open(self.folder / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, PRIVATE)
        except OSError as error:
            raise StorageError(
                f"The backup folder {str(self.folder)!r} cannot be written ({error.strerror}). "
                "Check its owner and that its disk is mounted."
            ) from error
        try:
            if not take_turn(fd, stop):
                raise StorageError(
                    f"Another process is busy with the backups in {str(self.folder)!r}. Try again later."
                )
            self._sweep()
            yield
        finally:
            os.close(fd)

    def _sweep(self) -> None:
        for tier in self.tiers:
            for path in tier.folder.glob(".*.part*"):
                path.unlink(missing_ok=True)
            for path in tier.folder.glob(f"{self._stem}_*.db.*"):
                backup_name = path.name.partition(".db.")[0] + ".db"
                if not path.with_name(backup_name).exists():
                    path.unlink(missing_ok=True)

    def free_name(self, local: datetime) -> str:
        """A name for a backup made at a local time; that of the next free second if it is taken."""
        seconds = (local + timedelta(seconds=later) for later in count())
        names = (f"{self._stem}_{second:%Y%m%d_%H%M%S}.db" for second in seconds)
        return first_free(names, *(tier.folder for tier in self.tiers))

    def next_number(self) -> int:
        return max((each.manifest.number for each in self.everything()), default=0) + 1

    def unfinished(self, name: str) -> Path:
        """Where a backup lies until it is published."""
        return self.folder / f".{name}.part"

    def publish(self, name: str, made: Manifest, files: bytes = b"") -> Stored:
        """Give the unfinished backup its name; it counts from then on.

        Args:
            files: the list of the files that belong to it; empty for none.
        """
        path = self.folder / name
        if files:
            write_atomically(manifest.list_of(path), files, mode=PRIVATE)
        write_atomically(manifest.path_of(path), manifest.render(made), mode=PRIVATE)
        self.unfinished(name).rename(path)
        sync_folder(self.folder)
        return Stored(path, made)

    def take(self, stored: Stored, stop: Stop, *, number_at_least: int = 0) -> Stored:
        """Copy a backup from another shelf to this one and read it back.

        Args:
            number_at_least: its number here, if its own is lower.

        Raises:
            StorageError: the disk refused.
            BadBackup: what can be read back is not what was written.
        """
        name = stored.path.name
        number = max(stored.manifest.number, number_at_least)
        unfinished = self.unfinished(name)
        backup.copy_file(stored.path, unfinished, stop)
        if backup.digest(unfinished, stop) != stored.manifest.sha256:
            unfinished.unlink(missing_ok=True)
            raise BadBackup(f"The copy of {name} in {str(self.folder)!r} cannot be read back. Replace that disk.")
        return self.publish(name, replace(stored.manifest, number=number), _list_beside(stored.path))

    def rotate(self, keep: int, keep_daily: int, keep_weekly: int, zone: ZoneInfo, stop: Stop) -> None:
        """Set the last of each finished day and week aside, then delete what is too much."""
        hourly, daily, weekly = self.tiers
        days, weeks = rotation.day_of, rotation.week_of
        daily._keep_finished([hourly], days, keep_daily, zone, stop)
        weekly._keep_finished([hourly, daily], weeks, keep_weekly, zone, stop)
        self.keep_newest(keep)
        for tier, kept, period in ((daily, keep_daily, days), (weekly, keep_weekly, weeks)):
            for each in rotation.surplus_periods(_dated([tier], zone), kept, period):
                tier.delete(each.name)

    def _keep_finished(
        self,
        sources: "Sequence[Shelf]",
        period: Callable[[rotation.Dated], rotation.Period],
        keep: int,
        zone: ZoneInfo,
        stop: Stop,
    ) -> None:
        """Take the last backup of each finished period from the shelves that have it."""
        finished = rotation.finished(_dated(sources, zone), period)
        wanted = {each.name for each in finished[:keep]}
        for stored in (each for shelf in sources for each in shelf.backups() if each.path.name in wanted):
            if not (self.folder / stored.path.name).exists():
                self.folder.mkdir(mode=0o700, exist_ok=True)
                self._link_or_take(stored, stop)

    def _link_or_take(self, stored: Stored, stop: Stop) -> None:
        """A second name for the same bytes costs no room; a disk that has no such thing, as a stick, gets a copy."""
        target = self.folder / stored.path.name
        try:
            for beside in (manifest.list_of, manifest.path_of):
                if beside(stored.path).exists():
                    beside(target).unlink(missing_ok=True)  # left by a crash
                    os.link(beside(stored.path), beside(target))
            os.link(stored.path, target)
            sync_folder(self.folder)
        except OSError:
            for beside in (manifest.list_of, manifest.path_of):
                beside(target).unlink(missing_ok=True)
            self.take(stored, stop)

    def keep_newest(self, keep: int) -> None:
        """Delete all but the ``keep`` newest of this folder."""
        for each in self.backups()[keep:]:
            self.delete(each.path.name)

    def delete(self, name: str) -> None:
        """Remove a backup; the manifest last, so that a crash leaves no backup without one."""
        path = self.folder / name
        for each in (path, manifest.list_of(path), manifest.path_of(path)):
            each.unlink(missing_ok=True)

    def _manifest(self, path: Path) -> Manifest | None:
        """The manifest of a backup, read once as long as neither file changes."""
        try:
            facts = manifest.path_of(path).stat()
            size = path.stat().st_size
        except OSError:
            return None
        seen = (facts.st_mtime_ns, facts.st_size)
        known = self._read.get(path.name)
        if known is None or known[0] != seen:
            known = self._read[path.name] = (seen, _manifest_or_none(path))
        return known[1] if known[1] is not None and known[1].size_bytes == size else None


def _dated(shelves: Sequence[Shelf], zone: ZoneInfo) -> list[rotation.Dated]:
    found = {each.path.name: each.manifest for shelf in shelves for each in shelf.backups()}
    return rotation.dated(found.items(), zone)


def _manifest_or_none(path: Path) -> Manifest | None:
    try:
        return manifest.read(path)
    except BadBackup:
        return None


def _list_beside(path: Path) -> bytes:
    """The list of the files that belong to a backup; empty if there is none, or it was lost."""
    try:
        return manifest.list_of(path).read_bytes()
    except FileNotFoundError:
        return b""
