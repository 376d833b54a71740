"""Taking in a gate's scans: each once, whatever comes again, in whichever order."""

from collections import defaultdict
from collections.abc import Iterable
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
        self._scans: dict[tuple[str, str], dict[int, Scan]] = defaultdict(dict)
        for place, scan in scans.items():
            self._scans[scan.device_id, scan.epoch][place] = scan
        self._chains = chains.lock(conn, self._school_id, batch.gate.gate_id, self._scans)

    def run(self) -> Taken:
        kept = self._keep(self._new())
        self._count(kept)
        return Taken([_head(chain) for chain in self._chains.values()], kept)

    def _new(self) -> dict[int, tuple[int, Scan]]:
        """Answer what is here already; the others, each with its chain's id."""
        asked = {scan.scan_id for scans in self._scans.values() for scan in scans.values()}
        by_id = events.by_id(self._conn, self._school_id, asked)
        new = {}
        for pair, scans in self._scans.items():
            chain = self._chains[pair]
            by_number = self._by_number(chain, scans.values())
            for place, scan in scans.items():
                if scan.scan_id in by_id:
                    self._compare(place, scan, by_id[scan.scan_id], _SAME_ID)
                elif scan.seq in by_number:
                    self._compare(place, scan, by_number[scan.seq], _SAME_NUMBER)
                elif scan.seq <= chain.complete_to:
                    self._batch.results[place] = DUPLICATE  # it was here, and is no longer kept
                else:
                    by_id[scan.scan_id] = by_number[scan.seq] = scan
                    new[place] = (chain.chain_id, scan)
        return new

    def _by_number(self, chain: Chain, scans: Iterable[Scan]) -> dict[int, Scan]:
        """What is here under the same numbers; beyond the chain's highest there is nothing to look for."""
        numbers = [scan.seq for scan in scans if scan.seq <= chain.highest]
        return events.by_number(self._conn, self._school_id, chain.chain_id, numbers) if numbers else {}

    def _compare(self, place: int, scan: Scan, there: Scan, reason: str) -> None:
        if scan == there or _entered_again(scan, there):
            self._batch.results[place] = DUPLICATE
        else:
            self._batch.conflict(place, reason)

    def _keep(self, new: dict[int, tuple[int, Scan]]) -> list[tuple[int, Scan]]:
        """Write the new ones; those that the database took."""
        written, raced = keep(self._conn, self._batch, new, partial(events.put, self._conn, self._school_id))
        for place, (_, scan) in raced.items():  # another gate brought them in this very moment
            there = events.by_id(self._conn, self._school_id, [scan.scan_id])[scan.scan_id]
            self._compare(place, scan, there, _SAME_ID)
        return list(written.values())

    def _count(self, kept: list[tuple[int, Scan]]) -> None:
        """What follows from new scans: chains grow, rollups count them."""
        arrived = defaultdict(list)
        for chain_id, scan in kept:
            arrived[chain_id].append(scan)
        for chain in self._chains.values():
            if chain.chain_id in arrived:
                devices.extend(self._conn, self._school_id, chain, arrived[chain.chain_id])
                chains.save(self._conn, chain)
        counted = [(scan.day, scan.scanned_at, scan.minutes_late > 0) for _, scan in kept]
        rollups.count(self._conn, self._batch.gate, counted)
        self._batch.days.update(day for day, _, _ in counted)


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
