"""What the centre can say of a device's scans: complete up to where, and whether the chain over them holds."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter
from typing import Any

from sqlalchemy import Connection

from attendance.domain import wire
from attendance.domain.wire import Scan
from attendance.fleet.store import chains, events
from attendance.fleet.store.chains import Chain
from attendance.fleet.store.gates import Gate


@dataclass(frozen=True, slots=True)
class Completeness:
    """How whole a device's scans of one epoch are here.

    Attributes:
        complete_to: all from 1 to this number are here, and their chain holds.
        broken_at: the first number that does not fit the one before it.
        claimed: the number of the newest at the gate, as it last said; ``None``: it has not.
        agreed: the gate's own link at ``claimed`` is the one here; ``None`` as long as that cannot be said.
    """

    gate_id: str
    device_id: str
    epoch: str
    complete_to: int
    highest: int
    broken_at: int | None
    claimed: int | None
    agreed: bool | None

    @property
    def whole(self) -> bool:
        """Nothing that the gate spoke of is missing, and nothing is altered."""
        return self.broken_at is None and self.agreed is not False and self.complete_to >= self.newest

    @property
    def newest(self) -> int:
        """The highest number that anybody spoke of."""
        return max(self.highest, self.claimed or 0)

    def __str__(self) -> str:
        parts = [f"1–{self.complete_to:,} complete" if self.complete_to else "nothing complete"]
        if self.broken_at is not None:
            parts.append(f"altered at {self.broken_at:,}")
        elif self.agreed is False:
            parts.append("the gate has others under these numbers")
        if self.newest > self.complete_to:
            parts.append(f"the newest is {self.newest:,}")
        return f"{self.device_id}, epoch {self.epoch}: {', '.join(parts)}"


def extend(conn: Connection, school_id: str, state: Chain, arrived: Iterable[Scan]) -> None:
    """Move a chain's end over what has just been kept, and over what waited behind a gap that it filled."""
    waiting = state.highest > state.complete_to
    before = state.complete_to
    ordered = sorted(arrived, key=attrgetter("seq"))
    _walk(state, ordered)
    state.highest = max(state.highest, ordered[-1].seq)
    if waiting and state.complete_to > before:
        _walk(state, events.after_number(conn, school_id, state.chain_id, state.complete_to))


def claim(
    conn: Connection, gate: Gate, heads: Iterable[Mapping[str, Any]], now: datetime
) -> dict[tuple[str, str], Chain]:
    """Keep what a gate says of its own newest scans; how far each of these chains is here, by device and epoch.

    Args:
        heads: as ``contact.Tip`` has them.
    """
    told = {(head["device_id"], head["epoch"]): head for head in heads}
    known = chains.lock(conn, gate.school_id, gate.gate_id, told) if told else {}
    for pair, chain in known.items():
        chains.claim(conn, chain, told[pair]["last_seq"], told[pair]["chain"], now)
    return known


def completeness(conn: Connection, school_id: str, gate_id: str | None = None) -> list[Completeness]:
    """Of each device and epoch of the school, or of one gate; by device, newest epoch last."""
    return [
        Completeness(
            found.gate_id,
            found.chain.device_id,
            found.chain.epoch,
            found.chain.complete_to,
            found.chain.highest,
            found.chain.broken_at,
            found.claimed_seq,
            _agreed(conn, school_id, found),
        )
        for found in chains.of_school(conn, school_id, gate_id)
    ]


def unfit(conn: Connection, school_id: str, gate_id: str, device_id: str, epoch: str) -> list[int]:
    """The numbers whose scan, as kept here, does not fit the one before it: altered at the gate, on the way, or here.

    It reads all that are kept. One behind a gap, or behind what is no longer kept, cannot be judged.
    """
    chain_id = chains.find(conn, school_id, gate_id, device_id, epoch)
    found, previous, link = [], 0, ""
    for scan in events.after_number(conn, school_id, chain_id, 0) if chain_id is not None else ():
        if scan.seq == previous + 1 and not fits(link, scan):
            found.append(scan.seq)
        previous, link = scan.seq, scan.chain
    return found


def fits(previous: str, scan: Scan) -> bool:
    """Whether the scan's link follows that of the one before it. What was recorded before there were chains fits."""
    return not scan.chain or scan.chain == wire.chain(previous, scan)


def _agreed(conn: Connection, school_id: str, found: chains.Known) -> bool | None:
    if not found.claimed_seq or not found.claimed_link:
        return None
    if found.claimed_seq == found.chain.complete_to:
        return found.claimed_link == found.chain.complete_link
    there = events.by_number(conn, school_id, found.chain.chain_id, [found.claimed_seq]).get(found.claimed_seq)
    return None if there is None else there.chain == found.claimed_link


def _walk(state: Chain, scans: Iterable[Scan]) -> None:
    """Over those beyond its end, in the order of their numbers."""
    for scan in scans:
        if state.broken_at is not None or scan.seq != state.complete_to + 1:
            return
        if not fits(state.complete_link, scan):
            state.broken_at = scan.seq
            return
        state.complete_to, state.complete_link = scan.seq, scan.chain
