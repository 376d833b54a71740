"""What the pages of the analytics ask: sums over days that were counted before."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Table, func, select

from attendance.fleet.store import dialect
from attendance.fleet.store.analytics_tables import (
    analysed_days,
    gate_days,
    gate_refusals,
    gate_slots,
    meetings,
    section_days,
    spells,
)
from attendance.fleet.store.tables import entries


@dataclass(frozen=True, slots=True)
class Period:
    """Local days, both ends included."""

    first: date
    last: date

    def within(self, table: Table) -> ColumnElement[bool]:
        return table.c.day.between(self.first.isoformat(), self.last.isoformat())


class GateDay(NamedTuple):
    gate_id: str
    day: str
    came: int
    went: int
    late: int
    refused: int


class Attendance(NamedTuple):
    """Of a section on one day, all its sessions."""

    section: str
    day: str
    expected: int
    present: int
    late: int


class Together(NamedTuple):
    """One card at two gates at once; the name is empty if there is no such student any more."""

    day: str
    student_key: str
    name: str
    section: str
    first_gate: str
    first_at: str
    second_gate: str
    second_at: str


def by_gate_and_day(conn: Connection, school_id: str, period: Period) -> list[GateDay]:
    """In the order of the days."""
    query = (
        select(*(gate_days.c[name] for name in GateDay._fields))
        .where(gate_days.c.school_id == school_id, period.within(gate_days))
        .order_by(gate_days.c.day, gate_days.c.gate_id)
    )
    return [GateDay(*row) for row in conn.execute(query)]


def by_gate_and_slot(conn: Connection, school_id: str, period: Period) -> dict[tuple[str, int], tuple[int, int]]:
    """Who came and who went, over all days, by gate and ten-minute slot."""
    query = (
        select(gate_slots.c.gate_id, gate_slots.c.slot, func.sum(gate_slots.c.came), func.sum(gate_slots.c.went))
        .where(gate_slots.c.school_id == school_id, period.within(gate_slots))
        .group_by(gate_slots.c.gate_id, gate_slots.c.slot)
    )
    return {(gate_id, slot): (int(came), int(went)) for gate_id, slot, came, went in conn.execute(query)}


def refusals(conn: Connection, school_id: str, period: Period) -> dict[tuple[str, str], int]:
    """By gate and reason."""
    query = (
        select(gate_refusals.c.gate_id, gate_refusals.c.refusal, func.sum(gate_refusals.c.refused))
        .where(gate_refusals.c.school_id == school_id, period.within(gate_refusals))
        .group_by(gate_refusals.c.gate_id, gate_refusals.c.refusal)
    )
    return {(gate_id, refusal): int(count) for gate_id, refusal, count in conn.execute(query)}


def by_section_and_day(conn: Connection, school_id: str, period: Period) -> list[Attendance]:
    """Of sessions that took place, in the order of the days."""
    query = (
        select(
            section_days.c.section,
            section_days.c.day,
            func.sum(section_days.c.expected),
            func.sum(section_days.c.present),
            func.sum(section_days.c.late),
        )
        .where(section_days.c.school_id == school_id, period.within(section_days))
        .group_by(section_days.c.section, section_days.c.day)
        .order_by(section_days.c.day, section_days.c.section)
    )
    return [Attendance(*row) for row in _rows(conn, query)]


def together(conn: Connection, school_id: str, period: Period, limit: int) -> list[Together]:
    """The newest first."""
    query = (
        select(
            meetings.c.day,
            meetings.c.student_key,
            entries.c.body,
            spells.c.section,
            meetings.c.first_gate,
            meetings.c.first_at,
            meetings.c.second_gate,
            meetings.c.second_at,
        )
        .outerjoin(
            entries,
            (entries.c.school_id == meetings.c.school_id)
            & (entries.c.kind == "student")
            & (entries.c.key == meetings.c.student_key)
            & entries.c.deleted.is_(False),
        )
        .outerjoin(
            spells,
            (spells.c.school_id == meetings.c.school_id)
            & (spells.c.student_key == meetings.c.student_key)
            & (spells.c.first_day <= meetings.c.day)
            & (func.coalesce(spells.c.last_day, meetings.c.day) >= meetings.c.day),
        )
        .where(meetings.c.school_id == school_id, period.within(meetings))
        .order_by(meetings.c.day.desc(), meetings.c.second_at.desc(), meetings.c.student_key)
        .limit(limit)
    )
    return [
        Together(day, key, str((body or {}).get("name", "")), section or "", *rest)
        for day, key, body, section, *rest in _rows(conn, query)
    ]


def together_between(conn: Connection, school_id: str, period: Period) -> dict[tuple[str, str], int]:
    """How often, by the gates in the order in which the card was seen."""
    query = (
        select(meetings.c.first_gate, meetings.c.second_gate, func.count())
        .where(meetings.c.school_id == school_id, period.within(meetings))
        .group_by(meetings.c.first_gate, meetings.c.second_gate)
    )
    return {(first, second): int(count) for first, second, count in conn.execute(query)}


def freshness(conn: Connection, school_ids: Collection[str]) -> tuple[datetime | None, int]:
    """When a day of these schools was counted last, and how many days are to be counted."""
    here = dialect.among(conn, analysed_days.c.school_id, list(school_ids))
    waiting = func.count().filter(analysed_days.c.marks > analysed_days.c.counted)
    newest, days = conn.execute(select(func.max(analysed_days.c.counted_at), waiting).where(here)).one()
    return newest, int(days)


def _rows(conn: Connection, query: Any) -> Sequence[Any]:
    return conn.execute(query).all()
