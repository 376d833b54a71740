"""Which summaries were queued, and who gets one."""

import sqlite3
from datetime import date, datetime

from attendance.clock import Moment, from_rfc3339, rfc3339
from attendance.domain.message import MessageKind
from attendance.domain.student import Student


def told(conn: sqlite3.Connection, kind: MessageKind, first_day: date) -> bool:
    """Whether the summaries of a period are all queued; reads only."""
    found = conn.execute("SELECT 1 FROM summary_rounds WHERE kind = ? AND first_day = ?", (kind, first_day.isoformat()))
    return found.fetchone() is not None


def keep(conn: sqlite3.Connection, kind: MessageKind, first_day: date, messages: int, now: Moment) -> None:
    """Enter that the summaries of a period are all queued, inside a write transaction."""
    conn.execute(
        "INSERT OR IGNORE INTO summary_rounds (kind, first_day, messages, decided_at) VALUES (?, ?, ?, ?)",
        (kind, first_day.isoformat(), messages, rfc3339(now.at)),
    )


def students(conn: sqlite3.Connection) -> list[tuple[Student, datetime]]:
    """Who is on the roster with a guardian, and since when, aware; reads only."""
    rows = conn.execute(
        "SELECT student_key, student_id, name, section, allowed_session, added_at FROM students s"
        " WHERE removed_at IS NULL AND EXISTS (SELECT 1 FROM guardians g WHERE g.student_key = s.student_key)"
        " ORDER BY section, name, student_id"
    )
    return [
        (
            Student(row["student_key"], row["student_id"], row["name"], row["section"], row["allowed_session"]),
            from_rfc3339(row["added_at"]),
        )
        for row in rows
    ]
