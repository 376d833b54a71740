"""What the centre can say of a device's scans: complete up to where, and whether the chain over them holds."""

from collections.abc import Iterable, Iterator, Mapping

from sqlalchemy import Connection

from attendance.domain.wire import Scan, chain
from attendance.fleet.store import events
from attendance.fleet.store.events import Chain


def extend(conn: Connection, school_id: str, state: Chain, arrived: Mapping[int, Scan]) -> None:
    """Move a chain's end over what has just been kept, and over what waited behind a gap that it filled."""
    waiting = state.highest > state.complete_to
    before = state.complete_to
    _walk(state, _from(arrived, state.complete_to + 1))
    state.highest = max(state.highest, *arrived)
    if waiting and state.complete_to > before:
        _walk(state, events.after_number(conn, school_id, state.chain_id, state.complete_to))


def fits(previous: str, scan: Scan) -> bool:
    """Whether the scan's link follows that of the one before it. What was recorded before there were chains fits."""
    return not scan.chain or scan.chain == chain(previous, scan)


def _walk(state: Chain, scans: Iterable[Scan]) -> None:
    for scan in scans:
        if state.broken_at is not None or scan.seq != state.complete_to + 1:
            return
        if not fits(state.complete_link, scan):
            state.broken_at = scan.seq
            return
        state.complete_to, state.complete_link = scan.seq, scan.chain


def _from(scans: Mapping[int, Scan], number: int) -> Iterator[Scan]:
    while number in scans:
        yield scans[number]
        number += 1
