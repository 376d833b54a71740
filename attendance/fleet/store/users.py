"""People who may log in, and what they are in which school."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, insert, select, update
from sqlalchemy.exc import IntegrityError
from uuid6 import uuid7

from attendance.access.identity import Account, Role
from attendance.errors import BadInput
from attendance.fleet.store import dialect
from attendance.fleet.store.tables import memberships, users


def add(
    conn: Connection,
    login: str,
    name: str,
    password_hash: str,
    now: datetime,
    *,
    operator: bool = False,
    must_change: bool = False,
) -> Account:
    """
    Raises:
        BadInput: the login is taken, or empty.
    """
    login = login.strip().lower()
    if not login:
        raise BadInput("A user needs a login name.")
    account = Account(str(uuid7()), login, name.strip(), password_hash, operator, must_change)
    row = {
        "user_id": account.user_id,
        "login": login,
        "name": account.name,
        "password_hash": password_hash,
        "operator": operator,
        "must_change": must_change,
        "created_at": now,
        "password_set_at": now,
    }
    try:
        with conn.begin_nested():
            conn.execute(insert(users).values(row))
    except IntegrityError as error:
        raise BadInput(f"There is a user {login!r} already.") from error
    return account


def by_login(conn: Connection, login: str) -> Account | None:
    return next(iter(_accounts(conn, users.c.login == login.strip().lower())), None)


def get(conn: Connection, user_id: str) -> Account | None:
    return next(iter(_accounts(conn, users.c.user_id == user_id)), None)


def every(conn: Connection) -> list[Account]:
    """All of the centre, by login; for operators."""
    return _accounts(conn)


def of_school(conn: Connection, school_id: str) -> list[Account]:
    """Who has a role in the school, by login; with their roles in others."""
    members = select(memberships.c.user_id).where(memberships.c.school_id == school_id)
    return _accounts(conn, users.c.user_id.in_(members))


def set_password(conn: Connection, user_id: str, password_hash: str, now: datetime, *, must_change: bool) -> None:
    values = {"password_hash": password_hash, "must_change": must_change, "password_set_at": now}
    conn.execute(update(users).where(users.c.user_id == user_id).values(values))


def disable(conn: Connection, user_id: str, at: datetime | None) -> None:
    """``None`` lets them in again."""
    conn.execute(update(users).where(users.c.user_id == user_id).values(disabled_at=at))


def grant(conn: Connection, user_id: str, school_id: str, role: Role) -> None:
    """Give a role in a school, instead of the one there was."""
    statement = dialect.insert(conn, memberships).values(user_id=user_id, school_id=school_id, role=role.value)
    conn.execute(statement.on_conflict_do_update(index_elements=["user_id", "school_id"], set_={"role": role.value}))


def withdraw(conn: Connection, user_id: str, school_id: str) -> None:
    conn.execute(delete(memberships).where(memberships.c.user_id == user_id, memberships.c.school_id == school_id))


def _accounts(conn: Connection, *conditions: Any) -> list[Account]:
    query = (
        select(
            users.c.user_id,
            users.c.login,
            users.c.name,
            users.c.password_hash,
            users.c.operator,
            users.c.must_change,
            users.c.disabled_at,
        )
        .where(*conditions)
        .order_by(users.c.login)
    )
    rows = conn.execute(query).all()
    roles = _roles(conn, [row.user_id for row in rows])
    return [Account(*row[:-1], disabled=row.disabled_at is not None, roles=roles[row.user_id]) for row in rows]


def _roles(conn: Connection, user_ids: Iterable[str]) -> dict[str, dict[str, Role]]:
    found: dict[str, dict[str, Role]] = {user_id: {} for user_id in user_ids}
    query = select(memberships).where(dialect.among(conn, memberships.c.user_id, list(found)))
    for user_id, school_id, role in conn.execute(query):
        found[user_id][school_id] = Role(role)
    return found
