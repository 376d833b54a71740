"""Invitations: one-time codes with which a gate becomes one of a school's."""

import hashlib
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, delete, insert, select, update

from attendance.errors import BadInput
from attendance.fleet.store import gates
from attendance.fleet.store.gates import Machine
from attendance.fleet.store.tables import invites


class CodeUsed(BadInput):
    """The code was used by another machine."""


class CodeUnknown(BadInput):
    """There is no such code, or it has expired."""


@dataclass(frozen=True, slots=True)
class Invite:
    """
    Attributes:
        gate_id: whose place the new machine takes; ``None``: it will be a new gate.
        students_wanted: whether the gate shall send its students, because the centre has none.
    """

    school_id: str
    gate_name: str
    gate_id: str | None
    students_wanted: bool
    made_by: str
    made_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Enrolled:
    """``again``: the same machine used the code before."""

    school_id: str
    gate_id: str
    students_wanted: bool
    again: bool


def add(conn: Connection, code: str, invite: Invite) -> None:
    """Keep an invitation; the code itself is not kept.

    Raises:
        BadInput: no such gate in the school.
    """
    if invite.gate_id is not None and gates.get(conn, invite.school_id, invite.gate_id) is None:
        raise BadInput("The gate whose place the new one should take is none of this school.")
    conn.execute(
        insert(invites).values(
            code_hash=_code_hash(code),
            school_id=invite.school_id,
            gate_name=invite.gate_name.strip(),
            gate_id=invite.gate_id,
            students_wanted=invite.students_wanted,
            made_by=invite.made_by,
            made_at=invite.made_at,
            expires_at=invite.expires_at,
        )
    )


def accept(conn: Connection, code: str, machine: Machine, now: datetime) -> Enrolled:
    """Use a code. The same machine may do so again: its answer was lost.

    Raises:
        CodeUnknown: no such code, or expired.
        CodeUsed: another machine has used it.
        BadInput: the gate's name or device name is taken.
    """
    row = conn.execute(select(invites).where(invites.c.code_hash == _code_hash(code)).with_for_update()).first()
    if row is None:
        raise CodeUnknown("There is no such code. Check how it is written, or ask for a new one.")
    if row.used_at is not None:
        gate = gates.get(conn, row.school_id, row.used_gate_id)
        if row.used_key_hash != machine.key_hash or gate is None or gate.key_hash != machine.key_hash:
            raise CodeUsed("This code was used already. Ask for a new one.")
        return Enrolled(row.school_id, row.used_gate_id, row.students_wanted, again=True)
    if row.expires_at <= now:
        raise CodeUnknown("This code has expired. Ask for a new one.")
    if row.gate_id is None:
        gate_id = gates.enrol(conn, row.school_id, row.gate_name or machine.device_id, machine, now)
    else:
        gate_id = row.gate_id
        gates.replace(conn, row.school_id, gate_id, machine, now)
    conn.execute(
        update(invites)
        .where(invites.c.code_hash == row.code_hash)
        .values(used_at=now, used_key_hash=machine.key_hash, used_gate_id=gate_id)
    )
    return Enrolled(row.school_id, gate_id, row.students_wanted, again=False)


def waiting(conn: Connection, school_id: str, now: datetime) -> list[Invite]:
    """Those that can still be used; newest first."""
    query = (
        select(
            invites.c.school_id,
            invites.c.gate_name,
            invites.c.gate_id,
            invites.c.students_wanted,
            invites.c.made_by,
            invites.c.made_at,
            invites.c.expires_at,
        )
        .where(invites.c.school_id == school_id, invites.c.used_at.is_(None), invites.c.expires_at > now)
        .order_by(invites.c.made_at.desc())
    )
    return [Invite(*row) for row in conn.execute(query)]


def withdraw(conn: Connection, school_id: str) -> int:
    """Make a school's unused codes useless; how many there were."""
    return conn.execute(delete(invites).where(invites.c.school_id == school_id, invites.c.used_at.is_(None))).rowcount


def forget(conn: Connection, expired_before: datetime) -> int:
    """Remove what expired long ago, of all schools; how many that were."""
    return conn.execute(delete(invites).where(invites.c.expires_at < expired_before)).rowcount


def _code_hash(code: str) -> str:
    """However a person typed it: letters of either size, with or without hyphens and spaces."""
    plain = "".join(each for each in code.upper() if each.isalnum())
    return hashlib.sha256(plain.encode()).hexdigest()
