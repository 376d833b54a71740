"""Reading the ledger back: who passed on a day, and the numbers that health and the screen show."""

import sqlite3
from dataclasses import dataclass
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from attendance.clock import from_rfc3339

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
    """Counts from indexes; none reads the whole table but the first, which SQLite answers from its smallest index."""

    def count(sql: str, *values: str) -> int:
        return int(conn.execute(sql, values).fetchone()[0])

    return Totals(
        total_records=count("SELECT count(*) FROM attendance"),
        today_scans=scans_on(conn, today),
        students=count("SELECT count(*) FROM students WHERE removed_at IS NULL"),
        unsent_sms=count("SELECT count(*) FROM sms_outbox WHERE state = 'waiting'"),
        unsent_sync=count("SELECT count(*) FROM sync_queue WHERE state = 'waiting'"),
    )


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
    return int(conn.execute("SELECT count(*) FROM attendance WHERE day = ?", (on.isoformat(),)).fetchone()[0])
