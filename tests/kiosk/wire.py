"""A server on a free port that answers each request with whatever bytes, or behaviour, a test gives it."""

import json
import socket
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from attendance.ops import tls


@dataclass(frozen=True)
class Asked:
    """One request as it came."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


Reply = Callable[[Asked, socket.socket], object]


def answer(status: int, body: object = b"", **headers: str) -> bytes:
    """A whole HTTP answer; what is not bytes goes as JSON. ``Retry_After`` is the header ``Retry-After``."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    lines = [f"HTTP/1.1 {status} Status", f"Content-Length: {len(content)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + content


class Wire:
    """Speaks HTTP for ``with``; ``asked`` has the requests so far.

    Args:
        replies: for the first request, the second, …; the last one for all that follow. Bytes are sent and the
            connection is closed; a function gets the request and the socket.
        certificate: certificate and key, for TLS.
    """

    def __init__(
        self,
        *replies: bytes | Reply,
        certificate: tuple[Path, Path] | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
    ) -> None:
        self.asked: list[Asked] = []
        self._replies = replies
        self._context: ssl.SSLContext | None = tls.server_context(*certificate) if certificate else None
        self._listening = socket.create_server((host, port))
        self._over = threading.Event()
        self._host = host
        self.port: int = self._listening.getsockname()[1]

    @property
    def url(self) -> str:
        return f"{'https' if self._context else 'http'}://{self._host}:{self.port}"

    def hold(self, asked: Asked, connection: socket.socket) -> None:
        """A reply: none, until the server ends."""
        self._over.wait(30)

    def __enter__(self) -> Self:
        threading.Thread(target=self._serve, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return
            threading.Thread(target=self._talk, args=(connection,), daemon=True).start()

    def _talk(self, connection: socket.socket) -> None:
        try:
            connection.settimeout(10)
            if self._context is not None:
                connection = self._context.wrap_socket(connection, server_side=True)
            with connection:
                asked = _read(connection)
                if asked is None:
                    return
                self.asked.append(asked)
                reply = self._replies[min(len(self.asked), len(self._replies)) - 1]
                if isinstance(reply, bytes):
                    connection.sendall(reply)
                else:
                    reply(asked, connection)
        except OSError:
            pass


def _read(connection: socket.socket) -> Asked | None:
    with connection.makefile("rb") as stream:
        first = stream.readline().decode("latin-1").split()
        if len(first) != 3:
            return None
        headers: dict[str, str] = {}
        while (line := stream.readline().decode("latin-1").strip()) != "":
            name, _, value = line.partition(":")
            headers[name.strip().lower()] = value.strip()
        return Asked(first[0], first[1], headers, stream.read(int(headers.get("content-length", "0"))))
