"""When each student was in which section: the directory knows the present only, and last year's absences stay so."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta, tzinfo
from typing import Any

from sqlalchemy import Connection, delete, insert, or_, select, update

from attendance.domain.student import BOTH_SESSIONS
from attendance.fleet.store import dialect, people, schools, stale_days
from attendance.fleet.store.analytics_tables import analysed_schools, spells
from attendance.fleet.store.schools import School
from attendance.fleet.store.tables import entries

_NEVER = "9999-12-31"


@dataclass(frozen=True, slots=True)
class Spell:
    """
    Attributes:
        first_day, last_day: as ``2026-06-09``; ``None``: it goes on.
        sessions: in which the student comes, as ``attendance.domain.student.Student.allowed_session``.
    """

    student_key: str
    first_day: str
    last_day: str | None
    section: str
    grade: str
    sessions: str

    def covers(self, day: str) -> bool:
        return self.first_day <= day and (self.last_day is None or day <= self.last_day)

    def attends(self, session: str) -> bool:
        return self.sessions in (BOTH_SESSIONS, session)


_COLUMNS = tuple(spells.c[name] for name in Spell.__slots__)


def between(conn: Connection, school_id: str, first: str, last: str) -> list[Spell]:
    """Those of which any day lies from one day to another."""
    query = select(*_COLUMNS).where(
        spells.c.school_id == school_id,
        spells.c.first_day <= last,
        or_(spells.c.last_day.is_(None), spells.c.last_day >= first),
    )
    return [Spell(*row) for row in conn.execute(query)]


def follow(conn: Connection, school: School, zone: tzinfo) -> None:
    """Take over what the directory has become since the last time, and mark the days that it concerns."""
    seen = _followed(conn, school.school_id)
    version = schools.versions(conn, school.school_id).get(schools.CHANGES, 0)
    if version <= seen:
        return
    query = (
        select(entries.c.kind, entries.c.key, entries.c.deleted, entries.c.body, entries.c.changed_at)
        .where(
            entries.c.school_id == school.school_id,
            entries.c.kind.in_(("student", "closure")),
            entries.c.version > seen,
            entries.c.version <= version,
        )
        .order_by(entries.c.version)
    )
    changed = conn.execute(query).all()
    students = {row.key: row for row in changed if row.kind == "student"}
    concerned = [_follow_students(conn, school.school_id, students, zone)] if students else []
    concerned += [span for row in changed if row.kind == "closure" for span in _spans(row.key)]
    for first, last in concerned:
        stale_days.mark_since(conn, school.school_id, first, last)
    _note(conn, school.school_id, version)


def _follow_students(
    conn: Connection, school_id: str, changed: Mapping[str, Any], zone: tzinfo
) -> tuple[str, str | None]:
    """The days that it concerns."""
    newest = _newest(conn, school_id, changed)
    known = set(people.by_alias(conn, school_id, changed))
    earliest = _NEVER
    fresh = []
    for key, row in changed.items():
        day = _local(row.changed_at, zone)
        there = newest.get(key)
        wanted = None if row.deleted or key not in known else _spell(key, day, row.body)
        if wanted is not None and there is not None and there.last_day is None:
            if replace(wanted, first_day=there.first_day) == there:
                continue
        elif wanted is None and (there is None or there.last_day is not None):
            continue
        earliest = min(earliest, day)
        if there is not None:
            _end(conn, school_id, key, day)
        if wanted is not None:
            fresh.append({"school_id": school_id, **{name: getattr(wanted, name) for name in Spell.__slots__}})
    if fresh:
        conn.execute(insert(spells), fresh)
    return earliest, None


def _newest(conn: Connection, school_id: str, keys: Mapping[str, Any]) -> dict[str, Spell]:
    query = (
        select(*_COLUMNS)
        .where(spells.c.school_id == school_id, dialect.among(conn, spells.c.student_key, list(keys)))
        .order_by(spells.c.first_day)
    )
    return {row.student_key: Spell(*row) for row in conn.execute(query)}


def _end(conn: Connection, school_id: str, student_key: str, day: str) -> None:
    """Let a student's spells end before a day; those that had not begun by then have never been.

    More than one may lie behind the day: the clock of another replica may be ahead.
    """
    here = (spells.c.school_id == school_id, spells.c.student_key == student_key)
    conn.execute(delete(spells).where(*here, spells.c.first_day >= day))
    before = (date.fromisoformat(day) - timedelta(days=1)).isoformat()
    goes_on = or_(spells.c.last_day.is_(None), spells.c.last_day >= day)
    conn.execute(update(spells).where(*here, goes_on).values(last_day=before))


def _spell(key: str, day: str, body: Mapping[str, Any]) -> Spell:
    said = [str(body.get(name, otherwise)) for name, otherwise in _OF_BODY]
    return Spell(key, day, None, *said)


_OF_BODY = (("section", ""), ("grade", ""), ("allowed_session", BOTH_SESSIONS))


def _spans(key: str) -> list[tuple[str, str]]:
    """The days of a closure, with which its key begins; none if it does not."""
    first, _, rest = key.partition("/")
    last = rest.partition("/")[0]
    try:
        return [(date.fromisoformat(first).isoformat(), date.fromisoformat(last).isoformat())]
    except ValueError:
        return []


def _local(at: datetime, zone: tzinfo) -> str:
    return at.astimezone(zone).date().isoformat()


def _followed(conn: Connection, school_id: str) -> int:
    query = select(analysed_schools.c.changes).where(analysed_schools.c.school_id == school_id)
    return int(conn.execute(query).scalar() or 0)


def _note(conn: Connection, school_id: str, version: int) -> None:
    statement = dialect.insert(conn, analysed_schools).values(school_id=school_id, changes=version)
    conn.execute(statement.on_conflict_do_update(index_elements=["school_id"], set_={"changes": version}))
