"""Commands for gates, until the gate has said what became of them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert, select, update

from attendance.clock import rfc3339
from attendance.domain import wire
from attendance.fleet.store import dialect
from attendance.fleet.store.tables import commands


@dataclass(frozen=True, slots=True)
class Ordered:
    """
    Attributes:
        issued_by: login of who gave it.
        state: queued, delivered; ended: done, failed, refused, expired, cancelled.
    """

    command_id: str
    gate_id: str
    kind: str
    arguments: dict[str, Any]
    issued_by: str
    issued_at: datetime
    expires_at: datetime
    delivered_at: datetime | None
    state: str
    detail: str
    ended_at: datetime | None


_COLUMNS = tuple(commands.c[name] for name in Ordered.__slots__)


def queue(
    conn: Connection,
    school_id: str,
    gate_id: str,
    command_id: str,
    kind: str,
    arguments: Mapping[str, Any],
    signature: str,
    issued_by: str,
    issued_at: datetime,
    expires_at: datetime,
) -> None:
    conn.execute(
        insert(commands).values(
            command_id=command_id,
            school_id=school_id,
            gate_id=gate_id,
            kind=kind,
            arguments=dict(arguments),
            signature=signature,
            issued_by=issued_by,
            issued_at=issued_at,
            expires_at=expires_at,
            state="queued",
            detail="",
        )
    )


def open_for(conn: Connection, gate_id: str, now: datetime) -> list[wire.Command]:
    """Those without a result that have not expired, in the order in which they were given."""
    query = (
        select(
            commands.c.command_id,
            commands.c.gate_id,
            commands.c.kind,
            commands.c.arguments,
            commands.c.issued_at,
            commands.c.expires_at,
            commands.c.signature,
        )
        .where(commands.c.gate_id == gate_id, commands.c.ended_at.is_(None), commands.c.expires_at > now)
        .order_by(commands.c.issued_at, commands.c.command_id)
    )
    return [
        wire.Command(
            command_id=row.command_id,
            gate_id=row.gate_id,
            kind=wire.CommandKind(row.kind),
            arguments=row.arguments,
            issued_at=rfc3339(row.issued_at),
            expires_at=rfc3339(row.expires_at),
            signature=row.signature,
        )
        for row in conn.execute(query)
    ]


def delivered(conn: Connection, gate_id: str, command_ids: Iterable[str], now: datetime) -> None:
    """Note that these were told to the gate, the first time."""
    named = list(command_ids)
    if named:
        conn.execute(
            update(commands)
            .where(
                commands.c.gate_id == gate_id,
                dialect.among(conn, commands.c.command_id, named),
                commands.c.state == "queued",
            )
            .values(state="delivered", delivered_at=now)
        )


def result(conn: Connection, gate_id: str, command_id: str, state: str, detail: str, now: datetime) -> bool:
    """Note what became of a gate's command; ``False``: there is none of that id without a result.

    One that expired here while the gate was doing it gets its true end.
    """
    statement = update(commands).where(
        commands.c.gate_id == gate_id,
        commands.c.command_id == command_id,
        commands.c.state.in_(("queued", "delivered", "expired")),
    )
    return bool(conn.execute(statement.values(state=state, detail=detail, ended_at=now)).rowcount)


def cancel(conn: Connection, school_id: str, command_id: str, now: datetime) -> bool:
    """Take back a command that was not told yet; whether that was so."""
    statement = update(commands).where(
        commands.c.school_id == school_id, commands.c.command_id == command_id, commands.c.state == "queued"
    )
    return bool(conn.execute(statement.values(state="cancelled", ended_at=now)).rowcount)


def of_gate(conn: Connection, school_id: str, gate_id: str, limit: int) -> list[Ordered]:
    """Newest first."""
    query = (
        select(*_COLUMNS)
        .where(commands.c.school_id == school_id, commands.c.gate_id == gate_id)
        .order_by(commands.c.issued_at.desc(), commands.c.command_id.desc())
        .limit(limit)
    )
    return [Ordered(*row) for row in conn.execute(query)]


def get(conn: Connection, school_id: str, command_id: str) -> Ordered | None:
    query = select(*_COLUMNS).where(commands.c.school_id == school_id, commands.c.command_id == command_id)
    row = conn.execute(query).first()
    return Ordered(*row) if row else None


def expire(conn: Connection, now: datetime) -> int:
    """End those whose time has passed, of all schools; how many that were."""
    statement = update(commands).where(commands.c.ended_at.is_(None), commands.c.expires_at <= now)
    return conn.execute(statement.values(state="expired", ended_at=now)).rowcount
