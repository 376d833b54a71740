"""Reading the database of the earlier system, whose attendance rows name a student by number and a local time."""

import os
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from uuid6 import uuid7

from attendance.clock import rfc3339
from attendance.domain.scan import Direction, Status
from attendance.kiosk.store.ledger import current_epoch
from attendance.ops import sqlite

SOURCE = "earlier system"
"""What the ledger calls the origin of such a scan. No boot of this program saw it, and nobody vouches for its clock."""


@dataclass(frozen=True, slots=True)
class EarlierStudent:
    student_id: str
    name: str
    phone: str
    section: str
    allowed_session: str


@dataclass(frozen=True, slots=True)
class EarlierScan:
    """``at`` is naive local time; ``photo`` is the path as it was stored, or empty."""

    student_id: str
    at: datetime
    session: str
    direction: Direction
    status: Status
    photo: str


@dataclass(frozen=True, slots=True)
class ScanToEnter:
    """An earlier scan with what the ledger wants to know beside it: ``photo`` is relative to the data directory."""

    scan: EarlierScan
    student_key: str
    at: datetime
    photo: str | None


def is_earlier(conn: sqlite3.Connection) -> bool:
    """Whether a database is the earlier system's; reads only."""
    version = conn.execute("PRAGMA user_version").fetchone()[0]
    return version == 0 and {"student_id", "timestamp"} <= set(sqlite.columns(conn, "attendance"))


def copy(conn: sqlite3.Connection, target: Path) -> None:
    """Copy a database whole, with what is in its log, and make the copy durable."""
    target.unlink(missing_ok=True)
    copied = sqlite3.connect(target)
    try:
        conn.backup(copied)
        copied.execute("PRAGMA journal_mode=DELETE")
    finally:
        copied.close()
    with target.open("rb") as file:
        os.fsync(file.fileno())


def students(conn: sqlite3.Connection) -> Iterator[EarlierStudent]:
    """Everybody that it knew, also those of whom there is nothing but scans; reads only."""
    known = sqlite.columns(conn, "students")
    wanted = ("name", "parent_phone", "section_id", "allowed_session")
    chosen = ", ".join(column if column in known else "NULL" for column in wanted)
    if "student_id" in known:
        for row in conn.execute(f"SELECT student_id, {chosen} FROM students ORDER BY student_id"):
            number, name, phone, section, session = (_text(value) for value in row)
            yield EarlierStudent(number, name or number, phone, section, session)
    seen = "SELECT student_id FROM students" if "student_id" in known else "SELECT NULL"
    rows = conn.execute(f"SELECT DISTINCT student_id FROM attendance WHERE student_id NOT IN ({seen}) ORDER BY 1")
    for row in rows.fetchall():
        yield EarlierStudent(_text(row[0]), _text(row[0]), "", "", "")


def scans(conn: sqlite3.Connection) -> Iterator[EarlierScan | str]:
    """Every scan in the order of time, or a sentence about a row that is none; reads only."""
    known = sqlite.columns(conn, "attendance")
    wanted = ("schedule_session", "scan_type", "status", "photo_path")
    chosen = ", ".join(column if column in known else "NULL" for column in wanted)
    for row in conn.execute(f"SELECT rowid, student_id, timestamp, {chosen} FROM attendance ORDER BY timestamp, rowid"):
        number, student_id, stamp, session, scan_type, status, photo = row
        try:
            at = datetime.fromisoformat(_text(stamp))
        except ValueError:
            yield f"scan {number}: {_text(stamp)[:40]!r} is no time"
            continue
        leaving = _text(scan_type) == "time_out"
        yield EarlierScan(
            _text(student_id),
            at.replace(tzinfo=None),
            _text(session) or "day",
            Direction.OUT if leaving else Direction.IN,
            Status.LATE if _text(status).lower() == "late" and not leaving else Status.ON_TIME,
            _text(photo),
        )


def enter(conn: sqlite3.Connection, scans_to_enter: Sequence[ScanToEnter], device_id: str) -> None:
    """Write earlier scans, in the order of time, as the first ones of a ledger."""
    epoch = current_epoch(conn)
    passages: dict[tuple[str, str, str, str], int] = {}
    for seq, each in enumerate(scans_to_enter, 1):
        scan, scan_id, day = each.scan, str(uuid7()), each.scan.at.date().isoformat()
        place = (each.student_key, day, scan.session, scan.direction.value)
        passages[place] = passages.get(place, 0) + 1
        conn.execute(
            "INSERT INTO attendance (scan_id, device_id, epoch, seq, student_key, day, session, direction, status,"
            " passage, minutes_late, scanned_at, boot_id, boot_ns, clock_trusted, source, card_issue, card_signed)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, ?, '', 0, 0, ?, 0, 0)",
            (scan_id, device_id, epoch, seq, *place, scan.status, passages[place], rfc3339(each.at), SOURCE),
        )
        conn.execute(
            "INSERT INTO photos (scan_id, path, reason, score, checks) VALUES (?, ?, ?, 0, '[]')",
            (scan_id, each.photo, "" if each.photo else "The earlier system's photo is not there."),
        )


def _text(value: object) -> str:
    return "" if value is None else str(value).strip()
