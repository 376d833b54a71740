"""How a simulated gate asks the centre: one connection for each request, and only signed answers are believed."""

import gzip
import hmac
import http.client
import json
import secrets
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from attendance.domain import wire
from attendance.errors import AttendanceError, BadInput

TIMEOUT_S = 10.0
"""For each wait within a request."""
PREFIX = "/api/v1"


class NoAnswer(AttendanceError):
    """Nothing came back that is the centre's: nothing may be taken as done."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the centre said; its signature is right."""

    status: int
    body: Any


class CentreLink:
    """The centre as one gate reaches it.

    Args:
        url: as ``http://127.0.0.1:8000``.
        token: the gate's own secret.
        trusted: who vouches for an https centre; ``None``: whom the machine trusts.
    """

    def __init__(
        self, url: str, token: str, *, timeout_s: float = TIMEOUT_S, trusted: ssl.SSLContext | None = None
    ) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise BadInput(f"{url!r} is no address of a centre; write it like http://127.0.0.1:8000.")
        self._secure = parts.scheme == "https"
        self._host, self._port, self._path = parts.hostname, parts.port, parts.path.rstrip("/")
        self._timeout_s = timeout_s
        self._trusted = trusted
        self.token = token
        self.key_hash = wire.key_hash(token)

    def ask(self, method: str, path: str, said: Mapping[str, Any] | bytes | None = None) -> Answer:
        """One request below ``/api/v1``; bytes go as they are, anything else as packed JSON.

        Raises:
            NoAnswer: none came, or one that is not the centre's.
        """
        request = secrets.token_urlsafe(16)
        headers = {"Authorization": f"Bearer {self.token}", wire.REQUEST_HEADER: request}
        body = said if isinstance(said, bytes) else None
        if body is not None:
            headers["Content-Type"] = "application/octet-stream"
        elif said is not None:
            body = gzip.compress(json.dumps(said, separators=(",", ":")).encode(), 6)
            headers |= {"Content-Type": "application/json", "Content-Encoding": "gzip"}
        status, signature, content = self._exchange(method, PREFIX + path, body, headers)
        right = wire.signature_of_answer(self.key_hash, request, status, content)
        if not hmac.compare_digest(right.encode(), signature.encode()):
            raise NoAnswer(f"The answer {status} to {method} {path} is not signed by the centre.")
        return Answer(status, json.loads(content))

    def _exchange(self, method: str, path: str, body: bytes | None, headers: dict[str, str]) -> tuple[int, str, bytes]:
        connection = self._connection()
        try:
            connection.request(method, self._path + path, body, {**headers, "Connection": "close"})
            answer = connection.getresponse()
            return answer.status, answer.headers.get(wire.SIGNATURE_HEADER, ""), answer.read()
        except (OSError, http.client.HTTPException) as error:
            raise NoAnswer(f"The centre does not answer {method} {path} ({type(error).__name__}).") from error
        finally:
            connection.close()

    def _connection(self) -> http.client.HTTPConnection:
        if self._secure:
            return http.client.HTTPSConnection(self._host, self._port, timeout=self._timeout_s, context=self._trusted)
        return http.client.HTTPConnection(self._host, self._port, timeout=self._timeout_s)
