"""Sessions: random, kept at the server by their hash, and ended by the clock or by their owner."""

import hashlib
import hmac
import secrets
from datetime import timedelta

from attendance.access.stores import Session, SessionStore
from attendance.clock import Clock

IDLE = timedelta(hours=2)
"""Without a person doing anything. A page that looks by itself whether something changed is no person."""
LONGEST = timedelta(hours=12)
"""A working day, whatever is done."""
_TOUCH_EVERY = timedelta(minutes=1)
"""Each touch is a write; to the minute is near enough to two hours."""


class Sessions:
    """Opens, finds and ends sessions.

    Args:
        idle: they end without a person for so long.
        longest: they end after so long whatever happens.
    """

    def __init__(
        self, store: SessionStore, clock: Clock, *, idle: timedelta = IDLE, longest: timedelta = LONGEST
    ) -> None:
        self._store = store
        self._clock = clock
        self._idle = idle
        self.longest = longest

    def open(self, user_id: str) -> str:
        """Begin a session; returns its token, which only the browser keeps."""
        token, now = secrets.token_urlsafe(32), self._clock.now().at
        self._store.remove_older(now - self.longest, now - self._idle)
        self._store.add(Session(_hash(token), user_id, now, now))
        return token

    def find(self, token: str, *, person: bool = True) -> Session | None:
        """The live session of a token.

        Args:
            person: somebody did something, which counts against ``idle``.
        """
        session = self._store.find(_hash(token)) if token else None
        if session is None or self._ended(session):
            return None
        now = self._clock.now().at
        if person and now - session.seen_at >= _TOUCH_EVERY:
            self._store.touch(session.id_hash, now)
        return session

    def close(self, token: str) -> None:
        if token:
            self._store.remove(_hash(token))

    def close_all(self, user_id: str) -> None:
        self._store.remove_of(user_id)

    def _ended(self, session: Session) -> bool:
        now = self._clock.now().at
        return now - session.created_at >= self.longest or now - session.seen_at >= self._idle


def form_token(token: str) -> str:
    """What a form must carry to show that a page of this session made it: whoever knows it still cannot be it."""
    return hmac.new(token.encode("utf-8", "replace"), b"form", hashlib.sha256).hexdigest()


def form_token_right(token: str, given: str) -> bool:
    return bool(token) and hmac.compare_digest(form_token(token).encode(), given.encode("utf-8", "replace"))


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()
