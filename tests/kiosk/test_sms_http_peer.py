"""One HTTP exchange with a gateway is bounded, whatever the other side does, and says whether the request went out."""

import socket
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from certificates import self_signed
from hypothesis import given, settings
from hypothesis import strategies as st
from wire import Asked, Wire, answer

from attendance.errors import BadInput
from attendance.kiosk.sms.connection import Deadline, is_near
from attendance.kiosk.sms.http_peer import ANSWER_LIMIT_BYTES, Answer, ExchangeFailed, HttpPeer

SOON_S = 0.4


def get(url: str, *, seconds: float = 5.0, ca_file: Path | None = None) -> Answer:
    return HttpPeer(url, ca_file=ca_file).exchange("GET", "/messages", {}, None, Deadline(seconds))


def failure(url: str, *, seconds: float = 5.0, ca_file: Path | None = None) -> ExchangeFailed:
    with pytest.raises(ExchangeFailed) as caught:
        get(url, seconds=seconds, ca_file=ca_file)
    return caught.value


def attempt(url: str) -> Answer | ExchangeFailed:
    try:
        return get(url)
    except ExchangeFailed as error:
        return error


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def test_the_path_follows_that_of_the_address() -> None:
    """A base URL with a path, such as a private server's /api/3rdparty/v1, keeps it, with or without a last slash."""
    with Wire(answer(200, {})) as wire:
        assert get(f"{wire.url}/api/3rdparty/v1/").json == {}
    assert wire.asked[0].path == "/api/3rdparty/v1/messages"
    assert wire.asked[0].headers["host"] == f"127.0.0.1:{wire.port}"


def test_a_refused_connection_sent_nothing() -> None:
    """Nobody listens: the message is provably not taken."""
    assert not failure(f"http://127.0.0.1:{free_port()}").request_sent


def test_a_name_that_does_not_exist_sent_nothing() -> None:
    """No address, no request (RFC 6761: .invalid never resolves)."""
    assert not failure("https://gateway.invalid").request_sent


def test_without_time_left_no_name_is_looked_up() -> None:
    """A resolver may take half a minute to give up, and one call makes several requests within its deadline."""
    deadline = Deadline(0.0)
    with pytest.raises(ExchangeFailed, match="timed out") as caught:
        HttpPeer("https://gateway.invalid").exchange("GET", "/messages", {}, None, deadline)
    assert not caught.value.request_sent


def test_a_listener_that_never_accepts_ends_with_the_deadline() -> None:
    """A full backlog is a connection that never comes: not sent, and in time."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        queued = [socket.socket() for _ in range(4)]
        for each in queued:
            each.setblocking(False)
            each.connect_ex(listener.getsockname())
        began = time.monotonic()
        error = failure(f"http://127.0.0.1:{listener.getsockname()[1]}", seconds=SOON_S)
        assert not error.request_sent
        assert time.monotonic() - began < 3
        for each in queued:
            each.close()


def test_silence_after_the_request_may_be_acceptance() -> None:
    """Accept, then hang: it ends with the deadline, and nobody knows."""
    wire = Wire(lambda asked, connection: wire.hold(asked, connection))
    with wire:
        began = time.monotonic()
        assert failure(wire.url, seconds=SOON_S).request_sent
        assert time.monotonic() - began < 3


def drip(every: bytes) -> Callable[[Asked, socket.socket], None]:
    def reply(asked: Asked, connection: socket.socket) -> None:
        while True:
            connection.sendall(every)
            time.sleep(0.01)

    return reply


@pytest.mark.parametrize("every", [b"H", b"HTTP/1.1 100 Continue\r\n\r\n"], ids=["a byte at a time", "endless 100s"])
def test_dripping_does_not_stretch_the_deadline(every: bytes) -> None:
    """Every single read is quick, the whole is not: the deadline counts, not the socket's patience."""
    with Wire(drip(every)) as wire:
        began = time.monotonic()
        assert failure(wire.url, seconds=SOON_S).request_sent
        assert time.monotonic() - began < 3


@pytest.mark.parametrize(
    "reply", [b"", b"HTTP/1.1", b"hello\r\n\r\n", b"HTTP/1.1 abc no\r\n\r\n", b"HTTP/1.1 200 OK\r\nX: " + b"y" * 99_999]
)
def test_no_http_is_no_answer(reply: bytes) -> None:
    """Closing early, half a status line, an endless header: it may have been taken."""
    with Wire(reply) as wire:
        assert failure(wire.url).request_sent


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=300))
def test_no_bytes_do_more_than_fail(reply: bytes) -> None:
    """Whatever comes back, behind a status line or not, is an answer or one clear failure."""
    for before in (b"", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"):
        with Wire(before + reply) as wire:
            outcome = attempt(wire.url)
        assert outcome.request_sent if isinstance(outcome, ExchangeFailed) else outcome.status


@pytest.mark.parametrize("length", [b"Content-Length: 1000000000\r\n\r\n", b"Transfer-Encoding: chunked\r\n\r\n-1\r\n"])
def test_an_answer_of_a_gigabyte_costs_little(length: bytes) -> None:
    """Only the beginning is read, whatever length was announced, and it is no answer."""
    sent = 0

    def reply(asked: Asked, connection: socket.socket) -> None:
        nonlocal sent
        connection.sendall(b"HTTP/1.1 200 OK\r\n" + length)
        while sent < 1_000_000_000:
            sent += connection.send(b"x" * 1_000_000)

    with Wire(reply) as wire:
        got = get(wire.url)
    assert (got.status, got.whole, got.json) == (200, False, None)
    assert len(got.body) <= ANSWER_LIMIT_BYTES
    assert sent < 50_000_000


@pytest.mark.parametrize(
    "cut",
    [
        b'HTTP/1.1 202 Accepted\r\nContent-Length: 99\r\n\r\n{"a": 1}',
        b'HTTP/1.1 202 Accepted\r\nTransfer-Encoding: chunked\r\n\r\n8\r\n{"a": 1}\r\n',
        b"HTTP/1.1 202 Accepted\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\nabc",
    ],
)
def test_a_body_that_breaks_off_leaves_the_status(cut: bytes) -> None:
    """What came of the body is not taken for the whole."""
    with Wire(cut) as wire:
        got = get(wire.url)
    assert (got.status, got.whole, got.json) == (202, False, None)


def test_redirects_are_not_followed() -> None:
    """Whoever redirects is no gateway; numbers of parents go nowhere else."""
    with Wire(answer(200)) as elsewhere, Wire(answer(307, Location=elsewhere.url)) as wire:
        assert get(wire.url).status == 307
    assert elsewhere.asked == []


def test_proxies_of_the_environment_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy set for updates does not get the messages."""
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{free_port()}")
    with Wire(answer(200, {})) as wire:
        assert get(wire.url).status == 200


def test_plain_http_stays_on_private_networks() -> None:
    """A password would cross the internet in the open: refused before anything is sent."""
    error = failure("http://8.8.8.8/3rdparty/v1", seconds=SOON_S)
    assert "Use https" in str(error)
    assert not error.request_sent


@pytest.mark.parametrize(
    ("address", "near"),
    [
        *[(near, True) for near in ("127.0.0.1", "10.1.2.3", "172.16.0.9", "192.168.1.30", "169.254.3.4")],
        *[(near, True) for near in ("::1", "fe80::1%eth0", "fd00::1", "::ffff:192.168.1.30")],
        *[(far, False) for far in ("8.8.8.8", "172.32.0.1", "2606:4700::1111", "::ffff:8.8.8.8", "100.64.0.1")],
    ],
)
def test_what_is_near(address: str, near: bool) -> None:
    """Loopback, private and link-local; an IPv4 address in IPv6 clothes is judged as what it is."""
    assert is_near(address) is near


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return self_signed(tmp_path_factory.mktemp("tls"))


def test_a_private_ca_is_trusted_when_it_is_named(pair: tuple[Path, Path]) -> None:
    """The CA file of a private server makes its certificate good."""
    with Wire(answer(200, {"a": 1}), certificate=pair) as wire:
        assert get(wire.url, ca_file=pair[0]).json == {"a": 1}


def test_a_certificate_that_nobody_vouches_for_is_refused(pair: tuple[Path, Path]) -> None:
    """Nothing is sent to it, and the error says which setting helps."""
    with Wire(answer(200), certificate=pair) as wire:
        error = failure(wire.url)
    assert "ca_file" in str(error)
    assert not error.request_sent
    assert wire.asked == []


def test_a_certificate_for_another_name_is_refused(pair: tuple[Path, Path]) -> None:
    """127.0.0.1 is in it, 127.0.0.2 is not: whoever answers there may be anybody with a certificate."""
    with Wire(answer(200), certificate=pair, host="127.0.0.2") as wire:
        assert not failure(wire.url, ca_file=pair[0]).request_sent
    assert wire.asked == []


@pytest.mark.parametrize("content", [None, "no certificate"])
def test_a_ca_file_that_cannot_be_used_is_named(tmp_path: Path, pair: tuple[Path, Path], content: str | None) -> None:
    """Missing or no PEM: an error that names the file, not a crash."""
    ca_file = tmp_path / "ca.pem"
    if content is not None:
        ca_file.write_text(content)
    with Wire(answer(200), certificate=pair) as wire:
        error = failure(wire.url, ca_file=ca_file)
    assert "ca.pem" in str(error)
    assert not error.request_sent


def test_a_server_without_tls_gets_nothing() -> None:
    """https to a plain port: the handshake fails before a password is sent."""
    with Wire(answer(200)) as wire:
        assert not failure(wire.url.replace("http:", "https:"), seconds=2).request_sent
    assert not any(b"/messages" in asked.method.encode() + asked.path.encode() for asked in wire.asked)


@pytest.mark.parametrize(
    "url",
    [
        *("", "gateway", "ftp://host", "http://", "http://host:99999", "http://host:0", "http://[::1", "https://a b/c"),
        *(
            "http://host/?a=1",
            "http://host/#x",
            "https://gäte.example",
            "http://user:secret@host",
            "http://a:secret@b:x",
        ),
    ],
)
def test_what_is_no_address_is_refused_without_telling_secrets(url: str) -> None:
    """A clear error when made; a password in it is not repeated."""
    with pytest.raises(BadInput) as caught:
        HttpPeer(url)
    assert "secret" not in str(caught.value)
