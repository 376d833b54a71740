"""Scans of the school's other gates, as the centre tells them: kept some days, then as days of presence for a month.

They name students by the school's number: another gate has a key of its own for the same student.
"""

import sqlite3
from collections.abc import Collection, Sequence
from datetime import date, datetime, timedelta

from attendance.clock import from_rfc3339, rfc3339
from attendance.domain.contact import ForeignScan

_DAYS_KEPT = 4
"""A session that runs past midnight, and the time until an absence is told, lie well within."""
_MONTH_KEPT_DAYS = 40
"""The summary of a month may come two days after its end."""
_PORTION = 500
"""Rows of one transaction: some milliseconds."""

Span = tuple[datetime, datetime]
"""From and until, aware."""
Window = tuple[str, str, str]
"""Day, session, and ``arrival`` or ``departure``."""


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


def is_expired(conn: sqlite3.Connection, today: date) -> bool:
    """Whether there are scans that ``expire`` would take; reads only."""
    return (
        conn.execute("SELECT 1 FROM foreign_scans WHERE day < ? LIMIT 1", (_first_kept(today),)).fetchone() is not None
    )


def expire(conn: sqlite3.Connection, today: date) -> int:
    """Keep of some old scans only that somebody was there; how many scans went. Some at a time: no card waits for all.

    Args:
        today: by the centre's clock.
    """
    old = "SELECT scan_id FROM foreign_scans WHERE day < :before ORDER BY day, scanned_at, scan_id LIMIT :portion"
    names = {"before": _first_kept(today), "portion": _PORTION}
    conn.execute(
        "INSERT INTO foreign_days (student_id, day, late)"
        f" SELECT student_id, day, max(status = 'late') FROM foreign_scans WHERE scan_id IN ({old})"
        " GROUP BY student_id, day ON CONFLICT (student_id, day) DO UPDATE SET late = max(late, excluded.late)",
        names,
    )
    gone = conn.execute(f"DELETE FROM foreign_scans WHERE scan_id IN ({old})", names).rowcount
    month = (today - timedelta(days=_MONTH_KEPT_DAYS)).isoformat()
    conn.execute("DELETE FROM foreign_windows WHERE day < ?", (month,))
    conn.execute(
        "DELETE FROM foreign_days WHERE rowid IN (SELECT rowid FROM foreign_days WHERE day < ? LIMIT ?)",
        (month, _PORTION),
    )
    return gone


def _first_kept(today: date) -> str:
    return (today - timedelta(days=_DAYS_KEPT)).isoformat()


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


def proven(conn: sqlite3.Connection) -> set[Window]:
    """The sessions through which every other gate provably worked; reads only."""
    return {tuple(row) for row in conn.execute("SELECT day, session, kind FROM foreign_windows")}


def prove(conn: sqlite3.Connection, worked: Collection[Window], doubted: Collection[Window]) -> None:
    """Enter through which sessions every other gate has worked, and of which one of them says that it has not."""
    conn.executemany("INSERT OR IGNORE INTO foreign_windows (day, session, kind) VALUES (?, ?, ?)", worked)
    conn.executemany("DELETE FROM foreign_windows WHERE day = ? AND session = ? AND kind = ?", doubted)
