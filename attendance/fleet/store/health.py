"""How gates are: the last heartbeat of each, and one of every ten minutes as history."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, delete, func, select

from attendance.clock import rfc3339
from attendance.fleet.store import dialect
from attendance.fleet.store.gates import Gate
from attendance.fleet.store.tables import gate_health, gates, health_history

HISTORY_MINUTES = 10
"""A row a minute of 1,000 gates would be 43 million a month; nobody looks closer than this."""


@dataclass(frozen=True, slots=True)
class Health:
    """A gate's last heartbeat.

    Attributes:
        received_at: by the centre's clock; ``sent_at``: by the gate's.
        oldest_seconds: how long the oldest item has waited in the gate's queue.
        changes_applied, scans_applied: the versions up to which the gate has taken what it was sent.
        synced_to: all scans of the gate up to then are here; ``None``: not known.
        beat: as it came.
    """

    gate_id: str
    received_at: datetime
    sent_at: datetime
    clock_trusted: bool
    status: str
    queue_items: int
    oldest_seconds: float
    photos_waiting: int
    changes_applied: int
    scans_applied: int
    synced_to: datetime | None
    beat: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Past:
    """One heartbeat of ten minutes. ``facts``: what whoever recorded it chose to keep."""

    at: datetime
    status: str
    facts: dict[str, Any]


_COLUMNS = tuple(gate_health.c[name] for name in Health.__slots__)


def record(
    conn: Connection,
    gate: Gate,
    beat: dict[str, Any],
    *,
    status: str,
    queue_items: int,
    oldest_seconds: float,
    photos_waiting: int,
    changes_applied: int,
    scans_applied: int,
    clock_trusted: bool,
    sent_at: datetime,
    synced_to: datetime | None,
    facts: dict[str, Any],
    now: datetime,
) -> None:
    """Keep a heartbeat.

    Args:
        synced_to: ``None`` leaves what was known.
        facts: small, for lists and the history.
    """
    row = {
        "received_at": now,
        "sent_at": sent_at,
        "clock_trusted": clock_trusted,
        "status": status,
        "queue_items": queue_items,
        "oldest_seconds": oldest_seconds,
        "photos_waiting": photos_waiting,
        "changes_applied": changes_applied,
        "scans_applied": scans_applied,
        "summary": facts,
        "beat": beat,
        **({"synced_to": synced_to} if synced_to is not None else {}),
    }
    latest = dialect.insert(conn, gate_health).values(gate_id=gate.gate_id, school_id=gate.school_id, **row)
    conn.execute(latest.on_conflict_do_update(index_elements=["gate_id"], set_=row))
    past = {"status": status, "facts": facts}
    slot = now.replace(minute=now.minute - now.minute % HISTORY_MINUTES, second=0, microsecond=0)
    entry = dialect.insert(conn, health_history).values(gate_id=gate.gate_id, at=slot, school_id=gate.school_id, **past)
    conn.execute(entry.on_conflict_do_update(index_elements=["gate_id", "at"], set_=past))


def of_school(conn: Connection, school_id: str) -> dict[str, Health]:
    """The last heartbeat of each gate that ever sent one, by gate_id."""
    query = select(*_COLUMNS).where(gate_health.c.school_id == school_id)
    return {row.gate_id: Health(*row) for row in conn.execute(query)}


def of_gate(conn: Connection, school_id: str, gate_id: str) -> Health | None:
    query = select(*_COLUMNS).where(gate_health.c.school_id == school_id, gate_health.c.gate_id == gate_id)
    row = conn.execute(query).first()
    return Health(*row) if row else None


def history(conn: Connection, school_id: str, gate_id: str, since: datetime) -> list[Past]:
    """Oldest first."""
    query = (
        select(health_history.c.at, health_history.c.status, health_history.c.facts)
        .where(
            health_history.c.school_id == school_id,
            health_history.c.gate_id == gate_id,
            health_history.c.at >= since,
        )
        .order_by(health_history.c.at)
    )
    return [Past(*row) for row in conn.execute(query)]


def siblings(
    conn: Connection, school_id: str, gate_id: str, now: datetime, live_within_s: float
) -> list[dict[str, Any]]:
    """The school's other gates that are not revoked, as ``contact.Sibling`` has them, by name."""
    query = (
        select(
            gates.c.device_id,
            gates.c.name,
            gate_health.c.synced_to,
            gate_health.c.received_at,
            gate_health.c.beat["windows"].label("windows"),
        )
        .outerjoin(gate_health, gate_health.c.gate_id == gates.c.gate_id)
        .where(gates.c.school_id == school_id, gates.c.gate_id != gate_id, gates.c.revoked_at.is_(None))
        .order_by(gates.c.name)
    )
    oldest = now - timedelta(seconds=live_within_s)
    return [
        {
            "device_id": row.device_id,
            "name": row.name,
            "synced_to": None if row.synced_to is None else rfc3339(row.synced_to),
            "live": row.received_at is not None and row.received_at >= oldest,
            "windows": row.windows or [],
        }
        for row in conn.execute(query)
    ]


def changes_taken(conn: Connection, school_id: str) -> int:
    """The version of the directory that every live gate of the school has taken."""
    query = (
        select(func.min(func.coalesce(gate_health.c.changes_applied, 0)))
        .select_from(gates)
        .outerjoin(gate_health, gate_health.c.gate_id == gates.c.gate_id)
        .where(gates.c.school_id == school_id, gates.c.revoked_at.is_(None))
    )
    return int(conn.execute(query).scalar() or 0)


def forget_history(conn: Connection, before: datetime) -> int:
    """Remove older history of all gates; how many rows that were."""
    return conn.execute(delete(health_history).where(health_history.c.at < before)).rowcount
