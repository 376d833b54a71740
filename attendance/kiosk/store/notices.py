"""Messages that no scan calls for: absences, summaries, answers. Queued once for each guardian, day and session."""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID, uuid5

from uuid6 import uuid7

from attendance.clock import Moment, rfc3339
from attendance.domain.message import MessageKind, priority

_TAKEN_BACK = (
    "o.state = 'waiting' AND o.asked = 0 AND o.gateway_state = '' AND o.merged_into IS NULL"
    " AND NOT EXISTS (SELECT 1 FROM sms_outbox f WHERE f.merged_into = o.message_id)"
)
"""No gateway has it, and it tells of nobody else."""


_NEWS = UUID("6c1b4c2e-8a53-4d0f-9b0c-51d2f4a3e7b6")


@dataclass(frozen=True, slots=True)
class Notice:
    """One message to one guardian.

    Attributes:
        day, session: what it is about; ``None`` for an answer.
        body: the text; ``None`` if it is made when the message is sent, from the student, day and session.
    """

    student_key: str
    guardian_id: int
    kind: MessageKind
    day: date | None = None
    session: str = ""
    body: str | None = None


def queue(conn: sqlite3.Connection, notice: Notice, made: Moment) -> str:
    """Queue a message, inside a write transaction; its id, or empty if it was queued before."""
    message_id = _message_id(conn, notice)
    added = conn.execute(
        "INSERT INTO sms_outbox (message_id, student_key, guardian_id, kind, priority, day, session, body, made_at,"
        " made_boot_id, made_boot_ns, made_trusted) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
        (
            message_id,
            notice.student_key,
            notice.guardian_id,
            notice.kind,
            priority(notice.kind),
            notice.day.isoformat() if notice.day else None,
            notice.session,
            notice.body,
            rfc3339(made.at),
            made.boot_id,
            made.boot_ns,
            made.trusted,
        ),
    )
    return message_id if added.rowcount else ""


def _message_id(conn: sqlite3.Connection, notice: Notice) -> str:
    """The same for the same news about a day: when a restored database tells it again, or another gate of the school
    by the same phone, the gateway knows it."""
    if notice.day is None:
        return str(uuid7())
    told = conn.execute(
        "SELECT student_id, phone FROM guardians JOIN students USING (student_key) WHERE guardian_id = ?",
        (notice.guardian_id,),
    ).fetchone()
    whom = f"{told['student_id']} {told['phone']}" if told else f"{notice.student_key} {notice.guardian_id}"
    return str(uuid5(_NEWS, f"{whom} {notice.kind} {notice.day} {notice.session}"))


def unwanted(conn: sqlite3.Connection, phone: str) -> bool:
    """Whether a number is that of a guardian who wants no messages; reads only."""
    found = conn.execute("SELECT 1 FROM guardians WHERE phone = ? AND opted_out_at IS NOT NULL", (phone,))
    return found.fetchone() is not None


def overtaken(conn: sqlite3.Connection) -> list[str]:
    """Messages about absences and missing departures that no gateway has, and whose students have come or left since,
    here or at another gate; reads only."""
    rows = conn.execute(
        f"WITH waiting AS (SELECT * FROM sms_outbox o WHERE {_TAKEN_BACK} AND o.scan_id IS NULL"
        " AND o.kind IN ('absence', 'no_checkout')),"
        " seen AS (SELECT w.message_id, a.day, a.session, a.direction, a.scanned_at"
        " FROM waiting w CROSS JOIN attendance a USING (student_key) WHERE a.day = w.day"
        " UNION ALL SELECT w.message_id, f.day, f.session, f.direction, f.scanned_at"
        " FROM waiting w CROSS JOIN students s USING (student_key) CROSS JOIN foreign_scans f USING (student_id)"
        " WHERE +f.day = w.day)"  # +: SQLite must go by the student, who has few scans, and not by the day
        " SELECT DISTINCT w.message_id FROM waiting w JOIN seen USING (message_id)"
        " WHERE iif(w.kind = 'absence', seen.session = w.session,"
        " seen.direction = 'out' AND seen.scanned_at > w.made_at)"
    )
    return [row["message_id"] for row in rows]


def cancel(conn: sqlite3.Connection, message_ids: Sequence[str], now: Moment) -> int:
    """End overtaken messages, inside a write transaction; how many were not claimed meanwhile."""
    ended = conn.executemany(
        "UPDATE sms_outbox AS o SET state = 'cancelled', reason = 'The student was seen after all.', ended_at = ?"
        f" WHERE o.message_id = ? AND {_TAKEN_BACK}",
        [(rfc3339(now.at), message_id) for message_id in message_ids],
    )
    return ended.rowcount
