"""Photos at the centre: one folder a school, one file a photo, named by what is in it.

Owns ``<folder>/<school_id>/<first two digits>/<sha256>.jpg``. All replicas of a centre share the folder; whoever adds
to a photo holds a lock on its directory meanwhile.
"""

import fcntl
import hashlib
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from attendance.clock import Clock
from attendance.domain.wire import LARGEST_PHOTO_BYTES, PHOTO_PART_BYTES
from attendance.errors import BadInput, StorageError
from attendance.ops.files import sync_folder

ROOM_KEPT_BYTES = 256 * 1024 * 1024
"""Left free for the database: scans matter more than photos."""
UNFINISHED_S = 30 * 86_400
"""A photo that nobody went on with for so long is not going to be finished; a gate would begin anew."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How much of a photo is here, in bytes."""

    received: int
    complete: bool


class WrongPhoto(BadInput):
    """What came in is not what was announced; nothing of it was kept."""


class PhotoStore:
    """Keeps photos in a folder.

    Both ids come from the database, or were judged before: they are hexadecimal digits and hyphens, and so no paths.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def progress(self, school_id: str, sha256: str) -> Progress:
        whole, part = self._files(school_id, sha256)
        with _explained(whole):
            return Progress(_size(whole), True) if whole.exists() else Progress(_size(part), False)

    def add(self, school_id: str, sha256: str, offset: int, size: int, part: bytes) -> Progress:
        """Take the bytes from ``offset`` on, and the whole photo once the last are there.

        Bytes that are here already may come again; those beyond a gap are not taken, the answer says where to go on.

        Raises:
            WrongPhoto: the photo is whole and is another.
            BadInput: the part cannot belong to a photo of ``size`` bytes.
            StorageError: the disk refused, or has no room for photos.
        """
        if not part or len(part) > PHOTO_PART_BYTES or size > LARGEST_PHOTO_BYTES or offset + len(part) > size:
            raise BadInput(
                f"{len(part)} bytes from {offset} on are no part of a photo of {size} bytes. Send 1 to "
                f"{PHOTO_PART_BYTES} bytes at a time, of a photo of at most {LARGEST_PHOTO_BYTES} bytes."
            )
        whole, unfinished = self._files(school_id, sha256)
        with _explained(whole), _locked(whole.parent):
            if whole.exists():
                return Progress(_size(whole), True)
            received = _size(unfinished)
            if offset > received:
                return Progress(received, False)
            self._require_room()
            received = _write(unfinished, offset, part)
            if received < size:
                return Progress(received, False)
            _finish(unfinished, whole, sha256)
            return Progress(received, True)

    def read(self, school_id: str, sha256: str) -> bytes | None:
        """The JPEG, or ``None`` if it is not here whole."""
        whole, _ = self._files(school_id, sha256)
        with _explained(whole), suppress(FileNotFoundError):
            return whole.read_bytes()
        return None

    def erase(self, school_id: str, digests: Iterable[str]) -> None:
        """Make photos disappear, finished or not; those that are not here are gone already."""
        for sha256 in digests:
            whole, unfinished = self._files(school_id, sha256)
            if not whole.parent.is_dir():
                continue
            with _explained(whole), _locked(whole.parent):
                whole.unlink(missing_ok=True)
                unfinished.unlink(missing_ok=True)
                sync_folder(whole.parent)

    def forget_unfinished(self, clock: Clock) -> int:
        """Delete what was begun and not gone on with for ``UNFINISHED_S``; how many that were."""
        latest = clock.now().at.timestamp() - UNFINISHED_S
        forgotten = 0
        with _explained(self._folder):
            for unfinished in self._folder.glob("*/*/.*.part"):
                with suppress(FileNotFoundError):
                    if unfinished.stat().st_mtime < latest:
                        unfinished.unlink()
                        forgotten += 1
        return forgotten

    def _files(self, school_id: str, sha256: str) -> tuple[Path, Path]:
        folder = self._folder / school_id / sha256[:2]
        return folder / f"{sha256}.jpg", folder / f".{sha256}.part"

    def _require_room(self) -> None:
        free = shutil.disk_usage(self._folder).free
        if free < ROOM_KEPT_BYTES:
            raise StorageError(
                f"The disk of {str(self._folder)!r} has {free // 2**20} MB left, which are kept for scans. Make room; "
                "the gates send their photos again."
            )


def _write(unfinished: Path, offset: int, part: bytes) -> int:
    """Put the bytes in; the size after that."""
    with os.fdopen(os.open(unfinished, os.O_RDWR | os.O_CREAT, 0o640), "r+b") as file:
        file.seek(offset)
        file.write(part)
        file.flush()
        return os.fstat(file.fileno()).st_size


def _finish(unfinished: Path, whole: Path, sha256: str) -> None:
    if hashlib.sha256(unfinished.read_bytes()).hexdigest() != sha256:
        unfinished.unlink()
        raise WrongPhoto("The photo is whole and is not the one that was announced. Send it again from its beginning.")
    fd = os.open(unfinished, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
    unfinished.replace(whole)
    sync_folder(whole.parent)


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except FileNotFoundError:
        return 0


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    folder.mkdir(parents=True, exist_ok=True)
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        yield
    finally:
        os.close(fd)


@contextmanager
def _explained(file: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StorageError(
            f"{str(file)!r} cannot be used ({error.strerror}). Check the folder's permissions and the room on its disk."
        ) from error
