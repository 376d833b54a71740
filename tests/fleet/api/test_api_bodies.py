"""Bodies that no gate sends: whatever comes, the answer is a refusal in JSON, and the centre goes on."""

import gzip
import json
import secrets
import socket
import threading
import time
import zlib
from urllib.parse import urlsplit

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scans import ledger, scan
from served_centre import Caller, ServedCentre, heartbeat

from attendance.domain import wire

JSON = {"Content-Type": "application/json"}


@pytest.fixture(scope="module")
def caller(centre: ServedCentre) -> Caller:
    return centre.gate(centre.school())


def bomb() -> bytes:
    """A gigabyte of spaces, packed: about a megabyte. It has no end, and nobody is to get so far."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    first, again = (packer.compress(b" " * 2**20) + packer.flush(zlib.Z_FULL_FLUSH) for _ in range(2))
    return first + 1023 * again


WRONG = {
    "empty": (b"", JSON, 400, "bad-json"),
    "no json": (b"\xff\xfe{", JSON, 400, "bad-json"),
    "another value": (b"[]", JSON, 400, "wrong-fields"),
    "another type": (b"{}", {"Content-Type": "text/plain"}, 415, "not-json"),
    "a name missing": (b"{}", JSON, 400, "wrong-fields"),
    "not a number": (b'{"items": [NaN]}', JSON, 400, "bad-json"),
    "deep": (b'{"items": ' + b"[" * 100_000, JSON, 400, "bad-json"),
    "a long number": (b'{"items": [' + b"1" * 50_000 + b"]}", JSON, 400, "bad-json"),
    "half a letter": (b'{"items": ["\\ud800"]}', JSON, 400, "bad-json"),
    "too many items": (json.dumps({"items": [1] * 501}).encode(), JSON, 400, "wrong-fields"),
    "too long": (b" " * (wire.LARGEST_BODY_BYTES + 1), JSON, 413, "too-large"),
    "a bomb": (bomb(), {**JSON, "Content-Encoding": "gzip"}, 413, "too-large"),
    "no gzip": (b'{"items": []}', {**JSON, "Content-Encoding": "gzip"}, 400, "bad-gzip"),
    "half a gzip": (gzip.compress(b'{"items": []}')[:-6], {**JSON, "Content-Encoding": "gzip"}, 400, "bad-gzip"),
    "more than gzip": (gzip.compress(b'{"items": []}') + b"x", {**JSON, "Content-Encoding": "gzip"}, 400, "bad-gzip"),
    "an unknown coding": (b"x", {**JSON, "Content-Encoding": "br"}, 415, "unknown-coding"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_body_is_refused(caller: Caller, name: str) -> None:
    """With a status, a code and a sentence, signed; nothing is kept."""
    body, headers, status, code = WRONG[name]
    refused = caller.ask("POST", "/sync", raw=body, headers=headers)
    assert (refused.status, refused.code, refused.signed) == (status, code, True)
    assert refused.json["error"]["message"].endswith(".")


def test_a_refusal_repeats_nothing_that_was_sent(caller: Caller) -> None:
    """A body may hold names: the message says which field is wrong, and not what it held."""
    secret = secrets.token_hex(8)
    refused = caller.ask("POST", "/heartbeat", heartbeat(version={"name": secret}, queue=secret, boot_id=secret * 20))
    assert refused.status == 400
    assert secret not in refused.body.decode()


def test_poison_in_a_batch_harms_nobody_else(caller: Caller) -> None:
    """NUL, infinite numbers, huge ones, nests and strange types: each rejected in its place, the scan is kept."""
    own = ledger(f"gate-{secrets.token_hex(3)}")
    good = scan(own)
    bad = scan(own)
    poison = [
        "null", "true", '"text"', "[]", "{}", "1e999", "9" * 4000, "[" * 90 + "]" * 90, '{"type": {"a": 1}}',
        json.dumps({**bad, "session": "a\x00b"}),
        json.dumps({**bad, "status": "a\x00b"}),
        json.dumps({**bad, "boot_ns": 2**70}),
        json.dumps({**bad, "seq": 0}),
        json.dumps({**bad, "seq": True}),
        json.dumps({**bad, "scanned_at": "2026-02-30T00:00:00.000000Z"}),
        json.dumps({**bad, "day": "9999-99-99"}),
        json.dumps({"type": "student", "student_key": "k", "note": "a\x00b"}),
        '{"type": "photo", "score": 1e999}',
    ]  # fmt: skip
    body = f'{{"items": [{json.dumps(good)}, {", ".join(poison)}]}}'
    answer = caller.ask("POST", "/sync", raw=body.encode(), headers=JSON)
    assert answer.status == 200, answer.body
    results = [each["result"] for each in answer.json["results"]]
    assert results == ["created"] + ["rejected"] * len(poison)
    assert all(each["reason"] for each in answer.json["results"][1:])


JUNK = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20)
    | st.just("\x00"),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=20,
)
FIELDS = {*wire.Scan.model_fields, *wire.Student.model_fields, *wire.Photo.model_fields} - {"type"}
ITEM = st.fixed_dictionaries({"type": st.sampled_from(wire.TYPES) | JUNK}, optional=dict.fromkeys(sorted(FIELDS), JUNK))


@settings(max_examples=30, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(items=st.lists(ITEM | JUNK, max_size=8))
def test_any_batch_gets_one_answer_for_each_item(caller: Caller, items: list[object]) -> None:
    """Whatever the items are, as long as it is JSON."""
    answer = caller.ask("POST", "/sync", {"items": items})
    assert answer.status == 200, answer.body
    assert len(answer.json["results"]) == len(items)


@settings(max_examples=30, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=st.binary(max_size=300), coding=st.sampled_from(["", "gzip"]), path=st.sampled_from(["sync", "heartbeat"]))
def test_any_bytes_get_an_answer(caller: Caller, body: bytes, coding: str, path: str) -> None:
    """And it is never a fault of the centre."""
    answer = caller.ask(
        "POST", f"/{path}", raw=body, headers={**JSON, **({"Content-Encoding": coding} if coding else {})}
    )
    assert 400 <= answer.status < 500
    assert answer.code


def connect(url: str) -> socket.socket:
    parts = urlsplit(url)
    return socket.create_connection((parts.hostname, parts.port), timeout=60)


def status_of(line: socket.socket) -> int:
    """Of the answer; 0 if the connection ends without one."""
    try:
        start = line.recv(4096)
    except ConnectionError:
        return 0
    return int(start.split()[1]) if start else 0


HEAD = b"POST /api/v1/sync HTTP/1.1\r\nHost: centre\r\nContent-Type: application/json\r\n"


@pytest.mark.parametrize(
    "sent",
    [
        HEAD + b"Content-Length: 100\r\n\r\nshort",
        HEAD + b"Content-Length: -5\r\n\r\n",
        HEAD + b"Content-Length: 5, 6\r\n\r\nhello",
        HEAD + b"Content-Length: 5\r\nContent-Length: 50\r\n\r\nhello",
        HEAD + b"Content-Length: 99999999999999999999\r\n\r\nhello",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\nZZZ\r\nhello",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhel",
        HEAD + b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
        HEAD + b"X: " + b"y" * 20_000 + b"\r\n\r\n",
        b"GET /api/v1/\xff\xfe%00%zz HTTP/1.1\r\nHost: centre\r\n\r\n",
        b"GET http://[::1/ HTTP/1.1\r\nHost: ..\r\n\r\n",
        b"GET /api/v1/changes HTTP/1.1\r\nHost: xn--a\r\nAuthorization: Bearer \xff\xfe\r\n\r\n",
        b"\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03",
        b"\x00" * 100,
    ],
)
def test_a_request_that_is_none_is_refused(centre: ServedCentre, sent: bytes) -> None:
    """Lengths that lie, chunks that are none, names that cannot be: refused or hung up on, and never a 500."""
    with connect(centre.url) as line:
        line.sendall(sent)
        line.shutdown(socket.SHUT_WR)
        assert status_of(line) in (0, *range(400, 500))


def test_a_body_that_is_much_too_long_is_not_waited_for(centre: ServedCentre) -> None:
    """Its length is enough to refuse it."""
    with connect(centre.url) as line:
        line.sendall(HEAD.replace(b"sync", b"enrol") + b"Content-Length: 200000000\r\n\r\n")
        assert status_of(line) == 413


def test_slow_askers_keep_nobody_waiting(centre: ServedCentre, caller: Caller) -> None:
    """More of them than the centre has threads, each with half a request: a gate is served at once."""
    lines = [connect(centre.url) for _ in range(20)]
    try:
        for line in lines:
            line.sendall(HEAD + b"Content-Length: 100\r\n\r\nhalf")
        before = time.monotonic()
        assert caller.ask("GET", "/changes").status == 200
        assert time.monotonic() - before < 10
    finally:
        for line in lines:
            line.close()


def test_who_does_not_hang_up_keeps_nobody_waiting(centre: ServedCentre, caller: Caller) -> None:
    """They have their answer, asked for the connection to be closed, and leave their own end open."""
    lines = [connect(centre.url) for _ in range(20)]
    try:
        for line in lines:
            line.sendall(b"GET /readyz HTTP/1.1\r\nHost: centre\r\nConnection: close\r\n\r\n")
        for line in lines:
            assert line.recv(4096).startswith(b"HTTP/1.1 200")
        before = time.monotonic()
        assert caller.ask("GET", "/changes").status == 200
        assert time.monotonic() - before < 2
    finally:
        for line in lines:
            line.close()


def test_who_is_refused_amid_sending_hears_why(centre: ServedCentre) -> None:
    """A body far beyond what waits in the line: an unknown gate sends all of it, and reads that it is unknown."""
    body = b"x" * 2_000_000
    path = f"/photos/{'ab' * 32}?offset=0&size=2000000"
    refused = Caller(centre.url).ask("PUT", path, raw=body, headers={"Connection": "close"})
    assert (refused.status, refused.code) == (401, "unknown-gate")


@pytest.mark.slow
def test_nobody_may_trickle_for_ever(centre: ServedCentre, caller: Caller) -> None:
    """A byte a second keeps no thread: after the deadline the request is over."""
    ended = threading.Event()

    def trickle() -> None:
        with connect(centre.url) as line:
            line.sendall(HEAD + b"Content-Length: 1000\r\n\r\n")
            line.settimeout(1.0)
            for _ in range(60):
                try:
                    line.sendall(b"x")
                    if line.recv(4096):
                        break
                except TimeoutError:
                    continue
                except OSError:
                    break
            else:
                return
            ended.set()

    threads = [threading.Thread(target=trickle) for _ in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert ended.is_set()
    assert caller.ask("GET", "/changes").status == 200
