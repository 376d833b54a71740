"""HTTPS from the web server's own loop: nobody who is slow to shake hands holds it up."""

import http.client
import socket
import ssl
import subprocess
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from certificates import self_signed

from attendance.errors import AttendanceError
from attendance.ops import tls, webserver
from attendance.ops.webserver import BODY_LIMIT_BYTES, Streams, WebServer

LARGE = 12_000_000
"""More than a socket buffers for a peer that does not read."""


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate for this machine and its key."""
    return self_signed(tmp_path_factory.mktemp("tls"))


def app(environ, start_response) -> Iterable[bytes]:
    body = environ["wsgi.input"].read()
    large = b"x" * LARGE if environ["PATH_INFO"] == "/large" else b""
    answer = environ["wsgi.url_scheme"].encode() + body + large
    start_response("200 OK", [("Content-Length", str(len(answer)))])
    return [answer]


@pytest.fixture
def server(pair: tuple[Path, Path]) -> Iterator[WebServer]:
    server = WebServer(app, "127.0.0.1", 0, streams=Streams(0), secured=tls.server_context(*pair))
    server.start()
    yield server
    server.stop()


@pytest.fixture
def client(pair: tuple[Path, Path]) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(pair[0]))


def ask(server: WebServer, client: ssl.SSLContext, path: str = "/", body: bytes | None = None) -> tuple[int, bytes]:
    connection = http.client.HTTPSConnection("localhost", server.port, timeout=5, context=client)
    try:
        connection.request("POST" if body is not None else "GET", path, body)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def test_requests_and_large_answers_and_bodies_pass(server: WebServer, client: ssl.SSLContext) -> None:
    """In both directions, over many records."""
    assert ask(server, client) == (200, b"https")
    assert ask(server, client, "/large") == (200, b"https" + b"x" * LARGE)
    assert ask(server, client, body=b"y" * BODY_LIMIT_BYTES) == (200, b"https" + b"y" * BODY_LIMIT_BYTES)


def test_a_slow_reader_gets_everything(server: WebServer, client: ssl.SSLContext) -> None:
    """What cannot be sent yet waits, and the server goes on meanwhile."""
    plain = socket.socket()
    plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    plain.settimeout(10)
    plain.connect(("127.0.0.1", server.port))
    with client.wrap_socket(plain, server_hostname="localhost") as peer:
        peer.sendall(b"GET /large HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert ask(server, client)[0] == 200
        got = 0
        while piece := peer.recv(65_536):
            got += len(piece)
    assert got > LARGE


def test_requests_in_one_record_are_all_answered(server: WebServer, client: ssl.SSLContext) -> None:
    """What TLS has taken from the socket already is not waited for."""
    with client.wrap_socket(
        socket.create_connection(("127.0.0.1", server.port), timeout=5), server_hostname="localhost"
    ) as peer:
        peer.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" * 5)
        got = b""
        while got.count(b"https") < 5:
            piece = peer.recv(65_536)
            assert piece
            got += piece


def test_slow_handshakes_hold_nobody_up(server: WebServer, client: ssl.SSLContext) -> None:
    """200 peers that begin a handshake and never end it, and everybody else is served at once."""
    peers = [socket.create_connection(("127.0.0.1", server.port), timeout=5) for _ in range(200)]
    try:
        for peer in peers[-100:]:
            peer.sendall(b"\x16\x03\x01")
        began = time.monotonic()
        assert [ask(server, client)[0] for _ in range(10)] == [200] * 10
        assert time.monotonic() - began < 3
    finally:
        for peer in peers:
            peer.close()


def test_a_handshake_has_a_deadline(server: WebServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is part of the time for a complete request."""
    monkeypatch.setattr(webserver, "REQUEST_DEADLINE_S", 0.3)
    with socket.create_connection(("127.0.0.1", server.port), timeout=5) as peer:
        peer.sendall(b"\x16\x03\x01")
        assert peer.recv(1) == b""


def test_a_peer_without_tls_is_turned_away(server: WebServer, client: ssl.SSLContext) -> None:
    """Plain HTTP gets no answer, and the server goes on."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=5) as peer:
        peer.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        try:
            answer = peer.recv(1000)
        except ConnectionError:
            answer = b""
        assert b"https" not in answer
    assert ask(server, client)[0] == 200


def test_stop_closes_unfinished_handshakes(server: WebServer) -> None:
    """Within a second, like everything else."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=5) as peer:
        peer.sendall(b"\x16\x03\x01")
        began = time.monotonic()
        assert server.stop()
        assert time.monotonic() - began < 1


@pytest.mark.parametrize("broken", ["missing", "no PEM", "another key", "locked key"])
def test_an_unusable_certificate_is_explained(pair: tuple[Path, Path], tmp_path: Path, broken: str) -> None:
    """The error names both files and what to check; a key with a password asks nobody at the terminal."""
    certificate, key = tmp_path / "gate.pem", tmp_path / "gate.key"
    certificate.write_bytes(pair[0].read_bytes())
    key.write_bytes(pair[1].read_bytes())
    make = ["openssl", "ec", "-in", pair[1], "-out", key, "-aes128", "-passout", "pass:secret"]
    match broken:
        case "missing":
            certificate.unlink()
        case "no PEM":
            key.write_text("no key")
        case "another key":
            subprocess.run(["openssl", "ecparam", "-genkey", "-name", "prime256v1", "-out", key], check=True)
        case "locked key":
            subprocess.run(make, check=True, capture_output=True)
    with pytest.raises(AttendanceError, match=r"gate\.pem.*gate\.key.*belong together"):
        tls.server_context(certificate, key)
