"""Scans as gates recorded them; no row is ever changed."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from operator import attrgetter
from typing import Any

from sqlalchemy import Connection, Row, Select, bindparam, delete, select

from attendance.clock import rfc3339
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


@dataclass(frozen=True, slots=True)
class Place:
    """Where a scan is: what other items about it need to know."""

    scan_id: str
    event_at: str
    chain_id: int
    seq: int
    student_key: str
    day: str
    minutes_late: int


_INSERT = Insert(events, ("school_id", "chain_id", "scan_id", "event_at", "seq", "link", *_SCAN_COLUMNS))
_values = attrgetter("scan_id", "scanned_at", "seq", "chain", *_SCAN_COLUMNS)


_SCANS = select(
    events.c.scan_id,
    chains.c.device_id,
    chains.c.epoch,
    events.c.seq,
    events.c.event_at.label("scanned_at"),
    events.c.link.label("chain"),
    *(events.c[name] for name in _SCAN_COLUMNS),
).join(chains, chains.c.chain_id == events.c.chain_id)


@cache
def _by_id(kind: str) -> Select[Any]:
    return _SCANS.where(events.c.school_id == bindparam("of"), dialect.among_named(kind, events.c.scan_id, "wanted"))


def put(conn: Connection, school_id: str, scans: Sequence[tuple[int, Scan]]) -> int:
    """Keep scans, each with its chain's id; those whose key is there already are left out. How many were kept."""
    return _INSERT.run(conn, [(school_id, chain_id, *_values(scan)) for chain_id, scan in scans])


def by_id(conn: Connection, school_id: str, scan_ids: Iterable[str]) -> dict[str, Scan]:
    """Those of the scans that are here."""
    asked = {"of": school_id, "wanted": dialect.named(conn, list(scan_ids))}
    return {scan.scan_id: scan for scan in map(_scan, conn.execute(_by_id(conn.dialect.name), asked))}


def places(conn: Connection, school_id: str, scan_ids: Iterable[str]) -> dict[str, Place]:
    """Where those of the scans are that are here."""
    query = select(*(events.c[name] for name in Place.__slots__)).where(
        events.c.school_id == school_id, dialect.among(conn, events.c.scan_id, list(scan_ids))
    )
    return {row.scan_id: Place(*row) for row in conn.execute(query)}


def recent_of(conn: Connection, school_id: str, keys: Iterable[str], since: str) -> list[Place]:
    """Scans under these students' keys since a day, in the order of their numbers."""
    query = (
        select(*(events.c[name] for name in Place.__slots__))
        .where(
            events.c.school_id == school_id,
            events.c.day >= since,
            dialect.among(conn, events.c.student_key, list(keys)),
        )
        .order_by(events.c.chain_id, events.c.seq)
    )
    return [Place(*row) for row in conn.execute(query)]


def by_number(conn: Connection, school_id: str, chain_id: int, numbers: Iterable[int]) -> dict[int, Scan]:
    """Those of a chain's numbers that are here."""
    condition = (
        events.c.school_id == school_id,
        events.c.chain_id == chain_id,
        dialect.among(conn, events.c.seq, list(numbers)),
    )
    return {scan.seq: scan for scan in map(_scan, conn.execute(_SCANS.where(*condition)))}


def after_number(conn: Connection, school_id: str, chain_id: int, number: int) -> Iterator[Scan]:
    """A chain's scans beyond a number, in order."""
    while True:
        condition = (events.c.school_id == school_id, events.c.chain_id == chain_id, events.c.seq > number)
        page = list(map(_scan, conn.execute(_SCANS.where(*condition).order_by(events.c.seq).limit(_PAGE))))
        yield from page
        if len(page) < _PAGE:
            return
        number = page[-1].seq


def forget_before(conn: Connection, first: datetime) -> int:
    """Remove older ones, of all schools, row by row; how many that were."""
    return conn.execute(delete(events).where(events.c.event_at < rfc3339(first))).rowcount


def _scan(row: Row[Any]) -> Scan:
    return Scan(**row._mapping)
