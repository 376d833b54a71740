"""Cards that gates did not accept."""

from collections.abc import Iterable, Sequence
from datetime import date

from sqlalchemy import Connection, delete, select

from attendance.domain.wire import Refused
from attendance.fleet.store import dialect
from attendance.fleet.store.bulk import Insert
from attendance.fleet.store.gates import Gate
from attendance.fleet.store.tables import refusals

_OWN = ("refusal_id", "device_id", "refusal", "student_key", "day", "seen_at", "clock_trusted", "source")
_PUT = Insert(refusals, ("school_id", "gate_id", *_OWN))


def by_id(conn: Connection, school_id: str, refusal_ids: Iterable[str]) -> dict[str, Refused]:
    """Those that are here."""
    query = select(*(refusals.c[name] for name in _OWN)).where(
        refusals.c.school_id == school_id, dialect.among(conn, refusals.c.refusal_id, list(refusal_ids))
    )
    return {row.refusal_id: Refused(**row._mapping) for row in conn.execute(query)}


def put(conn: Connection, gate: Gate, rows: Sequence[Refused]) -> int:
    """Keep refusals; those that are here are left out. How many were kept."""
    return _PUT.run(conn, [(gate.school_id, gate.gate_id, *(getattr(row, name) for name in _OWN)) for row in rows])


def forget_before(conn: Connection, first: date) -> int:
    """Remove older ones, of all schools; how many that were."""
    return conn.execute(delete(refusals).where(refusals.c.day < first.isoformat())).rowcount
