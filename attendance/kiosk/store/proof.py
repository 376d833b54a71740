"""When the gate provably worked: spans that grow while it does, and the holes between them."""

import sqlite3
from datetime import datetime, timedelta

from attendance.clock import from_rfc3339, rfc3339

KEPT = timedelta(days=70)
"""A month's summary looks back so far, and some."""


def begin(conn: sqlite3.Connection, at: datetime, *, after_jump: bool) -> int:
    """Open a span at ``at``, inside a write transaction; its number. What is older than ``KEPT`` goes.

    Args:
        after_jump: the clock was found to have jumped, so times near ``at`` are not sure. So it has if there is a span
            that ends later.
    """
    conn.execute("DELETE FROM proof_of_work WHERE ended_at < ?", (rfc3339(at - KEPT),))
    added = conn.execute(
        "INSERT INTO proof_of_work (began_at, ended_at, after_jump)"
        " VALUES (:at, :at, :jump OR EXISTS (SELECT 1 FROM proof_of_work WHERE ended_at > :at))",
        {"at": rfc3339(at), "jump": after_jump},
    )
    return int(added.lastrowid or 0)


def extend(conn: sqlite3.Connection, span_id: int, until: datetime) -> None:
    """Let a span end later, inside a write transaction."""
    conn.execute("UPDATE proof_of_work SET ended_at = max(ended_at, ?) WHERE span_id = ?", (rfc3339(until), span_id))


def spans(conn: sqlite3.Connection, start: datetime, end: datetime) -> list[tuple[datetime, datetime]]:
    """The spans that touch ``start`` to ``end``, aware, by their begin; reads only."""
    rows = conn.execute(
        "SELECT began_at, ended_at FROM proof_of_work WHERE ended_at >= ? AND began_at <= ? ORDER BY began_at",
        (rfc3339(start), rfc3339(end)),
    )
    return [(from_rfc3339(row["began_at"]), from_rfc3339(row["ended_at"])) for row in rows]


def jumped(conn: sqlite3.Connection, start: datetime, end: datetime) -> bool:
    """Whether the clock jumped between ``start`` and ``end``; reads only."""
    found = conn.execute(
        "SELECT 1 FROM proof_of_work WHERE after_jump = 1 AND began_at BETWEEN ? AND ? LIMIT 1",
        (rfc3339(start), rfc3339(end)),
    )
    return found.fetchone() is not None
