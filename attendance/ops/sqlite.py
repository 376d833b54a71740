"""SQLite as this project uses it: write-ahead log, a full sync at every commit, short immediate transactions.

``synchronous=FULL`` is what makes an acknowledged row survive a power cut; NORMAL lost rows in every staged one.
"""

import queue
import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

from attendance.errors import StorageError
from attendance.ops.service import IDLE_S, Service

T = TypeVar("T")
BUSY_TIMEOUT_MS = 5_000
"""How long a writer waits for another process's short transaction."""
_SIDE_SUFFIXES = ("-wal", "-shm", "-journal")


def side_files(path: Path) -> list[Path]:
    """Where SQLite keeps what belongs to a database beside it: log, index of the log, rollback journal."""
    return [path.with_name(path.name + suffix) for suffix in _SIDE_SUFFIXES]


def connect(path: Path, *, read_only: bool = False) -> sqlite3.Connection:
    """A connection without implicit transactions; rows answer by column name.

    Raises:
        StorageError: no such database, or no right to open it.
    """
    mode = "ro" if read_only else "rwc"
    try:
        conn = sqlite3.connect(
            f"{path.absolute().as_uri()}?mode={mode}", uri=True, isolation_level=None, check_same_thread=False
        )
        conn.row_factory = sqlite3.Row
        conn.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
        conn.execute("PRAGMA foreign_keys=ON")
        if not read_only:
            conn.execute("PRAGMA journal_mode=WAL")
            conn.execute("PRAGMA synchronous=FULL")
            conn.execute("PRAGMA secure_delete=ON")  # an erased student must not live on in free pages
    except sqlite3.Error as error:
        raise StorageError(
            f"The database {str(path)!r} cannot be opened ({error}). Check that the folder exists and may be written."
        ) from error
    return conn


def roll_back(path: Path) -> None:
    """Undo what a killed process left half written beside its rollback journal, which a read-only connection cannot.

    Without such a journal nothing is opened. The way in which the database keeps its journal stays as it is.

    Raises:
        sqlite3.Error: the file is damaged, or the disk refused.
    """
    if not path.with_name(path.name + "-journal").exists() or not path.exists():
        return
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", uri=True)) as conn:
        conn.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
        conn.execute("SELECT count(*) FROM sqlite_schema").fetchone()


@contextmanager
def transaction(conn: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    """``BEGIN IMMEDIATE`` … ``COMMIT``; any exception rolls back. Returning means: on the disk."""
    conn.execute("BEGIN IMMEDIATE")
    try:
        yield conn
        conn.execute("COMMIT")
    except BaseException:
        if conn.in_transaction:
            conn.execute("ROLLBACK")
        raise


def migrate(conn: sqlite3.Connection, steps: Sequence[str], name: str) -> int:
    """Bring a database to the newest schema; each step is one transaction that also moves ``user_version``.

    Returns:
        The version before.

    Raises:
        StorageError: the database is newer than this program, or not ours.
    """
    before = int(conn.execute("PRAGMA user_version").fetchone()[0])
    if before > len(steps):
        raise StorageError(
            f"The database {name!r} has schema {before}, this program knows {len(steps)}. Install that version again."
        )
    refuse_foreign(conn, name)
    for version, step in enumerate(steps[before:], before + 1):
        with transaction(conn):
            for statement in _statements(step):
                conn.execute(statement)
            conn.execute(f"PRAGMA user_version={version}")
    return before


def refuse_foreign(conn: sqlite3.Connection, name: str) -> None:
    """Reads only.

    Raises:
        StorageError: the database has tables and no schema of ours.
    """
    if not conn.execute("PRAGMA user_version").fetchone()[0] and conn.execute("SELECT 1 FROM sqlite_schema").fetchone():
        raise StorageError(f"{name!r} is another program's database. Move it away, or choose another --data-dir.")


def columns(conn: sqlite3.Connection, table: str) -> list[str]:
    """The names of a table's columns in their order; none if there is no such table. Reads only."""
    return [str(row[0]) for row in conn.execute("SELECT name FROM pragma_table_info(?)", (table,))]


def _statements(script: str) -> Iterator[str]:
    """The statements of a script; ``executescript`` would commit between them."""
    pending = ""
    for line in script.splitlines(keepends=True):
        pending += line
        if sqlite3.complete_statement(pending):
            yield pending
            pending = ""


class Writer:
    """The one thread of the core that writes: callers hand it a function and get its result after the commit.

    Args:
        refused: told of every error of the database, on the writer's thread.
    """

    def __init__(
        self,
        open_connection: Callable[[], sqlite3.Connection],
        refused: Callable[[sqlite3.Error], None] = lambda error: None,
    ) -> None:
        self._open = open_connection
        self._refused = refused
        self._conn: sqlite3.Connection | None = None
        self._jobs: queue.SimpleQueue[tuple[Callable[[sqlite3.Connection], Any], Future[Any]] | None] = (
            queue.SimpleQueue()
        )
        self._closed = threading.Event()
        self.service = Service("writer", self, wake=lambda: self._jobs.put(None))

    def start(self) -> None:
        self.service.start()

    def stop(self, timeout_s: float = 2.0) -> bool:
        """Finish what was handed over, then close the connection."""
        self._closed.set()
        ended = self.service.stop(timeout_s)
        if ended:
            while not self._jobs.empty():
                self._take(self._jobs.get())
            if self._conn is not None:
                self._conn.close()
                self._conn = None
        return ended

    def run(self, work: Callable[[sqlite3.Connection], T], timeout_s: float = 30.0) -> T:
        """Run ``work`` in one transaction on the writer's thread; returns when it is durable.

        Args:
            timeout_s: how long it may wait for its turn. What has not begun by then is never done: who was told that
                nothing was written must not find it later.

        Raises:
            StorageError: the database refused, or the writer has stopped.
        """
        if self._closed.is_set():
            raise StorageError("The gate is stopping; nothing more is written.")
        future: Future[T] = Future()
        self._jobs.put((work, future))
        try:
            try:
                return future.result(timeout_s)
            except TimeoutError as error:
                if future.cancel():
                    raise StorageError(
                        f"The database was busy for {timeout_s:.0f} s. See `attendance doctor`."
                    ) from error
                return future.result()
        except sqlite3.Error as error:
            raise StorageError(f"The database refused a write ({error}). See `attendance doctor`.") from error

    def step(self) -> float:
        with suppress(queue.Empty):
            self._take(self._jobs.get(timeout=IDLE_S))
        return 0

    def _take(self, job: tuple[Callable[[sqlite3.Connection], Any], Future[Any]] | None) -> None:
        if job is None:
            return
        work, future = job
        if not future.set_running_or_notify_cancel():
            return
        try:
            if self._conn is None:
                self._conn = self._open()
            with transaction(self._conn):
                result = work(self._conn)
        except BaseException as error:
            future.set_exception(error)
            if isinstance(error, sqlite3.Error):
                self._refused(error)
            if isinstance(error, sqlite3.OperationalError):
                self._drop_connection()
        else:
            future.set_result(result)

    def _drop_connection(self) -> None:
        if self._conn is not None:
            self._conn.close()
            self._conn = None
