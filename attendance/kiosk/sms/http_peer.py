"""One bounded HTTP exchange: a peer that is slow, silent, endless or lying costs its time and a little memory, no more.

A connection for each request: sixty messages an hour do not pay for keeping one open, and a kept one that died in the
meantime would make it unclear whether the request was taken. Proxies of the environment are not used and redirects are
not followed: what must reach the gateway must not go elsewhere.
"""

import json
import socket
import ssl
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from email.message import Message
from http.client import HTTPConnection, HTTPException, HTTPResponse
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, urlsplit

from attendance.errors import AttendanceError, BadInput
from attendance.kiosk.sms.connection import Address, Deadline, Timed, connect, is_near, why

ANSWER_LIMIT_BYTES = 65_536
"""An answer of a gateway has a few hundred; the list of webhooks of a large school some thousand."""
_MOST_BESIDES_BYTES = 1_048_576
"""Headers, and what a body in chunks has beside its content: a peer with impossible lengths makes us read no more."""
LOOKUP_S = 30.0
"""How long the system's resolver may take to give up, which no timeout of ours bounds (``resolv.conf(5)``: three
servers, two attempts, 5 s)."""
_SECURE_PORT, _PLAIN_PORT = 443, 80


class ExchangeFailed(AttendanceError):
    """There is no answer.

    Attributes:
        request_sent: the peer may have the request. If not, it provably has not.
    """

    def __init__(self, message: str, *, request_sent: bool) -> None:
        super().__init__(message)
        self.request_sent = request_sent


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back.

    Attributes:
        body: no more than its peer's limit.
        whole: all of it came.
    """

    status: int
    headers: Message
    body: bytes
    whole: bool

    @property
    def json(self) -> Any:
        """The body as JSON; ``None`` if it is none, or not whole."""
        if not self.whole:
            return None
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            return None


class HttpPeer:
    """A server and how it is reached.

    Args:
        url: where paths are added to. Plain ``http`` reaches loopback and private addresses only: what is sent are
            passwords and numbers of parents.
        ca_file: PEM file of who vouches for the server; ``None``: whom the system trusts.
        answer_limit_bytes: what is read of an answer's body.

    Raises:
        BadInput: ``url`` is no address.
    """

    def __init__(self, url: str, *, ca_file: Path | None = None, answer_limit_bytes: int = ANSWER_LIMIT_BYTES) -> None:
        parts = _split(url)
        self._secure = parts.scheme == "https"
        self._host = parts.hostname or ""
        self._port = parts.port or (_SECURE_PORT if self._secure else _PLAIN_PORT)
        self._host_header = parts.netloc
        self._path = parts.path.rstrip("/")
        self._ca_file = ca_file
        self._answer_limit_bytes = answer_limit_bytes
        self._context: ssl.SSLContext | None = None
        self.origin = f"{parts.scheme}://{parts.netloc}"

    def exchange(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes | None, deadline: Deadline
    ) -> Answer:
        """Ask, and read the answer.

        Args:
            path: with its query, percent-encoded; follows the path of the peer's URL.

        Raises:
            ExchangeFailed: there is none.
        """
        connection = self._connected(deadline)
        with connection:
            try:
                return self._ask(connection, method, path, headers, body, deadline)
            except (OSError, HTTPException, ValueError) as error:
                raise ExchangeFailed(
                    f"{self.origin} gave no answer that can be read ({why(error)}).", request_sent=True
                ) from error

    def reach(self, deadline: Deadline) -> None:
        """Connect, and hang up.

        Raises:
            ExchangeFailed: it cannot be reached.
        """
        self._connected(deadline).close()

    def _ask(
        self,
        connection: socket.socket,
        method: str,
        path: str,
        headers: Mapping[str, str],
        body: bytes | None,
        deadline: Deadline,
    ) -> Answer:
        connection.settimeout(deadline.left_s())
        request = HTTPConnection(self._host, self._port)
        request.sock = connection
        request.request(method, self._path + path, body, {"Host": self._host_header, "Connection": "close", **headers})
        timed = Timed(connection, deadline, 2 * self._answer_limit_bytes + _MOST_BESIDES_BYTES)
        with HTTPResponse(timed, method=method) as response:  # type: ignore[arg-type]
            response.begin()
            body, whole = _body(response, self._answer_limit_bytes)
            return Answer(response.status, response.headers, body, whole)

    def _connected(self, deadline: Deadline) -> socket.socket:
        try:
            deadline.left_s()  # the resolver knows no deadline: it is asked only while there is time
            addresses = list(self._addresses())
            connection = connect(addresses, deadline)
        except (OSError, UnicodeError) as error:
            raise ExchangeFailed(f"{self.origin} cannot be reached ({why(error)}).", request_sent=False) from error
        return self._secured(connection, deadline) if self._secure else connection

    def _addresses(self) -> Iterator[Address]:
        for family, _, _, _, address in socket.getaddrinfo(self._host, self._port, type=socket.SOCK_STREAM):
            if not self._secure and not is_near(str(address[0])):
                raise ExchangeFailed(
                    f"{self.origin} is not on a private network: what is secret would go through the internet for"
                    " all to read. Use https.",
                    request_sent=False,
                )
            yield family, address

    def _secured(self, connection: socket.socket, deadline: Deadline) -> ssl.SSLSocket:
        try:
            if self._context is None:
                self._context = ssl.create_default_context(cafile=self._ca_file)
            connection.settimeout(deadline.left_s())
            return self._context.wrap_socket(connection, server_hostname=self._host)
        except (OSError, ValueError) as error:
            connection.close()
            raise ExchangeFailed(self._insecure(error), request_sent=False) from error

    def _insecure(self, error: Exception) -> str:
        if self._context is None:
            return f"The CA file {str(self._ca_file)!r} cannot be used ({why(error)}); it must be a PEM file."
        if isinstance(error, ssl.SSLCertVerificationError):
            return (
                f"{self.origin} shows a certificate that is not trusted ({error.verify_message}). If it is a server of"
                " your own, name its CA in ca_file."
            )
        return f"{self.origin} does not speak TLS with us ({why(error)})."


def _body(response: HTTPResponse, limit_bytes: int) -> tuple[bytes, bool]:
    """What can be read of the body, and whether that is all. Its status stands, whatever happens to the rest.

    ``ValueError`` is what ``http.client`` makes of a chunk with a negative length.
    """
    try:
        read = response.read(limit_bytes + 1)
    except (OSError, HTTPException, ValueError):
        return b"", False
    return read[:limit_bytes], len(read) <= limit_bytes and not response.length


def _split(url: str) -> SplitResult:
    """The parts of a URL that can be one of a peer.

    Raises:
        BadInput: it cannot.
    """
    shown = "The address" if "@" in url else repr(url)
    try:
        parts = urlsplit(url)
        port_fits = parts.port is None or parts.port > 0
    except ValueError as error:
        raise BadInput(f"{shown} is no address ({error}).") from error
    if parts.scheme not in ("http", "https") or not parts.hostname or not port_fits:
        raise BadInput(f"{shown} is no address. It must look like https://host/path or http://192.168.1.30:8080.")
    if parts.username is not None or parts.query or parts.fragment:
        raise BadInput(
            "The address of a gateway has no user name, query or fragment; those have settings of their own."
        )
    if not url.isascii() or any(letter.isspace() for letter in url):
        raise BadInput(f"{shown} has spaces or letters that an address cannot have; percent-encode them.")
    return parts
