"""Sessions of people at the pages."""

from datetime import datetime

from sqlalchemy import Connection, delete, insert, or_, select, update

from attendance.access.stores import Session
from attendance.fleet.store.tables import sessions


def add(conn: Connection, session: Session) -> None:
    conn.execute(
        insert(sessions).values(
            token_hash=session.id_hash,
            user_id=session.user_id,
            began_at=session.created_at,
            seen_at=session.seen_at,
        )
    )


def find(conn: Connection, id_hash: str) -> Session | None:
    row = conn.execute(select(sessions).where(sessions.c.token_hash == id_hash)).first()
    return Session(row.token_hash, row.user_id, row.began_at, row.seen_at) if row else None


def touch(conn: Connection, id_hash: str, seen_at: datetime) -> None:
    conn.execute(update(sessions).where(sessions.c.token_hash == id_hash).values(seen_at=seen_at))


def remove(conn: Connection, id_hash: str) -> None:
    conn.execute(delete(sessions).where(sessions.c.token_hash == id_hash))


def remove_of(conn: Connection, user_id: str) -> None:
    """End every session of somebody."""
    conn.execute(delete(sessions).where(sessions.c.user_id == user_id))


def remove_older(conn: Connection, began_before: datetime, seen_before: datetime) -> None:
    old = or_(sessions.c.began_at < began_before, sessions.c.seen_at < seen_before)
    conn.execute(delete(sessions).where(old))
