"""Who may use the simulated phone's API: Basic everywhere, and JWT as the cloud and private servers give it.

Source: ``jwtauth.go``, ``thirdparty/auth.go`` and the permissions of android-sms-gateway/server.
"""

import base64
import binascii
import hashlib
import hmac
import json
import random
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from attendance.clock import Clock
from attendance.errors import BadInput
from attendance.sim.phone_webhooks import nanoid

ANYTHING = "all:any"
_REFRESH = "tokens:refresh"
_LONGEST_TTL_S = 7 * 86_400
_REFRESH_TTL_S = 30 * 86_400
SCOPES = frozenset(
    {
        *(ANYTHING, "messages:send", "messages:read", "messages:list", "messages:cancel", "devices:list"),
        *("webhooks:list", "webhooks:write", "webhooks:delete", "settings:read", "settings:write", "tokens:manage"),
    }
)


@dataclass(frozen=True, slots=True)
class _Grant:
    jti: str
    pair: str
    scopes: frozenset[str]
    ttl_s: int
    until_boot_ns: int
    refreshes: bool = False


class Accounts:
    """The one account of the phone, and the tokens that were given out for it.

    Args:
        clock: tokens end by its boot time; their text names its wall time.
    """

    def __init__(self, username: str, password: str, clock: Clock, chance: random.Random) -> None:
        self.username = username
        self.password = password
        self._clock = clock
        self._chance = chance
        self._key = chance.randbytes(32)
        self._lock = threading.Lock()
        self._grants: dict[str, _Grant] = {}

    def scopes(self, authorization: str, *, tokens: bool) -> frozenset[str]:
        """What the sender of this ``Authorization`` may do; empty: nothing, 401.

        Args:
            tokens: whether tokens count here.
        """
        scheme, _, given = authorization.partition(" ")
        if scheme.lower() == "basic":
            return frozenset({ANYTHING}) if self._right(given.strip()) else frozenset()
        if scheme.lower() != "bearer" or not tokens:
            return frozenset()
        with self._lock:
            grant = self._grants.get(given.strip())
            if grant is None or grant.refreshes or self._clock.boot_ns() >= grant.until_boot_ns:
                return frozenset()
            return grant.scopes

    def give(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        """A new pair of tokens, as ``POST auth/token`` answers it.

        Raises:
            BadInput: 400.
        """
        ttl_s, scopes = fields.get("ttl", 86_400), fields.get("scopes")
        if not isinstance(ttl_s, int) or isinstance(ttl_s, bool) or not 1 <= ttl_s <= _LONGEST_TTL_S:
            raise BadInput(f"ttl must be a whole number of seconds, at most {_LONGEST_TTL_S}")
        if not isinstance(scopes, list) or not scopes or any(each not in SCOPES for each in map(str, scopes)):
            raise BadInput("scopes must be a list of known scopes")
        return self._pair(frozenset(map(str, scopes)), ttl_s)

    def refresh(self, authorization: str) -> dict[str, Any] | None:
        """A new pair for a refresh token; the old pair ends. ``None`` if it is no such token."""
        token = authorization.partition(" ")[2].strip()
        with self._lock:
            grant = self._grants.get(token)
        if grant is None or not grant.refreshes or self._clock.boot_ns() >= grant.until_boot_ns:
            return None
        self.revoke(grant.pair)
        return self._pair(grant.scopes, grant.ttl_s)

    def revoke(self, jti: str) -> None:
        """End the pair that a token belongs to."""
        with self._lock:
            pairs = {grant.pair for grant in self._grants.values() if jti in (grant.jti, grant.pair)}
            self._grants = {text: grant for text, grant in self._grants.items() if grant.pair not in pairs}

    def _pair(self, scopes: frozenset[str], ttl_s: int) -> dict[str, Any]:
        access_id, refresh_id = nanoid(self._chance), nanoid(self._chance)
        expires_at = self._clock.now().at + timedelta(seconds=ttl_s)
        access = self._sign(access_id, sorted(scopes), expires_at)
        refresh = self._sign(refresh_id, [_REFRESH], expires_at)
        now = self._clock.boot_ns()
        with self._lock:
            self._grants = {text: each for text, each in self._grants.items() if each.until_boot_ns > now}
            self._grants[access] = _Grant(access_id, access_id, scopes, ttl_s, now + ttl_s * 10**9)
            self._grants[refresh] = _Grant(refresh_id, access_id, scopes, ttl_s, now + _REFRESH_TTL_S * 10**9, True)
        return {
            "id": access_id,
            "token_type": "Bearer",
            "access_token": access,
            "refresh_token": refresh,
            "expires_at": expires_at.isoformat(timespec="seconds").replace("+00:00", "Z"),
        }

    def _sign(self, jti: str, scopes: list[str], expires_at: datetime) -> str:
        claims = {"jti": jti, "sub": self.username, "scopes": scopes, "exp": int(expires_at.timestamp())}
        head, body = (_base64url(json.dumps(each).encode()) for each in ({"alg": "HS256", "typ": "JWT"}, claims))
        signature = hmac.new(self._key, f"{head}.{body}".encode(), hashlib.sha256).digest()
        return f"{head}.{body}.{_base64url(signature)}"

    def _right(self, given: str) -> bool:
        try:
            text = base64.b64decode(given, validate=True)
        except (binascii.Error, ValueError):
            return False
        return hmac.compare_digest(text, f"{self.username}:{self.password}".encode())


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
