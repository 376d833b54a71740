"""Passwords: which are good enough, and their hashes."""

import functools
import secrets
import threading
import unicodedata

from argon2 import PasswordHasher, profiles
from argon2.exceptions import InvalidHashError, VerificationError

from attendance.errors import BadInput

SHORTEST = 12
"""Characters. NIST SP 800-63B asks for at least 8; length is what makes slowed guessing hopeless."""
LONGEST = 256
_LEAST_DIFFERENT = 5
"""Different characters: ``aaaaaaaaaaaa`` is long but no secret."""
_AT_ONCE = 2
"""Hashes at a time in a process: each takes 64 MiB, and a flood of logins must leave memory to everything else."""


class Passwords:
    """Hashes with argon2id, by default with RFC 9106's second recommended parameters (64 MiB, 3 passes, 4 lanes).

    Args:
        hasher: other parameters; hashes made with old ones are made anew at the next login.
    """

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher.from_parameters(profiles.RFC_9106_LOW_MEMORY)
        self._places = threading.BoundedSemaphore(_AT_ONCE)

    def hash(self, password: str) -> str:
        with self._places:
            return self._hasher.hash(_normal(password))

    def right(self, password_hash: str, password: str) -> bool:
        """Whether the password is the right one. Takes as long when there is no hash to compare with: how long an
        answer takes must not tell whether somebody has an account."""
        usable = self._usable(password_hash)
        with self._places:
            try:
                self._hasher.verify(password_hash if usable else self._nobodys, _normal(password[:LONGEST]))
            except VerificationError:
                return False
        return usable and len(password) <= LONGEST

    def outdated(self, password_hash: str) -> bool:
        """Whether a right password should be hashed anew."""
        return self._hasher.check_needs_rehash(password_hash)

    @functools.cached_property
    def _nobodys(self) -> str:
        return self._hasher.hash(secrets.token_urlsafe(32))

    def _usable(self, password_hash: str) -> bool:
        try:
            self._hasher.check_needs_rehash(password_hash)
        except InvalidHashError:
            return False
        return True


def judge(password: str, login: str) -> None:
    """Refuse a new password that is too easy to guess.

    Raises:
        BadInput: it is; the message says why.
    """
    if len(password) < SHORTEST:
        raise BadInput(f"The password is too short: it needs at least {SHORTEST} characters. A few words do well.")
    if len(password) > LONGEST:
        raise BadInput(f"The password is too long: at most {LONGEST} characters.")
    if len(set(password)) < _LEAST_DIFFERENT:
        raise BadInput("The password repeats a few characters. A few words do well.")
    if login and login.casefold() in password.casefold():
        raise BadInput("The password has your login name in it, which is the first thing to be tried.")


def generate() -> str:
    """A password for somebody's first login, to be read out or typed off."""
    return "-".join(secrets.token_hex(2) for _ in range(4))


def _normal(password: str) -> bytes:
    """The same letters from another keyboard are the same password (RFC 8265)."""
    return unicodedata.normalize("NFC", password).encode("utf-8", "surrogatepass")
