"""What happens before the database is opened: a staged restore is swapped in, a damaged database is repaired.

Call ``at_start`` with the data directory's lock held, before anything opens the database.
"""

import logging
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from attendance.clock import Moment
from attendance.domain.schedule import Schedule
from attendance.errors import AlreadyRunning, StorageError
from attendance.kiosk import erasure, ownership
from attendance.kiosk.copies import Copies
from attendance.kiosk.photo_records import by_scan, missing
from attendance.kiosk.restoring import Replacement
from attendance.kiosk.store import contents, earlier, reentry, room, roster, salvage
from attendance.kiosk.store.database import (
    clear_marks,
    damage_mark,
    put_off_mark,
    put_off_repair,
    takes_writes,
    to_migrate,
    writing,
)
from attendance.kiosk.store.patience import ask_for_time
from attendance.ops import backup, sqlite
from attendance.ops.backup import NoDatabase, Stop
from attendance.ops.instance import InstanceLock
from attendance.ops.manifest import BadBackup
from attendance.ops.shelf import Stored

log = logging.getLogger(__name__)

_QUICK_CHECK_UP_TO_BYTES = 500_000_000
"""A larger file is not read to its end at a start, which would take minutes; the hourly check finds what is wrong."""
_SAFETY_COPIES_KEPT = 3


def at_start(copies: Copies, schedule: Schedule, now: Moment) -> Mapping[str, Any] | None:
    """Finish what an earlier start began, restore what is staged, repair what is damaged.

    A damaged database that still takes writes stays in use as long as there is no room for a repair.

    Args:
        schedule: says what scans mean that only their photos remember.

    Returns:
        The report of what was done; ``None`` if nothing had to be.

    Raises:
        StorageError: the disk refused, or files are closed to this user; the next start goes on.
    """
    ownership.refuse_closed(copies.plan.database)
    done = swap_in(copies, now)
    if done is not None:
        return done
    damage = _damage(copies)
    if not damage:
        return None
    database = copies.plan.database
    if not room.for_repair(database) and takes_writes(database):
        put_off_repair(database, damage)
        log.error("the database is damaged (%s) and there is no room to repair it; it stays in use", damage)
        return None
    log.error("the database is damaged (%s); it is set aside and repaired", damage)
    return _repair(copies, schedule, now, damage)


def put_back(copies: Copies, path: Path, now: Moment, *, other_gate: bool = False) -> bool:
    """Restore a backup: at once if no gate is running, else at its next start. Call it without the lock.

    Args:
        other_gate: take it although it is another gate's.

    Returns:
        Whether it is in place; else it is staged.

    Raises:
        AttendanceError: it is no whole backup of ours, or the disk refused; nothing was changed.
    """
    ownership.refuse_root(copies.plan.data_dir)
    found = copies.verify(path, Stop())
    if not other_gate and not copies.is_ours(found):
        raise BadBackup(
            f"{str(path)!r} is of the gate {found.facts.get('device_id')!r}, this is {copies.plan.device_id!r}. "
            "Add --other-gate if it is right so."
        )
    Replacement(copies.plan.database).stage(Stored(path, found), Stop())
    lock = InstanceLock(copies.plan.data_dir)
    try:
        lock.acquire()
    except AlreadyRunning:
        return False
    try:
        swap_in(copies, now)
    finally:
        lock.release()
    return True


def swap_in(copies: Copies, now: Moment) -> Mapping[str, Any] | None:
    """Finish what an earlier start began, and restore what is staged, after a safety copy of the live database.

    Returns:
        The report of what was done; ``None`` if nothing had to be.

    Raises:
        StorageError: the disk refused.
    """
    replacement = Replacement(copies.plan.database)
    if replacement.untouched:
        return None
    with replacement.alone(Stop()):
        return _swap_in(replacement, copies, now)


def _swap_in(replacement: Replacement, copies: Copies, now: Moment) -> Mapping[str, Any] | None:
    done = replacement.finish()
    try:
        staged = replacement.staged()
    except BadBackup as error:
        log.error("the staged restore is not done: %s", error)
        return done
    if staged is None:
        return done
    ask_for_time()
    replacement.prepare(staged, "restored", now, more={"safety_copy": _safety_copy(copies)})
    return replacement.finish()


def _safety_copy(copies: Copies) -> str | None:
    """The path of a whole copy of the live database; ``None`` if it cannot be had: then its files are kept."""
    try:
        return str(copies.aside("before-restore", _SAFETY_COPIES_KEPT, Stop()).path)
    except StorageError as error:
        log.warning("no safety copy, the files themselves are kept: %s", error)
        return None


def _damage(copies: Copies) -> str:
    """What is wrong with the live database, cheaply; empty when nothing is, or when it is not ours to repair."""
    database = copies.plan.database
    if not database.exists() or database.stat().st_size == 0:
        return "it is gone, and there are backups of it" if copies.everything() else ""
    suspect = damage_mark(database).exists() or put_off_mark(database).exists()
    try:
        sqlite.roll_back(database)
        backup.refuse_empty(database)
        with closing(sqlite.connect(database, read_only=True)) as conn:
            found = _faults(conn, database, thoroughly=suspect)
    except NoDatabase:
        return "it does not begin as a database does"
    except sqlite3.OperationalError as error:
        raise StorageError(f"The database {str(database)!r} cannot be opened ({error}).") from error
    except sqlite3.DatabaseError as error:
        found = str(error)
    if suspect and not found:
        clear_marks(database)
    return found


def _faults(conn: sqlite3.Connection, database: Path, *, thoroughly: bool) -> str:
    """After a clean end only the schema is read: a gate that was stopped has emptied its log into the file.

    Before a migration all is read: it would stop at what it finds, at every start.
    """
    contents.tables(conn)
    if earlier.is_earlier(conn):
        return ""
    if thoroughly or to_migrate(conn):
        ask_for_time()
        return contents.faults(conn)
    size = database.stat().st_size
    if _ended_uncleanly(database) and size <= _QUICK_CHECK_UP_TO_BYTES:
        ask_for_time()
        return contents.faults(conn, quick=True)
    return ""


def _ended_uncleanly(database: Path) -> bool:
    sides = (each for each in sqlite.side_files(database) if not each.name.endswith("-shm"))
    return any(side.exists() and side.stat().st_size > 0 for side in sides)


def _repair(copies: Copies, schedule: Schedule, now: Moment, damage: str) -> Mapping[str, Any] | None:
    """The newest good backup, then every row that can still be read, then what the photos remember."""
    ask_for_time()
    replacement = Replacement(copies.plan.database)
    with replacement.alone(Stop()):
        replacement.prepare(
            _newest_good(copies),
            "repaired",
            now,
            fill=lambda path: _refill(path, copies, schedule),
            more={"damage": damage},
        )
        return replacement.finish()


def _newest_good(copies: Copies) -> Stored | None:
    for each in copies.everything():
        try:
            copies.verify(each.path, Stop())
        except BadBackup as error:
            log.error("a backup cannot be used: %s", error)
        else:
            return each
    return None


def _refill(path: Path, copies: Copies, schedule: Schedule) -> dict[str, Any]:
    """Add to the database at ``path`` what the live one and the photos still have."""
    plan = copies.plan
    photos = {scan_id: str(photo.relative_to(plan.data_dir)) for scan_id, photo in by_scan(plan.data_dir).items()}
    with writing(path) as conn:
        found = salvage.salvage(plan.database, conn) if plan.database.exists() else salvage.Salvaged()
        records = missing(plan.data_dir, reentry.scan_ids(conn))
        from_photos = reentry.enter(conn, records, plan.device_id, schedule, plan.zone)
        reentry.attach(conn, photos)
        unaccounted = reentry.unaccounted(conn)
        erased = roster.erase(conn, erasure.keys(plan.data_dir))
    for photo in erased:
        (plan.data_dir / photo).unlink(missing_ok=True)
    return {
        "rows_salvaged": found.rows,
        "tables_incomplete": found.incomplete,
        "scans_salvaged": len(found.scans),
        "scans_from_photos": len(from_photos),
        "scans_missing_at_least": unaccounted,
    }
