"""How messages end: too old, told by a report, or for any reason that a person can read.

Functions take a connection inside a write transaction.
"""

import sqlite3
from dataclasses import dataclass
from datetime import timedelta
from itertools import takewhile

from attendance.clock import Moment, age, rfc3339
from attendance.domain.message import OutboxState, Priority, lifetime
from attendance.domain.receipt import GatewayState
from attendance.kiosk.store import receipts, sms_limits

AT_ONCE = 100
"""Rows that one transaction ends, so that a scan never waits long for its turn."""
_UNTOLD = (GatewayState.PENDING, GatewayState.PROCESSED, GatewayState.SENT)
"""What a gateway's answer may say of a message. Its end is left to reports: they are kept, and may cause a retry."""


@dataclass(frozen=True, slots=True)
class Ended:
    """A message that ended without a request of this claim."""

    message_id: str
    kind: str
    state: OutboxState
    reason: str
    parts: int


def expire(conn: sqlite3.Connection, now: Moment, expire_after: timedelta, held: str) -> list[Ended]:
    """End what is too old to be of use. Row numbers follow age, so a look at the oldest of each priority is enough.

    Args:
        held: why messages wait at the moment; empty if they do not.
    """
    ended: list[Ended] = []
    for urgency in Priority:
        oldest_first = conn.execute(
            "SELECT * FROM sms_outbox WHERE state = 'waiting' AND merged_into IS NULL AND priority = ?"
            " ORDER BY rowid LIMIT ?",
            (urgency, AT_ONCE),
        )
        old = list(takewhile(lambda row: is_old(row, expire_after, now), oldest_first))
        ended += [_too_old(conn, row, now, expire_after, held) for row in old]
    return ended


def end(conn: sqlite3.Connection, row: sqlite3.Row, state: OutboxState, reason: str, now: Moment) -> Ended:
    """End a message that waits, and those that it tells too."""
    conn.execute("UPDATE sms_outbox SET state = ?, reason = ? WHERE message_id = ?", (state, reason, row["message_id"]))
    let_followers_follow(conn, row["message_id"], now, ended=True)
    return Ended(row["message_id"], row["kind"], state, reason, row["parts"])


def reported(conn: sqlite3.Connection, row: sqlite3.Row, now: Moment) -> Ended:
    """A report has come meanwhile, so the gateway has the message."""
    ended = end(conn, row, OutboxState.SENT, "", now)
    note_sent(conn, row["message_id"], None, now)
    return ended


def note_sent(conn: sqlite3.Connection, message_id: str, said: GatewayState | None, now: Moment) -> None:
    """A gateway has a message: what it says of it, and that its news was told."""
    conn.execute(
        "UPDATE sms_outbox SET gateway_state = ?, gateway_state_at = ? WHERE gateway_state = ''"
        " AND (message_id = ? OR merged_into = ?)",
        (said if said in _UNTOLD else GatewayState.PENDING, rfc3339(now.at), message_id, message_id),
    )
    told = conn.execute(
        "SELECT guardian_id, kind FROM sms_outbox WHERE message_id = ? OR merged_into = ?", (message_id, message_id)
    )
    for row in told.fetchall():
        sms_limits.note_told(conn, row["guardian_id"], row["kind"], now)


def let_followers_follow(conn: sqlite3.Connection, message_id: str, now: Moment, *, ended: bool) -> None:
    """Let messages whose news another one tells share its state."""
    if ended:
        conn.execute("UPDATE sms_outbox SET ended_at = ? WHERE message_id = ?", (rfc3339(now.at), message_id))
    conn.execute(
        "UPDATE sms_outbox SET (state, gateway, reason, ended_at) = (SELECT state, gateway, reason, ended_at"
        " FROM sms_outbox WHERE message_id = :id) WHERE merged_into = :id",
        {"id": message_id},
    )


def is_old(row: sqlite3.Row, expire_after: timedelta, now: Moment) -> bool:
    """Whether a message that waits is of no use any more."""
    return age(receipts.made(row), now) >= lifetime(row["priority"], expire_after)


def useless(row: sqlite3.Row, expire_after: timedelta, held: str = "") -> str:
    """Why an old message was not sent: what happened to it, or why all wait."""
    why = row["reason"] or held or "The gate was not running, or had too many to send."
    return f"Useless after {_minutes(row, expire_after)}. {why}"


def _too_old(conn: sqlite3.Connection, row: sqlite3.Row, now: Moment, expire_after: timedelta, held: str) -> Ended:
    if row["gateway_state"]:
        return reported(conn, row, now)
    if row["asked"]:
        limit = _minutes(row, expire_after)
        reason = f"{row['gateway']} may have it, and gave no clear answer in {limit}. {row['reason']}"
        return end(conn, row, OutboxState.UNKNOWN, reason.strip(), now)
    return end(conn, row, OutboxState.EXPIRED, useless(row, expire_after, held), now)


def _minutes(row: sqlite3.Row, expire_after: timedelta) -> str:
    return f"{lifetime(row['priority'], expire_after).total_seconds() / 60:.0f} minutes"
