"""What is exported for analyses elsewhere, month by month, read in portions."""

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any

from sqlalchemy import Connection, Select, and_, func, or_, select, union_all

from attendance.fleet.store.analytics_tables import analysed_days, spells
from attendance.fleet.store.tables import aliases, chains, corrections, erased, events, refusals

_PORTION = 20_000


def months(conn: Connection, school_id: str, first: date, last: date) -> list[tuple[str, str]]:
    """The first and the last day of each month with anything in it, within the days asked for."""
    query = select(analysed_days.c.day).where(
        analysed_days.c.school_id == school_id, analysed_days.c.day.between(first.isoformat(), last.isoformat())
    )
    days = sorted(day for (day,) in conn.execute(query))
    return [(min(found), max(found)) for found in _by_month(days)]


def scans(conn: Connection, school_id: str, first: str, last: str) -> Iterator[Sequence[Any]]:
    """Of local days of one month: day, time, gate's id, session, direction, status, minutes late, passage, source,
    whether the card was signed, whether the time is sure, whether it was corrected, section, grade, and the student's
    key, which is ``None`` for who asked to be forgotten. Times are ``wire``'s, as corrected."""
    corrected = and_(
        corrections.c.school_id == events.c.school_id,
        corrections.c.scan_id == events.c.scan_id,
        corrections.c.event_at == events.c.event_at,
    )
    stayed = _scans(events.outerjoin(corrections, corrected), events.c.day).where(
        events.c.school_id == school_id,
        events.c.day.between(first, last),
        or_(corrections.c.day.is_(None), corrections.c.day == events.c.day),
    )
    moved = _scans(corrections.join(events, corrected), corrections.c.day).where(
        corrections.c.school_id == school_id,
        corrections.c.day.between(first, last),
        corrections.c.day != events.c.day,
    )
    yield from _portions(conn, union_all(stayed, moved))


def refused(conn: Connection, school_id: str, first: str, last: str) -> Iterator[Sequence[Any]]:
    """Day, time, gate's id, reason, source, whether the time is sure."""
    query = select(
        refusals.c.day,
        refusals.c.seen_at,
        refusals.c.gate_id,
        refusals.c.refusal,
        refusals.c.source,
        refusals.c.clock_trusted,
    ).where(refusals.c.school_id == school_id, refusals.c.day.between(first, last))
    yield from _portions(conn, query)


def _scans(rows: Any, day: Any) -> Select[Any]:
    key = func.coalesce(aliases.c.student_key, events.c.student_key)
    return select(
        func.coalesce(corrections.c.day, events.c.day),
        func.coalesce(corrections.c.scanned_at, events.c.event_at),
        chains.c.gate_id,
        events.c.session,
        events.c.direction,
        func.coalesce(corrections.c.status, events.c.status),
        func.coalesce(corrections.c.minutes_late, events.c.minutes_late),
        events.c.passage,
        events.c.source,
        events.c.card_signed,
        or_(events.c.clock_trusted, corrections.c.scan_id.is_not(None)),
        corrections.c.scan_id.is_not(None),
        spells.c.section,
        spells.c.grade,
        key,
        erased.c.student_key,
    ).select_from(
        rows.join(chains, chains.c.chain_id == events.c.chain_id)
        .outerjoin(aliases, and_(aliases.c.school_id == events.c.school_id, aliases.c.alias == events.c.student_key))
        .outerjoin(
            spells,
            and_(
                spells.c.school_id == aliases.c.school_id,
                spells.c.student_key == aliases.c.student_key,
                spells.c.first_day <= day,
                or_(spells.c.last_day.is_(None), spells.c.last_day >= day),
            ),
        )
        .outerjoin(erased, and_(erased.c.school_id == events.c.school_id, erased.c.student_key == events.c.student_key))
    )


def _portions(conn: Connection, query: Any) -> Iterator[Sequence[Any]]:
    found = conn.execution_options(yield_per=_PORTION).execute(query)
    yield from found.partitions()


def _by_month(days: Sequence[str]) -> Iterator[list[str]]:
    month: list[str] = []
    for day in days:
        if month and month[0][:7] != day[:7]:
            yield month
            month = []
        month.append(day)
    if month:
        yield month
