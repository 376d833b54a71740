"""Guessing passwords, slowed: per account, and per address that guesses at many accounts.

An attempt is counted before it is judged, by an exchange that only one of several can win: a thousand guesses at the
same moment, at several replicas, get one turn.
"""

import hashlib
from dataclasses import dataclass
from datetime import timedelta
from ipaddress import IPv6Address, ip_address, ip_network

from attendance.access.stores import Guesses, GuessStore
from attendance.clock import Clock

FORGOTTEN_AFTER = timedelta(hours=24)
_BUSY_S = 1.0
_TRIES = 10
"""For an address that many use at the same moment. An account has one owner, who does not."""


@dataclass(frozen=True, slots=True)
class Pause:
    """How long to wait after so many failures: nothing up to ``free``, then doubling from 1 s up to ``longest_s``."""

    free: int
    longest_s: float

    def after(self, failures: int) -> float:
        if failures < self.free:
            return 0.0
        return min(self.longest_s, 2.0 ** min(failures - self.free, 30))


OF_ACCOUNT = Pause(free=5, longest_s=60.0)
"""At most some 1,400 guesses a day: useless against twelve characters. A longer pause would let a stranger keep the
owner out."""
OF_ADDRESS = Pause(free=30, longest_s=900.0)
"""A school behind one address mistypes now and then; a machine that tries one password at every account does not."""


class Throttle:
    """Gives turns to guess, and takes them back from those who were right."""

    def __init__(self, store: GuessStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def turn(self, login: str, address: str) -> float:
        """Seconds to wait before guessing; 0.0: go on, this guess is counted until ``right`` is said.

        Raises:
            StorageError: the count cannot be kept.
        """
        account, where = _account(login), _where(address)
        return (
            self._wait(self._store.guesses(account), OF_ACCOUNT)
            or self._take(where, OF_ADDRESS, tries=_TRIES)
            or self._take(account, OF_ACCOUNT, tries=1)
        )

    def right(self, login: str, address: str) -> None:
        """The guess of this turn was right: the account's failures are forgotten, the address gets its turn back.

        The address keeps its other failures: else somebody with one account could guess at all others for ever.
        """
        account, where = _account(login), _where(address)
        self._store.replace(account, self._store.guesses(account), None)
        for _ in range(_TRIES):
            old = self._store.guesses(where)
            if old is None or self._store.replace(where, old, Guesses(max(0, old.failures - 1), old.last_at)):
                return

    def _take(self, key: str, pause: Pause, tries: int) -> float:
        """Count one guess if there is no pause; seconds to wait if there is."""
        for _ in range(tries):
            old = self._store.guesses(key)
            wait_s = self._wait(old, pause)
            if wait_s > 0:
                return wait_s
            failures = old.failures if old and self._counts(old) else 0
            if self._store.replace(key, old, Guesses(failures + 1, self._clock.now().at)):
                return 0.0
        return _BUSY_S

    def _wait(self, guesses: Guesses | None, pause: Pause) -> float:
        if guesses is None or not self._counts(guesses):
            return 0.0
        passed = (self._clock.now().at - guesses.last_at).total_seconds()
        # a wall clock that was set back must not make the pause longer than it was
        return max(0.0, pause.after(guesses.failures) - max(0.0, passed))

    def _counts(self, guesses: Guesses) -> bool:
        return self._clock.now().at - guesses.last_at < FORGOTTEN_AFTER


def _account(login: str) -> str:
    return _key("account", login)


def _where(address: str) -> str:
    return _key("address", _network(address))


def _key(kind: str, text: str) -> str:
    """A hash: the database shall not list what people typed as their login, which now and then is a password."""
    return hashlib.sha256(f"{kind}\n{text}".encode("utf-8", "surrogatepass")).hexdigest()


def _network(address: str) -> str:
    """An IPv6 line has 2⁶⁴ addresses of its own, and counts as one."""
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped is None:
        return str(ip_network((parsed, 64), strict=False))
    return str(getattr(parsed, "ipv4_mapped", None) or parsed)
