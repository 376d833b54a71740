"""Which messages their gateway is asked about, because no report says what became of them.

Every function that does not say it only reads takes a connection inside a write transaction.
"""

import sqlite3
from dataclasses import dataclass
from datetime import timedelta

from attendance.clock import Moment

ASKED_AT_MOST = 7
"""Times; the pause doubles each time, so that it ends after a day or so with the default of 15 minutes."""


@dataclass(frozen=True, slots=True)
class Due:
    """A message to ask about. ``asked`` is how often that was done."""

    message_id: str
    gateway: str
    asked: int


def schedule(conn: sqlite3.Connection, message_id: str, now: Moment, after: timedelta) -> None:
    """Have a message asked about ``after`` from now, unless its end is known."""
    conn.execute(
        "UPDATE sms_outbox SET report_due_boot_id = ?, report_due_boot_ns = ? WHERE message_id = ?"
        " AND gateway_state NOT IN ('Cancelled', 'Delivered', 'Failed')",
        (now.boot_id, _after(now, after), message_id),
    )


def begin(conn: sqlite3.Connection, now: Moment, after: timedelta) -> None:
    """After a reboot: all that were due later are due ``after`` from now."""
    conn.execute(
        "UPDATE sms_outbox SET report_due_boot_id = ?, report_due_boot_ns = ?"
        " WHERE report_due_boot_ns IS NOT NULL AND report_due_boot_id <> ?",
        (now.boot_id, _after(now, after), now.boot_id),
    )


def due(conn: sqlite3.Connection, now: Moment) -> Due | None:
    """The message that is due longest; reads only."""
    row = conn.execute(
        "SELECT message_id, gateway, report_asked FROM sms_outbox WHERE report_due_boot_ns IS NOT NULL"
        " AND report_due_boot_id = ? AND report_due_boot_ns <= ? ORDER BY report_due_boot_ns LIMIT 1",
        (now.boot_id, now.boot_ns),
    ).fetchone()
    return Due(row["message_id"], row["gateway"], row["report_asked"]) if row is not None else None


def note_asked(conn: sqlite3.Connection, message: Due, now: Moment, after: timedelta) -> None:
    """It was asked about, answered or not: again later, unless its end is known or it was asked often enough."""
    asked = message.asked + 1
    due_ns = None if asked >= ASKED_AT_MOST else _after(now, after * 2**asked)
    conn.execute(
        "UPDATE sms_outbox SET report_asked = ?, report_due_boot_ns = ? WHERE message_id = ?"
        " AND report_due_boot_ns IS NOT NULL",
        (asked, due_ns, message.message_id),
    )


def put_off(conn: sqlite3.Connection, gateway: str, now: Moment, rest_s: float) -> None:
    """A gateway is left alone for a while: its messages are due after that, and this was no question."""
    until_ns = _after(now, timedelta(seconds=rest_s))
    conn.execute(
        "UPDATE sms_outbox SET report_due_boot_ns = ? WHERE report_due_boot_id = ? AND report_due_boot_ns < ?"
        " AND gateway = ?",
        (until_ns, now.boot_id, until_ns, gateway),
    )


def forget(conn: sqlite3.Connection, message_id: str) -> None:
    """What became of it is known."""
    conn.execute(
        "UPDATE sms_outbox SET report_due_boot_ns = NULL WHERE message_id = ? AND report_due_boot_ns IS NOT NULL",
        (message_id,),
    )


def _after(now: Moment, after: timedelta) -> int:
    return now.boot_ns + round(after.total_seconds() * 1e9)
