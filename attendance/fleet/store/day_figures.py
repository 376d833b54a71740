"""The figures of school days: what they are counted from, and where they are kept."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, NamedTuple

from sqlalchemy import Connection, Select, and_, delete, func, or_, select
from sqlalchemy.sql.selectable import FromClause

from attendance.fleet.store import dialect
from attendance.fleet.store.analytics_tables import gate_days, gate_refusals, gate_slots, meetings, section_days
from attendance.fleet.store.bulk import Insert
from attendance.fleet.store.stale_days import Totals
from attendance.fleet.store.tables import aliases, chains, corrections, erased, events, refusals

_KEPT = (gate_slots, gate_days, gate_refusals, section_days, meetings)
_SLOTS = Insert(gate_slots, ("school_id", "day", "gate_id", "slot", "came", "went", "late"))
_DAYS = Insert(gate_days, ("school_id", "day", "gate_id", "came", "went", "late", "refused"))
_REFUSED = Insert(gate_refusals, ("school_id", "day", "gate_id", "refusal", "refused"))
_SECTIONS = Insert(section_days, ("school_id", "day", "session", "section", "expected", "present", "late"))
_MEETINGS = Insert(meetings, ("school_id", "day", "student_key", "first_gate", "first_at", "second_gate", "second_at"))


class Passage(NamedTuple):
    """A scan, as corrected.

    Attributes:
        student_key: the centre's if the student is known, else the gate's.
        at: text as ``attendance.domain.wire.Time``.
        sure: the time is known to be right.
    """

    gate_id: str
    student_key: str
    known: bool
    session: str
    direction: str
    status: str
    at: str
    sure: bool


class RefusedCard(NamedTuple):
    """``student_key``: as of a passage; ``None``: nobody's card."""

    gate_id: str
    student_key: str | None
    refusal: str
    at: str
    sure: bool


class Meeting(NamedTuple):
    """A card at two gates at once."""

    student_key: str
    first_gate: str
    first_at: str
    second_gate: str
    second_at: str


class Flow(NamedTuple):
    """``late`` are among those who ``came``."""

    came: int
    went: int
    late: int


class Attended(NamedTuple):
    """Students of a section in a session; ``present`` are among the ``expected``, ``late`` among those."""

    expected: int
    present: int
    late: int


@dataclass(frozen=True, slots=True)
class DayFigures:
    """
    Attributes:
        flows: by gate and ten-minute slot of the local day.
        refused: by gate and reason.
        sections: by session and section, of sessions that took place.
    """

    totals: Totals = field(default_factory=Totals)
    flows: Mapping[tuple[str, int], Flow] = field(default_factory=dict)
    refused: Mapping[tuple[str, str], int] = field(default_factory=dict)
    sections: Mapping[tuple[str, str], Attended] = field(default_factory=dict)
    meetings: Sequence[Meeting] = ()

    def by_gate(self) -> dict[str, tuple[int, int, int, int]]:
        """Who came, went, were late, and cards refused."""
        found: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0, 0])
        for (gate_id, _), flow in self.flows.items():
            for place, count in enumerate(flow):
                found[gate_id][place] += count
        for (gate_id, _), refused in self.refused.items():
            found[gate_id][3] += refused
        return {gate_id: (came, went, late, refused) for gate_id, (came, went, late, refused) in found.items()}


def passages(conn: Connection, school_id: str, days: Sequence[str]) -> dict[str, list[Passage]]:
    """By day. A scan that a correction moved to another day belongs to that one."""
    corrected = and_(
        corrections.c.school_id == events.c.school_id,
        corrections.c.scan_id == events.c.scan_id,
        corrections.c.event_at == events.c.event_at,
    )
    stayed = _passages(events.outerjoin(corrections, corrected)).where(
        events.c.school_id == school_id,
        dialect.among(conn, events.c.day, list(days)),
        or_(corrections.c.day.is_(None), corrections.c.day == events.c.day),
    )
    moved = _passages(corrections.join(events, corrected)).where(
        corrections.c.school_id == school_id,
        dialect.among(conn, corrections.c.day, list(days)),
        corrections.c.day != events.c.day,
    )
    gates, keys = _gates(conn, school_id), _keys(conn, school_id)
    found: dict[str, list[Passage]] = defaultdict(list)
    for query in (stayed, moved):
        rows: Any = conn.execute(query).all()  # one by one costs twice as much
        for day, chain_id, key, session, direction, status, at, corrected_at, trusted in rows:
            student_key = keys.get(key)
            found[day].append(
                Passage(
                    gates[chain_id],
                    student_key or key,
                    student_key is not None,
                    session,
                    direction,
                    status,
                    corrected_at or at,
                    trusted or corrected_at is not None,
                )
            )
    return found


def refused(conn: Connection, school_id: str, days: Sequence[str]) -> dict[str, list[RefusedCard]]:
    """By day."""
    query = select(
        refusals.c.day,
        refusals.c.gate_id,
        refusals.c.student_key,
        refusals.c.refusal,
        refusals.c.seen_at,
        refusals.c.clock_trusted,
    ).where(refusals.c.school_id == school_id, dialect.among(conn, refusals.c.day, list(days)))
    keys = _keys(conn, school_id)
    found: dict[str, list[RefusedCard]] = defaultdict(list)
    for day, gate_id, key, *rest in conn.execute(query):
        found[day].append(RefusedCard(gate_id, keys.get(key, key), *rest))
    return found


def forgotten(conn: Connection, school_id: str) -> set[str]:
    """Keys of people who asked to be forgotten."""
    return {key for (key,) in conn.execute(select(erased.c.student_key).where(erased.c.school_id == school_id))}


def keep(conn: Connection, school_id: str, counted: Mapping[str, DayFigures]) -> None:
    """Keep the figures of days instead of what was kept of them."""
    for table in _KEPT:
        days = dialect.among(conn, table.c.day, list(counted))
        conn.execute(delete(table).where(table.c.school_id == school_id, days))
    rows = [(school_id, day, found) for day, found in counted.items()]
    _SLOTS.run(conn, [(*at[:2], *key, *flow) for at in rows for key, flow in at[2].flows.items()])
    _DAYS.run(conn, [(*at[:2], gate_id, *sums) for at in rows for gate_id, sums in at[2].by_gate().items()])
    _REFUSED.run(conn, [(*at[:2], *key, count) for at in rows for key, count in at[2].refused.items()])
    _SECTIONS.run(conn, [(*at[:2], *key, *attended) for at in rows for key, attended in at[2].sections.items()])
    _MEETINGS.run(conn, [(*at[:2], *meeting) for at in rows for meeting in at[2].meetings])


def forget_before(conn: Connection, first: date) -> None:
    """Remove those of older days, of all schools."""
    for table in _KEPT:
        conn.execute(delete(table).where(table.c.day < first.isoformat()))


def _passages(rows: FromClause) -> Select[Any]:
    return select(
        func.coalesce(corrections.c.day, events.c.day),
        events.c.chain_id,
        events.c.student_key,
        events.c.session,
        events.c.direction,
        func.coalesce(corrections.c.status, events.c.status),
        events.c.event_at,
        corrections.c.scanned_at,
        events.c.clock_trusted,
    ).select_from(rows)


def _gates(conn: Connection, school_id: str) -> dict[int, str]:
    """By chain. Joined to each scan, this and the keys would be most of what the database does."""
    rows = conn.execute(select(chains.c.chain_id, chains.c.gate_id).where(chains.c.school_id == school_id))
    return {chain_id: gate_id for chain_id, gate_id in rows}  # noqa: C416 - rows are no pairs to type checkers


def _keys(conn: Connection, school_id: str) -> dict[str, str]:
    """The centre's key of each key that is known."""
    rows = conn.execute(select(aliases.c.alias, aliases.c.student_key).where(aliases.c.school_id == school_id))
    return {alias: key for alias, key in rows}  # noqa: C416 - rows are no pairs to type checkers
