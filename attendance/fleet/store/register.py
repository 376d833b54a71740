"""Who was seen on a day, from the scans of all gates of a school, their times as corrected."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, and_, func, or_, select

from attendance.domain.student import BOTH_SESSIONS
from attendance.fleet.store.tables import aliases, corrections, entries, events, students


@dataclass(frozen=True, slots=True)
class Passage:
    """A scan of the day.

    Attributes:
        student_key: the centre's, whichever the gate used.
        scanned_at: text as ``attendance.domain.wire.Time``.
    """

    student_key: str
    session: str
    direction: str
    status: str
    scanned_at: str


@dataclass(frozen=True, slots=True)
class Enrolled:
    """A student of the directory; ``sessions``: those in which they come, as the directory has it."""

    student_key: str
    student_id: str
    name: str
    section: str
    sessions: str


def passages(conn: Connection, school_id: str, day: str) -> list[Passage]:
    """By time. A scan that a correction moved to another day belongs to that one.

    Args:
        day: as ``2026-06-09``.
    """
    corrected = and_(
        corrections.c.school_id == events.c.school_id,
        corrections.c.scan_id == events.c.scan_id,
        corrections.c.event_at == events.c.event_at,
    )
    stayed = (
        select(*_PASSAGE)
        .select_from(events.outerjoin(corrections, corrected))
        .where(
            events.c.school_id == school_id,
            events.c.day == day,
            or_(corrections.c.day.is_(None), corrections.c.day == day),
        )
    )
    moved = (
        select(*_PASSAGE)
        .select_from(corrections.join(events, corrected))
        .where(corrections.c.school_id == school_id, corrections.c.day == day, events.c.day != day)
    )
    keys = dict(
        conn.execute(select(aliases.c.alias, aliases.c.student_key).where(aliases.c.school_id == school_id)).all()
    )
    rows = [*conn.execute(stayed), *conn.execute(moved)]
    found = [
        Passage(keys.get(key, key), session, direction, status, corrected_at or at)
        for key, session, direction, status, at, corrected_at in rows
    ]
    return sorted(found, key=lambda each: each.scanned_at)


def roster(conn: Connection, school_id: str) -> list[Enrolled]:
    """Who is in the directory, by section and name."""
    query = (
        select(students.c.student_key, students.c.student_id, entries.c.body)
        .join(
            entries,
            and_(
                entries.c.school_id == students.c.school_id,
                entries.c.kind == "student",
                entries.c.key == students.c.student_key,
            ),
        )
        .where(students.c.school_id == school_id, students.c.removed_at.is_(None), entries.c.deleted.is_(False))
    )
    found = [_enrolled(*row) for row in conn.execute(query)]
    return sorted(found, key=lambda each: (each.section.casefold(), each.name.casefold(), each.student_id))


_PASSAGE = (
    events.c.student_key,
    events.c.session,
    events.c.direction,
    func.coalesce(corrections.c.status, events.c.status),
    events.c.event_at,
    corrections.c.scanned_at,
)


def _enrolled(student_key: str, student_id: str, body: Mapping[str, Any]) -> Enrolled:
    return Enrolled(
        student_key,
        student_id,
        str(body.get("name", "")),
        str(body.get("section", "")),
        str(body.get("allowed_session", BOTH_SESSIONS)),
    )
