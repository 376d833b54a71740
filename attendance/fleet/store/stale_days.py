"""Which days of a school are to be counted anew, because something changed that their figures follow from.

A change is marked in its own transaction, as late in it as can be: the row is locked until the commit. Counting reads
the marks first and what they are about afterwards, so that what is committed meanwhile leaves the day stale.
"""

from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection, and_, delete, func, or_, select, update

from attendance.fleet.store import dialect
from attendance.fleet.store.analytics_tables import analysed_days, analysed_schools, meetings, spells
from attendance.fleet.store.bulk import Insert
from attendance.fleet.store.schools import CHANGES
from attendance.fleet.store.tables import corrections, counters, events

_STALE = analysed_days.c.marks > analysed_days.c.counted
_MARK = Insert(
    analysed_days, ("school_id", "day", "marks"), "(school_id, day) DO UPDATE SET marks = analysed_days.marks + 1"
)


class Totals(NamedTuple):
    """Of a day of a whole school, as ``analysed_days`` has them."""

    expected: int = 0
    present: int = 0
    late: int = 0
    strangers: int = 0


def mark(conn: Connection, school_id: str, days: Iterable[str]) -> None:
    """Something of these days changed."""
    _MARK.run(conn, [(school_id, day, 1) for day in sorted(set(days))])


def mark_since(conn: Connection, school_id: str, first: str, last: str | None = None) -> None:
    """Something changed that concerns every day from one on, or up to another one, of which anything is known."""
    condition = [analysed_days.c.school_id == school_id, analysed_days.c.day >= first]
    if last is not None:
        condition.append(analysed_days.c.day <= last)
    _again(conn, and_(*condition))


def mark_strangers(conn: Connection, school_id: str) -> None:
    """Somebody became known: the days on which anybody was not, or who knows."""
    _again(conn, and_(analysed_days.c.school_id == school_id, or_(analysed_days.c.strangers > 0, _STALE)))


def forget_person(conn: Connection, school_id: str, student_key: str | None, keys: Iterable[str]) -> None:
    """Take a person out of the analytics at once, and let their days be counted without them.

    Args:
        student_key: the centre's, if it knows the person.
        keys: all that stand for them.
    """
    keys = list(keys)
    _again(conn, and_(analysed_days.c.school_id == school_id, analysed_days.c.day.in_(_days_of(conn, school_id, keys))))
    if student_key is not None:
        here = and_(spells.c.school_id == school_id, spells.c.student_key == student_key)
        first = conn.execute(select(func.min(spells.c.first_day)).where(here)).scalar()
        if first is not None:
            mark_since(conn, school_id, first)
        conn.execute(delete(spells).where(here))
    conn.execute(
        delete(meetings).where(meetings.c.school_id == school_id, dialect.among(conn, meetings.c.student_key, keys))
    )


def stale(conn: Connection, school_id: str, counted_before: datetime, limit: int) -> list[str]:
    """Days to be counted, the newest first; those that were counted after ``counted_before`` wait."""
    query = (
        select(analysed_days.c.day)
        .where(analysed_days.c.school_id == school_id, _STALE, _waited(counted_before))
        .order_by(analysed_days.c.day.desc())
        .limit(limit)
    )
    return [day for (day,) in conn.execute(query)]


def stale_schools(conn: Connection, counted_before: datetime) -> list[str]:
    """Schools with such days, and those whose directory has changed."""
    days = select(analysed_days.c.school_id).where(_STALE, _waited(counted_before))
    changed = (
        select(counters.c.school_id)
        .outerjoin(analysed_schools, analysed_schools.c.school_id == counters.c.school_id)
        .where(counters.c.name == CHANGES, counters.c.value > func.coalesce(analysed_schools.c.changes, 0))
    )
    return sorted(school_id for (school_id,) in conn.execute(days.union(changed)))


def marks(conn: Connection, school_id: str, days: Iterable[str]) -> dict[str, int]:
    """To be read before anything of the days is, and given to ``counted``."""
    query = select(analysed_days.c.day, analysed_days.c.marks).where(
        analysed_days.c.school_id == school_id, dialect.among(conn, analysed_days.c.day, list(days))
    )
    return {day: int(number) for day, number in conn.execute(query)}


def counted(
    conn: Connection, school_id: str, seen: Mapping[str, int], totals: Mapping[str, Totals], now: datetime
) -> None:
    """Days were counted as of the marks that were ``seen``."""
    for day, number in sorted(seen.items()):
        conn.execute(
            update(analysed_days)
            .where(analysed_days.c.school_id == school_id, analysed_days.c.day == day)
            .values(counted=number, counted_at=now, **totals[day]._asdict())
        )


def forget_before(conn: Connection, first: date) -> None:
    """Days before this one are gone, as are scans before its midnight in UTC: what is left of the days around it is
    counted anew. Of all schools."""
    kept = (first - timedelta(days=1)).isoformat()
    conn.execute(delete(analysed_days).where(analysed_days.c.day < kept))
    _again(conn, and_(analysed_days.c.day >= kept, analysed_days.c.day <= (first + timedelta(days=1)).isoformat()))


def _days_of(conn: Connection, school_id: str, keys: list[str]) -> list[str]:
    """On which anybody with these keys was seen, as first recorded or as corrected."""
    mine = and_(events.c.school_id == school_id, dialect.among(conn, events.c.student_key, keys))
    recorded = select(events.c.day).where(mine)
    moved = select(corrections.c.day).join(
        events,
        and_(
            events.c.school_id == corrections.c.school_id,
            events.c.scan_id == corrections.c.scan_id,
            events.c.event_at == corrections.c.event_at,
        ),
    )
    return [day for (day,) in conn.execute(recorded.union(moved.where(mine)))]


def _waited(counted_before: datetime) -> ColumnElement[bool]:
    return or_(analysed_days.c.counted_at.is_(None), analysed_days.c.counted_at <= counted_before)


def _again(conn: Connection, condition: ColumnElement[bool]) -> None:
    conn.execute(update(analysed_days).where(condition).values(marks=analysed_days.c.marks + 1))
