"""Taking in a gate's scans: each once, whatever comes again, in whichever order."""

from collections import defaultdict
from contextlib import suppress

from sqlalchemy import Connection
from sqlalchemy.exc import DataError, IntegrityError

from attendance.domain.wire import Head, Scan
from attendance.fleet import devices
from attendance.fleet.batch import CREATED, DUPLICATE, Batch
from attendance.fleet.store import arrivals, events, rollups
from attendance.fleet.store.events import Chain

_SAME_ID = "Another scan is here under this scan_id."
_SAME_NUMBER = "Another scan is here under this number of the device and epoch."


def take(conn: Connection, batch: Batch) -> list[Head]:
    """Keep the batch's scans; how far their chains are after that."""
    scans = dict(batch.open(Scan))
    if not scans:
        return []
    gate = batch.gate
    chains = events.lock_chains(
        conn, gate.school_id, gate.gate_id, {(scan.device_id, scan.epoch) for scan in scans.values()}
    )
    new = _new(conn, batch, scans, chains)
    kept = _keep(conn, batch, new, chains)
    _count(conn, batch, kept, chains)
    return [_head(chain) for chain in chains.values()]


def _new(
    conn: Connection, batch: Batch, scans: dict[int, Scan], chains: dict[tuple[str, str], Chain]
) -> dict[int, Scan]:
    """Answer what is here already; the others."""
    school_id = batch.gate.school_id
    by_id = {scan_id: scan for scan_id, (_, scan) in events.by_id(conn, school_id, _ids(scans)).items()}
    by_number = _by_number(conn, school_id, scans, chains)
    new = {}
    for place, scan in scans.items():
        numbered = (scan.device_id, scan.epoch, scan.seq)
        same_id, same_number = by_id.get(scan.scan_id), by_number.get(numbered)
        if same_id is not None:
            _compare(batch, place, scan, same_id, _SAME_ID)
        elif same_number is not None:
            _compare(batch, place, scan, same_number, _SAME_NUMBER)
        elif scan.seq <= chains[scan.device_id, scan.epoch].complete_to:
            batch.results[place] = DUPLICATE  # it was here, and is no longer kept
        else:
            new[place] = by_id[scan.scan_id] = by_number[numbered] = scan
    return new


def _ids(scans: dict[int, Scan]) -> set[str]:
    return {scan.scan_id for scan in scans.values()}


def _by_number(
    conn: Connection, school_id: str, scans: dict[int, Scan], chains: dict[tuple[str, str], Chain]
) -> dict[tuple[str, str, int], Scan]:
    """What is here under the same numbers; beyond a chain's highest there is nothing to look for."""
    asked = defaultdict(list)
    for scan in scans.values():
        pair = (scan.device_id, scan.epoch)
        if scan.seq <= chains[pair].highest:
            asked[pair].append(scan.seq)
    return {
        (*pair, number): scan
        for pair, numbers in asked.items()
        for number, scan in events.by_number(conn, school_id, chains[pair].chain_id, numbers).items()
    }


def _compare(batch: Batch, place: int, scan: Scan, there: Scan, reason: str) -> None:
    if scan == there:
        batch.results[place] = DUPLICATE
    else:
        batch.conflict(place, reason)


def _keep(
    conn: Connection, batch: Batch, new: dict[int, Scan], chains: dict[tuple[str, str], Chain]
) -> list[tuple[int, Scan]]:
    """Write the new ones; those that the database took, each with its chain's id."""
    rows = {place: (chains[scan.device_id, scan.epoch].chain_id, scan) for place, scan in new.items()}
    with suppress(DataError, IntegrityError), conn.begin_nested() as attempt:
        if events.put(conn, batch.gate.school_id, list(rows.values())) == len(rows):
            for place in rows:
                batch.results[place] = CREATED
            return list(rows.values())
        attempt.rollback()
    return [row for place, row in rows.items() if _keep_alone(conn, batch, place, row)]


def _keep_alone(conn: Connection, batch: Batch, place: int, row: tuple[int, Scan]) -> bool:
    """One that stood in a batch of which the database refused something."""
    school_id, scan = batch.gate.school_id, row[1]
    try:
        with conn.begin_nested():
            kept = events.put(conn, school_id, [row])
    except (DataError, IntegrityError) as error:
        batch.reject(place, f"The database does not take it ({type(error.orig).__name__}).")
        return False
    if kept:
        batch.results[place] = CREATED
        return True
    _, there = events.by_id(conn, school_id, [scan.scan_id])[scan.scan_id]  # another gate's, of this very moment
    _compare(batch, place, scan, there, _SAME_ID)
    return False


def _count(conn: Connection, batch: Batch, kept: list[tuple[int, Scan]], chains: dict[tuple[str, str], Chain]) -> None:
    """What follows from new scans: chains grow, rollups count them, the school's other gates hear of them."""
    arrived: dict[int, dict[int, Scan]] = defaultdict(dict)
    for chain_id, scan in kept:
        arrived[chain_id][scan.seq] = scan
    for chain in chains.values():
        if chain.chain_id in arrived:
            devices.extend(conn, batch.gate.school_id, chain, arrived[chain.chain_id])
            events.save_chain(conn, chain)
    rollups.add(conn, batch.gate, [scan for _, scan in kept])
    arrivals.note(conn, batch.gate, kept, batch.now)


def _head(chain: Chain) -> Head:
    return Head(
        device_id=chain.device_id,
        epoch=chain.epoch,
        complete_to=chain.complete_to,
        highest=chain.highest,
        broken_at=chain.broken_at,
    )
