"""In which order scans came to the centre, for the school's other gates.

One row for a run of consecutive scans of a chain: a request of 500 scans costs one row, not 500.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, insert

from attendance.clock import rfc3339
from attendance.domain.wire import Scan
from attendance.fleet.store import schools
from attendance.fleet.store.gates import Gate
from attendance.fleet.store.tables import arrivals

LATEST_DAYS = 3
"""What is older changes nothing at another gate."""
_KEPT = timedelta(days=LATEST_DAYS + 1)


@dataclass(slots=True)
class _Run:
    chain_id: int
    first: Scan
    last: Scan
    earliest: str
    latest: str


def note(conn: Connection, gate: Gate, scans: Sequence[tuple[int, Scan]], now: datetime) -> None:
    """Number new scans, each given with its chain's id. It locks the school's counter: do it last."""
    oldest = rfc3339(now - _KEPT)
    runs = list(_runs(sorted((row for row in scans if row[1].scanned_at >= oldest), key=_place)))
    if not runs:
        return
    count = sum(run.last.seq - run.first.seq + 1 for run in runs)
    number = schools.take_numbers(conn, gate.school_id, schools.SCANS, count) - count
    rows = []
    for run in runs:
        length = run.last.seq - run.first.seq + 1
        rows.append(
            {
                "school_id": gate.school_id,
                "first_number": number + 1,
                "last_number": number + length,
                "gate_id": gate.gate_id,
                "chain_id": run.chain_id,
                "first_seq": run.first.seq,
                "last_seq": run.last.seq,
                "earliest": run.earliest,
                "latest": run.latest,
                "arrived_at": now,
            }
        )
        number += length
    conn.execute(insert(arrivals), rows)


def _place(row: tuple[int, Scan]) -> tuple[int, int]:
    return row[0], row[1].seq


def _runs(scans: Iterable[tuple[int, Scan]]) -> Iterator[_Run]:
    run: _Run | None = None
    for chain_id, scan in scans:
        if run is not None and run.chain_id == chain_id and run.last.seq + 1 == scan.seq:
            run.last = scan
            run.earliest = min(run.earliest, scan.scanned_at)
            run.latest = max(run.latest, scan.scanned_at)
            continue
        if run is not None:
            yield run
        run = _Run(chain_id, scan, scan, scan.scanned_at, scan.scanned_at)
    if run is not None:
        yield run
