"""Gates: who they are, and which token speaks for them."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Select, bindparam, insert, select, update
from sqlalchemy.exc import IntegrityError
from uuid6 import uuid7

from attendance.errors import BadInput
from attendance.fleet.store.tables import gates, schools


@dataclass(frozen=True, slots=True)
class Gate:
    """
    Attributes:
        device_id: the gate's own name for itself; unique among a school's live gates.
        key_hash: ``wire.key_hash`` of its token; empty: revoked.
        timezone: of its school.
        last_contact_at: of its last heartbeat or sync.
    """

    gate_id: str
    school_id: str
    name: str
    device_id: str
    key_hash: str
    version: str
    model: str
    enrolled_at: datetime
    revoked_at: datetime | None
    last_contact_at: datetime | None
    school: str
    timezone: str

    @property
    def live(self) -> bool:
        return self.revoked_at is None


@dataclass(frozen=True, slots=True)
class Machine:
    """What a gate says of itself when it enrols."""

    device_id: str
    key_hash: str
    version: str
    model: str


def by_key_hash(conn: Connection, key_hash: str) -> Gate | None:
    """The live gate whose token this is."""
    return _first(conn, _BY_KEY_HASH, shown=key_hash) if key_hash else None


def get(conn: Connection, school_id: str, gate_id: str) -> Gate | None:
    return _first(conn, _gates().where(gates.c.school_id == school_id, gates.c.gate_id == gate_id))


def of_school(conn: Connection, school_id: str, *, revoked: bool = False) -> list[Gate]:
    """By name; revoked ones only if asked."""
    query = _gates().where(gates.c.school_id == school_id).order_by(gates.c.name)
    if not revoked:
        query = query.where(gates.c.revoked_at.is_(None))
    return [_gate(row) for row in conn.execute(query)]


def enrol(conn: Connection, school_id: str, name: str, machine: Machine, now: datetime) -> str:
    """Enter a new gate; its id.

    Raises:
        BadInput: another live gate has that name, device name or token.
    """
    gate_id = str(uuid7())
    row = {"gate_id": gate_id, "school_id": school_id, "name": name, "enrolled_at": now, **_of_machine(machine)}
    try:
        with conn.begin_nested():
            conn.execute(insert(gates).values(row))
    except IntegrityError as error:
        raise _taken(name, machine.device_id) from error
    return gate_id


def replace(conn: Connection, school_id: str, gate_id: str, machine: Machine, now: datetime) -> None:
    """Let another machine take a gate's place; the old one's token ends.

    Raises:
        BadInput: no such gate in the school, or another live gate has that device name or token.
    """
    statement = (
        update(gates)
        .where(gates.c.school_id == school_id, gates.c.gate_id == gate_id)
        .values(revoked_at=None, enrolled_at=now, **_of_machine(machine))
    )
    try:
        with conn.begin_nested():
            found = conn.execute(statement).rowcount
    except IntegrityError as error:
        raise _taken("", machine.device_id) from error
    if not found:
        raise BadInput("The gate whose place this one should take does not exist. Make a new invitation.")


def rename(conn: Connection, school_id: str, gate_id: str, name: str) -> bool:
    """Whether there is such a gate.

    Raises:
        BadInput: another live gate has that name, or it is empty.
    """
    if not name.strip():
        raise BadInput("A gate needs a name.")
    statement = update(gates).where(gates.c.school_id == school_id, gates.c.gate_id == gate_id)
    try:
        with conn.begin_nested():
            return bool(conn.execute(statement.values(name=name.strip())).rowcount)
    except IntegrityError as error:
        raise _taken(name.strip(), "") from error


def revoke(conn: Connection, school_id: str, gate_id: str, now: datetime) -> bool:
    """End a gate's token; its records stay. Whether it was live."""
    statement = update(gates).where(
        gates.c.school_id == school_id, gates.c.gate_id == gate_id, gates.c.revoked_at.is_(None)
    )
    return bool(conn.execute(statement.values(revoked_at=now, key_hash=None)).rowcount)


def touch(conn: Connection, school_id: str, gate_id: str, version: str, now: datetime) -> None:
    """Note that a gate was heard. ``version`` is that of its software; empty: as before."""
    statement = update(gates).where(gates.c.school_id == school_id, gates.c.gate_id == gate_id)
    conn.execute(statement.values(last_contact_at=now, **({"version": version} if version else {})))


def _of_machine(machine: Machine) -> dict[str, str]:
    return {
        "device_id": machine.device_id,
        "key_hash": machine.key_hash,
        "version": machine.version,
        "model": machine.model,
    }


def _taken(name: str, device_id: str) -> BadInput:
    what = " or ".join(
        each for each in (name and f"the name {name!r}", device_id and f"the device {device_id!r}") if each
    )
    return BadInput(f"Another gate of this school has {what} already. Choose another, or revoke that gate first.")


def _gates() -> Select[tuple[object, ...]]:
    return select(
        gates.c.gate_id,
        gates.c.school_id,
        gates.c.name,
        gates.c.device_id,
        gates.c.key_hash,
        gates.c.version,
        gates.c.model,
        gates.c.enrolled_at,
        gates.c.revoked_at,
        gates.c.last_contact_at,
        schools.c.name.label("school"),
        schools.c.timezone,
    ).join(schools, schools.c.school_id == gates.c.school_id)


_BY_KEY_HASH = _gates().where(gates.c.key_hash == bindparam("shown"))


def _first(conn: Connection, query: Select[tuple[object, ...]], **named: str) -> Gate | None:
    row = conn.execute(query, named).first()
    return _gate(row) if row else None


def _gate(row: object) -> Gate:
    values = dict(row._mapping)  # type: ignore[attr-defined]
    return Gate(**values | {"key_hash": values["key_hash"] or ""})
