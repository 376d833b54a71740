"""Who is told of alerts, for real, over HTTP; and a poster that needs no process of its own."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from attendance.ops.alert_post import Poster, carried_out


@dataclass
class Receiver:
    """
    Attributes:
        place: host and port.
        heard: path and title of each word; the title of a ping is empty.
        broken: it answers 500 and hears nothing.
    """

    place: str = ""
    heard: list[tuple[str, str]] = field(default_factory=list)
    broken: bool = False


@contextmanager
def receiving() -> Iterator[Receiver]:
    told = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self._answer(json.loads(self.rfile.read(int(self.headers["Content-Length"])))["title"])

        def do_GET(self) -> None:
            self._answer("")

        def _answer(self, title: str) -> None:
            if not told.broken:
                told.heard.append((self.path, title))
            self.send_response(500 if told.broken else 200)
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    told.place = f"127.0.0.1:{server.server_port}"
    yield told
    server.shutdown()
    server.server_close()


class Straight(Poster):
    """Does itself what else a process of its own does; tests/ops/test_alert_post.py has that."""

    def ask(self, order: dict[str, Any]) -> list[bool]:
        answer = carried_out(order)
        assert isinstance(answer, list)
        return answer
