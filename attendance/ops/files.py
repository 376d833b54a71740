"""Files that are whole or not there."""

import os
from contextlib import suppress
from pathlib import Path

from attendance.errors import StorageError


def write_atomically(path: Path, content: bytes, *, mode: int = 0o666) -> None:
    """Write a file so that a power cut leaves the whole of it or nothing; folders are made as needed.

    A file that is replaced keeps its owner and group, as far as this process may give files away.

    Args:
        mode: permissions, less what the process' umask takes away.

    Raises:
        StorageError: the disk refused.
    """
    temporary = path.with_name(f".{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.unlink(missing_ok=True)  # what an interrupted write left would keep its own mode
        with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "wb") as file:
            _keep_owner(path, file.fileno())
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
        sync_folder(path.parent)
    except OSError as error:
        with suppress(OSError):
            temporary.unlink()
        raise StorageError(
            f"{str(path)!r} could not be written ({error.strerror}). Check the room on the disk and its permissions."
        ) from error


def _keep_owner(path: Path, fd: int) -> None:
    with suppress(FileNotFoundError, PermissionError):
        former = path.stat()
        os.fchown(fd, former.st_uid, former.st_gid)


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable, as they are.

    Raises:
        OSError: the disk refused.
    """
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
