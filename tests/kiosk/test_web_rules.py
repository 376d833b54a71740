"""Who is served on the gate's port, and that nobody keeps others out: the whole application behind the real server."""

import http.client
import socket
import time
from collections.abc import Iterator

import pytest
from gate_screen import Gate, picture

from attendance.kiosk.web.access import Access
from attendance.ops.webserver import WebServer

CROWD = 300


@pytest.fixture
def gate() -> Gate:
    gate = Gate(Access(trusted_proxies=["127.0.0.1"]))
    gate.board.step()
    return gate


@pytest.fixture
def server(gate: Gate) -> Iterator[WebServer]:
    server = gate.server()
    server.start()
    yield server
    assert server.stop()


def get(server: WebServer, path: str, **headers: str) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=5)
    try:
        connection.request("GET", path, headers={name.replace("_", "-"): value for name, value in headers.items()})
        return connection.getresponse().status
    finally:
        connection.close()


def viewer(server: WebServer, path: str) -> socket.socket:
    peer = socket.create_connection(("127.0.0.1", server.port), timeout=6)
    peer.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    return peer


@pytest.mark.parametrize("path", ["/events", "/stream.mjpg"])
def test_a_crowd_of_viewers_keeps_nobody_out(server: WebServer, path: str) -> None:
    """Hundreds who ask for a stream and read nothing leave threads and connections for everybody else."""
    peers = [viewer(server, path) for _ in range(CROWD)]
    try:
        began = time.monotonic()
        assert [get(server, "/ping") for _ in range(10)] == [200] * 10
        assert time.monotonic() - began < 5
    finally:
        for peer in peers:
            peer.close()


def test_an_idle_live_view_speaks_at_least_every_five_seconds(gate: Gate, server: WebServer) -> None:
    """The same picture comes again: a viewer can tell a quiet camera from a lost gate."""
    gate.preview.put(picture(64, 48))
    peer = viewer(server, "/stream.mjpg")
    while b"--picture" not in peer.recv(65536):
        pass
    peer.settimeout(0.2)
    try:
        while peer.recv(65536):
            pass
    except TimeoutError:
        peer.settimeout(5)
    assert peer.recv(65536)
    peer.close()


@pytest.mark.parametrize(
    ("forwarded", "status"),
    [("192.168.1.20", 200), ("8.8.8.8", 403), ("192.168.1.20, 8.8.8.8", 403), ("nonsense", 403)],
)
@pytest.mark.parametrize("path", ["/health", "/health/system", "/health/database", "/health/components"])
def test_behind_a_named_proxy_the_forwarded_address_counts(
    server: WebServer, path: str, forwarded: str, status: int
) -> None:
    """Details go to private addresses behind it; what was forged before the proxy's own entry is not believed."""
    assert get(server, path, X_Forwarded_For=forwarded) == status


def test_a_proxy_that_nobody_named_makes_nobody_private() -> None:
    """On a device with a forgotten proxy the whole world would look local."""
    gate = Gate()
    gate.board.step()
    server = gate.server()
    server.start()
    try:
        assert get(server, "/health") == 200
        assert get(server, "/health", X_Forwarded_For="127.0.0.1") == 403
    finally:
        server.stop()


@pytest.mark.parametrize("path", ["/health", "/health/system", "/", "/photo/x.jpg"])
def test_a_foreign_host_is_refused(server: WebServer, path: str) -> None:
    """A page of the internet that points its name at this device reads nothing."""
    assert get(server, path, Host="evil.example") == 421
    assert get(server, "/ping", Host="evil.example") == 200


@pytest.mark.parametrize("host", ["..", ".", "a..b", "xn--a", "a" * 300, "[::", "a b", "%", "%00"])
def test_a_host_that_can_be_no_name_is_refused_and_breaks_nothing(server: WebServer, host: str) -> None:
    """It gets the answer of any foreign name, never a failure of ours."""
    assert get(server, "/", Host=host) == 421
    assert get(server, "/ping", Host=host) == 200
