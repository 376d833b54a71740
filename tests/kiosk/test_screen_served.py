"""The screen over real sockets: malformed requests, streams above the cap, and the time an event takes."""

import http.client
import json
import socket
import time
from collections.abc import Iterator

import pytest
from gate_screen import Gate, picture, scan_event

from attendance.ops.webserver import Streams, WebServer


@pytest.fixture
def gate() -> Gate:
    return Gate(streams=Streams(3))


@pytest.fixture
def server(gate: Gate) -> Iterator[WebServer]:
    server = gate.server()
    server.start()
    yield server
    server.stop()


def _stream(port: int, path: str) -> tuple[http.client.HTTPConnection, http.client.HTTPResponse]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=8)
    connection.request("GET", path)
    return connection, connection.getresponse()


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"\r\n\r\n\x00\xff\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: [::\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET /%ff%fe HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET //evil.example/ HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nno colon\r\n\r\n",
        b"GET /photo/%2e%2e/%2e%2e.jpg HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"POST /scan HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n",
        b"POST /scan HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"POST /scan HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        b"Content-Length: 2\r\n\r\n\xff\xff",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"y" * 20_000 + b"\r\n\r\n",
    ],
)
def test_malformed_requests_get_a_4xx(server: WebServer, request_bytes: bytes) -> None:
    """Broken syntax, hosts, lengths, chunks and headers: refused, and the server goes on."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=5) as peer:
        peer.sendall(request_bytes)
        assert peer.recv(100).startswith((b"HTTP/1.1 4", b"HTTP/1.0 4"))
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=5)
    connection.request("GET", "/ping")
    assert connection.getresponse().status == 200


def test_events_arrive_one_by_one(gate: Gate, server: WebServer) -> None:
    """Each before the next is published, in the form of server-sent events."""
    connection, answer = _stream(server.port, "/events")
    while b'"clock"' not in answer.readline():
        pass
    answer.readline()
    for number in range(20):
        gate.events.publish("scan", scan_event(count=number))
        answer.readline()
        assert json.loads(answer.readline().removeprefix(b"data: "))["count"] == number
        answer.readline()
    connection.close()


def test_an_idle_stream_speaks_at_least_every_five_seconds(server: WebServer) -> None:
    """A viewer can tell a silent gate from a lost one."""
    connection, answer = _stream(server.port, "/events")
    while b'"clock"' not in answer.readline():
        pass
    began = time.monotonic()
    while b'"clock"' not in answer.readline():
        pass
    assert time.monotonic() - began < 5
    connection.close()


def test_the_newest_viewer_always_gets_the_stream(gate: Gate, server: WebServer) -> None:
    """Above the cap the oldest stream ends, the others go on, and pages are still served."""
    viewers = [_stream(server.port, "/events") for _ in range(4)]
    assert viewers[0][1].read().startswith(b"retry")
    gate.events.publish("state", {"count": 7})
    for _, answer in viewers[1:]:
        while b'"count":7' not in answer.readline():
            pass
    page, answer = _stream(server.port, "/")
    assert answer.status == 200
    for connection, _ in [*viewers, (page, answer)]:
        connection.close()


def test_the_live_view_is_a_stream_of_whole_pictures(gate: Gate, server: WebServer) -> None:
    """Each part is complete as soon as it is sent: its closing boundary comes with it."""
    jpeg = picture(64, 48)
    gate.preview.put(jpeg)
    connection, answer = _stream(server.port, "/stream.mjpg")
    assert answer.getheader("Content-Type") == "multipart/x-mixed-replace; boundary=picture"
    head = f"--picture\r\nContent-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\n\r\n".encode()
    expected = head + jpeg + b"\r\n--picture\r\n"
    assert answer.read(len(expected)) == expected
    connection.close()
