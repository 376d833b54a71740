"""Copying a live SQLite database into a file that is whole, and proving later that it still is."""

import errno
import hashlib
import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from attendance.errors import StorageError
from attendance.ops import manifest, sqlite
from attendance.ops.manifest import BadBackup, Manifest

PRIVATE = 0o600
_STEP_PAGES = 256
_STEP_BYTES = 1 << 20
_PAUSE_S = 0.005
"""Rest after each megabyte, so that writers reach the disk between: their longest wait at 150 MB is then 10 to 40 ms
instead of 80 to 110."""


class Cancelled(StorageError):
    """The work was asked to end before it was done. Nothing is left of it but temporary files."""


class NoDatabase(StorageError):
    """A file does not begin as an SQLite database does, or its beginning cannot be read off the disk."""


class Stop:
    """Lets another thread end a copy at once, in the middle of a step."""

    def __init__(self) -> None:
        self._asked = threading.Event()
        self._lock = threading.Lock()
        self._conn: sqlite3.Connection | None = None

    def ask(self) -> None:
        with self._lock:
            self._asked.set()
            if self._conn is not None:
                self._conn.interrupt()

    def check(self, rest_s: float = 0.0) -> None:
        """Rest.

        Raises:
            Cancelled: the work shall end.
        """
        if self._asked.wait(rest_s) if rest_s else self._asked.is_set():
            raise Cancelled("The backup was interrupted because the program ends.")

    @contextmanager
    def covering(self, conn: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
        """Within it ``ask`` interrupts what ``conn`` is doing.

        Raises:
            Cancelled: it was interrupted.
        """
        with self._lock:
            self._conn = conn
        try:
            self.check()
            yield conn
        except sqlite3.OperationalError:
            self.check()
            raise
        finally:
            with self._lock:
                self._conn = None


def refuse_empty(path: Path) -> None:
    """Look only whether a file begins as a database does; nothing is made.

    Only SQLite may open a file that this process may have open as a database: closing one's own descriptor of it gives
    up every lock that the process has on it (POSIX), and the next process to leave takes the write-ahead log away
    under the gate (https://sqlite.org/howtocorrupt.html, section 2.2).

    Raises:
        NoDatabase: it is none.
        StorageError: it is not there, or closed to this user.
    """
    try:
        size = path.stat().st_size
    except FileNotFoundError as error:
        raise StorageError(
            f"There is no database {str(path)!r}. Start the gate once, or check that its disk is mounted."
        ) from error
    except OSError as error:
        raise StorageError(f"The database {str(path)!r} cannot be read ({error.strerror}).") from error
    if not os.access(path, os.R_OK):
        raise StorageError(f"The database {str(path)!r} cannot be read ({os.strerror(errno.EACCES)}).")
    if not size:
        raise NoDatabase(f"The database {str(path)!r} is empty. Restore a backup.")
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as conn:
            conn.execute("PRAGMA schema_version").fetchone()
    except sqlite3.Error as error:
        code = (getattr(error, "sqlite_errorcode", None) or 0) & 0xFF
        if code == sqlite3.SQLITE_NOTADB:
            raise NoDatabase(f"{str(path)!r} is no SQLite database. Restore a backup.") from error
        if code == sqlite3.SQLITE_IOERR:
            raise NoDatabase(f"The database {str(path)!r} cannot be read ({error}).") from error


@contextmanager
def opened_alone(path: Path) -> Iterator[sqlite3.Connection]:
    """A finished copy, read-only: nothing is written beside it, so a read-only stick will do."""
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro&immutable=1", uri=True)) as conn:
        conn.row_factory = sqlite3.Row
        yield conn


def snapshot(source: Path, target: Path, stop: Stop) -> None:
    """Copy a live database, as it is at one instant, into a new file that needs no side files; durable on return.

    One read transaction is held over all steps, so writers go on and no step begins anew because of them.

    Raises:
        StorageError: the source is no database, or the disk refused.
        Cancelled: ``stop`` was asked.
    """
    refuse_empty(source)
    try:
        fd = os.open(target, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, PRIVATE)
        try:
            _copy_pages(source, target, fd, stop)
            _to_the_disk(fd)
        finally:
            os.close(fd)
    except (sqlite3.Error, OSError) as error:
        raise StorageError(f"The database {str(source)!r} could not be copied to {str(target)!r} ({error}).") from error


def _copy_pages(source: Path, target: Path, fd: int, stop: Stop) -> None:
    def between_steps(status: int, remaining: int, total: int) -> None:
        os.fdatasync(fd)  # else writers wait behind everything at the end
        stop.check(_PAUSE_S)

    with closing(sqlite.connect(source, read_only=True)) as live, closing(sqlite3.connect(target)) as copy:
        copy.execute("PRAGMA synchronous=OFF")  # synced here, as a whole
        copy.execute("PRAGMA journal_mode=OFF")
        live.execute("BEGIN")
        live.execute("SELECT count(*) FROM sqlite_schema").fetchone()
        live.backup(copy, pages=_STEP_PAGES, progress=between_steps)
        copy.execute("PRAGMA journal_mode=DELETE")


def _to_the_disk(fd: int) -> None:
    """Sync a file and forget it, so that who verifies it reads the disk and not the memory."""
    os.fsync(fd)
    os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)


def digest(path: Path, stop: Stop) -> str:
    """SHA-256 of a file."""
    found = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_STEP_BYTES):
            found.update(chunk)
            stop.check()
    return found.hexdigest()


def copy_file(source: Path, target: Path, stop: Stop) -> None:
    """Copy a file that nobody writes to into a new private one; durable on return.

    Raises:
        StorageError: the disk refused.
        Cancelled: ``stop`` was asked.
    """
    try:
        fd = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, PRIVATE)
        with os.fdopen(fd, "wb") as copy, source.open("rb") as original:
            while chunk := original.read(_STEP_BYTES):
                copy.write(chunk)
                copy.flush()
                os.fdatasync(fd)
                stop.check(_PAUSE_S)
            _to_the_disk(fd)
    except OSError as error:
        target.unlink(missing_ok=True)  # a full disk needs the room
        raise StorageError(f"{str(source)!r} could not be copied to {str(target)!r} ({error.strerror}).") from error


def verify(path: Path, stop: Stop) -> Manifest:
    """Read a backup to its end and compare it with its manifest.

    Raises:
        BadBackup: it is missing, or any byte of it or of its manifest is not as it was written.
    """
    try:
        size = path.stat().st_size
    except OSError as error:
        raise BadBackup(
            f"The backup {str(path)!r} cannot be read ({error.strerror}). `attendance backup list` shows all."
        ) from error
    if not path.is_file() or size == 0:
        raise BadBackup(f"{str(path)!r} is {'empty' if path.is_file() else 'no file'}, so no backup.")
    found = manifest.read(path)
    if size != found.size_bytes:
        raise BadBackup(f"The backup {str(path)!r} has {size} bytes; {found.size_bytes} were written. Use another.")
    try:
        whole = digest(path, stop) == found.sha256
    except OSError as error:
        raise BadBackup(f"The backup {str(path)!r} cannot be read to its end ({error.strerror}).") from error
    if not whole:
        raise BadBackup(f"The backup {str(path)!r} is damaged: its SHA-256 is not the one written. Use another.")
    return found


def verify_list(path: Path, found: Manifest, stop: Stop) -> None:
    """Compare the list of the files that belong to a backup with its manifest.

    Raises:
        BadBackup: it is missing or changed. The backup itself can be restored all the same.
    """
    if not found.list_sha256:
        return
    beside = manifest.list_of(path)
    try:
        whole = digest(beside, stop) == found.list_sha256
    except OSError as error:
        raise BadBackup(
            f"The list of photos {str(beside)!r} cannot be read ({error.strerror}). The database beside it is whole."
        ) from error
    if not whole:
        raise BadBackup(f"The list of photos {str(beside)!r} is damaged. The database beside it is whole.")
