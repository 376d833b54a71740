"""The documented table ``sms_delivery_log``: one row a message, its last state, and the numbers made from it."""

import sqlite3
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any

from attendance.clock import Moment
from attendance.domain.receipt import GatewayState, Report, follows


def no_statistics() -> dict[str, Any]:
    """``statistics`` of a database that is not there."""
    return {"status_counts": {}, "recent_failures_24h": 0, "delivery_rate_percent": 0.0, "total_tracked": 0}


def update(conn: sqlite3.Connection, report: Report, student_id: str | None, now: Moment, zone: tzinfo) -> bool:
    """Write what a report says of its message, inside a write transaction; whether it was news.

    Args:
        student_id: the number of the message's student, if it is one of ours.
        zone: of the column ``timestamp``, which is local time without offset. The others are UTC, as SQLite's own.
    """
    at = (report.happened_at or now.at).astimezone(zone).replace(tzinfo=None)
    values = {
        "message_id": report.message_id,
        "phone": report.phone,
        "status": report.state,
        "student_id": student_id,
        "error": report.reason or None,
        "timestamp": at.isoformat(timespec="seconds"),
        "now": _sqlite_time(now.at),
    }
    logged = conn.execute("SELECT status FROM sms_delivery_log WHERE message_id = ?", (report.message_id,)).fetchone()
    if logged is None:
        conn.execute(
            "INSERT INTO sms_delivery_log"
            " (message_id, phone_number, status, student_id, error_message, timestamp, created_at, updated_at)"
            " VALUES (:message_id, :phone, :status, :student_id, :error, :timestamp, :now, :now)",
            values,
        )
        return True
    if report.state is None or not follows(logged["status"], report.state):
        return False
    conn.execute(
        "UPDATE sms_delivery_log SET status = :status, error_message = :error, timestamp = :timestamp,"
        " phone_number = CASE phone_number WHEN '' THEN :phone ELSE phone_number END,"
        " student_id = coalesce(student_id, :student_id), updated_at = :now WHERE message_id = :message_id",
        values,
    )
    return True


def forget_strangers(conn: sqlite3.Connection, position: int) -> None:
    """Drop messages that are not ours and of which only reports up to ``position`` speak; inside a write transaction.

    Rows of our own messages stay as long as the messages.
    """
    conn.execute(
        "DELETE FROM sms_delivery_log WHERE message_id IN (SELECT old.message_id FROM sms_reports old"
        " WHERE old.position <= :position AND old.known = 0 AND old.message_id <> '' AND NOT EXISTS"
        " (SELECT 1 FROM sms_reports r WHERE r.message_id = old.message_id AND r.message_id <> ''"
        " AND r.position > :position))",
        {"position": position},
    )


def statistics(conn: sqlite3.Connection, now: Moment) -> dict[str, Any]:
    """The documented numbers; reads only.

    The rate is delivered messages in a hundred of those that came to an end, delivered or failed: what was only sent
    may still do either.
    """
    counts = {
        row["status"]: int(row["messages"])
        for row in conn.execute("SELECT status, count(*) AS messages FROM sms_delivery_log GROUP BY status")
    }
    failures = conn.execute(
        "SELECT count(*) FROM sms_delivery_log WHERE status = ? AND updated_at >= ?",
        (GatewayState.FAILED, _sqlite_time(now.at - timedelta(days=1))),
    )
    delivered = counts.get(GatewayState.DELIVERED, 0)
    ended = delivered + counts.get(GatewayState.FAILED, 0)
    return {
        "status_counts": counts,
        "recent_failures_24h": int(failures.fetchone()[0]),
        "delivery_rate_percent": round(100 * delivered / ended, 1) if ended else 0.0,
        "total_tracked": sum(counts.values()),
    }


def _sqlite_time(at: datetime) -> str:
    """As SQLite's ``CURRENT_TIMESTAMP`` writes it: UTC, whole seconds."""
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")
