"""The chains: a device's scans of one epoch, and how far they are proven whole."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, bindparam, select, tuple_, update

from attendance.fleet.store import dialect
from attendance.fleet.store.tables import chains


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


@dataclass(frozen=True, slots=True)
class Known:
    """A chain with its gate, and what that last said of its own newest scan."""

    gate_id: str
    chain: Chain
    claimed_seq: int | None
    claimed_link: str | None


_STATE = tuple(chains.c[name] for name in Chain.__slots__)
_GROWING = ("complete_to", "complete_link", "highest", "broken_at")
_SAVE = (
    update(chains).where(chains.c.chain_id == bindparam("saved")).values({name: bindparam(name) for name in _GROWING})
)
_LOCKED = (
    select(*_STATE)
    .where(
        chains.c.gate_id == bindparam("gate_id"),
        tuple_(chains.c.device_id, chains.c.epoch).in_(bindparam("named", expanding=True)),
    )
    .order_by(chains.c.chain_id)
    .with_for_update()
)


def lock(
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


def save(conn: Connection, chain: Chain) -> None:
    conn.execute(_SAVE, {"saved": chain.chain_id, **{name: getattr(chain, name) for name in _GROWING}})


def claim(conn: Connection, chain: Chain, seq: int, link: str, now: datetime) -> None:
    """Keep what the gate says of its newest scan."""
    told = {"claimed_seq": seq, "claimed_link": link, "claimed_at": now}
    conn.execute(update(chains).where(chains.c.chain_id == chain.chain_id).values(told))


def find(conn: Connection, school_id: str, gate_id: str, device_id: str, epoch: str) -> int | None:
    """The id of a chain."""
    query = select(chains.c.chain_id).where(
        chains.c.school_id == school_id,
        chains.c.gate_id == gate_id,
        chains.c.device_id == device_id,
        chains.c.epoch == epoch,
    )
    found = conn.execute(query).scalar()
    return None if found is None else int(found)


def of_school(conn: Connection, school_id: str, gate_id: str | None = None) -> list[Known]:
    """All of the school, or of one gate, in the order in which the centre met them."""
    query = select(chains.c.gate_id, chains.c.claimed_seq, chains.c.claimed_link, *_STATE).where(
        chains.c.school_id == school_id
    )
    if gate_id is not None:
        query = query.where(chains.c.gate_id == gate_id)
    return [
        Known(gate, Chain(*state), seq, link)
        for gate, seq, link, *state in conn.execute(query.order_by(chains.c.device_id, chains.c.chain_id))
    ]


def _locked(conn: Connection, gate_id: str, named: list[tuple[str, str]]) -> dict[tuple[str, str], Chain]:
    rows = conn.execute(_LOCKED, {"gate_id": gate_id, "named": named})
    return {(row.device_id, row.epoch): Chain(*row) for row in rows}
