"""How SMS-Gate is told who we are: with user name and password, or with a token that they are exchanged for.

Source: SMS-Gate's ``docs/integration/authentication.md``; the answers of ``auth/token`` have snake_case keys.
"""

import json
from base64 import b64encode
from collections.abc import Sequence
from typing import Protocol

from attendance.clock import boot_ns
from attendance.kiosk.sms.connection import Deadline
from attendance.kiosk.sms.gateway import Fault, GatewayError
from attendance.kiosk.sms.http_peer import Answer, ExchangeFailed, HttpPeer
from attendance.kiosk.sms.refusals import reason, retry_after_s

_JSON = {"Content-Type": "application/json", "Accept": "application/json"}
TOKEN_S = 3600
_RENEW_AT = 0.8
"""Share of a token's life after which it is renewed, by our steady clock: the server's ``expires_at`` would need both
clocks to be right."""
_LONGEST_TOKEN = 8192
SCOPES: Sequence[str] = (
    *("messages:send", "messages:read", "devices:list"),
    *("webhooks:list", "webhooks:write", "webhooks:delete", "settings:read", "settings:write"),
)


class Login(Protocol):
    """Makes the ``Authorization`` of a request."""

    def authorization(self, deadline: Deadline) -> str:
        """The header's value.

        Raises:
            GatewayError: there is none. No message was sent.
        """
        ...

    def renew(self) -> bool:
        """The gateway refused it: whether a new one is worth a second try."""
        ...


class Basic:
    """User name and password with every request."""

    def __init__(self, username: str, password: str) -> None:
        self._value = "Basic " + b64encode(f"{username}:{password}".encode()).decode()

    def authorization(self, deadline: Deadline) -> str:
        return self._value

    def renew(self) -> bool:
        return False


class Token:
    """A token for an hour, renewed before it ends; user name and password go over the wire only to begin with.

    Threads may share it: at worst both log in.

    Args:
        lifetime_s: how long a token is asked to be good for.
    """

    def __init__(self, peer: HttpPeer, basic: Basic, lifetime_s: int = TOKEN_S) -> None:
        self._peer = peer
        self._basic = basic
        self._lifetime_s = lifetime_s
        self._access = self._refresh = ""
        self._renew_at_ns = 0

    def authorization(self, deadline: Deadline) -> str:
        if not self._access or boot_ns() >= self._renew_at_ns:
            self._log_in(deadline)
        return f"Bearer {self._access}"

    def renew(self) -> bool:
        had = bool(self._access)
        self._access = self._refresh = ""
        return had

    def _log_in(self, deadline: Deadline) -> None:
        asked_at_ns = boot_ns()
        answer = self._refreshed(deadline) or self._ask(
            "/auth/token",
            self._basic.authorization(deadline),
            {"ttl": self._lifetime_s, "scopes": list(SCOPES)},
            deadline,
        )
        fields = answer.json if answer.status in (200, 201) else None
        access = _token(fields, "access_token")
        if not access:
            raise self._refused(answer)
        self._access, self._refresh = access, _token(fields, "refresh_token")
        self._renew_at_ns = asked_at_ns + round(self._lifetime_s * _RENEW_AT * 1e9)

    def _refreshed(self, deadline: Deadline) -> Answer | None:
        """The answer to the refresh token, which is good for one use; ``None`` if it is not accepted."""
        refresh, self._refresh = self._refresh, ""
        if not refresh:
            return None
        answer = self._ask("/auth/token/refresh", f"Bearer {refresh}", {}, deadline)
        return None if 400 <= answer.status < 500 else answer

    def _ask(self, path: str, authorization: str, payload: object, deadline: Deadline) -> Answer:
        headers = {**_JSON, "Authorization": authorization}
        try:
            return self._peer.exchange("POST", path, headers, json.dumps(payload).encode(), deadline)
        except ExchangeFailed as error:
            raise GatewayError(str(error), fault=Fault.UNREACHABLE) from error

    def _refused(self, answer: Answer) -> GatewayError:
        said = reason(answer)
        no_login = 400 <= answer.status < 500 or answer.status == 501
        return GatewayError(
            f"{self._peer.origin} gave no token but {answer.status}{f': {said}' if said else ''}. A phone, or a server"
            " without tokens, needs sms_notifications.sms_gate.auth: basic.",
            fault=Fault.CREDENTIALS if no_login and answer.status != 429 else Fault.ANSWER,
            retry_after_s=retry_after_s(answer),
        )


def _token(fields: object, key: str) -> str:
    value = fields.get(key) if isinstance(fields, dict) else None
    fits = isinstance(value, str) and value.isascii() and value.isprintable() and 0 < len(value) <= _LONGEST_TOKEN
    return str(value) if fits else ""
