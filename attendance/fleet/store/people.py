"""Who is who at a school: students by number, by the centre's key, and by the keys that gates made for them."""

import hashlib
from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Connection, delete, insert, select, update

from attendance.fleet.store import dialect
from attendance.fleet.store.tables import aliases, erased, students


def add(conn: Connection, school_id: str, student_key: str, student_id: str) -> None:
    """Enter a student whose number and key are new."""
    conn.execute(insert(students).values(school_id=school_id, student_key=student_key, student_id=student_id))
    note_key(conn, school_id, student_key, student_key)


def note_key(conn: Connection, school_id: str, alias: str, student_key: str) -> None:
    """Note that a gate calls a student ``alias``."""
    row = dialect.insert(conn, aliases).values(school_id=school_id, alias=alias, student_key=student_key)
    conn.execute(row.on_conflict_do_nothing())


def by_number(conn: Connection, school_id: str, student_ids: Iterable[str]) -> dict[str, str]:
    """The centre's key of each that is known, also of those who left."""
    query = select(students.c.student_id, students.c.student_key).where(
        students.c.school_id == school_id, dialect.among(conn, students.c.student_id, list(student_ids))
    )
    return {key: value for key, value in conn.execute(query)}  # noqa: C416 - rows are no pairs to type checkers


def by_alias(conn: Connection, school_id: str, keys: Iterable[str]) -> dict[str, str]:
    """The centre's key of each key that is known."""
    query = select(aliases.c.alias, aliases.c.student_key).where(
        aliases.c.school_id == school_id, dialect.among(conn, aliases.c.alias, list(keys))
    )
    return {key: value for key, value in conn.execute(query)}  # noqa: C416 - rows are no pairs to type checkers


def keys_of(conn: Connection, school_id: str, student_key: str) -> list[str]:
    """Every key of a student."""
    query = select(aliases.c.alias).where(aliases.c.school_id == school_id, aliases.c.student_key == student_key)
    return sorted(alias for (alias,) in conn.execute(query))


def number_of(conn: Connection, school_id: str, student_key: str) -> str | None:
    query = select(students.c.student_id).where(
        students.c.school_id == school_id, students.c.student_key == student_key
    )
    found = conn.execute(query).scalar()
    return None if found is None else str(found)


def set_removed(conn: Connection, school_id: str, student_key: str, at: datetime | None) -> None:
    """Note that a student left the school, or with ``None`` that they are there."""
    conn.execute(
        update(students)
        .where(students.c.school_id == school_id, students.c.student_key == student_key)
        .values(removed_at=at)
    )


def forget(conn: Connection, school_id: str, student_key: str) -> None:
    """Delete a student and their keys."""
    conn.execute(delete(students).where(students.c.school_id == school_id, students.c.student_key == student_key))


def note_erased(conn: Connection, school_id: str, keys: Iterable[str], student_id: str | None, now: datetime) -> None:
    """Remember who asked to be forgotten, by nothing that tells who it is."""
    number_hash = _number_hash(school_id, student_id) if student_id else None
    for key in keys:
        row = dialect.insert(conn, erased).values(
            school_id=school_id, student_key=key, number_hash=number_hash, erased_at=now
        )
        conn.execute(row.on_conflict_do_nothing())


def erased_keys(conn: Connection, school_id: str, keys: Iterable[str]) -> set[str]:
    """Those of the keys whose owners asked to be forgotten."""
    query = select(erased.c.student_key).where(
        erased.c.school_id == school_id, dialect.among(conn, erased.c.student_key, list(keys))
    )
    return {key for (key,) in conn.execute(query)}


def erased_as(conn: Connection, school_id: str, student_id: str) -> list[str]:
    """The keys of who had this number and asked to be forgotten."""
    query = select(erased.c.student_key).where(
        erased.c.school_id == school_id, erased.c.number_hash == _number_hash(school_id, student_id)
    )
    return sorted(key for (key,) in conn.execute(query))


def welcome_back(conn: Connection, school_id: str, student_id: str) -> None:
    """Somebody of the school entered the number again: it is not an erased person's any more."""
    conn.execute(
        update(erased)
        .where(erased.c.school_id == school_id, erased.c.number_hash == _number_hash(school_id, student_id))
        .values(number_hash=None)
    )


def _number_hash(school_id: str, student_id: str) -> str:
    return hashlib.sha256(f"{school_id} {student_id}".encode()).hexdigest()
