"""Taking over from the earlier system: its students and scans into a ledger of ours.

The earlier database is never changed. It stays beside the new one as ``attendance-earlier.db``.
"""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC
from itertools import chain, count
from pathlib import Path, PurePath
from zoneinfo import ZoneInfo

from attendance.clock import Moment
from attendance.domain.enrolment import Enrolment
from attendance.domain.student import BOTH_SESSIONS
from attendance.errors import BadInput, StorageError
from attendance.kiosk.store import earlier, roster
from attendance.kiosk.store.database import create_or_migrate, reading, writing
from attendance.ops import sqlite
from attendance.ops.files import sync_folder
from attendance.ops.shelf import first_free
from attendance.reports.student_list import make_enrolment

_SNAPSHOT = ".attendance-earlier.db"


@dataclass(frozen=True, slots=True)
class TakenOver:
    """What came along.

    Attributes:
        kept: where the earlier database lies.
        doubts: a sentence for each thing that did not come along as it was.
    """

    students: int
    scans: int
    kept: Path
    doubts: Sequence[str]


@dataclass(frozen=True, slots=True)
class School:
    """What the configuration says that the earlier database does not."""

    device_id: str
    zone: ZoneInfo
    phone_region: str
    sessions: Sequence[str]


def is_earlier(database: Path) -> bool:
    """Whether there is a database of the earlier system.

    Raises:
        StorageError: it cannot be read.
    """
    if not database.exists():
        return False
    try:
        sqlite.roll_back(database)
    except sqlite3.Error as error:
        raise StorageError(f"The database {str(database)!r} cannot be read ({error}).") from error
    with reading(database) as conn:
        return earlier.is_earlier(conn)


def take_over(database: Path, school: School, now: Moment) -> TakenOver:
    """Replace the earlier system's database by a ledger with the same students and scans.

    Whole or not at all; after an interruption it is done again from the same copy.

    Raises:
        StorageError: the disk or a database refused; the earlier data is where it was.
    """
    folder = database.parent
    snapshot, fresh = folder / _SNAPSHOT, folder / ".attendance-new.db"
    if not snapshot.exists():
        with reading(database) as old:
            earlier.copy(old, folder / f"{_SNAPSHOT}.part")
        (folder / f"{_SNAPSHOT}.part").rename(snapshot)
    _remove(fresh, *sqlite.side_files(fresh))
    create_or_migrate(fresh, now)
    doubts: list[str] = []
    with reading(snapshot) as old, writing(fresh) as conn:
        keys = _enrol(old, conn, school, now, doubts)
        entries = list(_entries(old, keys, folder, school.zone, doubts))
        earlier.enter(conn, entries, school.device_id)
    _remove(*sqlite.side_files(database))  # they belong to the file that goes, and would be taken for the new one's
    fresh.replace(database)
    return TakenOver(len(keys), len(entries), finish(database), doubts)


def interrupted(database: Path) -> bool:
    """Whether a takeover ended just before its last step, ``finish``."""
    return (database.parent / _SNAPSHOT).exists()


def finish(database: Path) -> Path:
    """Give the copy of the earlier database its lasting name; which one."""
    folder = database.parent
    names = chain(["attendance-earlier.db"], (f"attendance-earlier-{number}.db" for number in count(2)))
    kept = folder / first_free(names, folder)
    (folder / _SNAPSHOT).rename(kept)
    sync_folder(folder)
    return kept


def _remove(*files: Path) -> None:
    for file in files:
        file.unlink(missing_ok=True)


def _enrol(
    old: sqlite3.Connection, conn: sqlite3.Connection, school: School, now: Moment, doubts: list[str]
) -> dict[str, str]:
    """Enrol everybody; the random key of each student number."""
    keys = {}
    for student in earlier.students(old):
        try:
            roster.enrol(conn, _enrolment(student, school, doubts), now)
        except BadInput as fault:
            doubts.append(f"student {student.student_id!r} did not come along: {fault}")
            continue
        keys[student.student_id] = roster.key_of(conn, student.student_id)
    return keys


def _enrolment(student: earlier.EarlierStudent, school: School, doubts: list[str]) -> Enrolment:
    """An enrolment as checked as any other; without the phone if that is what is wrong with it.

    Raises:
        BadInput: it cannot be one.
    """
    session = student.allowed_session if student.allowed_session in school.sessions else BOTH_SESSIONS

    def made(phones: Sequence[str]) -> Enrolment:
        return make_enrolment(
            student_id=student.student_id,
            name=student.name,
            section=student.section,
            session=session,
            phones=phones,
            region=school.phone_region,
            sessions=school.sessions,
        )

    try:
        return made([student.phone] if student.phone else [])
    except BadInput as fault:
        enrolment = made([])
        doubts.append(f"student {student.student_id!r} came along without a phone: {fault}")
        return enrolment


def _entries(
    old: sqlite3.Connection, keys: dict[str, str], data_dir: Path, zone: ZoneInfo, doubts: list[str]
) -> "list[earlier.ScanToEnter]":
    entries = []
    for scan in earlier.scans(old):
        if isinstance(scan, str):
            doubts.append(f"{scan}; it did not come along")
        elif (key := keys.get(scan.student_id)) is None:
            doubts.append(f"a scan of {scan.at:%Y-%m-%d %H:%M} did not come along: no such student")
        else:
            at = scan.at.replace(tzinfo=zone).astimezone(UTC)
            entries.append(earlier.ScanToEnter(scan, key, at, _photo(scan.photo, data_dir)))
    return entries


def _photo(stored: str, data_dir: Path) -> str | None:
    """The photo's path relative to the data directory, if it lies where the earlier system kept photos."""
    path = f"photos/{PurePath(stored).name}"
    return path if stored and (data_dir / path).is_file() else None
