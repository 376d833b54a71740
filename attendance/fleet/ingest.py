"""Taking in what a gate sends: each item judged alone, all of it in one transaction."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from attendance.domain.wire import Head, ItemResult, Result
from attendance.fleet import attached, others, scans
from attendance.fleet.batch import LATER, Batch
from attendance.fleet.scans import Taken
from attendance.fleet.store import arrivals, corrections, dead_letters, events, stale_days
from attendance.fleet.store.arrivals import Arrival
from attendance.fleet.store.events import Place
from attendance.fleet.store.gates import Gate

_FOR_A_PERSON = (Result.CONFLICT, Result.REJECTED)


def ingest(
    conn: Connection, gate: Gate, raw_items: list[Any], now: datetime, *, one_by_one: bool = False
) -> tuple[list[ItemResult], list[Head]]:
    """Take in the items of one request.

    Args:
        raw_items: as ``json`` read them.
        one_by_one: slower, but none that the database refuses holds up the others.

    Returns:
        What became of each, in their order, and how far the chains of the scans among them are. Both hold once the
        transaction is committed.

    Raises:
        Doubtful: it must be done one by one, in a new transaction.
    """
    batch = Batch.read(gate, raw_items, now, one_by_one=one_by_one)
    taken = scans.take(conn, batch)
    corrected = attached.take_corrections(conn, batch)
    attached.take_photos(conn, batch)
    others.take_refusals(conn, batch)
    others.take_people(conn, batch)
    results = [result or LATER for result in batch.results]
    refused = [(raw, result) for raw, result in zip(raw_items, results, strict=True) if result.result in _FOR_A_PERSON]
    dead_letters.add(conn, gate, refused, now)
    stale_days.mark(conn, gate.school_id, batch.days)
    if batch.learned:
        stale_days.mark_strangers(conn, gate.school_id)
    arrivals.note(conn, gate, _arrived(conn, batch, taken, corrected), now)
    return results, taken.heads


def _arrived(conn: Connection, batch: Batch, taken: Taken, corrected: list[Place]) -> Iterator[Arrival]:
    """What the school's other gates are to hear: new scans, changed ones, and those whose student became known."""
    changed = {(place.chain_id, place.seq): place for place in [*_recognised(conn, batch), *corrected]}
    for chain_id, scan in taken.new:
        if (chain_id, scan.seq) not in changed:
            yield Arrival(chain_id, scan.seq, scan.scanned_at, scan.scanned_at)
    scan_ids = {place.scan_id for place in changed.values()}
    now_at = corrections.of_scans(conn, batch.gate.school_id, scan_ids) if scan_ids else {}
    for place in changed.values():
        correction = now_at.get(place.scan_id)
        at = correction.scanned_at if correction else place.event_at
        yield Arrival(place.chain_id, place.seq, place.event_at, at)


def _recognised(conn: Connection, batch: Batch) -> list[Place]:
    """Recent scans of students whose key was not known when they came."""
    if not batch.learned:
        return []
    since = (batch.now - arrivals.LATEST - timedelta(days=1)).date().isoformat()
    return events.recent_of(conn, batch.gate.school_id, batch.learned, since)
