"""Scans of a school's gates as its other gates need them."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, select

from attendance.clock import rfc3339
from attendance.fleet.store.tables import aliases, arrivals, chains, corrections, events, students


def between(
    conn: Connection, school_id: str, gate_id: str, after: int, end: int, limit: int, since: datetime
) -> list[dict[str, Any]]:
    """Scans of the other gates that arrived with numbers beyond ``after`` up to ``end``, as ``contact.ForeignScan`` has
    them, in that order; those of students whom nobody knows are left out.

    Args:
        since: older ones are left out too.
    """
    received = (arrivals.c.first_number + events.c.seq - arrivals.c.first_seq).label("received")
    scanned_at = func.coalesce(corrections.c.scanned_at, events.c.event_at, type_=events.c.event_at.type)
    query = (
        select(
            students.c.student_id,
            events.c.scan_id,
            chains.c.device_id,
            func.coalesce(corrections.c.day, events.c.day, type_=events.c.day.type).label("day"),
            events.c.session,
            events.c.direction,
            func.coalesce(corrections.c.status, events.c.status).label("status"),
            scanned_at.label("scanned_at"),
            received,
        )
        .select_from(arrivals)
        .join(
            events,
            (events.c.school_id == school_id)
            & (events.c.chain_id == arrivals.c.chain_id)
            & events.c.seq.between(arrivals.c.first_seq, arrivals.c.last_seq)
            & events.c.event_at.between(arrivals.c.earliest, arrivals.c.latest),
        )
        .join(chains, chains.c.chain_id == arrivals.c.chain_id)
        .join(aliases, (aliases.c.school_id == school_id) & (aliases.c.alias == events.c.student_key))
        .join(students, (students.c.school_id == school_id) & (students.c.student_key == aliases.c.student_key))
        .outerjoin(corrections, (corrections.c.school_id == school_id) & (corrections.c.scan_id == events.c.scan_id))
        .where(
            arrivals.c.school_id == school_id,
            arrivals.c.last_number > after,
            arrivals.c.last_number <= end,
            arrivals.c.gate_id != gate_id,
            received > after,
            scanned_at >= rfc3339(since),
        )
        .order_by(received)
        .limit(limit)
    )
    return [dict(row._mapping) for row in conn.execute(query)]
