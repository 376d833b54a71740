"""Reading the ledger back: who passed on a day, and the numbers that health and the screen show."""

import sqlite3
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from attendance.clock import Moment, from_rfc3339, rfc3339

_SCANS = """
SELECT a.scan_id, s.student_id, s.name, s.section, a.direction, coalesce(c.status, a.status) AS status,
       coalesce(c.minutes_late, a.minutes_late) AS minutes_late, coalesce(c.scanned_at, a.scanned_at) AS scanned_at,
       a.session, p.path AS photo, p.reason AS photo_reason, p.score AS photo_score, a.device_id, a.epoch, a.seq,
       a.clock_trusted OR c.scan_id IS NOT NULL AS clock_trusted
FROM attendance a
LEFT JOIN clock_corrections c USING (scan_id)
LEFT JOIN students s USING (student_key)
LEFT JOIN photos p USING (scan_id)
WHERE coalesce(c.day, a.day) = :day AND (:section IS NULL OR s.section = :section)
ORDER BY scanned_at, a.epoch, a.seq
"""
_REFUSED = """
SELECT r.refusal_id AS scan_id, s.student_id, s.name, s.section, NULL AS direction, r.refusal AS status,
       0 AS minutes_late, r.seen_at AS scanned_at, '' AS session, NULL AS photo, 'refused' AS photo_reason,
       NULL AS photo_score, r.device_id, NULL AS epoch, NULL AS seq, r.clock_trusted
FROM refusals r
LEFT JOIN students s USING (student_key)
WHERE r.day = :day AND (:section IS NULL OR s.section = :section)
"""


@dataclass(frozen=True, slots=True)
class Totals:
    """``queue_size`` counts unsent SMS, and unsent sync rows where there is a centre to send them to."""

    total_records: int
    today_scans: int
    students: int
    unsent_sms: int
    unsent_sync: int


@dataclass(frozen=True, slots=True)
class Counted:
    """How many attendance rows there are up to ``last_row``. Rows are only added, so the next count goes on there."""

    rows: int
    last_row: int


def day(
    conn: sqlite3.Connection, on: date, zone: ZoneInfo, *, section: str | None = None, refused: bool = False
) -> list[dict[str, Any]]:
    """The scans of a local day in the order of time; with ``refused`` the refused sightings among them.

    Each row has the keys of ``attendance report day --json``; times carry the school's offset.
    """
    names = {"day": on.isoformat(), "section": section}
    rows = [dict(row) for row in conn.execute(_SCANS, names)]
    if refused:
        rows += [dict(row) for row in conn.execute(_REFUSED, names)]
        rows.sort(key=lambda row: row["scanned_at"])
    for row in rows:
        row["scanned_at"] = from_rfc3339(row["scanned_at"]).astimezone(zone).isoformat(timespec="milliseconds")
        row["clock_trusted"] = bool(row["clock_trusted"])
        if row["photo"] is None and not row["photo_reason"]:
            row["photo_reason"] = "pending"
        elif row["photo"] is not None:
            row["photo_reason"] = None
    return rows


def totals(conn: sqlite3.Connection, today: date) -> Totals:
    """All counts at once; the first one takes time with the number of rows, see ``records``."""
    return Totals(records(conn).rows, scans_on(conn, today), students(conn), unsent_sms(conn), unsent_sync(conn))


def records(conn: sqlite3.Connection, counted: Counted | None = None) -> Counted:
    """How many scans were ever recorded.

    Args:
        counted: an earlier answer about the same database file: only what came since is counted.
    """
    if counted is None:
        row = conn.execute("SELECT count(*), coalesce(max(rowid), 0) FROM attendance").fetchone()
        return Counted(row[0], row[1])
    row = conn.execute(
        "SELECT count(*), coalesce(max(rowid), :last) FROM attendance WHERE rowid > :last", {"last": counted.last_row}
    ).fetchone()
    return Counted(counted.rows + row[0], row[1])


def version(conn: sqlite3.Connection) -> int:
    """A number that changes whenever somebody else has written; asking for it reads no table."""
    return _count(conn, "PRAGMA data_version")


def students(conn: sqlite3.Connection) -> int:
    """How many students may pass."""
    return _count(conn, "SELECT count(*) FROM students WHERE removed_at IS NULL")


def unsent_sms(conn: sqlite3.Connection) -> int:
    return _count(conn, "SELECT count(*) FROM sms_outbox WHERE state = 'waiting'")


def unsent_sync(conn: sqlite3.Connection) -> int:
    """Rows for the centre; a gate without one never sends them."""
    return _count(conn, "SELECT count(*) FROM sync_queue WHERE state = 'waiting'")


def oldest_unsent_sms(conn: sqlite3.Connection) -> Moment | None:
    """When the message that has waited longest was made."""
    row = conn.execute(
        "SELECT o.made_at, o.made_boot_id, o.made_boot_ns, coalesce(a.clock_trusted, 1) FROM sms_outbox o"
        " LEFT JOIN attendance a USING (scan_id) WHERE o.state = 'waiting' ORDER BY o.made_at LIMIT 1"
    ).fetchone()
    return _moment(row)


def oldest_unsent_sync(conn: sqlite3.Connection) -> Moment | None:
    """When the scan was made of which the centre has waited longest for something."""
    row = conn.execute(
        "SELECT a.scanned_at, a.boot_id, a.boot_ns, a.clock_trusted FROM sync_queue q"
        " CROSS JOIN attendance a ON a.scan_id = q.record_id"  # CROSS and +: SQLite must go by the queue's own order
        " WHERE q.state = 'waiting' AND +q.record_type IN ('scan', 'correction', 'photo') ORDER BY q.position LIMIT 1"
    ).fetchone()
    return _moment(row)


def _moment(row: sqlite3.Row | None) -> Moment | None:
    return Moment(from_rfc3339(row[0]), row[1], row[2], bool(row[3])) if row else None


def _count(conn: sqlite3.Connection, sql: str, *values: str) -> int:
    return int(conn.execute(sql, values).fetchone()[0])


def photo_of(conn: sqlite3.Connection, scan_id: str) -> str | None:
    """The path of a scan's photo, relative to the data directory."""
    row = conn.execute("SELECT path FROM photos WHERE scan_id = ?", (scan_id,)).fetchone()
    return row["path"] if row else None


def without_photo(conn: sqlite3.Connection) -> list[str]:
    """Scans whose photo never came, because a process ended between the record and the face."""
    rows = conn.execute("SELECT scan_id FROM attendance LEFT JOIN photos USING (scan_id) WHERE photos.scan_id IS NULL")
    return [row["scan_id"] for row in rows]


def scans_on(conn: sqlite3.Connection, on: date) -> int:
    """How many scans a local day has."""
    return _count(conn, "SELECT count(*) FROM attendance WHERE day = ?", on.isoformat())


def accepted_between(conn: sqlite3.Connection, first: datetime, last: datetime) -> int:
    """How many scans were recorded in ``(first, last]``, aware times at most a day apart."""
    return _count(
        conn,
        "SELECT count(*) FROM attendance WHERE day BETWEEN date(?, '-1 day') AND date(?, '+1 day')"
        " AND scanned_at > ? AND scanned_at <= ?",
        *(_utc_days(first, last)),
    )


def refused_between(conn: sqlite3.Connection, first: datetime, last: datetime) -> dict[str, int]:
    """How many sightings were refused in ``(first, last]``, by reason; repeats within the cooldown left out."""
    rows = conn.execute(
        "SELECT refusal, count(*) FROM refusals WHERE day BETWEEN date(?, '-1 day') AND date(?, '+1 day')"
        " AND seen_at > ? AND seen_at <= ? AND refusal <> 'duplicate' GROUP BY refusal",
        _utc_days(first, last),
    )
    return dict(map(tuple, rows))


def _utc_days(first: datetime, last: datetime) -> tuple[str, str, str, str]:
    """Days for the index, which a local day can miss by one, and the times themselves."""
    begin, end = rfc3339(first), rfc3339(last)
    return begin[:10], end[:10], begin, end
