"""The gate's database: opening, schema, epochs."""

import secrets
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import resources
from pathlib import Path

from attendance.clock import Moment, rfc3339
from attendance.errors import StorageError
from attendance.ops import sqlite


def migrations() -> list[str]:
    """The schema steps in their order: step n takes a database from version n-1 to n."""
    folder = resources.files(__package__)
    return [
        entry.read_text() for entry in sorted(folder.iterdir(), key=lambda e: e.name) if entry.name.endswith(".sql")
    ]


def create_or_migrate(path: Path, now: Moment) -> None:
    """Make the database or bring it to this program's schema. Call before anything else opens it.

    Raises:
        StorageError: it is damaged, newer than the program, or not ours.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError(f"The data directory {str(path.parent)!r} cannot be made ({error.strerror}).") from error
    conn = sqlite.connect(path)
    try:
        sqlite.migrate(conn, migrations(), str(path))
        if conn.execute("SELECT 1 FROM epochs").fetchone() is None:
            with sqlite.transaction(conn):
                begin_epoch(conn, "created", now)
    except sqlite3.Error as error:
        raise StorageError(f"The database {str(path)!r} is damaged ({error}). Restore it from a backup.") from error
    finally:
        conn.close()


def begin_epoch(conn: sqlite3.Connection, reason: str, now: Moment) -> str:
    """Start numbering afresh under a random id; the old epoch and its last number are kept beside it."""
    previous = conn.execute("SELECT epoch FROM epochs ORDER BY position DESC LIMIT 1").fetchone()
    last = (
        conn.execute("SELECT max(seq) FROM attendance WHERE epoch = ?", (previous["epoch"],)).fetchone()[0]
        if previous
        else None
    )
    epoch = secrets.token_hex(8)
    conn.execute(
        "INSERT INTO epochs (epoch, reason, began_at, previous_epoch, previous_last_seq) VALUES (?, ?, ?, ?, ?)",
        (epoch, reason, rfc3339(now.at), previous["epoch"] if previous else None, last),
    )
    return epoch


@contextmanager
def reading(path: Path) -> Iterator[sqlite3.Connection]:
    """A read-only connection for one job."""
    conn = sqlite.connect(path, read_only=True)
    try:
        yield conn
    except sqlite3.Error as error:
        raise StorageError(f"The database {str(path)!r} cannot be read ({error}). See `attendance doctor`.") from error
    finally:
        conn.close()


@contextmanager
def writing(path: Path) -> Iterator[sqlite3.Connection]:
    """One short write transaction by a process that is not the core."""
    conn = sqlite.connect(path)
    try:
        with sqlite.transaction(conn):
            yield conn
    except sqlite3.Error as error:
        raise StorageError(f"The database {str(path)!r} refused a write ({error}). See `attendance doctor`.") from error
    finally:
        conn.close()


def faults(conn: sqlite3.Connection) -> str:
    """What SQLite finds wrong with the file; empty when it is whole."""
    found = str(conn.execute("PRAGMA integrity_check(1)").fetchone()[0])
    return "" if found == "ok" else found
