"""How many passed a gate in each ten minutes, and how many usually do."""

import functools
from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import date, timedelta
from statistics import median
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, delete, func, select

from attendance.clock import from_rfc3339
from attendance.fleet.store.bulk import Insert
from attendance.fleet.store.gates import Gate
from attendance.fleet.store.tables import rollups

SLOT_MINUTES = 10
SLOTS = 24 * 60 // SLOT_MINUTES
_WEEKS_COMPARED = 4
_WEEKS_SEARCHED = 10
"""Four school days of one weekday are found within that, holidays left out."""
_INSERT = Insert(
    rollups,
    ("school_id", "gate_id", "day", "slot", "scans", "late", "refused"),
    "(gate_id, day, slot) DO UPDATE SET scans = rollups.scans + excluded.scans, late = rollups.late + excluded.late, "
    "refused = rollups.refused + excluded.refused",
)


@functools.lru_cache(maxsize=8192)
def slot(timezone: str, minute: str) -> int:
    """The ten minutes of the local day.

    Args:
        minute: UTC, as ``2026-01-01T07:31``.
    """
    local = from_rfc3339(f"{minute}:00+00:00").astimezone(ZoneInfo(timezone))
    return (local.hour * 60 + local.minute) // SLOT_MINUTES


def count(conn: Connection, gate: Gate, scans: Iterable[tuple[str, str, bool]], step: int = 1) -> None:
    """Count scans, each given by day, time of ``wire``, and whether it is late.

    Args:
        step: -1 takes them out again.
    """
    total, late = Counter[tuple[str, int]](), Counter[tuple[str, int]]()
    for (day, minute, is_late), number in Counter((day, at[:16], is_late) for day, at, is_late in scans).items():
        place = (day, slot(gate.timezone, minute))
        total[place] += number * step
        late[place] += number * step * is_late
    _INSERT.run(
        conn,
        [(gate.school_id, gate.gate_id, *place, total[place], late[place], 0) for place in sorted(total)],
    )


def add_refusals(conn: Connection, gate: Gate, seen: Iterable[tuple[str, str]]) -> None:
    """Count new refusals, each given by day and time of ``wire``."""
    places = Counter((day, slot(gate.timezone, at[:16])) for day, at in seen)
    _INSERT.run(
        conn, [(gate.school_id, gate.gate_id, *place, 0, 0, refused) for place, refused in sorted(places.items())]
    )


def of_gate(conn: Connection, school_id: str, gate_id: str, day: date) -> dict[int, tuple[int, int, int]]:
    """Scans, late ones and refusals of each slot in which there were any."""
    query = select(rollups.c.slot, rollups.c.scans, rollups.c.late, rollups.c.refused).where(
        rollups.c.school_id == school_id, rollups.c.gate_id == gate_id, rollups.c.day == day.isoformat()
    )
    return {number: (scans, late, refused) for number, scans, late, refused in conn.execute(query)}


def usual_of_day(conn: Connection, school_id: str, gate_id: str, day: date) -> dict[int, float]:
    """How many scans a slot of such a weekday usually has: the median of the last four of them with scans.

    Empty: the gate has not worked on such a weekday lately. A slot that is not in it has usually none.
    """
    compared = _same_weekdays(conn, school_id, gate_id, day)
    query = select(rollups.c.slot, rollups.c.scans).where(
        rollups.c.school_id == school_id, rollups.c.gate_id == gate_id, rollups.c.day.in_(compared)
    )
    found: dict[int, list[int]] = defaultdict(list)
    for number, scans in conn.execute(query):
        found[number].append(scans)
    return {
        number: float(median(counts + [0] * (len(compared) - len(counts)))) for number, counts in sorted(found.items())
    }


def usual(conn: Connection, school_id: str, gate_id: str, day: date, slot: int) -> float | None:
    """Of one slot; ``None`` if the gate has not worked on such a weekday lately."""
    of_day = usual_of_day(conn, school_id, gate_id, day)
    return of_day.get(slot, 0.0) if of_day else None


def forget_before(conn: Connection, first: date) -> int:
    """Remove older ones, of all schools; how many that were."""
    return conn.execute(delete(rollups).where(rollups.c.day < first.isoformat())).rowcount


def _same_weekdays(conn: Connection, school_id: str, gate_id: str, day: date) -> list[str]:
    candidates = [(day - timedelta(weeks=weeks)).isoformat() for weeks in range(1, _WEEKS_SEARCHED + 1)]
    query = (
        select(rollups.c.day)
        .where(rollups.c.school_id == school_id, rollups.c.gate_id == gate_id, rollups.c.day.in_(candidates))
        .group_by(rollups.c.day)
        .having(func.sum(rollups.c.scans) > 0)
        .order_by(rollups.c.day.desc())
        .limit(_WEEKS_COMPARED)
    )
    return [found for (found,) in conn.execute(query)]
