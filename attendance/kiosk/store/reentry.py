"""Scans that are entered again from what is known of them elsewhere, under the number that they always had."""

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from attendance.clock import rfc3339
from attendance.domain.scan import Direction, Status
from attendance.domain.schedule import Part, Place, Schedule, places
from attendance.kiosk.photo_records import PhotoRecord
from attendance.kiosk.store import ledger, register

SOURCE = "photo"
"""What stands as the source of such a row: nobody read a card when it was written."""


@dataclass(frozen=True, slots=True)
class _Meaning:
    session: str
    status: Status
    minutes_late: int


def enter(
    conn: sqlite3.Connection, records: Sequence[PhotoRecord], device_id: str, schedule: Schedule, zone: ZoneInfo
) -> list[str]:
    """Enter scans, the earliest first; those whose number or passage is taken are left out.

    Session and lateness come from the schedule as it is today, and the clock counts as doubtful: the photo does not say
    how good it was.

    Returns:
        The ids of those that are in the ledger now.
    """
    return [record.scan_id for record in records if _enter_one(conn, record, device_id, schedule, zone)]


def attach(conn: sqlite3.Connection, photos: Mapping[str, str]) -> None:
    """Name photos in the ledger that are on the disk and not in it.

    Args:
        photos: scan id to path, relative to the data directory.
    """
    bare = [scan_id for scan_id in register.without_photo(conn) if scan_id in photos]
    conn.executemany(
        "INSERT INTO photos (scan_id, path, score, checks) VALUES (?, ?, 0, '[]')",
        [(scan_id, photos[scan_id]) for scan_id in bare],
    )


def scan_ids(conn: sqlite3.Connection) -> set[str]:
    """All that the ledger has."""
    return {row[0] for row in conn.execute("SELECT scan_id FROM attendance")}


def unaccounted(conn: sqlite3.Connection) -> int:
    """Numbers that were given out and of which no scan is known; those after the highest cannot be counted."""
    row = conn.execute(
        "SELECT coalesce(sum(last - known), 0) FROM"
        " (SELECT max(seq) AS last, count(*) AS known FROM attendance GROUP BY device_id, epoch)"
    ).fetchone()
    return int(row[0])


def _enter_one(
    conn: sqlite3.Connection, record: PhotoRecord, device_id: str, schedule: Schedule, zone: ZoneInfo
) -> bool:
    meaning = _meaning(conn, record, schedule, ledger.local(record.at, zone))
    key = (record.student_key, record.day.isoformat(), meaning.session, record.direction)
    passage = conn.execute(
        "SELECT coalesce(max(passage), 0) + 1 FROM attendance"
        " WHERE student_key = ? AND day = ? AND session = ? AND direction = ?",
        key,
    ).fetchone()[0]
    added = conn.execute(
        "INSERT OR IGNORE INTO attendance (student_key, day, session, direction, passage, scan_id, device_id, epoch,"
        " seq, status, minutes_late, scanned_at, boot_id, boot_ns, clock_trusted, source, card_issue, card_signed)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, '', 0, 0, ?, 0, 0)",
        (
            *(*key, passage, record.scan_id, device_id, record.epoch, record.seq),
            *(meaning.status, meaning.minutes_late, rfc3339(record.at), SOURCE),
        ),
    ).rowcount
    return bool(added)


def _meaning(conn: sqlite3.Connection, record: PhotoRecord, schedule: Schedule, local: datetime) -> _Meaning:
    place = next((each for each in places(schedule, local) if each.day == record.day), None)
    if place is None:
        return _Meaning("", Status.ON_TIME, 0)
    session = place.session.name
    if record.direction is Direction.OUT:
        in_time = place.part in (Part.LOGOUT, Part.LOGIN_AND_LOGOUT)
        return _Meaning(session, Status.ON_TIME if in_time else Status.LEFT_EARLY, 0)
    earlier = conn.execute(
        "SELECT 1 FROM attendance WHERE student_key = ? AND day = ? AND session = ? AND scanned_at < ? LIMIT 1",
        (record.student_key, record.day.isoformat(), session, rfc3339(record.at)),
    ).fetchone()
    return _Meaning(session, *_arrival(place, local, returning=earlier is not None))


def _arrival(place: Place, local: datetime, *, returning: bool) -> tuple[Status, int]:
    if returning:
        return Status.RETURNED, 0
    if place.part in (Part.BETWEEN, Part.LOGOUT) or place.is_late(local):
        return Status.LATE, max(0, int((local - place.class_start).total_seconds() // 60))
    return Status.ON_TIME, 0
