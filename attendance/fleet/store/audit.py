"""Who did what."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, insert, select

from attendance.fleet.store.tables import audit


@dataclass(frozen=True, slots=True)
class Entry:
    """
    Attributes:
        school_id: ``None`` for what concerns the centre as a whole.
        actor: login of a person, or ``gate``.
        subject: id of what it was done to.
    """

    entry_id: int
    school_id: str | None
    at: datetime
    actor: str
    action: str
    subject: str
    detail: dict[str, Any]


def note(
    conn: Connection,
    school_id: str | None,
    actor: str,
    action: str,
    subject: str,
    detail: Mapping[str, Any],
    now: datetime,
) -> None:
    """``detail`` holds no personal data and no secrets: entries outlive both."""
    conn.execute(
        insert(audit).values(
            school_id=school_id, at=now, actor=actor, action=action, subject=subject, detail=dict(detail)
        )
    )


def newest(conn: Connection) -> int:
    """``entry_id`` of the newest entry of all; 0: there is none."""
    return conn.execute(select(func.max(audit.c.entry_id))).scalar() or 0


def of_school(conn: Connection, school_id: str, limit: int, before: int | None = None) -> list[Entry]:
    """Newest first.

    Args:
        before: only entries with a smaller ``entry_id``, for the next page.
    """
    return _entries(conn, audit.c.school_id == school_id, limit, before)


def of_centre(conn: Connection, limit: int, before: int | None = None) -> list[Entry]:
    """What concerns the centre as a whole, newest first; for operators."""
    return _entries(conn, audit.c.school_id.is_(None), limit, before)


def _entries(conn: Connection, condition: Any, limit: int, before: int | None) -> list[Entry]:
    query = select(
        audit.c.entry_id,
        audit.c.school_id,
        audit.c.at,
        audit.c.actor,
        audit.c.action,
        audit.c.subject,
        audit.c.detail,
    ).where(condition)
    if before is not None:
        query = query.where(audit.c.entry_id < before)
    return [Entry(*row) for row in conn.execute(query.order_by(audit.c.entry_id.desc()).limit(limit))]
