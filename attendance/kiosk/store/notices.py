"""Messages that no scan calls for: absences, summaries, answers. Queued once for each guardian, day and session."""

import sqlite3
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
