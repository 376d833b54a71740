"""People who may log in, and what they may do in which school."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, delete, insert, select, update
from sqlalchemy.exc import IntegrityError
from uuid6 import uuid7

from attendance.errors import BadInput
from attendance.fleet.store import dialect
from attendance.fleet.store.tables import memberships, schools, users


class Role(StrEnum):
    """In a school. Each may do what those before it may."""

    VIEWER = "viewer"
    OFFICE = "office"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class User:
    """
    Attributes:
        login: lower case, unique in the centre.
        operator: may do everything in every school.
        roles: by school_id.
    """

    user_id: str
    login: str
    name: str
    password_hash: str
    operator: bool
    created_at: datetime
    password_set_at: datetime
    disabled_at: datetime | None
    roles: dict[str, Role]

    def may(self, school_id: str, role: Role) -> bool:
        """Whether they have that role, or a higher one, in the school."""
        if self.disabled_at is not None:
            return False
        ranks = list(Role)
        return self.operator or (school_id in self.roles and ranks.index(self.roles[school_id]) >= ranks.index(role))


def add(conn: Connection, login: str, name: str, password_hash: str, now: datetime, *, operator: bool = False) -> User:
    """
    Raises:
        BadInput: the login is taken, or empty.
    """
    login = login.strip().lower()
    if not login:
        raise BadInput("A user needs a login name.")
    user = User(str(uuid7()), login, name.strip(), password_hash, operator, now, now, None, {})
    row = {name: getattr(user, name) for name in _COLUMN_NAMES}
    try:
        with conn.begin_nested():
            conn.execute(insert(users).values(row))
    except IntegrityError as error:
        raise BadInput(f"There is a user {login!r} already.") from error
    return user


def by_login(conn: Connection, login: str) -> User | None:
    return _one(conn, users.c.login == login.strip().lower())


def get(conn: Connection, user_id: str) -> User | None:
    return _one(conn, users.c.user_id == user_id)


def every(conn: Connection) -> list[User]:
    """All of the centre, by login; for operators."""
    return [_user(conn, row) for row in conn.execute(_query().order_by(users.c.login))]


def of_school(conn: Connection, school_id: str) -> list[User]:
    """Who has a role in the school, by login."""
    query = (
        _query()
        .join(memberships, memberships.c.user_id == users.c.user_id)
        .where(memberships.c.school_id == school_id)
        .order_by(users.c.login)
    )
    return [_user(conn, row) for row in conn.execute(query)]


def set_password_hash(conn: Connection, user_id: str, password_hash: str, now: datetime) -> None:
    conn.execute(
        update(users).where(users.c.user_id == user_id).values(password_hash=password_hash, password_set_at=now)
    )


def disable(conn: Connection, user_id: str, now: datetime | None) -> None:
    """``None`` lets them in again."""
    conn.execute(update(users).where(users.c.user_id == user_id).values(disabled_at=now))


def grant(conn: Connection, user_id: str, school_id: str, role: Role) -> None:
    """Give a role in a school, instead of the one there was."""
    statement = dialect.insert(conn, memberships).values(user_id=user_id, school_id=school_id, role=role)
    conn.execute(statement.on_conflict_do_update(index_elements=["user_id", "school_id"], set_={"role": role}))


def withdraw(conn: Connection, user_id: str, school_id: str) -> None:
    conn.execute(delete(memberships).where(memberships.c.user_id == user_id, memberships.c.school_id == school_id))


def schools_of(conn: Connection, user: User) -> list[tuple[str, str]]:
    """Id and name of every school that the user may see, by name."""
    query = select(schools.c.school_id, schools.c.name).order_by(schools.c.name)
    if not user.operator:
        query = query.where(schools.c.school_id.in_(list(user.roles)))
    return [(school_id, name) for school_id, name in conn.execute(query)]


_COLUMN_NAMES = tuple(column.name for column in users.c)


def _query() -> Any:
    return select(*(users.c[name] for name in _COLUMN_NAMES))


def _one(conn: Connection, condition: Any) -> User | None:
    row = conn.execute(_query().where(condition)).first()
    return _user(conn, row) if row else None


def _user(conn: Connection, row: Any) -> User:
    query = select(memberships.c.school_id, memberships.c.role).where(memberships.c.user_id == row.user_id)
    roles = {school_id: Role(role) for school_id, role in conn.execute(query)}
    return User(**dict(row._mapping), roles=roles)
