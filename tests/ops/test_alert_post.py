"""Words that leave for real: through Apprise, to a server of our own."""

import json
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from attendance.errors import AttendanceError
from attendance.ops.alert_post import Post, Poster


class Receiver(BaseHTTPRequestHandler):
    """Remembers what it is told; answers 500 at /broken."""

    heard: list[tuple[str, Any]]

    def do_GET(self) -> None:
        self.heard.append((self.path, None))
        self._answer()

    def do_POST(self) -> None:
        self.heard.append((self.path, json.loads(self.rfile.read(int(self.headers["Content-Length"])))))
        self._answer()

    def _answer(self) -> None:
        self.send_response(500 if "/broken" in self.path else 200)
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def receiver() -> Iterator[str]:
    Receiver.heard = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_each_address_is_told_and_answers_for_itself(receiver: str) -> None:
    """One that fails, or is no address, keeps nothing from the others."""
    addresses = [f"json://{receiver}/office", f"json://{receiver}/broken", "nonsense", f"json://{receiver}/head"]
    assert Poster().send(Post(addresses, "Gate: hot", "What to do: …", "warning")) == [True, False, False, True]
    heard = dict(Receiver.heard)
    assert set(heard) == {"/office", "/broken", "/head"}
    assert (heard["/office"]["title"], heard["/office"]["message"]) == ("Gate: hot", "What to do: …")
    assert heard["/office"]["type"] == "warning"


def test_nobody_to_tell_starts_nothing() -> None:
    """No address, no process."""
    assert Poster().send(Post([], "…", "…", "error")) == []


def test_addresses_are_judged_without_sending(receiver: str) -> None:
    """For whoever has just configured one."""
    assert Poster().understood([f"json://{receiver}/office", "nonsense"]) == [True, False]
    assert Receiver.heard == []


@pytest.mark.parametrize(("well", "path"), [(True, "/ping/abc"), (False, "/ping/abc/fail")])
def test_a_dead_man_s_switch_hears_how_it_is(receiver: str, well: bool, path: str) -> None:
    """healthchecks.io's convention: the address itself, or with /fail."""
    assert Poster().ping(f"http://{receiver}/ping/abc/", well=well)
    assert Receiver.heard == [(path, None)]


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/", "file:///etc/passwd", "nonsense"])
def test_a_switch_that_does_not_answer_was_not_told(url: str) -> None:
    """And no file of the machine is one."""
    assert not Poster().ping(url, well=True)


def test_a_switch_that_answers_an_error_was_not_told(receiver: str) -> None:
    assert not Poster().ping(f"http://{receiver}/broken", well=True)


def test_a_slow_address_does_not_hold_up_the_end() -> None:
    """Who stops the gate waits for no mail server."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        poster = Poster()
        threading.Timer(0.5, poster.interrupt).start()
        with pytest.raises(AttendanceError, match="ended"):
            poster.send(Post([f"json://127.0.0.1:{silent.getsockname()[1]}/"], "…", "…", "error"))
        with pytest.raises(AttendanceError, match="ended"):
            poster.ping("http://127.0.0.1:9/", well=True)
