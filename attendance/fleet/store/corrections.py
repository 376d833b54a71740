"""What scans' times turned out to be. The scan itself, and its key, stay as they were."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, delete, select

from attendance.clock import rfc3339
from attendance.fleet.store import dialect
from attendance.fleet.store.bulk import Insert
from attendance.fleet.store.tables import corrections


class CorrectionOfScan(NamedTuple):
    """``event_at`` is that of the scan; the rest as in ``wire.Correction``."""

    school_id: str
    scan_id: str
    event_at: str
    scanned_at: str
    day: str
    status: str
    minutes_late: int
    corrected_at: str


_COLUMNS = CorrectionOfScan._fields
_PUT = Insert(
    corrections,
    _COLUMNS,
    "(school_id, scan_id) DO UPDATE SET scanned_at = excluded.scanned_at, day = excluded.day, "
    "status = excluded.status, minutes_late = excluded.minutes_late, corrected_at = excluded.corrected_at",
)


def of_scans(conn: Connection, school_id: str, scan_ids: Iterable[str]) -> dict[str, CorrectionOfScan]:
    """Those that are here, by scan."""
    query = select(*(corrections.c[name] for name in _COLUMNS)).where(
        corrections.c.school_id == school_id, dialect.among(conn, corrections.c.scan_id, list(scan_ids))
    )
    return {row.scan_id: CorrectionOfScan(*row) for row in conn.execute(query)}


def put(conn: Connection, rows: Sequence[CorrectionOfScan]) -> int:
    """Keep corrections, instead of earlier ones; each scan once."""
    return _PUT.run(conn, rows)


def forget_before(conn: Connection, first: datetime) -> int:
    """Remove those of older scans, of all schools; how many that were."""
    return conn.execute(delete(corrections).where(corrections.c.event_at < rfc3339(first))).rowcount
