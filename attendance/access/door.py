"""The door: a login name and a password become a session, or a refusal that tells nothing."""

import logging
from dataclasses import dataclass
from datetime import timedelta

from attendance.access import passwords as rules
from attendance.access.identity import Account
from attendance.access.passwords import Passwords
from attendance.access.sessions import Sessions
from attendance.access.stores import AccessLog, AccountStore
from attendance.access.throttle import Throttle
from attendance.errors import BadInput

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Entry:
    """What came of a login.

    Attributes:
        token: of the new session; empty: not let in, for whatever reason.
        wait_s: try again after so long; 0.0: it was tried.
        must_change: the first thing to do is to choose a password.
    """

    token: str = ""
    wait_s: float = 0.0
    must_change: bool = False


class Door:
    """Lets people in and out. All methods raise ``StorageError`` if the database cannot be asked."""

    def __init__(
        self, accounts: AccountStore, sessions: Sessions, throttle: Throttle, passwords: Passwords, audit: AccessLog
    ) -> None:
        self._accounts = accounts
        self._sessions = sessions
        self._throttle = throttle
        self._passwords = passwords
        self._audit = audit

    @property
    def longest(self) -> timedelta:
        """How long a session can last."""
        return self._sessions.longest

    def first_password(self) -> tuple[str, str]:
        """A password for somebody who has none, or lost it, and its hash; they must choose another one."""
        password = rules.generate()
        return password, self._passwords.hash(password)

    def enter(self, login: str, password: str, address: str, old_token: str = "") -> Entry:
        """Try to log in; a wrong name, a wrong password and a closed account look and take the same.

        Args:
            old_token: of a session that the browser has already; it ends, whosever it was.
        """
        login = login.strip().lower()
        wait_s = self._throttle.turn(login, address)
        if wait_s > 0:
            log.info("A login was put off for %.0f s: too many failed", wait_s)
            return Entry(wait_s=wait_s)
        account = self._accounts.by_login(login) if login.isprintable() else None  # databases refuse NUL
        known = account.password_hash if account and not account.disabled else ""
        if not self._passwords.right(known, password) or account is None:
            return Entry()
        self._throttle.right(login, address)
        if self._passwords.outdated(known):
            self._accounts.set_password(
                account.user_id, self._passwords.hash(password), must_change=account.must_change
            )
        self._sessions.close(old_token)
        self._audit.record("login", account, address)
        return Entry(self._sessions.open(account.user_id), must_change=account.must_change)

    def who(self, token: str, *, person: bool = True) -> Account | None:
        """Whose session it is.

        Args:
            person: see ``Sessions.find``.
        """
        session = self._sessions.find(token, person=person)
        account = self._accounts.by_id(session.user_id) if session else None
        return account if account and not account.disabled else None

    def leave(self, token: str, account: Account, address: str) -> None:
        self._sessions.close(token)
        self._audit.record("logout", account, address)

    def change_password(self, account: Account, current: str, new: str, address: str) -> str:
        """Set another password. Every session of the account ends; returns the token of a new one.

        Raises:
            BadInput: the current one is wrong, too often lately, or the new one is too easy.
        """
        rules.judge(new, account.login)
        if new == current:
            raise BadInput("The new password is the old one.")
        wait_s = self._throttle.turn(account.login, address)
        if wait_s > 0:
            raise BadInput(f"Too many wrong passwords. Try again in {wait_s:.0f} s.")
        if not self._passwords.right(account.password_hash, current):
            raise BadInput("The current password is wrong.")
        self._throttle.right(account.login, address)
        self._accounts.set_password(account.user_id, self._passwords.hash(new), must_change=False)
        self._sessions.close_all(account.user_id)
        self._audit.record("password-changed", account, address)
        return self._sessions.open(account.user_id)
