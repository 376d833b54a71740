"""Taking in a gate's scans: each once, whatever comes again, in whichever order."""

from collections import defaultdict
from dataclasses import dataclass, field
from functools import partial

from sqlalchemy import Connection

from attendance.domain.wire import Head, Scan
from attendance.fleet import devices
from attendance.fleet.batch import DUPLICATE, Batch
from attendance.fleet.keeping import keep
from attendance.fleet.store import chains, events, rollups
from attendance.fleet.store.chains import Chain

_SAME_ID = "Another scan is here under this scan_id."
_SAME_NUMBER = "Another scan is here under this number of the device and epoch."
_FROM_PHOTO = "photo"
"""``source`` of a scan that a gate entered again after its database was lost."""


@dataclass(frozen=True, slots=True)
class Taken:
    """What a batch brought: how far its chains are, and the new scans, each with its chain's id."""

    heads: list[Head] = field(default_factory=list)
    new: list[tuple[int, Scan]] = field(default_factory=list)


def take(conn: Connection, batch: Batch) -> Taken:
    """Keep the batch's scans."""
    scans = batch.of(Scan)
    return _Intake(conn, batch, scans).run() if scans else Taken()


class _Intake:
    """Of one batch. Its chains are nobody else's until the commit, so that what is looked up stays so.

    Args:
        scans: by place in the batch.
    """

    def __init__(self, conn: Connection, batch: Batch, scans: dict[int, Scan]) -> None:
        self._conn = conn
        self._batch = batch
        self._school_id = batch.gate.school_id
        self._scans = scans
        pairs = {(scan.device_id, scan.epoch) for scan in scans.values()}
        self._chains = chains.lock(conn, self._school_id, batch.gate.gate_id, pairs)

    def run(self) -> Taken:
        kept = self._keep(self._new())
        self._count(kept)
        return Taken([_head(chain) for chain in self._chains.values()], kept)

    def _chain(self, scan: Scan) -> Chain:
        return self._chains[scan.device_id, scan.epoch]

    def _new(self) -> dict[int, Scan]:
        """Answer what is here already; the others."""
        by_id = events.by_id(self._conn, self._school_id, {scan.scan_id for scan in self._scans.values()})
        by_number = self._by_number()
        new = {}
        for place, scan in self._scans.items():
            chain = self._chain(scan)
            numbered = (chain.chain_id, scan.seq)
            same_id, same_number = by_id.get(scan.scan_id), by_number.get(numbered)
            if same_id is not None:
                self._compare(place, scan, same_id, _SAME_ID)
            elif same_number is not None:
                self._compare(place, scan, same_number, _SAME_NUMBER)
            elif scan.seq <= chain.complete_to:
                self._batch.results[place] = DUPLICATE  # it was here, and is no longer kept
            else:
                new[place] = by_id[scan.scan_id] = by_number[numbered] = scan
        return new

    def _by_number(self) -> dict[tuple[int, int], Scan]:
        """What is here under the same numbers; beyond a chain's highest there is nothing to look for."""
        asked = defaultdict(list)
        for scan in self._scans.values():
            chain = self._chain(scan)
            if scan.seq <= chain.highest:
                asked[chain.chain_id].append(scan.seq)
        return {
            (chain_id, number): scan
            for chain_id, numbers in asked.items()
            for number, scan in events.by_number(self._conn, self._school_id, chain_id, numbers).items()
        }

    def _compare(self, place: int, scan: Scan, there: Scan, reason: str) -> None:
        if scan == there or _entered_again(scan, there):
            self._batch.results[place] = DUPLICATE
        else:
            self._batch.conflict(place, reason)

    def _keep(self, new: dict[int, Scan]) -> list[tuple[int, Scan]]:
        """Write the new ones; those that the database took, each with its chain's id."""
        rows = {place: (self._chain(scan).chain_id, scan) for place, scan in new.items()}
        written, raced = keep(self._conn, self._batch, rows, partial(events.put, self._conn, self._school_id))
        for place, (_, scan) in raced.items():  # another gate brought them in this very moment
            there = events.by_id(self._conn, self._school_id, [scan.scan_id])[scan.scan_id]
            self._compare(place, scan, there, _SAME_ID)
        return list(written.values())

    def _count(self, kept: list[tuple[int, Scan]]) -> None:
        """What follows from new scans: chains grow, rollups count them."""
        arrived: dict[int, dict[int, Scan]] = defaultdict(dict)
        for chain_id, scan in kept:
            arrived[chain_id][scan.seq] = scan
        for chain in self._chains.values():
            if chain.chain_id in arrived:
                devices.extend(self._conn, self._school_id, chain, arrived[chain.chain_id])
                chains.save(self._conn, chain)
        rollups.add(self._conn, self._batch.gate, [scan for _, scan in kept])
        self._batch.days.update(scan.day for _, scan in kept)


def _entered_again(scan: Scan, there: Scan) -> bool:
    """Whether a repaired gate knows a scan only by its photo, of which the centre has the original."""
    return scan.source == _FROM_PHOTO and all(
        getattr(scan, name) == getattr(there, name) for name in ("scan_id", "epoch", "seq", "student_key", "direction")
    )


def _head(chain: Chain) -> Head:
    return Head(
        device_id=chain.device_id,
        epoch=chain.epoch,
        complete_to=chain.complete_to,
        highest=chain.highest,
        broken_at=chain.broken_at,
    )
