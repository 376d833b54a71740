"""Scans as gates recorded them, and the chains that prove them whole."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select, tuple_, update

from attendance.domain.wire import Scan
from attendance.fleet.store import dialect
from attendance.fleet.store.bulk import Insert
from attendance.fleet.store.tables import chains, events

_PAGE = 500
_SCAN_COLUMNS = (
    "student_key",
    "day",
    "session",
    "direction",
    "status",
    "passage",
    "minutes_late",
    "boot_id",
    "boot_ns",
    "clock_trusted",
    "source",
    "card_issue",
    "card_signed",
)
"""What events and ``wire.Scan`` call by the same name."""
_INSERT = Insert(events, ("school_id", "scan_id", "event_at", "chain_id", "seq", "link", *_SCAN_COLUMNS))


@dataclass(slots=True)
class Chain:
    """A device's scans of one epoch.

    Attributes:
        complete_to: all from 1 to this number are here and fit.
        complete_link: the link of that one.
        broken_at: the first number that does not fit the one before it.
    """

    chain_id: int
    device_id: str
    epoch: str
    complete_to: int
    complete_link: str
    highest: int
    broken_at: int | None


def lock_chains(
    conn: Connection, school_id: str, gate_id: str, named: Iterable[tuple[str, str]]
) -> dict[tuple[str, str], Chain]:
    """The chains of the named (device, epoch) pairs, made if they are new, and nobody else's until the commit."""
    wanted = sorted(set(named))
    found = _locked(conn, gate_id, wanted)
    missing = [each for each in wanted if each not in found]
    if missing:
        rows = [{"school_id": school_id, "gate_id": gate_id, "device_id": d, "epoch": e} for d, e in missing]
        conn.execute(dialect.insert(conn, chains).on_conflict_do_nothing(), rows)
        found |= _locked(conn, gate_id, missing)
    return found


def save_chain(conn: Connection, chain: Chain) -> None:
    conn.execute(
        update(chains)
        .where(chains.c.chain_id == chain.chain_id)
        .values(
            complete_to=chain.complete_to,
            complete_link=chain.complete_link,
            highest=chain.highest,
            broken_at=chain.broken_at,
        )
    )


def put(conn: Connection, school_id: str, scans: Sequence[tuple[int, Scan]]) -> int:
    """Keep scans, each with its chain's id; those whose key is there already are left out. How many were kept."""
    return _INSERT.run(conn, [_row(school_id, chain_id, scan) for chain_id, scan in scans])


def by_id(conn: Connection, school_id: str, scan_ids: Iterable[str]) -> dict[str, tuple[int, Scan]]:
    """Those of the scans that are here, each with its chain's id."""
    condition = (events.c.school_id == school_id, dialect.among(conn, events.c.scan_id, list(scan_ids)))
    return {scan.scan_id: (chain_id, scan) for chain_id, scan in _read(conn, *condition)}


def by_number(conn: Connection, school_id: str, chain_id: int, numbers: Iterable[int]) -> dict[int, Scan]:
    """Those of a chain's numbers that are here."""
    condition = (
        events.c.school_id == school_id,
        events.c.chain_id == chain_id,
        dialect.among(conn, events.c.seq, list(numbers)),
    )
    return {scan.seq: scan for _, scan in _read(conn, *condition)}


def after_number(conn: Connection, school_id: str, chain_id: int, number: int) -> Iterator[Scan]:
    """A chain's scans beyond a number, in order."""
    while True:
        condition = (events.c.school_id == school_id, events.c.chain_id == chain_id, events.c.seq > number)
        page = [scan for _, scan in _read(conn, *condition, order=events.c.seq, limit=_PAGE)]
        yield from page
        if len(page) < _PAGE:
            return
        number = page[-1].seq


def _locked(conn: Connection, gate_id: str, named: list[tuple[str, str]]) -> dict[tuple[str, str], Chain]:
    query = (
        select(
            chains.c.chain_id,
            chains.c.device_id,
            chains.c.epoch,
            chains.c.complete_to,
            chains.c.complete_link,
            chains.c.highest,
            chains.c.broken_at,
        )
        .where(chains.c.gate_id == gate_id, tuple_(chains.c.device_id, chains.c.epoch).in_(named))
        .order_by(chains.c.chain_id)
        .with_for_update()
    )
    return {(row.device_id, row.epoch): Chain(*row) for row in conn.execute(query)}


def _row(school_id: str, chain_id: int, scan: Scan) -> tuple[Any, ...]:
    return (
        school_id,
        scan.scan_id,
        scan.scanned_at,
        chain_id,
        scan.seq,
        scan.chain,
        scan.student_key,
        scan.day,
        scan.session,
        scan.direction,
        scan.status,
        scan.passage,
        scan.minutes_late,
        scan.boot_id,
        scan.boot_ns,
        scan.clock_trusted,
        scan.source,
        scan.card_issue,
        scan.card_signed,
    )


def _read(conn: Connection, *condition: Any, order: Any = None, limit: int | None = None) -> Iterator[tuple[int, Scan]]:
    query = (
        select(
            events.c.chain_id,
            events.c.scan_id,
            chains.c.device_id,
            chains.c.epoch,
            events.c.seq,
            events.c.event_at.label("scanned_at"),
            events.c.link.label("chain"),
            *(events.c[name] for name in _SCAN_COLUMNS),
        )
        .join(chains, chains.c.chain_id == events.c.chain_id)
        .where(*condition)
        .order_by(order)
        .limit(limit)
    )
    for row in conn.execute(query):
        values = dict(row._mapping)
        chain_id = values.pop("chain_id")
        yield chain_id, Scan(**values)
