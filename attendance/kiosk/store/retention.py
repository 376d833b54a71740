"""What the ledger knows of the photos on the disk, and that they are gone."""

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class Known:
    """A scan, from the side of its photo.

    Attributes:
        day: local day of the scan; ``None`` while its true time is not known.
        settled: the ledger has a photo, or the reason why there is none.
        path: of the photo, relative to the data directory; ``None`` when there is none.
        synced: the centre has the scan and its picture.
    """

    day: date | None
    settled: bool
    path: str | None
    synced: bool


def known(conn: sqlite3.Connection, scan_ids: Sequence[str]) -> dict[str, Known]:
    """Those of at most 999 scans (as many values SQLite takes) that the ledger has; reads only, by key."""
    rows = conn.execute(
        "SELECT a.scan_id, coalesce(c.day, a.day) AS day, a.clock_trusted OR c.scan_id IS NOT NULL AS dated,"
        " p.scan_id IS NOT NULL AS settled, p.path,"
        " (SELECT min(q.state = 'sent') FROM sync_queue q"
        "  WHERE q.record_type IN ('scan', 'photo') AND q.record_id = a.scan_id) AS synced"
        " FROM attendance a LEFT JOIN clock_corrections c USING (scan_id) LEFT JOIN photos p USING (scan_id)"
        f" WHERE a.scan_id IN ({','.join('?' * len(scan_ids))})",
        scan_ids,
    )
    return {
        row["scan_id"]: Known(
            date.fromisoformat(row["day"]) if row["dated"] else None,
            bool(row["settled"]),
            row["path"],
            bool(row["synced"]),
        )
        for row in rows
    }


def expire(conn: sqlite3.Connection, photos: Iterable[tuple[str, str]]) -> None:
    """Note that photos (scan id and path) are over. The caller deletes the files after the commit."""
    conn.executemany(
        "UPDATE photos SET path = NULL, reason = 'expired', checks = '[]' WHERE scan_id = ? AND path = ?", photos
    )
