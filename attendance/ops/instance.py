"""One process per data directory. Owns the file ``.lock`` in it."""

import fcntl
import os
from pathlib import Path

from attendance.errors import AlreadyRunning, StorageError


class InstanceLock:
    """Held from ``acquire`` until ``release`` or the end of the process, however it ends."""

    def __init__(self, directory: Path) -> None:
        self._path = directory / ".lock"
        self._fd: int | None = None

    def acquire(self) -> None:
        """Take the lock.

        Raises:
            AlreadyRunning: another process has it.
            StorageError: the directory cannot be written.
        """
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            fd = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StorageError(
                f"The data directory {str(self._path.parent)!r} cannot be written ({error.strerror}). "
                "Check its owner, or choose another with --data-dir."
            ) from error
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            pid = os.read(fd, 32).decode(errors="replace").strip() or "unknown"
            os.close(fd)
            raise AlreadyRunning(
                f"A gate runs on the data directory {str(self._path.parent)!r} already (process {pid}). "
                "Stop it first, or choose another directory with --data-dir."
            ) from error
        os.ftruncate(fd, 0)
        os.write(fd, f"{os.getpid()}\n".encode())
        self._fd = fd

    def release(self) -> None:
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None
