"""What can be wrong with backups, and what a person must do."""

from collections.abc import Mapping
from typing import Any

from attendance.clock import Moment, from_rfc3339
from attendance.errors import StorageError
from attendance.kiosk.backup_schedule import least_age_s
from attendance.kiosk.copies import NoSecondTarget, Shrunk
from attendance.kiosk.store.copying import Damaged
from attendance.ops.health import Problem

OLD = Problem(
    "backup-old",
    "warning",
    "The newest backup of the database is {hours:.0f} hours old.",
    "Look for the reason among the other problems; make one with `attendance backup create`.",
)
MISSING = Problem(
    "backup-missing",
    "warning",
    "There is no backup of the database.",
    "Look for the reason among the other problems; make one with `attendance backup create`.",
)
FAILED = Problem(
    "backup-failed",
    "warning",
    "The last backup failed: {why}",
    "It is tried again by itself. Check the room on the disk and its permissions.",
)
SHRUNK = Problem(
    "backup-refused",
    "error",
    "No backup is made, and none is deleted: {why}",
    "Find out what happened to the database. `attendance backup list` shows what can be restored.",
)
DAMAGED = Problem(
    "database-damaged",
    "error",
    "{why} What is recorded may be lost.",
    "Restart the gate: it sets the damaged file aside, restores the newest backup and takes over what can be read.",
)
NO_ROOM = Problem(
    "database-damaged-no-room",
    "error",
    "The database is damaged, and there is no room to repair it. What is recorded may be lost.",
    "Make room on the disk, more than twice the size of data/attendance.db, then restart the gate: it repairs it.",
)
SECOND_MISSING = Problem(
    "backup-second-missing",
    "warning",
    "Backups are not kept in the second place: {why}",
    "Put the stick in and mount it, or correct database_backup.second_dir.",
)
SECOND_FAILED = Problem(
    "backup-second-failed",
    "warning",
    "The last backup could not be kept in the second place: {why}",
    "Make room on that disk, or replace it.",
)
DRILL_FAILED = Problem(
    "backup-drill-failed",
    "warning",
    "The last rehearsal of a restore failed: {why}",
    "Run `attendance backup drill`. If it fails again, make a new backup and rehearse that.",
)
REPAIRED = Problem(
    "database-repaired",
    "warning",
    "The database was damaged and was repaired at {at}, from {base}. {salvaged} rows were taken over from the damaged "
    "file and {photos} scans from photos. {missing}",
    "Compare the register of that day with the teachers' lists; look at students, guardians and cards that were "
    "changed or removed since the backup. The damaged file is in data/damaged/{evidence}. "
    "Then run `attendance backup acknowledge`.",
)
REPLACED = Problem(
    "database-replaced",
    "warning",
    "A backup was restored at {at}, from {base}. No safety copy could be made of the database before it.",
    "Its files are in data/damaged/{evidence}. Then run `attendance backup acknowledge`.",
)


def of_failure(error: StorageError) -> Problem:
    """The problem that a failed backup is."""
    if isinstance(error, Damaged):
        return DAMAGED.said(why=error)
    return (SHRUNK if isinstance(error, Shrunk) else FAILED).said(why=error)


def of_second(error: Exception) -> Problem:
    """The problem that the second place has."""
    return (SECOND_MISSING if isinstance(error, NoSecondTarget) else SECOND_FAILED).said(why=error)


def of_age(newest: Moment | None, now: Moment, late_s: float, running_s: float) -> list[Problem]:
    """Whether the newest backup is too old, or none was made for too long."""
    if newest is None:
        return [MISSING] if running_s > late_s else []
    age = least_age_s(newest, now)
    return [OLD.said(hours=age / 3600)] if age > late_s else []


def of_report(report: Mapping[str, Any]) -> Problem:
    """The problem that tells the office about a replaced database (see ``kiosk/restoring.py``)."""
    base = f"the backup {report['backup']}" if report["backup"] else "nothing but itself, as there was no good backup"
    at = f"{from_rfc3339(report['at']):%Y-%m-%d %H:%M} UTC"
    if report["reason"] != "repaired":
        return REPLACED.said(at=at, base=base, evidence=report["evidence"])
    lost = int(report.get("scans_missing_at_least", 0))
    return REPAIRED.said(
        at=at,
        base=base,
        salvaged=sum(report.get("rows_salvaged", {}).values()),
        photos=report.get("scans_from_photos", 0),
        missing=f"At least {lost} scans are missing."
        if lost
        else "No number is missing among the scans that are left.",
        evidence=report["evidence"],
    )
