"""What the door of the pages keeps at the centre: the stores of ``attendance.access`` over this database."""

from datetime import datetime

from sqlalchemy import Engine, delete, select, update

from attendance.access.identity import Account
from attendance.access.stores import Guesses, Session
from attendance.access.throttle import FORGOTTEN_AFTER
from attendance.clock import Clock
from attendance.fleet.store import audit, dialect, sessions, users
from attendance.fleet.store.engine import reading, transaction
from attendance.fleet.store.tables import guesses


class Accounts:
    """``attendance.access.stores.AccountStore``."""

    def __init__(self, engine: Engine, clock: Clock) -> None:
        self._engine = engine
        self._clock = clock

    def by_login(self, login: str) -> Account | None:
        with reading(self._engine) as conn:
            return users.by_login(conn, login)

    def by_id(self, user_id: str) -> Account | None:
        with reading(self._engine) as conn:
            return users.get(conn, user_id)

    def set_password(self, user_id: str, password_hash: str, *, must_change: bool) -> None:
        with transaction(self._engine) as conn:
            users.set_password(conn, user_id, password_hash, self._clock.now().at, must_change=must_change)


class Sessions:
    """``attendance.access.stores.SessionStore``."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def add(self, session: Session) -> None:
        with transaction(self._engine) as conn:
            sessions.add(conn, session)

    def find(self, id_hash: str) -> Session | None:
        with reading(self._engine) as conn:
            return sessions.find(conn, id_hash)

    def touch(self, id_hash: str, seen_at: datetime) -> None:
        with transaction(self._engine) as conn:
            sessions.touch(conn, id_hash, seen_at)

    def remove(self, id_hash: str) -> None:
        with transaction(self._engine) as conn:
            sessions.remove(conn, id_hash)

    def remove_of(self, user_id: str) -> None:
        with transaction(self._engine) as conn:
            sessions.remove_of(conn, user_id)

    def remove_older(self, created_before: datetime, seen_before: datetime) -> None:
        with transaction(self._engine) as conn:
            sessions.remove_older(conn, created_before, seen_before)


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
        if old is None:
            return new is None or self._add(key, new)
        same = (guesses.c.key_hash == key, guesses.c.failures == old.failures, guesses.c.last_at == old.last_at)
        with transaction(self._engine) as conn:
            if new is None:
                return bool(conn.execute(delete(guesses).where(*same)).rowcount)
            values = {"failures": new.failures, "last_at": new.last_at}
            return bool(conn.execute(update(guesses).where(*same).values(values)).rowcount)

    def _add(self, key: str, new: Guesses) -> bool:
        with transaction(self._engine) as conn:
            conn.execute(delete(guesses).where(guesses.c.last_at < self._clock.now().at - FORGOTTEN_AFTER))
            added = dialect.insert(conn, guesses).values(key_hash=key, failures=new.failures, last_at=new.last_at)
            return conn.execute(added.on_conflict_do_nothing().returning(guesses.c.key_hash)).first() is not None


class DoorAudit:
    """``attendance.access.stores.AccessLog``."""

    def __init__(self, engine: Engine, clock: Clock) -> None:
        self._engine = engine
        self._clock = clock

    def record(self, action: str, account: Account, address: str) -> None:
        with transaction(self._engine) as conn:
            told = {"login": account.login, "from": address}
            audit.note(conn, None, account.login, action, account.user_id, told, self._clock.now().at)
