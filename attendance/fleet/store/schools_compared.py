"""What the analytics tell of many schools beside each other: sums over days that were counted before."""

from collections.abc import Collection
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Date, Integer, Table, cast, extract, func, select, type_coerce

from attendance.fleet.store import dialect
from attendance.fleet.store.analytics import Period
from attendance.fleet.store.analytics_tables import analysed_days, gate_days
from attendance.fleet.store.types import WireDay


class SchoolDay(NamedTuple):
    """Of a whole school; students count once for each session that took place."""

    school_id: str
    day: str
    came: int
    went: int
    expected: int
    present: int
    late: int


class SchoolArrivals(NamedTuple):
    """
    Attributes:
        day: this day, or the Monday of the week that is summed up.
        days: on how many of its days anybody came.
    """

    school_id: str
    day: str
    came: int
    days: int


class SchoolAttendance(NamedTuple):
    """Students and sessions of all days together."""

    school_id: str
    expected: int
    present: int
    late: int


def by_day(conn: Connection, school_ids: Collection[str], period: Period) -> list[SchoolDay]:
    """Of the days on which there was anything, in order."""
    flows = (
        select(
            gate_days.c.school_id,
            gate_days.c.day,
            func.sum(gate_days.c.came).label("came"),
            func.sum(gate_days.c.went).label("went"),
        )
        .where(*_of(conn, gate_days, school_ids, period))
        .group_by(gate_days.c.school_id, gate_days.c.day)
        .subquery()
    )
    query = (
        select(
            analysed_days.c.school_id,
            analysed_days.c.day,
            func.coalesce(flows.c.came, 0),
            func.coalesce(flows.c.went, 0),
            analysed_days.c.expected,
            analysed_days.c.present,
            analysed_days.c.late,
        )
        .outerjoin(flows, (flows.c.school_id == analysed_days.c.school_id) & (flows.c.day == analysed_days.c.day))
        .where(*_of(conn, analysed_days, school_ids, period))
        .order_by(analysed_days.c.day, analysed_days.c.school_id)
    )
    return [SchoolDay(*row) for row in conn.execute(query).all()]


def arrivals(conn: Connection, school_ids: Collection[str], period: Period, *, weekly: bool) -> list[SchoolArrivals]:
    """Of each day or week with a row, in no order. Summed up here: a year of fifty schools is a fifth of the rows."""
    each = (
        select(
            gate_days.c.school_id,
            (_monday(conn, gate_days.c.day) if weekly else gate_days.c.day).label("step"),
            func.sum(gate_days.c.came).label("came"),
        )
        .where(*_of(conn, gate_days, school_ids, period))
        .group_by(gate_days.c.school_id, gate_days.c.day)
        .subquery()
    )
    worked = func.count().filter(each.c.came > 0)
    query = select(each.c.school_id, each.c.step, func.sum(each.c.came), worked).group_by(each.c.school_id, each.c.step)
    rows = conn.execute(query).all()
    return [SchoolArrivals(school_id, day, int(came), days) for school_id, day, came, days in rows]


def attendance(conn: Connection, school_ids: Collection[str], period: Period) -> list[SchoolAttendance]:
    """Of each school of which anything is known."""
    sums = (func.sum(analysed_days.c[name]) for name in ("expected", "present", "late"))
    query = (
        select(analysed_days.c.school_id, *sums)
        .where(*_of(conn, analysed_days, school_ids, period))
        .group_by(analysed_days.c.school_id)
    )
    return [SchoolAttendance(school_id, *map(int, counts)) for school_id, *counts in conn.execute(query)]


def _of(
    conn: Connection, table: Table, school_ids: Collection[str], period: Period
) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return dialect.among(conn, table.c.school_id, list(school_ids)), period.within(table)


def _monday(conn: Connection, day: ColumnElement[str]) -> ColumnElement[Any]:
    """Of the week in which a day lies."""
    if dialect.is_postgresql(conn):
        return type_coerce(type_coerce(day, Date) - (cast(extract("isodow", day), Integer) - 1), WireDay)
    return type_coerce(func.date(day, "weekday 0", "-6 days"), WireDay)
