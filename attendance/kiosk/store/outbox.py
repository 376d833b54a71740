"""The outbox as the office sees it: what waits, what became of a message, and what a person may do about it.

Functions that change something take a connection inside a write transaction. Numbers are masked, and texts left out,
unless they are asked for.
"""

import sqlite3
import unicodedata
from datetime import datetime, tzinfo
from typing import Any

from uuid6 import uuid7

from attendance.clock import Moment, age, rfc3339
from attendance.domain import gsm
from attendance.domain.message import MessageKind, OutboxState, is_phone, masked, masked_in
from attendance.domain.receipt import GatewayState
from attendance.errors import BadInput
from attendance.kiosk.store import notices, receipts, roster, sms_limits
from attendance.kiosk.store.notices import Notice

MOST_PARTS = 5
"""Phones fail to send longer ones (capcom6/android-sms-gateway, issue 270)."""
_UNWRITTEN = ("Cc", "Cs")
"""Unicode's control characters, and halves of characters."""
_ENDED_UNSENT = (
    OutboxState.EXPIRED,
    OutboxState.REJECTED,
    OutboxState.DROPPED,
    OutboxState.UNKNOWN,
    OutboxState.CANCELLED,
    OutboxState.OPTED_OUT,
)
_SHOWN = (
    "SELECT o.*, s.student_id, coalesce(nullif(o.phone, ''), g.phone, '') AS number FROM sms_outbox o"
    " LEFT JOIN students s USING (student_key) LEFT JOIN guardians g USING (guardian_id)"
)


def status(conn: sqlite3.Connection, now: Moment, zone: tzinfo) -> dict[str, Any]:
    """How the outbox stands; reads only.

    Returns:
        ``states`` and ``gateway_states`` (messages by each), ``waiting_kinds``, ``oldest_waiting_minutes`` (``None``
        without any), ``requests_under_way``, ``parts_today``, ``parts_this_month``.
    """
    oldest = conn.execute(
        "SELECT * FROM sms_outbox WHERE state = 'waiting' AND merged_into IS NULL ORDER BY made_at LIMIT 1"
    ).fetchone()
    today, month = sms_limits.parts_sent(conn, sms_limits.local_day(conn, now, zone))
    return {
        "states": _counts(conn, "SELECT state, count(*) FROM sms_outbox GROUP BY 1"),
        "gateway_states": _counts(
            conn, "SELECT gateway_state, count(*) FROM sms_outbox WHERE gateway_state <> '' GROUP BY 1"
        ),
        "waiting_kinds": _counts(conn, "SELECT kind, count(*) FROM sms_outbox WHERE state = 'waiting' GROUP BY 1"),
        "oldest_waiting_minutes": (
            round(age(receipts.made(oldest), now).total_seconds() / 60, 1) if oldest is not None else None
        ),
        "requests_under_way": int(conn.execute("SELECT count(*) FROM sms_slots WHERE ended = 0").fetchone()[0]),
        "parts_today": today,
        "parts_this_month": month,
    }


def messages(
    conn: sqlite3.Connection,
    *,
    state: OutboxState | None = None,
    kind: MessageKind | None = None,
    gateway_state: GatewayState | None = None,
    student_id: str | None = None,
    since: datetime | None = None,
    limit: int = 50,
    reveal: bool = False,
) -> list[dict[str, Any]]:
    """The newest messages that fit all filters, the newest first; reads only.

    Args:
        since: aware; messages made before it are left out.
        reveal: show whole numbers and texts.
    """
    rows = conn.execute(
        f"{_SHOWN} WHERE (:state IS NULL OR o.state = :state) AND (:kind IS NULL OR o.kind = :kind)"
        " AND (:gateway_state IS NULL OR o.gateway_state = :gateway_state)"
        " AND (:student_id IS NULL OR s.student_id = :student_id) AND (:since IS NULL OR o.made_at >= :since)"
        " ORDER BY o.rowid DESC LIMIT :limit",
        {
            "state": state,
            "kind": kind,
            "gateway_state": gateway_state,
            "student_id": student_id,
            "since": rfc3339(since) if since else None,
            "limit": limit,
        },
    )
    return [_shown(row, reveal) for row in rows]


def show(conn: sqlite3.Connection, message_id: str, *, reveal: bool = False) -> dict[str, Any]:
    """All that is known of a message, with the reports about it; reads only.

    Raises:
        BadInput: no such message.
    """
    row = _found(conn, message_id)
    rows = conn.execute(
        "SELECT event, state, reason, happened_at, received_at FROM sms_reports WHERE message_id = ? ORDER BY position",
        (row["merged_into"] or message_id,),
    )
    reports = [dict(each) for each in rows]
    along = conn.execute("SELECT message_id FROM sms_outbox WHERE merged_into = ? ORDER BY rowid", (message_id,))
    retried = conn.execute("SELECT message_id FROM sms_outbox WHERE retry_of = ?", (message_id,)).fetchone()
    return {
        **_shown(row, reveal),
        "tells_too": [each["message_id"] for each in along],
        "retried_as": retried["message_id"] if retried is not None else None,
        "reports": [{**each, "reason": each["reason"] if reveal else masked_in(each["reason"])} for each in reports],
    }


def send(conn: sqlite3.Connection, text: str, now: Moment, *, student_id: str = "", phone: str = "") -> list[str]:
    """Queue what somebody wrote: to a student's guardians, or to one number; the ids.

    Raises:
        BadInput: the text is empty or too long, or nobody can be told.
    """
    size = gsm.size(text)
    if not text.strip() or size.parts > MOST_PARTS:
        raise BadInput(f"The text has {size.parts} message parts. Write one of 1 to {MOST_PARTS}.")
    if any(unicodedata.category(letter) in _UNWRITTEN and letter != "\n" for letter in text):
        raise BadInput("The text has characters that no phone can show. Write it anew, without control characters.")
    if student_id:
        return _send_to_guardians(conn, text, now, student_id)
    if not is_phone(phone):
        raise BadInput("Give the number in international form, as +639171234567, or a student.")
    if notices.unwanted(conn, phone):
        raise BadInput(f"{masked(phone)} is a guardian who wants no messages.")
    message_id = notices.queue(conn, Notice("", 0, MessageKind.NOTICE, body=text), now)
    conn.execute("UPDATE sms_outbox SET phone = ? WHERE message_id = ?", (phone, message_id))
    return [message_id]


def retry(conn: sqlite3.Connection, message_id: str, now: Moment) -> str:
    """Queue a message once more that was not sent, or failed; the new id. It is as young as if it were made now.

    Raises:
        BadInput: it waits, was sent, or was retried already.
    """
    row = _found(conn, message_id)
    failed = row["gateway_state"] in (GatewayState.FAILED, GatewayState.CANCELLED)
    if row["gateway_state"] and not failed:
        raise BadInput(f"Message {message_id} is {row['gateway_state']} at {row['gateway']}: it was not lost.")
    if row["state"] not in _ENDED_UNSENT and not failed:
        raise BadInput(
            f"Message {message_id} is {row['state']}: only one that was not sent, or failed, can be retried."
        )
    new = str(uuid7())
    added = conn.execute(
        "INSERT INTO sms_outbox (message_id, scan_id, student_key, guardian_id, kind, priority, day, session, body,"
        " phone, made_at, made_boot_id, made_boot_ns, made_trusted, retry_of)"
        " SELECT :new, scan_id, student_key, guardian_id, kind, priority, day, session, body,"
        " CASE guardian_id WHEN 0 THEN phone ELSE '' END, :at, :boot_id, :boot_ns, :trusted, message_id"
        " FROM sms_outbox WHERE message_id = :old ON CONFLICT DO NOTHING",
        {
            "new": new,
            "old": message_id,
            "at": rfc3339(now.at),
            "boot_id": now.boot_id,
            "boot_ns": now.boot_ns,
            "trusted": now.trusted,
        },
    )
    if not added.rowcount:
        raise BadInput(f"Message {message_id} was retried already: see `attendance sms show {message_id}`.")
    return new


def cancel(conn: sqlite3.Connection, message_id: str, now: Moment) -> None:
    """End a message that still waits, with those that it tells of too.

    Raises:
        BadInput: it is too late for that, or another message tells it.
    """
    row = _found(conn, message_id)
    if row["merged_into"]:
        raise BadInput(f"Its news is told by message {row['merged_into']}: cancel that one.")
    taken = row["asked"] or row["gateway_state"]
    if row["state"] != OutboxState.WAITING or taken:
        asked = f", and {row['gateway'] or 'the phone'} may have it already" if taken else ""
        raise BadInput(f"Message {message_id} is {row['state']}{asked}: it cannot be cancelled.")
    conn.execute(
        "UPDATE sms_outbox SET state = 'cancelled', reason = 'Cancelled by a person.', ended_at = ?"
        " WHERE message_id = ? OR merged_into = ?",
        (rfc3339(now.at), message_id, message_id),
    )


def _send_to_guardians(conn: sqlite3.Connection, text: str, now: Moment, student_id: str) -> list[str]:
    key = roster.key_of(conn, student_id)
    found = conn.execute("SELECT guardian_id FROM guardians WHERE student_key = ? AND opted_out_at IS NULL", (key,))
    ids = [row["guardian_id"] for row in found]
    if not ids:
        raise BadInput(f"Student {student_id!r} has no guardian who can be told.")
    return [notices.queue(conn, Notice(key, each, MessageKind.NOTICE, body=text), now) for each in ids]


def _found(conn: sqlite3.Connection, message_id: str) -> sqlite3.Row:
    row: sqlite3.Row | None = conn.execute(f"{_SHOWN} WHERE o.message_id = ?", (message_id,)).fetchone()
    if row is None:
        raise BadInput(f"There is no message {message_id!r}. `attendance sms list` shows the newest.")
    return row


def _counts(conn: sqlite3.Connection, sql: str) -> dict[str, int]:
    return {row[0]: row[1] for row in conn.execute(sql)}


def _shown(row: sqlite3.Row, reveal: bool) -> dict[str, Any]:
    return {
        "message_id": row["message_id"],
        "kind": row["kind"],
        "student_id": row["student_id"],
        "phone": row["number"] if reveal else masked(row["number"]),
        "state": row["state"],
        "reason": row["reason"] if reveal else masked_in(row["reason"]),
        "made_at": row["made_at"],
        "ended_at": row["ended_at"],
        "attempts": row["attempts"],
        "next_try_at": row["next_try_at"] if row["state"] == OutboxState.WAITING else None,
        "gateway": row["gateway"],
        "gateway_state": row["gateway_state"],
        "gateway_state_at": row["gateway_state_at"],
        "gateway_error": row["gateway_error"] if reveal else masked_in(row["gateway_error"]),
        "parts": row["parts"],
        "merged_into": row["merged_into"],
        "retry_of": row["retry_of"],
        **({"text": row["text"] if row["text"] is not None else row["body"]} if reveal else {}),
    }
