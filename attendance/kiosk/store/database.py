"""The gate's database: opening, schema, epochs."""

import secrets
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from importlib import resources
from pathlib import Path

from attendance.clock import Moment, rfc3339
from attendance.errors import StorageError
from attendance.kiosk.store import copying, earlier, room
from attendance.kiosk.store.copying import Damaged, Order
from attendance.kiosk.store.patience import ask_for_time
from attendance.ops import sqlite
from attendance.ops.backup import Stop

_KEPT_BEFORE_MIGRATION = 3
_DAMAGE_CODES = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
_REPAIRED_AT_A_START = "Start the gate: it repairs it and says what was lost."


def migrations() -> list[str]:
    """The schema steps in their order: step n takes a database from version n-1 to n."""
    folder = resources.files(__package__)
    return [
        entry.read_text() for entry in sorted(folder.iterdir(), key=lambda e: e.name) if entry.name.endswith(".sql")
    ]


def create_or_migrate(path: Path, now: Moment, *, keep_copy: bool = True) -> None:
    """Make the database or bring it to this program's schema. Call before anything else opens it.

    Args:
        keep_copy: copy a database with an older schema to ``backups/before-migration`` beside it first.

    Raises:
        StorageError: it is damaged, newer than the program, or not ours.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError(f"The data directory {str(path.parent)!r} cannot be made ({error.strerror}).") from error
    try:
        _refuse_foreign(path)
        with closing(sqlite.connect(path)) as conn:
            if to_migrate(conn):
                ask_for_time()
                if keep_copy:
                    _copy_before_migration(path, now)
            sqlite.migrate(conn, migrations(), str(path))
            if conn.execute("SELECT 1 FROM epochs").fetchone() is None:
                with sqlite.transaction(conn):
                    begin_epoch(conn, "created", now)
    except Damaged as error:
        mark_damaged(path, str(error))
        raise StorageError(f"{error} {_REPAIRED_AT_A_START}") from error
    except sqlite3.Error as error:
        note_damage(path, error)
        raise StorageError(f"The database {str(path)!r} is damaged ({error}). {_REPAIRED_AT_A_START}") from error


def _refuse_foreign(path: Path) -> None:
    """Look at a database before it is opened for writing, which would change its first bytes.

    Raises:
        StorageError: it is the earlier system's, or another program's.
        sqlite3.Error: it is damaged.
    """
    if not path.exists():
        return
    sqlite.roll_back(path)
    with closing(sqlite.connect(path, read_only=True)) as conn:
        if earlier.is_earlier(conn):
            raise StorageError(
                f"{str(path)!r} is the earlier system's database. `attendance upgrade` (or "
                "`python integrate_phase3.py`) takes its students and scans over."
            )
        sqlite.refuse_foreign(conn, str(path))


def to_migrate(conn: sqlite3.Connection) -> bool:
    """Whether a database of ours has an older schema than this program's."""
    return 0 < int(conn.execute("PRAGMA user_version").fetchone()[0]) < len(migrations())


def _copy_before_migration(path: Path, now: Moment) -> None:
    """A copy that the hourly ones do not push out."""
    aside = copying.shelf(path.parent / "backups").tier("before-migration")
    local = now.at.astimezone()
    order = Order("before-migration", now, local, facts={}, files=dict, check=True, accept=lambda found: None)
    copying.make(path, aside, order, Stop())
    aside.keep_newest(_KEPT_BEFORE_MIGRATION)


def schema_versions(path: Path) -> tuple[int, int]:
    """The schema that a database has, and the one that this program brings it to."""
    with reading(path) as conn:
        return int(conn.execute("PRAGMA user_version").fetchone()[0]), len(migrations())


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
        note_damage(path, error)
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
        note_damage(path, error)
        raise StorageError(f"The database {str(path)!r} refused a write ({error}). See `attendance doctor`.") from error
    finally:
        conn.close()


def damage_mark(path: Path) -> Path:
    """The file beside a database that says: SQLite called it damaged; look closely at the next start."""
    return path.with_name(f"{path.name}.suspect")


def note_damage(path: Path, error: sqlite3.Error) -> None:
    """Leave the mark if an error means that the file is damaged, and not that something went wrong for once."""
    code = getattr(error, "sqlite_errorcode", None) or 0
    if code & 0xFF in _DAMAGE_CODES:
        mark_damaged(path, str(error))


def mark_damaged(path: Path, why: str) -> None:
    """Leave the mark; without room for a repair only the other one: a restart would end a gate that still works."""
    if room.for_repair(path):
        with suppress(OSError):
            damage_mark(path).write_text(f"{why}\n", "utf-8")
    else:
        put_off_repair(path, why)


def put_off_mark(path: Path) -> Path:
    """The file beside a damaged database that says: there is no room to repair it."""
    return path.with_name(f"{path.name}.no-room")


def put_off_repair(path: Path, why: str) -> None:
    """Leave the mark that says so, and take away the one that asks for a repair."""
    with suppress(OSError):
        put_off_mark(path).write_text(f"{why}\n", "utf-8")
    damage_mark(path).unlink(missing_ok=True)


def clear_marks(path: Path) -> None:
    """The database is whole again, or never was damaged."""
    for mark in (damage_mark(path), put_off_mark(path)):
        mark.unlink(missing_ok=True)


def takes_writes(path: Path) -> bool:
    """Whether a damaged database still does what a gate needs of it; a row is written and removed."""
    try:
        with closing(sqlite.connect(path)) as conn, sqlite.transaction(conn):
            conn.execute("SELECT max(seq) FROM attendance").fetchone()
            conn.execute("INSERT OR REPLACE INTO meta (key, value) VALUES ('probe', '')")
            conn.execute("DELETE FROM meta WHERE key = 'probe'")
            return not to_migrate(conn)
    except (StorageError, sqlite3.Error):
        return False


def settle(path: Path) -> None:
    """Bring a database that nobody else has open into its one file, durable, with nothing beside it.

    It stays in WAL mode: the first to open it then has nothing to switch, which a power cut could leave half done.
    """
    with closing(sqlite.connect(path)) as conn:
        conn.execute("PRAGMA wal_checkpoint(TRUNCATE)")
