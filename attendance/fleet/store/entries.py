"""The school's directory, entry by entry, each with the version at which it last changed."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, select, update

from attendance.fleet.store import dialect, schools
from attendance.fleet.store.tables import entries


@dataclass(frozen=True, slots=True)
class Entry:
    """
    Attributes:
        key: what it is known by among its kind; says nothing about anybody.
        body: ``None``: gone.
    """

    kind: str
    key: str
    body: Mapping[str, Any] | None


def put(conn: Connection, school_id: str, changed: Iterable[Entry], now: datetime) -> int:
    """Keep entries; those that are so already get no new version. How many changed.

    The school's counter is locked until the commit.
    """
    wanted = {(entry.kind, entry.key): entry for entry in changed}
    if not wanted:
        return 0
    schools.wait_for_directory(conn, school_id)
    there = _bodies(conn, school_id, {key for _, key in wanted})
    new = [entry for pair, entry in wanted.items() if there.get(pair) != entry.body]
    version = schools.take_numbers(conn, school_id, schools.CHANGES, len(new)) - len(new)
    for number, entry in enumerate(new, version + 1):
        row = {"version": number, "deleted": entry.body is None, "body": dict(entry.body or {}), "changed_at": now}
        statement = dialect.insert(conn, entries).values(school_id=school_id, kind=entry.kind, key=entry.key, **row)
        conn.execute(statement.on_conflict_do_update(index_elements=["school_id", "kind", "key"], set_=row))
    return len(new)


def get(conn: Connection, school_id: str, kind: str, key: str) -> dict[str, Any] | None:
    """The body of what is there."""
    return _bodies(conn, school_id, [key]).get((kind, key))


def of_kind(conn: Connection, school_id: str, kind: str) -> dict[str, dict[str, Any]]:
    """The bodies of what is there, by key."""
    query = select(entries.c.key, entries.c.body).where(
        entries.c.school_id == school_id, entries.c.kind == kind, entries.c.deleted.is_(False)
    )
    return {key: value for key, value in conn.execute(query)}  # noqa: C416 - rows are no pairs to type checkers


def count(conn: Connection, school_id: str, kind: str) -> int:
    """How many are there."""
    query = select(func.count()).where(
        entries.c.school_id == school_id, entries.c.kind == kind, entries.c.deleted.is_(False)
    )
    return int(conn.execute(query).scalar_one())


def after(conn: Connection, school_id: str, version: int, limit: int) -> list[dict[str, Any]]:
    """What has changed since a version, in order, as ``contact.Change`` has it."""
    query = (
        select(entries.c.kind, entries.c.key, entries.c.version, entries.c.deleted, entries.c.body)
        .where(entries.c.school_id == school_id, entries.c.version > version)
        .order_by(entries.c.version)
        .limit(limit)
    )
    return [dict(row._mapping) for row in conn.execute(query)]


def forget_numbers(conn: Connection, school_id: str, known_to_all: int) -> int:
    """Take the school's numbers out of erasures that every gate has carried out; how many that were.

    Args:
        known_to_all: the version that every gate of the school has taken.
    """
    query = select(entries.c.key, entries.c.body).where(
        entries.c.school_id == school_id, entries.c.kind == "erasure", entries.c.version <= known_to_all
    )
    telling = [(key, body) for key, body in conn.execute(query) if body.get("student_id")]
    for key, body in telling:
        conn.execute(
            update(entries)
            .where(entries.c.school_id == school_id, entries.c.kind == "erasure", entries.c.key == key)
            .values(body={**body, "student_id": None})
        )
    return len(telling)


def _bodies(conn: Connection, school_id: str, keys: Iterable[str]) -> dict[tuple[str, str], dict[str, Any]]:
    query = select(entries.c.kind, entries.c.key, entries.c.body).where(
        entries.c.school_id == school_id,
        dialect.among(conn, entries.c.key, list(keys)),
        entries.c.deleted.is_(False),
    )
    return {(kind, key): body for kind, key, body in conn.execute(query)}
