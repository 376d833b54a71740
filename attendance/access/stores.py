"""Where accounts, sessions and failed guesses are kept: whoever has the pages brings these, over its own database.

Several processes may serve the same pages, so nothing here lives in a process.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from attendance.access.identity import Account


@dataclass(frozen=True, slots=True)
class Session:
    """One browser that has logged in.

    Attributes:
        id_hash: SHA-256 of what the browser's cookie holds, hexadecimal: who reads the database cannot use it.
        seen_at: when a person last did something, to the minute.
    """

    id_hash: str
    user_id: str
    created_at: datetime
    seen_at: datetime


@dataclass(frozen=True, slots=True)
class Guesses:
    """How often guessing has failed under one key since it was last right."""

    failures: int
    last_at: datetime


class AccountStore(Protocol):
    """All raise ``StorageError`` if the database cannot be asked."""

    def by_login(self, login: str) -> Account | None: ...

    def by_id(self, user_id: str) -> Account | None: ...

    def set_password(self, user_id: str, password_hash: str, *, must_change: bool) -> None: ...


class SessionStore(Protocol):
    """All raise ``StorageError`` if the database cannot be asked."""

    def add(self, session: Session) -> None: ...

    def find(self, id_hash: str) -> Session | None: ...

    def touch(self, id_hash: str, seen_at: datetime) -> None: ...

    def remove(self, id_hash: str) -> None: ...

    def remove_of(self, user_id: str) -> None: ...

    def remove_older(self, created_before: datetime, seen_before: datetime) -> None:
        """Remove those made before the one or last seen before the other."""
        ...


class GuessStore(Protocol):
    """Both raise ``StorageError`` if the database cannot be asked."""

    def guesses(self, key: str) -> Guesses | None: ...

    def replace(self, key: str, old: Guesses | None, new: Guesses | None) -> bool:
        """Put ``new`` where ``old`` is, at once; ``False`` and no change if something else is there.

        Args:
            old: ``None``: nothing is there.
            new: ``None``: nothing shall be there.
        """
        ...


class AccessLog(Protocol):
    """Keeps what people did at the door."""

    def record(self, action: str, account: Account, address: str) -> None:
        """``action`` is ``login``, ``logout`` or ``password-changed``."""
        ...
