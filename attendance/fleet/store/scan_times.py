"""How long scans took at each gate and day, from what gates tell with their heartbeats."""

from collections import defaultdict
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, delete, func, select

from attendance.domain import scan_time
from attendance.fleet.store import dialect
from attendance.fleet.store.analytics_tables import scan_times
from attendance.fleet.store.gates import Gate

_LONGEST_RUN = 64


def record(conn: Connection, gate: Gate, health: Mapping[str, Any], now: datetime) -> None:
    """Keep what a heartbeat's health tells of it, if it does. A run only grows: an old heartbeat takes nothing back."""
    components = health.get("components")
    told = components.get("scans") if isinstance(components, dict) else None
    up_to = scan_time.read(told.get("up_to")) if isinstance(told, dict) else None
    run = str(told.get("run", ""))[:_LONGEST_RUN] if isinstance(told, dict) else ""
    if up_to is None or not up_to[-1]:
        return
    row = {"scans": up_to[-1], "up_to": up_to}
    statement = dialect.insert(conn, scan_times).values(
        school_id=gate.school_id,
        day=now.astimezone(ZoneInfo(gate.timezone)).date().isoformat(),
        gate_id=gate.gate_id,
        run=run,
        **row,
    )
    conn.execute(
        statement.on_conflict_do_update(
            index_elements=["school_id", "day", "gate_id", "run"], set_=row, where=scan_times.c.scans < up_to[-1]
        )
    )


def of_school(conn: Connection, school_id: str, first: date, last: date) -> dict[str, list[int]]:
    """By gate, how many of the scans from one day to another took at most each of the bounds."""
    key = (scan_times.c.gate_id, scan_times.c.run)
    until = scan_times.c.day.label("until")
    within = select(*key, func.max(until).label("until")).where(
        scan_times.c.school_id == school_id,
        scan_times.c.day >= first.isoformat(),
        scan_times.c.day <= last.isoformat(),
    )
    ends = within.group_by(*key).subquery()
    before = select(*key, func.max(until).label("until")).where(
        scan_times.c.school_id == school_id, scan_times.c.day < first.isoformat()
    )
    starts = before.group_by(*key).subquery()
    found: dict[str, list[int]] = defaultdict(lambda: [0] * (len(scan_time.BOUNDS_MS) + 1))
    for edge, sign in ((ends, 1), (starts, -1)):
        query = select(scan_times.c.gate_id, scan_times.c.up_to).join(
            edge,
            (scan_times.c.gate_id == edge.c.gate_id)
            & (scan_times.c.run == edge.c.run)
            & (scan_times.c.day == edge.c.until),
        )
        if sign < 0:  # only runs that go on within the days
            query = query.join(ends, (ends.c.gate_id == edge.c.gate_id) & (ends.c.run == edge.c.run))
        for gate_id, up_to in conn.execute(query.where(scan_times.c.school_id == school_id)):
            found[gate_id] = [one + sign * other for one, other in zip(found[gate_id], up_to, strict=True)]
    return dict(found)


def forget_before(conn: Connection, first: date) -> None:
    """Remove older ones, of all schools."""
    conn.execute(delete(scan_times).where(scan_times.c.day < first.isoformat()))
