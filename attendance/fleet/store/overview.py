"""What the page of all gates reads: a few queries over the whole fleet, however many gates there are.

Everything is of all schools: whoever shows it leaves out what the reader may not see.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from statistics import median
from typing import Any

from sqlalchemy import Connection, func, select

from attendance.fleet.store.tables import chains, dead_letters, gate_health, gates, rollups, schools

USUAL_WEEKS = 4
"""The same weekday of so many weeks says what is usual: enough for a holiday not to matter, short enough for a term."""


@dataclass(frozen=True, slots=True)
class KnownGate:
    """A live gate and its last heartbeat; times are aware UTC.

    Attributes:
        called_at: by the centre's clock; ``None``: it never has, and what follows is empty.
        sent_at: the same by the gate's clock.
        summary: what ``attendance.fleet.vitals.summary`` kept of its health.
    """

    gate_id: str
    school_id: str
    school: str
    timezone: str
    name: str
    device_id: str
    version: str
    model: str
    enrolled_at: datetime
    called_at: datetime | None
    sent_at: datetime | None
    clock_trusted: bool
    status: str
    queue_items: int
    oldest_seconds: float
    photos_waiting: int
    summary: Mapping[str, Any]


def known_gates(conn: Connection, gate_id: str | None = None) -> list[KnownGate]:
    """All live gates, by school and name; or only one, which may be revoked."""
    health = gate_health.c
    query = (
        select(
            gates.c.gate_id,
            gates.c.school_id,
            schools.c.name.label("school"),
            schools.c.timezone,
            gates.c.name,
            gates.c.device_id,
            gates.c.version,
            gates.c.model,
            gates.c.enrolled_at,
            health.received_at,
            health.sent_at,
            health.clock_trusted,
            health.status,
            health.queue_items,
            health.oldest_seconds,
            health.photos_waiting,
            health.summary,
        )
        .join(schools, schools.c.school_id == gates.c.school_id)
        .join(gate_health, gate_health.c.gate_id == gates.c.gate_id, isouter=True)
        .order_by(schools.c.name, gates.c.name)
    )
    query = query.where(gates.c.revoked_at.is_(None) if gate_id is None else gates.c.gate_id == gate_id)
    return [_known(row) for row in conn.execute(query)]


def scans_of_day(conn: Connection, day: date, since_slot: int) -> dict[str, tuple[int, int]]:
    """By gate: scans of a local day, and of those the ones from a ten-minute slot on."""
    recent = func.sum(rollups.c.scans).filter(rollups.c.slot >= since_slot)
    query = (
        select(rollups.c.gate_id, func.sum(rollups.c.scans), func.coalesce(recent, 0))
        .where(rollups.c.day == day.isoformat())
        .group_by(rollups.c.gate_id)
    )
    return {gate_id: (int(total), int(late)) for gate_id, total, late in conn.execute(query)}


def usual_scans(conn: Connection, day: date, slots: Sequence[int]) -> dict[str, tuple[float, ...]]:
    """By gate, how many scans there usually are before each of ``slots`` on such a weekday.

    Days on which a gate had none at all are left out: there were no classes, or there was no gate. So are gates without
    any such day.
    """
    days = _texts(day - timedelta(weeks=week) for week in range(1, USUAL_WEEKS + 1))
    before = [func.sum(rollups.c.scans).filter(rollups.c.slot < slot) for slot in slots]
    per_day = (
        select(rollups.c.gate_id, *(func.coalesce(total, 0) for total in before))
        .where(rollups.c.day.in_(days))
        .group_by(rollups.c.gate_id, rollups.c.day)
        .having(func.sum(rollups.c.scans) > 0)
    )
    of_gate: dict[str, list[Sequence[int]]] = {}
    for gate_id, *totals in conn.execute(per_day):
        of_gate.setdefault(gate_id, []).append(totals)
    return {gate_id: tuple(median(each) for each in zip(*rows, strict=True)) for gate_id, rows in of_gate.items()}


def chain_faults(conn: Connection) -> dict[str, tuple[int, int | None]]:
    """By gate: how many scans it has by its own word that are not here, and the first number where its chain breaks."""
    missing = func.coalesce(chains.c.claimed_seq, chains.c.highest) - chains.c.complete_to
    query = (
        select(chains.c.gate_id, func.sum(missing), func.min(chains.c.broken_at))
        .where((missing > 0) | chains.c.broken_at.is_not(None))
        .group_by(chains.c.gate_id)
    )
    return {gate_id: (max(0, int(count or 0)), broken_at) for gate_id, count, broken_at in conn.execute(query)}


@dataclass(frozen=True, slots=True)
class GateChain:
    """How far a device's scans of one epoch are here.

    Attributes:
        number: of the epoch, by the order in which they came; counts from 1.
        claimed: the number of its newest scan by the gate's own word; ``None``: it did not say.
    """

    device_id: str
    epoch: str
    number: int
    complete_to: int
    highest: int
    broken_at: int | None
    claimed: int | None

    @property
    def newest(self) -> int:
        """The highest number that is known to exist."""
        return max(self.highest, self.claimed or 0)


def chains_of_gate(conn: Connection, school_id: str, gate_id: str) -> list[GateChain]:
    """The newest epoch first."""
    query = (
        select(chains).where(chains.c.school_id == school_id, chains.c.gate_id == gate_id).order_by(chains.c.chain_id)
    )
    found: list[GateChain] = []
    for row in conn.execute(query):
        number = 1 + sum(1 for each in found if each.device_id == row.device_id)
        found.append(
            GateChain(row.device_id, row.epoch, number, row.complete_to, row.highest, row.broken_at, row.claimed_seq)
        )
    return found[::-1]


def open_letters(conn: Connection) -> dict[str, int]:
    """By gate: its items that could not be taken and that nobody has settled."""
    query = (
        select(dead_letters.c.gate_id, func.count().label("letters"))
        .where(dead_letters.c.settled_at.is_(None))
        .group_by(dead_letters.c.gate_id)
    )
    return {row.gate_id: row.letters for row in conn.execute(query)}


def _known(row: Any) -> KnownGate:
    called = row.received_at is not None
    return KnownGate(
        row.gate_id,
        row.school_id,
        row.school,
        row.timezone,
        row.name,
        row.device_id,
        row.version,
        row.model,
        row.enrolled_at,
        row.received_at,
        row.sent_at,
        bool(row.clock_trusted) if called else True,
        row.status or "",
        row.queue_items or 0,
        row.oldest_seconds or 0.0,
        row.photos_waiting or 0,
        row.summary or {},
    )


def _texts(days: Iterable[date]) -> list[str]:
    return [day.isoformat() for day in days]


@dataclass(frozen=True, slots=True)
class Letter:
    """An item of a gate that could not be taken. ``item``: JSON as it came, shortened; it can hold personal data."""

    letter_id: int
    school_id: str
    school: str
    timezone: str
    gate_id: str
    gate: str
    result: str
    reason: str
    type: str
    item: str
    times: int
    last_at: datetime
    settled_by: str | None


def letters(conn: Connection, school_ids: Collection[str] | None, limit: int, *, settled: bool = False) -> list[Letter]:
    """The newest of some schools; ``None``: of all."""
    table = dead_letters.c
    query = (
        select(
            table.letter_id,
            table.school_id,
            schools.c.name.label("school"),
            schools.c.timezone,
            table.gate_id,
            gates.c.name.label("gate"),
            table.result,
            table.reason,
            table.type,
            table.item,
            table.times,
            table.last_at,
            table.settled_by,
        )
        .join(schools, schools.c.school_id == table.school_id)
        .join(gates, gates.c.gate_id == table.gate_id)
        .where(table.settled_at.is_not(None) if settled else table.settled_at.is_(None))
        .order_by(table.last_at.desc(), table.letter_id.desc())
        .limit(limit)
    )
    if school_ids is not None:
        query = query.where(table.school_id.in_(sorted(school_ids)))
    return [Letter(**dict(row._mapping)) for row in conn.execute(query)]
