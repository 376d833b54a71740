"""One question to the centre and its signed answer. What is not signed for this very question is nobody's answer."""

import gzip
import hmac
import json
import secrets
import ssl
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any

from attendance.domain import wire
from attendance.errors import AttendanceError
from attendance.kiosk.sms.connection import Breakable
from attendance.kiosk.sms.http_peer import Answer, ExchangeFailed, HttpPeer

ANSWER_LIMIT_BYTES = 4 * 1024 * 1024
"""Of an answer, packed and unpacked: a thousand students with their guardians have half of it."""
LONGEST_SIGNED_REST_S = 3600.0
LONGEST_UNSIGNED_REST_S = 300.0
"""Anybody on the way may ask for a rest that is not signed."""
_USUAL_REST_S = 30.0
_PACKED_FROM_BYTES = 1024
_GZIP = 31  # zlib's number for a gzip member (zlib.h, inflateInit2)
_BUSY = (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE)
_CLOCK_FAULTS = (9, 10)
"""X509_V_ERR_CERT_NOT_YET_VALID and _HAS_EXPIRED (openssl/x509_vfy.h)."""


class CentreError(AttendanceError):
    """The centre did not answer, or not with an answer."""


class CentreUnreachable(CentreError):
    """There is no network, or the centre is down."""


class ClockWrong(CentreUnreachable):
    """By this gate's clock the centre's certificate is not valid: one of the two is wrong."""


class NotTheCentre(CentreError):
    """Somebody answers who cannot sign as the centre: a login page of the network, say."""


class Revoked(CentreError):
    """The centre does not let this gate in any more."""


class CentreBusy(CentreError):
    """The centre wants to be left alone for a while."""

    def __init__(self, message: str, retry_after_s: float) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


@dataclass(frozen=True, slots=True)
class Reply:
    """A signed answer.

    Attributes:
        status: 200, or a 4xx that is about what was asked.
        json: the body; ``None`` if it is no JSON.
    """

    status: int
    json: Any

    @property
    def ok(self) -> bool:
        return self.status == HTTPStatus.OK

    @property
    def fault(self) -> str:
        """What the centre says is wrong, short enough for a line."""
        return fault_of(self.json) or f"HTTP {self.status}"


class Exchange:
    """Asks one centre as one gate. For any thread.

    Args:
        token: of the gate; also what its answers are signed with.
        ca_file: PEM file of who vouches for the centre; ``None``: whom the system trusts.

    Raises:
        BadInput: ``url`` is no address.
    """

    def __init__(self, url: str, token: str, *, ca_file: Path | None) -> None:
        self._peer = HttpPeer(url, ca_file=ca_file, answer_limit_bytes=ANSWER_LIMIT_BYTES)
        self._token = token
        self.key_hash = wire.key_hash(token)
        """What the centre knows of the token."""
        self.origin = self._peer.origin
        self._under_way: set[Breakable] = set()
        self._over = False

    def ask(self, method: str, path: str, body: Any, *, deadline_s: float, known: bool = True) -> Reply:
        """Ask, and believe only what the centre signed.

        Args:
            path: with its query, percent-encoded; follows ``/api/v1``.
            body: bytes go as they are, ``None`` is none, anything else goes as JSON.
            known: the centre knows this gate's key; otherwise that is not shown.

        Raises:
            CentreError: there is no answer of the centre; which kind says why.
        """
        request = secrets.token_hex(16)
        headers = {wire.REQUEST_HEADER: request, "Accept": "application/json", "Accept-Encoding": "gzip"}
        if known:
            headers["Authorization"] = f"Bearer {self._token}"
        content, more = _packed(body)
        with self._deadline(deadline_s) as deadline:
            try:
                answer = self._peer.exchange(
                    method, f"/api/{wire.VERSION}{path}", {**headers, **more}, content, deadline
                )
            except ExchangeFailed as error:
                raise _unreachable(error) from error
        return self._believed(answer, request)

    def hang_up(self) -> None:
        """End every question that is under way, and take no new one: the gate is stopping."""
        self._over = True
        for deadline in list(self._under_way):
            deadline.break_off()

    @contextmanager
    def _deadline(self, seconds: float) -> Iterator[Breakable]:
        with Breakable(seconds) as deadline:
            self._under_way.add(deadline)
            try:
                if self._over:
                    raise CentreUnreachable("The gate is stopping.")
                yield deadline
            finally:
                self._under_way.discard(deadline)

    def _believed(self, answer: Answer, request: str) -> Reply:
        said = _unpacked(answer)
        signed = said is not None and self._signed(answer, request, said)
        found = _json(said) if said is not None else None
        if answer.status in _BUSY:
            rest_s = _rest_s(answer.headers.get("Retry-After"), signed=signed)
            raise CentreBusy(f"{self.origin} is busy (HTTP {answer.status}).", rest_s)
        if answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            raise CentreUnreachable(f"{self.origin} has a fault of its own (HTTP {answer.status}).")
        if not signed:
            raise NotTheCentre(_stranger(self.origin, answer, found))
        if answer.status == HTTPStatus.UNAUTHORIZED:
            raise Revoked(f"{self.origin} does not let this gate in: {fault_of(found) or 'it was revoked'}.")
        return Reply(answer.status, found)

    def _signed(self, answer: Answer, request: str, said: bytes) -> bool:
        right = wire.signature_of_answer(self.key_hash, request, answer.status, said)
        shown = answer.headers.get(wire.SIGNATURE_HEADER, "")
        return hmac.compare_digest(right.encode(), shown.strip().encode("utf-8", "replace"))


def fault_of(said: Any) -> str:
    """The message of an error as the API writes it; empty if it is none."""
    error = said.get("error") if isinstance(said, Mapping) else None
    message = error.get("message") if isinstance(error, Mapping) else None
    return " ".join(message.split())[:300].rstrip(".") if isinstance(message, str) and message.isprintable() else ""


def _packed(body: Any) -> tuple[bytes | None, dict[str, str]]:
    if body is None:
        return None, {}
    if isinstance(body, bytes):
        return body, {"Content-Type": "application/octet-stream"}
    content = json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode()
    headers = {"Content-Type": "application/json"}
    if len(content) < _PACKED_FROM_BYTES:
        return content, headers
    return gzip.compress(content, compresslevel=6, mtime=0), {**headers, "Content-Encoding": "gzip"}


def _unpacked(answer: Answer) -> bytes | None:
    """The body as it was signed; ``None`` if it is not whole, or no honest one."""
    encoding = answer.headers.get("Content-Encoding", "identity").strip().lower()
    if not answer.whole or encoding not in ("gzip", "identity"):
        return None
    if encoding == "identity":
        return answer.body
    try:
        return zlib.decompressobj(_GZIP).decompress(answer.body, ANSWER_LIMIT_BYTES)  # what is cut off is not signed
    except zlib.error:
        return None


def _json(said: bytes) -> Any:
    try:
        return json.loads(said)
    except (ValueError, RecursionError):
        return None


def _rest_s(retry_after: str | None, *, signed: bool) -> float:
    text = (retry_after or "").strip()
    wanted = float(text) if text.isascii() and text.isdigit() else _USUAL_REST_S
    return min(wanted, LONGEST_SIGNED_REST_S if signed else LONGEST_UNSIGNED_REST_S)


def _stranger(origin: str, answer: Answer, found: Any) -> str:
    said = fault_of(found)
    if said:
        return f"{origin} answers without this gate's signature (HTTP {answer.status}): {said}."
    if HTTPStatus.MULTIPLE_CHOICES <= answer.status < HTTPStatus.BAD_REQUEST:
        return f"{origin} sends us elsewhere (HTTP {answer.status}), as networks do that want a login first."
    return f"{origin} gives an answer that is not the centre's (HTTP {answer.status}, no right signature)."


def _unreachable(error: ExchangeFailed) -> CentreUnreachable:
    cause = error.__cause__
    if isinstance(cause, ssl.SSLCertVerificationError) and cause.verify_code in _CLOCK_FAULTS:
        return ClockWrong(f"{error} Check the date of this device first: `date`.")
    return CentreUnreachable(str(error))
