"""Databases with as many scans as wanted: the gate's, and one as the earlier system had it."""

import sqlite3
from contextlib import closing
from pathlib import Path

from attendance.clock import SystemClock
from attendance.kiosk.store.database import create_or_migrate, settle
from attendance.ops import sqlite

_SCANS_A_CHUNK = 5_000
_NUMBERS = "WITH RECURSIVE n (i) AS (SELECT :first UNION ALL SELECT i + 1 FROM n WHERE i < :last) "
# 500 scans a day
_WHEN = (
    "strftime('%Y-%m-%dT%H:%M:%SZ', '2026-01-01', '+' || (i / 500) || ' days', '+' || ((i % 500) * 20) || ' seconds')"
)
_SCAN = _NUMBERS + (
    "INSERT INTO attendance (scan_id, device_id, epoch, seq, student_key, day, session, direction, status, passage,"
    " minutes_late, scanned_at, boot_id, boot_ns, clock_trusted, source, card_issue, card_signed)"
    " SELECT printf('01890000-0000-7000-8000-%012d', i), 'gate-1', (SELECT epoch FROM epochs), i,"
    " printf('student-key-%020d', i % 1000), substr("
    + _WHEN
    + ", 1, 10), 'morning', 'in', 'on_time', i, 0, "
    + _WHEN
    + ", '6d1f8b52-0000-4000-8000-000000000000', i * 1000000, 1, 'camera', 0, 0 FROM n"
)
_MESSAGE = _NUMBERS + (
    "INSERT INTO sms_outbox (message_id, scan_id, student_key, guardian_id, kind, state, made_at, made_boot_id,"
    " made_boot_ns, gateway_state) SELECT 'message-' || i, printf('01890000-0000-7000-8000-%012d', i),"
    " printf('student-key-%020d', i % 1000), 1, 'check_in', 'sent', " + _WHEN + ","
    " '6d1f8b52-0000-4000-8000-000000000000', i * 1000000, 'Sent' FROM n"
)
_RECORD = _NUMBERS + (
    "INSERT INTO sync_queue (record_type, record_id, state)"
    " SELECT 'attendance', printf('01890000-0000-7000-8000-%012d', i), 'done' FROM n"
)
# without it every scan's photo would still be awaited, and be given up one by one when the gate starts
_PHOTO = _NUMBERS + (
    "INSERT INTO photos (scan_id, reason, score, checks)"
    " SELECT printf('01890000-0000-7000-8000-%012d', i), 'Nobody was seen.', 0, '[]' FROM n"
)
_EARLIER = (
    "CREATE TABLE attendance (id INTEGER PRIMARY KEY AUTOINCREMENT, student_id TEXT, timestamp TEXT, photo_path TEXT,"
    " qr_data TEXT, scan_type TEXT, status TEXT, schedule_session TEXT, synced INTEGER DEFAULT 0)",
    "CREATE TABLE sync_queue (id INTEGER PRIMARY KEY, data TEXT)",
    "CREATE TABLE sms_delivery_log (id INTEGER PRIMARY KEY AUTOINCREMENT, message_id TEXT UNIQUE, phone_number TEXT,"
    " status TEXT, timestamp TEXT)",
)
_EARLIER_SCAN = _NUMBERS + (
    "INSERT INTO attendance (student_id, timestamp, photo_path, qr_data, scan_type, status, schedule_session)"
    " SELECT printf('2026-%05d', i % 1000), " + _WHEN + ", 'data/photos/attendance_' || i || '.jpg',"
    " printf('2026-%05d', i % 1000), 'time_in', 'present', 'morning' FROM n"
)


def gate_database(path: Path, scans: int = 0, megabytes: float = 0) -> int:
    """Make a gate's database of so many scans, with messages, sync rows and photos that never came, or of at least
    so many megabytes; how many scans it has."""
    create_or_migrate(path, SystemClock().now())
    with closing(sqlite.connect(path)) as conn:
        made = _filled(conn, path, (_SCAN, _MESSAGE, _RECORD, _PHOTO), scans, megabytes)
    settle(path)
    return made


def earlier_database(path: Path, scans: int = 0, megabytes: float = 0) -> int:
    """The same amount as the earlier system kept it: no index, rollback journal."""
    with closing(sqlite3.connect(path, isolation_level=None)) as conn:
        for statement in _EARLIER:
            conn.execute(statement)
        return _filled(conn, path, (_EARLIER_SCAN,), scans, megabytes)


def _filled(conn: sqlite3.Connection, path: Path, statements: tuple[str, ...], scans: int, megabytes: float) -> int:
    conn.execute("PRAGMA synchronous=OFF")
    made = 0
    while made < scans or _size_mb(conn) < megabytes:
        last = made + min(_SCANS_A_CHUNK, scans - made if scans else _SCANS_A_CHUNK)
        with sqlite.transaction(conn):
            for statement in statements:
                conn.execute(statement, {"first": made + 1, "last": last})
        made = last
    return made


def _size_mb(conn: sqlite3.Connection) -> float:
    pages, size = (conn.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "page_size"))
    return float(pages * size / 1e6)
