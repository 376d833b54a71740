"""Messages that no scan calls for: absences, summaries, answers. Queued once for each guardian, day and session."""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from uuid6 import uuid7

from attendance.clock import Moment, rfc3339
from attendance.domain.message import MessageKind, priority


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
    message_id = str(uuid7())
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


def overtaken(conn: sqlite3.Connection) -> list[str]:
    """Messages about absences and missing departures that no gateway was asked to send yet, and whose students have
    come or left since; reads only."""
    rows = conn.execute(
        "SELECT o.message_id FROM sms_outbox o"
        " WHERE o.state = 'waiting' AND o.text IS NULL AND o.merged_into IS NULL AND o.scan_id IS NULL"
        " AND ((o.kind = 'absence' AND EXISTS (SELECT 1 FROM attendance a WHERE a.student_key = o.student_key"
        " AND a.day = o.day AND a.session = o.session))"
        " OR (o.kind = 'no_checkout' AND EXISTS (SELECT 1 FROM attendance a WHERE a.student_key = o.student_key"
        " AND a.day = o.day AND a.direction = 'out' AND a.scanned_at > o.made_at)))"
    )
    return [row["message_id"] for row in rows]


def cancel(conn: sqlite3.Connection, message_ids: Sequence[str], now: Moment) -> int:
    """End overtaken messages, inside a write transaction; how many were not claimed meanwhile."""
    ended = conn.executemany(
        "UPDATE sms_outbox SET state = 'cancelled', reason = 'The student was seen after all.', ended_at = ?"
        " WHERE message_id = ? AND state = 'waiting' AND text IS NULL AND merged_into IS NULL",
        [(rfc3339(now.at), message_id) for message_id in message_ids],
    )
    return ended.rowcount
