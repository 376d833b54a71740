"""What waiting messages are about: students, time, lateness, as the ledger has it when they leave. Reads only."""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from attendance.clock import from_rfc3339
from attendance.domain.message import MessageKind

_TOGETHER = timedelta(minutes=10)
"""Siblings whose scans lie further apart are told apart: one text says one time."""


@dataclass(frozen=True, slots=True)
class Student:
    """One of whom a message tells."""

    name: str
    student_id: str
    section: str


@dataclass(frozen=True, slots=True)
class News:
    """What one message tells.

    Attributes:
        students: the one scanned first comes first.
        at: aware; when the last of them was scanned. Of messages about a day, when they were made.
        day: as ``YYYY-MM-DD``; empty if the message is about none.
        body: the text, if it was written already.
    """

    kind: MessageKind
    students: tuple[Student, ...]
    at: datetime
    day: str
    session: str
    minutes_late: int
    body: str | None


def news_of(conn: sqlite3.Connection, message_ids: Sequence[str]) -> News:
    """What messages of one kind, or one message, are about."""
    marks = ", ".join("?" * len(message_ids))
    rows = conn.execute(
        "SELECT o.kind, o.body, coalesce(s.name, '') AS name, coalesce(s.student_id, '') AS student_id,"
        " coalesce(s.section, '') AS section, coalesce(c.scanned_at, a.scanned_at, o.made_at) AS at,"
        " coalesce(c.day, a.day, o.day, '') AS day, coalesce(a.session, o.session) AS session,"
        " coalesce(c.minutes_late, a.minutes_late, 0) AS minutes_late"
        " FROM sms_outbox o LEFT JOIN students s USING (student_key)"
        " LEFT JOIN attendance a USING (scan_id) LEFT JOIN clock_corrections c USING (scan_id)"
        f" WHERE o.message_id IN ({marks}) ORDER BY at, o.rowid",
        message_ids,
    ).fetchall()
    last = rows[-1]
    return News(
        kind=MessageKind(last["kind"]),
        students=tuple(Student(row["name"], row["student_id"], row["section"]) for row in rows),
        at=from_rfc3339(last["at"]),
        day=last["day"],
        session=last["session"],
        minutes_late=max(row["minutes_late"] for row in rows),
        body=last["body"],
    )


def siblings(conn: sqlite3.Connection, row: sqlite3.Row) -> list[sqlite3.Row]:
    """Messages that may be told along with one: same phone, kind, day and session, unclaimed, of other students.

    Args:
        row: of the outbox, with its guardian's ``guardian_phone``. The rows returned have the same columns.
    """
    found = conn.execute(
        "SELECT o.*, g.phone AS guardian_phone, g.student_key AS guardian_of, g.language, g.opted_out_at, g.muted_kinds"
        " FROM guardians g JOIN sms_outbox o USING (guardian_id)"
        " WHERE g.phone = :phone AND o.state = 'waiting' AND o.merged_into IS NULL AND o.text IS NULL"
        " AND o.body IS NULL AND o.retry_of IS NULL AND o.kind = :kind AND g.student_key <> :student_key"
        " AND o.day IS :day AND o.session = :session"
        " AND (SELECT session FROM attendance WHERE scan_id = o.scan_id)"
        " IS (SELECT session FROM attendance WHERE scan_id = :scan_id) ORDER BY o.rowid",
        {
            "phone": row["guardian_phone"],
            "kind": row["kind"],
            "student_key": row["student_key"],
            "day": row["day"],
            "session": row["session"],
            "scan_id": row["scan_id"],
        },
    ).fetchall()
    made_at = from_rfc3339(row["made_at"])
    together: dict[str, sqlite3.Row] = {}
    for each in found:
        if abs(from_rfc3339(each["made_at"]) - made_at) <= _TOGETHER:
            together.setdefault(each["student_key"], each)
    return list(together.values())
