"""Posts the simulated phone's reports: one after the other, as its app does."""

import http.client
import socket
import ssl
import threading
from contextlib import suppress
from urllib.parse import urlsplit

from attendance.sim.phone import IDLE_S, Phone
from attendance.sim.phone_webhooks import Post

CONNECT_S = 5.0
TIMEOUT_S = 30.0
"""The app's own, for a whole exchange; here for each wait for the answer."""


class Postman:
    """The stepper that posts. ``interrupt`` ends a post that waits for its peer.

    Args:
        trusted: whose certificates https addresses must have; ``None``: those that the machine trusts.
    """

    def __init__(self, phone: Phone, *, timeout_s: float = TIMEOUT_S, trusted: ssl.SSLContext | None = None) -> None:
        self._phone = phone
        self._timeout_s = timeout_s
        self._trusted = trusted
        self._lock = threading.Lock()
        self._connection: http.client.HTTPConnection | None = None
        self._interrupted = False

    def step(self) -> float:
        phone = self._phone
        with phone.lock:
            post = phone.webhooks.due()
            next_ns = phone.webhooks.next_boot_ns()
        if post is None:
            wait_s = IDLE_S if next_ns is None else (next_ns - phone.clock.boot_ns()) / 1e9
            return min(IDLE_S, max(0.001, wait_s))
        outcome, taken = self._post(post)
        with phone.lock:
            phone.webhooks.done(post, outcome, taken)
        phone.touch()
        return 0.0

    def interrupt(self) -> None:
        with self._lock:
            self._interrupted = True
            if self._connection is not None and isinstance(self._connection.sock, socket.socket):
                with suppress(OSError):  # not connected, or not any more
                    self._connection.sock.shutdown(socket.SHUT_RDWR)

    def _post(self, post: Post) -> tuple[str, bool]:
        unix_s = int(self._phone.clock.now().at.timestamp())
        headers = post.headers(self._phone.settings.signing_key, unix_s)
        address = urlsplit(post.url)
        target = (address.path or "/") + (f"?{address.query}" if address.query else "")
        try:
            connection = self._connection_to(address.scheme, address.hostname or "", address.port)
            try:
                connection.connect()
                connection.sock.settimeout(self._timeout_s)
                connection.request("POST", target, post.body, headers)
                answer = connection.getresponse()
                answer.read()
            finally:
                connection.close()
        except (OSError, UnicodeError, http.client.HTTPException) as error:
            return getattr(error, "strerror", None) or type(error).__name__, False
        return str(answer.status), 200 <= answer.status < 300

    def _connection_to(self, scheme: str, host: str, port: int | None) -> http.client.HTTPConnection:
        connection: http.client.HTTPConnection
        if scheme == "https":
            connection = http.client.HTTPSConnection(host, port, timeout=CONNECT_S, context=self._trusted)
        else:
            connection = http.client.HTTPConnection(host, port, timeout=CONNECT_S)
        with self._lock:
            if self._interrupted:
                raise ConnectionAbortedError("the phone is switched off")
            self._connection = connection
        return connection
