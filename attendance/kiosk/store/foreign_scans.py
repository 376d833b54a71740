"""Scans of the school's other gates, as the centre tells them: kept some days, then as days of presence for a month.

They name students by the school's number: another gate has a key of its own for the same student.
"""

import sqlite3
from collections.abc import Sequence
from datetime import date, datetime, timedelta

from attendance.clock import from_rfc3339, rfc3339
from attendance.domain.contact import ForeignScan

_DAYS_KEPT = 4
"""A session that runs past midnight, and the time until an absence is told, lie well within."""
_MONTH_KEPT_DAYS = 40
"""The summary of a month may come two days after its end."""

Span = tuple[datetime, datetime]
"""From and until, aware."""


def take(conn: sqlite3.Connection, scans: Sequence[ForeignScan]) -> None:
    """Enter scans; one that is here already is replaced, its time may have been corrected. This gate's own are none."""
    conn.executemany(
        "INSERT INTO foreign_scans"
        " (scan_id, student_id, device_id, day, session, direction, status, scanned_at, received)"
        " SELECT :scan_id, :student_id, :device_id, :day, :session, :direction, :status, :scanned_at, :received"
        " WHERE NOT EXISTS (SELECT 1 FROM attendance WHERE scan_id = :scan_id)"
        " ON CONFLICT (scan_id) DO UPDATE SET student_id = excluded.student_id, device_id = excluded.device_id,"
        " day = excluded.day, session = excluded.session, direction = excluded.direction, status = excluded.status,"
        " scanned_at = excluded.scanned_at, received = excluded.received WHERE excluded.received >= received",
        [scan.model_dump() for scan in scans],
    )


def expire(conn: sqlite3.Connection, today: date) -> int:
    """Keep of old scans only that somebody was there; how many scans went.

    Args:
        today: by the centre's clock.
    """
    before = (today - timedelta(days=_DAYS_KEPT)).isoformat()
    conn.execute(
        "INSERT INTO foreign_days (student_id, day, late)"
        " SELECT student_id, day, max(status = 'late') FROM foreign_scans WHERE day < ? GROUP BY student_id, day"
        " ON CONFLICT (student_id, day) DO UPDATE SET late = max(late, excluded.late)",
        (before,),
    )
    gone = conn.execute("DELETE FROM foreign_scans WHERE day < ?", (before,)).rowcount
    conn.execute("DELETE FROM foreign_days WHERE day < ?", ((today - timedelta(days=_MONTH_KEPT_DAYS)).isoformat(),))
    return gone


def span(conn: sqlite3.Connection) -> Span | None:
    """Within which span every scan of the other gates is here; ``None``: nobody knows. Reads only."""
    row = conn.execute("SELECT since, until FROM foreign_span").fetchone()
    return (from_rfc3339(row["since"]), from_rfc3339(row["until"])) if row else None


def confirm(conn: sqlite3.Connection, told_since: datetime, until: datetime) -> None:
    """Every scan of the other gates from ``told_since`` until ``until`` is here, and no later one is sure to be.

    A span that reaches to ``told_since`` goes on; if there is a gap between them, the older one is given up.

    Args:
        told_since: how far back the centre tells of scans.
    """
    known = span(conn)
    since = known[0] if known is not None and known[1] >= told_since else told_since
    conn.execute("DELETE FROM foreign_span")
    if since < until:
        conn.execute("INSERT INTO foreign_span (one, since, until) VALUES (1, ?, ?)", (rfc3339(since), rfc3339(until)))
