"""The centre's processes: HTTPS, proxies that nobody named, a process that is killed, parts that are not installed."""

import http.client
import json
import socket
import ssl
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import pytest
from certificates import self_signed
from served_centre import Caller, Said, ServedCentre

from attendance.cli import main


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedCentre]:
    """HTTPS, without any proxy that is trusted."""
    folder = tmp_path_factory.mktemp("secured")
    certificate, key = self_signed(folder)
    served = ServedCentre(folder, options=("--tls-cert", str(certificate), "--tls-key", str(key)))
    yield served
    assert served.stop() == 0


def ask(served: ServedCentre, method: str, path: str, said: object = None, **headers: str) -> Said:
    trusted = ssl.create_default_context(cafile=str(served.folder / "gate.pem"))
    parts = urlsplit(served.url)
    connection = http.client.HTTPSConnection(parts.hostname or "", parts.port, context=trusted, timeout=30)
    body = json.dumps(said).encode() if said is not None else None
    told = {"Content-Type": "application/json", **{name.replace("_", "-"): value for name, value in headers.items()}}
    connection.request(method, path, body, told)
    answer = connection.getresponse()
    found = Said(answer.status, dict(answer.headers), answer.read(), False)
    connection.close()
    return found


def test_https_without_a_proxy(secured: ServedCentre) -> None:
    """The certificate is the one that was named."""
    assert secured.url.startswith("https://")
    assert ask(secured, "GET", "/readyz").status == 200
    assert ask(secured, "GET", "/api/v1/openapi.json").status == 200


def test_who_says_nothing_keeps_nobody_waiting(secured: ServedCentre) -> None:
    """Connections without a handshake, and plain words on the port of HTTPS."""
    address = urlsplit(secured.url)
    lines = [socket.create_connection((address.hostname, address.port)) for _ in range(200)]
    for line in lines[:20]:
        line.sendall(b"GET / HTTP/1.1\r\n\r\n")
    for _ in range(5):
        before = time.monotonic()
        assert ask(secured, "GET", "/livez").status == 200
        assert time.monotonic() - before < 4
    for line in lines:
        line.close()


def test_a_proxy_that_nobody_named_is_not_believed(secured: ServedCentre) -> None:
    """Else whoever guesses codes would invent a new address for each guess."""
    said = {"code": "WRONG", "key_hash": "a" * 64, "device_id": "d"}
    answers = [
        ask(secured, "POST", "/api/v1/enrol", said, X_Forwarded_For=f"203.0.113.{number}").status for number in range(7)
    ]
    assert answers[:5] == [403] * 5
    assert 429 in answers[5:]


def test_a_process_that_dies_is_replaced(secured: ServedCentre, eventually: Callable[..., None]) -> None:
    """The port stays open, and others do what they did: answer, or, one of them, keep house at a lower priority."""
    parent = psutil.Process(secured.process.pid)
    before = {each.pid for each in parent.children()}
    for each in parent.children():
        each.kill()

    def replaced() -> bool:
        now = {each.pid for each in parent.children()}
        return len(now) == len(before) and not now & before

    eventually(replaced, within_s=30)
    assert ask(secured, "GET", "/readyz").status == 200
    nice = parent.nice()
    wanted = [nice, nice, min(nice + 10, 19)]
    eventually(lambda: sorted(each.nice() for each in parent.children()) == wanted, within_s=30)


def test_the_log_holds_no_secrets(secured: ServedCentre) -> None:
    """Neither codes, nor tokens, nor their hashes, nor names."""
    code = secured.invite(secured.school("Secret School"))
    caller = Caller(secured.url)
    said = {"code": code, "key_hash": caller.key_hash, "device_id": "gate-secret", "device_name": "Ana Cruz"}
    assert ask(secured, "POST", "/api/v1/enrol", said).status in (200, 429)
    ask(secured, "GET", "/api/v1/changes", Authorization=f"Bearer {caller.token}", Attendance_Request="x")
    told = "".join(secured.log)
    assert not any(each in told for each in (code, caller.key_hash, caller.token, "Ana Cruz", "Secret School"))


def test_a_port_that_is_taken_is_explained(
    secured: ServedCentre, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """With how to find who holds it."""
    port = str(urlsplit(secured.url).port)
    assert main(["fleet", "serve", "--port", port, "--data-dir", str(tmp_path)]) == 1
    assert "ss -ltnp" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--tls-cert", "cert.pem"], "needs both"),
        (["--tls-cert", "none.pem", "--tls-key", "none.key"], "cannot be used"),
        (["--workers", "-1"], "at least one"),
        (["--trusted-proxy", "here"], "neither an IP address"),
        (["--db", "mysql://x"], "sqlite:///"),
    ],
)
def test_what_cannot_be_served_is_said(
    options: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Before anything listens."""
    assert main(["fleet", "serve", "--data-dir", str(tmp_path), *options]) == 1
    assert said in capsys.readouterr().err


def test_a_gate_is_told_what_a_centre_needs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """On a gate the centre's parts are not installed: one sentence says how they are."""
    monkeypatch.setitem(sys.modules, "sqlalchemy", None)
    assert main(["fleet", "gates", "list", "--data-dir", str(tmp_path)]) == 1
    assert "pip install -r requirements-fleet.txt" in capsys.readouterr().err
