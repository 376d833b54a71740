"""What the door of the pages keeps at the centre: accounts, sessions, failed guesses, and who came and went."""

from datetime import datetime
from typing import Any

from sqlalchemy import Engine, delete, insert, or_, select, update

from attendance.access.identity import Account, Role
from attendance.access.stores import Guesses, Session
from attendance.access.throttle import FORGOTTEN_AFTER
from attendance.clock import Clock
from attendance.fleet.store import audit, dialect
from attendance.fleet.store.engine import reading, transaction
from attendance.fleet.store.tables import guesses, memberships, sessions, users


class Accounts:
    """``attendance.access.stores.AccountStore``."""

    def __init__(self, engine: Engine, clock: Clock) -> None:
        self._engine = engine
        self._clock = clock

    def by_login(self, login: str) -> Account | None:
        return self._one(users.c.login == login)

    def by_id(self, user_id: str) -> Account | None:
        return self._one(users.c.user_id == user_id)

    def set_password(self, user_id: str, password_hash: str, *, must_change: bool) -> None:
        values = {
            "password_hash": password_hash,
            "must_change": must_change,
            "password_set_at": self._clock.now().at,
        }
        with transaction(self._engine) as conn:
            conn.execute(update(users).where(users.c.user_id == user_id).values(values))

    def _one(self, condition: Any) -> Account | None:
        """In one query: it is asked with every page."""
        query = (
            select(*_ACCOUNT, memberships.c.school_id, memberships.c.role)
            .join(memberships, memberships.c.user_id == users.c.user_id, isouter=True)
            .where(condition)
        )
        with reading(self._engine) as conn:
            rows = conn.execute(query).all()
        if not rows:
            return None
        first = rows[0]
        return Account(
            first.user_id,
            first.login,
            first.name,
            first.password_hash,
            operator=first.operator,
            must_change=first.must_change,
            disabled=first.disabled_at is not None,
            roles={row.school_id: Role(row.role) for row in rows if row.role},
        )


class Sessions:
    """``attendance.access.stores.SessionStore``."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def add(self, session: Session) -> None:
        row = {
            "token_hash": session.id_hash,
            "user_id": session.user_id,
            "began_at": session.created_at,
            "seen_at": session.seen_at,
        }
        self._write(insert(sessions).values(row))

    def find(self, id_hash: str) -> Session | None:
        with reading(self._engine) as conn:
            row = conn.execute(select(sessions).where(sessions.c.token_hash == id_hash)).first()
        return Session(row.token_hash, row.user_id, row.began_at, row.seen_at) if row else None

    def touch(self, id_hash: str, seen_at: datetime) -> None:
        self._write(update(sessions).where(sessions.c.token_hash == id_hash).values(seen_at=seen_at))

    def remove(self, id_hash: str) -> None:
        self._write(delete(sessions).where(sessions.c.token_hash == id_hash))

    def remove_of(self, user_id: str) -> None:
        self._write(delete(sessions).where(sessions.c.user_id == user_id))

    def remove_older(self, created_before: datetime, seen_before: datetime) -> None:
        old = or_(sessions.c.began_at < created_before, sessions.c.seen_at < seen_before)
        self._write(delete(sessions).where(old))

    def _write(self, statement: Any) -> None:
        with transaction(self._engine) as conn:
            conn.execute(statement)


class FailedGuesses:
    """``attendance.access.stores.GuessStore``; each replica of the centre sees the same."""

    def __init__(self, engine: Engine, clock: Clock) -> None:
        self._engine = engine
        self._clock = clock

    def guesses(self, key: str) -> Guesses | None:
        with reading(self._engine) as conn:
            row = conn.execute(select(guesses).where(guesses.c.key_hash == key)).first()
        return Guesses(row.failures, row.last_at) if row else None

    def replace(self, key: str, old: Guesses | None, new: Guesses | None) -> bool:
        if old is None and new is None:
            return True
        with transaction(self._engine) as conn:
            if old is None:
                conn.execute(delete(guesses).where(guesses.c.last_at < self._clock.now().at - FORGOTTEN_AFTER))
                added = dialect.insert(conn, guesses).values(key_hash=key, **_guess_row(new))
                return bool(conn.execute(added.on_conflict_do_nothing()).rowcount)
            same = (guesses.c.key_hash == key, guesses.c.failures == old.failures, guesses.c.last_at == old.last_at)
            statement = (
                delete(guesses).where(*same) if new is None else update(guesses).where(*same).values(_guess_row(new))
            )
            return bool(conn.execute(statement).rowcount)


class DoorAudit:
    """``attendance.access.stores.AccessLog``."""

    def __init__(self, engine: Engine, clock: Clock) -> None:
        self._engine = engine
        self._clock = clock

    def record(self, action: str, account: Account, address: str) -> None:
        with transaction(self._engine) as conn:
            audit.note(conn, None, account.login, action, account.login, {"from": address}, self._clock.now().at)


_ACCOUNT = (
    users.c.user_id,
    users.c.login,
    users.c.name,
    users.c.password_hash,
    users.c.operator,
    users.c.must_change,
    users.c.disabled_at,
)


def _guess_row(new: Guesses | None) -> dict[str, Any]:
    assert new is not None
    return {"failures": new.failures, "last_at": new.last_at}
