"""The web server: it answers whatever others do to it, and really stops."""

import http.client
import socket
import threading
import time
from collections.abc import Iterable, Iterator

import pytest

from attendance.errors import AttendanceError
from attendance.ops import webserver
from attendance.ops.webserver import BODY_LIMIT_BYTES, CONNECTION_LIMIT, Streams, WebServer


def app(environ, start_response) -> Iterable[bytes]:
    body = environ["wsgi.input"].read()
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body) + 4))])
    return [b"pong", body]


@pytest.fixture
def server() -> Iterator[WebServer]:
    server = WebServer(app, "127.0.0.1", 0, streams=Streams(2))
    server.start()
    yield server
    server.stop()


def ask(port: int, body: bytes | None = None) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("POST" if body is not None else "GET", "/ping", body)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def half_open(port: int) -> socket.socket:
    peer = socket.create_connection(("127.0.0.1", port), timeout=5)
    peer.sendall(b"GET /ping HTTP/1.1\r\nHost: x\r\n")
    return peer


def closed_within(peer: socket.socket, seconds: float) -> bool:
    peer.settimeout(seconds)
    try:
        return peer.recv(1) == b""
    except ConnectionError:
        return True
    except TimeoutError:
        return False


def test_answers_while_500_connections_are_half_open(server: WebServer) -> None:
    """500 connections that never finish their request do not keep anybody else out."""
    peers = [half_open(server.port) for _ in range(500)]
    try:
        assert [ask(server.port) for _ in range(20)] == [(200, b"pong")] * 20
    finally:
        for peer in peers:
            peer.close()


def test_the_longest_waiting_makes_room(server: WebServer) -> None:
    """At the cap the oldest waiting connection is closed, and not a younger one."""
    peers = [half_open(server.port) for _ in range(CONNECTION_LIMIT)]
    try:
        assert ask(server.port) == (200, b"pong")
        assert closed_within(peers[0], 5)
        assert not closed_within(peers[-1], 0.05)
    finally:
        for peer in peers:
            peer.close()


def test_a_trickling_request_meets_an_absolute_deadline(server: WebServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sending a byte now and then does not prolong the time for a complete request."""
    monkeypatch.setattr(webserver, "REQUEST_DEADLINE_S", 0.5)
    peer = half_open(server.port)
    began = time.monotonic()
    while time.monotonic() - began < 5:
        try:
            peer.sendall(b"x")
        except ConnectionError:
            break
        if closed_within(peer, 0.05):
            break
    assert 0.4 < time.monotonic() - began < 3
    peer.close()


def test_without_connections_its_loop_rests_for_a_second(server: WebServer, eventually) -> None:
    """An idle server wakes once a second; one that somebody is connected to looks at the deadlines more often."""

    def next_beat_ns() -> int:
        before = server.beat_boot_ns
        eventually(lambda: server.beat_boot_ns != before)
        return server.beat_boot_ns

    begun = next_beat_ns()
    assert next_beat_ns() - begun >= 0.9e9
    with half_open(server.port):
        begun = next_beat_ns()
        assert next_beat_ns() - begun < 0.9e9


def test_a_peer_that_takes_nothing_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A viewer that stops reading frees its thread and its memory."""
    monkeypatch.setattr(webserver, "STALLED_WRITE_S", 0.5)
    ended: list[bool] = []

    def endless(_environ, start_response) -> Iterator[bytes]:
        start_response("200 OK", [("Content-Type", "text/plain")])
        try:
            while True:
                yield b"x" * 65536
        finally:
            ended.append(True)

    server = WebServer(endless, "127.0.0.1", 0, streams=Streams(1))
    server.start()
    peer = socket.create_connection(("127.0.0.1", server.port))
    peer.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    deadline = time.monotonic() + 8
    while not ended and time.monotonic() < deadline:
        time.sleep(0.02)
    assert ended
    peer.close()
    assert server.stop()


@pytest.mark.parametrize(("size", "status"), [(BODY_LIMIT_BYTES, 200), (BODY_LIMIT_BYTES + 1, 413)])
def test_bodies_are_limited(server: WebServer, size: int, status: int) -> None:
    """64 KiB are taken, a byte more is refused."""
    assert ask(server.port, b"x" * size)[0] == status


def test_a_declared_huge_body_is_refused_unread(server: WebServer) -> None:
    """100 MB are refused by their header, before a byte of them is sent."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=5) as peer:
        peer.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 104857600\r\n\r\n")
        assert peer.recv(100).startswith(b"HTTP/1.1 413")


def test_a_taken_port_is_an_error_at_start(server: WebServer) -> None:
    """The start fails at once, says which port and what to do."""
    with pytest.raises(AttendanceError, match=rf"port {server.port}.*ss -ltnp"):
        WebServer(app, "127.0.0.1", server.port, streams=Streams(1)).start()


def test_an_address_of_another_machine_is_an_error() -> None:
    """A host that is not ours is explained."""
    with pytest.raises(AttendanceError, match=r"203\.0\.113\.1"):
        WebServer(app, "203.0.113.1", 0, streams=Streams(1)).start()


def test_stop_closes_everything_in_less_than_a_second() -> None:
    """With a stream and a half-open connection: both end, the threads end, the port is free."""
    streams = Streams(2)
    waiting = _Waiting()
    server = WebServer(waiting.app(streams), "127.0.0.1", 0, streams=streams)
    server.start()
    port = server.port
    half = half_open(port)
    stream = socket.create_connection(("127.0.0.1", port), timeout=5)
    stream.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    assert stream.recv(10)
    began = time.monotonic()
    assert server.stop()
    assert time.monotonic() - began < 1
    assert closed_within(half, 1)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=1)
    again = WebServer(app, "127.0.0.1", port, streams=Streams(0))
    again.start()
    again.stop()


def test_stop_may_be_called_twice_and_before_start(server: WebServer) -> None:
    """Stopping is idempotent."""
    assert WebServer(app, "127.0.0.1", 0, streams=Streams(0)).stop()
    assert server.stop()
    assert server.stop()


def test_a_stream_above_the_cap_ends_the_oldest() -> None:
    """The newest stream always gets a place."""
    streams = Streams(2)
    ended: list[int] = []
    with streams.hold(lambda: ended.append(1)), streams.hold(lambda: ended.append(2)):
        assert ended == []
        with streams.hold(lambda: ended.append(3)):
            assert ended == [1]


def test_streams_leave_threads_for_requests() -> None:
    """With every stream place taken, and more wanted, ordinary requests are answered."""
    streams = Streams(3)
    waiting = _Waiting()
    server = WebServer(waiting.app(streams), "127.0.0.1", 0, streams=streams)
    server.start()
    peers = [socket.create_connection(("127.0.0.1", server.port), timeout=5) for _ in range(20)]
    try:
        for peer in peers:
            peer.sendall(b"GET /stream HTTP/1.1\r\nHost: x\r\n\r\n")
            assert peer.recv(10)
        assert ask(server.port, b"")[0] == 200
    finally:
        for peer in peers:
            peer.close()
        server.stop()


class _Waiting:
    """An application whose GET answers are streams that wait to be ended."""

    def app(self, streams: Streams):
        def serve(environ, start_response) -> Iterator[bytes]:
            start_response("200 OK", [("Content-Type", "text/plain")])
            if environ["REQUEST_METHOD"] != "GET":
                yield b"pong"
                return
            end = threading.Event()
            with streams.hold(end.set):
                yield b"here "
                end.wait(30)

        return serve
