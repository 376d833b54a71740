"""In which order scans came to the centre, for the school's other gates.

One row for a run of consecutive scans of a chain: a request of 500 scans costs one row, not 500.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import Connection, delete, insert, select

from attendance.clock import rfc3339
from attendance.fleet.store import schools
from attendance.fleet.store.gates import Gate
from attendance.fleet.store.tables import arrivals

LATEST = timedelta(days=3)
"""What is older changes nothing at another gate."""
_KEPT = LATEST + timedelta(days=1)


class Arrival(NamedTuple):
    """A scan that is new, or has changed. ``scanned_at`` as corrected."""

    chain_id: int
    seq: int
    event_at: str
    scanned_at: str


@dataclass(slots=True)
class Run:
    """Consecutive numbers of a chain, from ``first`` to ``last``; ``earliest`` and ``latest`` bound their event_at."""

    chain_id: int
    first: int
    last: int
    earliest: str
    latest: str

    @property
    def length(self) -> int:
        return self.last - self.first + 1


def note(conn: Connection, gate: Gate, arrived: Iterable[Arrival], now: datetime) -> None:
    """Number scans. It locks the school's counter: do it last."""
    oldest = rfc3339(now - _KEPT)
    runs = list(_runs(sorted(each for each in arrived if each.scanned_at >= oldest)))
    if not runs:
        return
    count = sum(run.length for run in runs)
    number = schools.take_numbers(conn, gate.school_id, schools.SCANS, count) - count
    rows = []
    for run in runs:
        rows.append(
            {
                "school_id": gate.school_id,
                "first_number": number + 1,
                "last_number": number + run.length,
                "gate_id": gate.gate_id,
                "chain_id": run.chain_id,
                "first_seq": run.first,
                "last_seq": run.last,
                "earliest": run.earliest,
                "latest": run.latest,
                "arrived_at": now,
            }
        )
        number += run.length
    conn.execute(insert(arrivals), rows)


def upper_end(conn: Connection, school_id: str, gate_id: str, after: int, count: int) -> int | None:
    """Up to which number runs of the school's other gates hold at least ``count`` scans; ``None``: there are none.

    Args:
        after: the number from which to count.
    """
    query = (
        select(arrivals.c.first_number, arrivals.c.last_number)
        .where(arrivals.c.school_id == school_id, arrivals.c.last_number > after, arrivals.c.gate_id != gate_id)
        .order_by(arrivals.c.last_number)
        .limit(count)
    )
    end = None
    for first, last in conn.execute(query):
        end = int(last)
        count -= last - max(first, after + 1) + 1
        if count <= 0:
            break
    return end


def forget(conn: Connection, now: datetime) -> int:
    """Remove what no gate needs any more, of all schools; how many runs that were."""
    return conn.execute(delete(arrivals).where(arrivals.c.arrived_at < now - _KEPT)).rowcount


def _runs(arrived: Iterable[Arrival]) -> Iterator[Run]:
    run: Run | None = None
    for chain_id, seq, event_at, _ in arrived:
        if run is not None and run.last + 1 == seq and run.chain_id == chain_id:
            run.last = seq
            if event_at < run.earliest:
                run.earliest = event_at
            elif event_at > run.latest:
                run.latest = event_at
            continue
        if run is not None:
            yield run
        run = Run(chain_id, seq, seq, event_at, event_at)
    if run is not None:
        yield run
