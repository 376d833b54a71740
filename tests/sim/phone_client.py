"""What talks to a simulated phone in tests: a client of its API, and a server that its reports are posted to."""

import base64
import http.client
import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from attendance.sim.phone_device import SimulatedPhone

ANA, BEN = "+639171234567", "+639189876543"
PASSWORD = "pw"


@dataclass(frozen=True)
class Answer:
    status: int
    body: bytes
    headers: Message

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def call(
    phone: SimulatedPhone,
    method: str,
    path: str,
    body: object = None,
    *,
    auth: str | None = f"sms:{PASSWORD}",
    bearer: str = "",
    timeout_s: float = 10.0,
) -> Answer:
    """One request; ``body`` is sent as JSON unless it is bytes."""
    headers = {"Content-Type": "application/json"}
    if bearer:
        headers["Authorization"] = f"Bearer {bearer}"
    elif auth is not None:
        headers["Authorization"] = "Basic " + base64.b64encode(auth.encode()).decode()
    raw = body if isinstance(body, bytes | None) else json.dumps(body).encode()
    connection = http.client.HTTPConnection("127.0.0.1", phone.port, timeout=timeout_s)
    try:
        connection.request(method, path, raw, headers)
        answer = connection.getresponse()
        return Answer(answer.status, answer.read(), answer.headers)
    finally:
        connection.close()


def message(message_id: str = "m-1", phone: str = ANA, text: str = "Ana arrived at 7:02 AM.", **more: Any) -> Any:
    """The body of a request to send."""
    return {"id": message_id, "textMessage": {"text": text}, "phoneNumbers": [phone], **more}


@dataclass
class Listener:
    """A server that keeps what is posted to it.

    Attributes:
        status: what it answers to the n-th post.
    """

    status: Callable[[int], int] = lambda number: 200
    posts: list[tuple[dict[str, str], bytes]] = field(default_factory=list)

    def __post_init__(self) -> None:
        listener = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                listener.posts.append((dict(self.headers), body))
                self.send_response(listener.status(len(listener.posts)))
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *unused: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}/hook"

    @property
    def events(self) -> list[dict[str, Any]]:
        return [json.loads(body) for _, body in self.posts]

    def of(self, event: str) -> list[dict[str, Any]]:
        return [each for each in self.events if each["event"] == event]

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
