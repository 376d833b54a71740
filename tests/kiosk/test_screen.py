"""The screen's addresses: who gets them, what they take, and that nothing makes them fail."""

import json
import threading
from collections.abc import Iterator

import pytest
from flask.testing import FlaskClient
from gate_screen import Gate, picture, scan_event
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from attendance.errors import BadInput
from attendance.kiosk.web.access import Access

SCREEN_ADDRESSES = ["/", "/events", "/stream.mjpg", "/photo/scan-1.jpg"]


def client(gate: Gate, peer: str = "127.0.0.1") -> FlaskClient:
    test_client = gate.app().test_client()
    test_client.environ_base["REMOTE_ADDR"] = peer
    return test_client


@pytest.fixture
def gate() -> Gate:
    return Gate()


# --- who gets it


@pytest.mark.parametrize("path", SCREEN_ADDRESSES)
def test_other_machines_get_nothing_of_the_screen(gate: Gate, path: str) -> None:
    """A neighbour in the school's network is refused and told which settings would let it in."""
    gate.photos["scan-1"] = picture()
    answer = client(gate, "192.168.1.20").get(path)
    assert answer.status_code == 403
    assert "screen.allow" in answer.text
    assert "screen.token" in answer.text
    assert "192.168.1.20" in answer.text


def test_other_machines_cannot_scan(gate: Gate) -> None:
    """A scan from elsewhere is refused and reaches nobody."""
    assert client(gate, "192.168.1.20").post("/scan", json={"payload": "2024-001"}).status_code == 403
    assert gate.scans == []


@pytest.mark.parametrize("peer", ["192.168.1.20", "10.9.8.7", "::ffff:10.9.8.7"])
def test_named_addresses_get_the_screen(peer: str) -> None:
    """screen.allow takes addresses and networks."""
    gate = Gate(Access(allow=["192.168.1.20", "10.0.0.0/8"]))
    assert client(gate, peer).get("/").status_code == 200
    assert client(gate, "192.168.1.21").get("/").status_code == 403


def test_the_token_becomes_a_cookie() -> None:
    """/?token=… once, then the browser has a strict cookie, and the token is gone from the address."""
    browser = client(Gate(Access(screen_token="s3cret")), "192.168.1.20")
    answer = browser.get("/?token=s3cret")
    cookie = answer.headers["Set-Cookie"]
    assert (answer.status_code, answer.location) == (302, "/")
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    assert "s3cret" not in cookie
    assert browser.get("/").status_code == 200


@pytest.mark.parametrize("token", ["", "wrong", "s3cre", "s3cretx", "ü"])
def test_a_wrong_token_opens_nothing(token: str) -> None:
    """Nor does an empty one, with or without a token set."""
    assert (
        client(Gate(Access(screen_token="s3cret")), "192.168.1.20").get("/", query_string={"token": token}).status_code
        == 403
    )
    assert client(Gate(), "192.168.1.20").get("/", query_string={"token": token}).status_code == 403


def test_a_foreign_host_name_is_refused(gate: Gate) -> None:
    """A page of the internet whose name points to this device gets nothing (DNS rebinding)."""
    answer = client(gate).get("/", headers={"Host": "evil.example"})
    assert answer.status_code == 421
    assert "web.hosts" in answer.text


@pytest.mark.parametrize("host", ["127.0.0.1:8080", "localhost", "[::1]:8080", "192.168.1.5", "gate.school.example."])
def test_own_names_are_answered(host: str) -> None:
    """Addresses, localhost and the configured names."""
    gate = Gate(Access(hosts=["Gate.School.example"]))
    assert client(gate).get("/", headers={"Host": host}).status_code == 200


def test_a_proxy_that_nobody_named_is_not_the_device(gate: Gate) -> None:
    """A forwarded request does not become local because the proxy is."""
    assert client(gate).get("/", headers={"X-Forwarded-For": "127.0.0.1"}).status_code == 403


@pytest.mark.parametrize(
    ("forwarded", "status"),
    [
        ("192.168.1.20", 200),
        ("192.168.1.21", 403),
        ("192.168.1.20, 192.168.1.21", 403),
        ("192.168.1.21, 192.168.1.20", 200),
        ("192.168.1.20, 127.0.0.1", 200),
        ("nonsense", 403),
    ],
)
def test_behind_a_named_proxy_the_peer_is_the_last_unnamed_hop(forwarded: str, status: int) -> None:
    """What a client writes into the header before the proxy does not count."""
    gate = Gate(Access(allow=["192.168.1.20"], trusted_proxies=["127.0.0.0/8"]))
    assert client(gate).get("/", headers={"X-Forwarded-For": forwarded}).status_code == status


def test_a_bad_address_in_the_settings_is_explained() -> None:
    """The error names the key and the value."""
    with pytest.raises(BadInput, match=r"screen\.allow: '10\.0\.0\.300'"):
        Access(allow=["10.0.0.300"])


# --- what it answers


def test_nothing_comes_from_outside_the_device(gate: Gate) -> None:
    """The page may load from itself only, and names no other place."""
    answer = client(gate).get("/")
    assert "default-src 'self'" in answer.headers["Content-Security-Policy"]
    assert "http://" not in answer.text
    assert "https://" not in answer.text
    assert "unsafe" not in answer.headers["Content-Security-Policy"]


def test_faces_are_not_kept_by_caches(gate: Gate) -> None:
    """Photos go to allowed viewers and into no cache."""
    gate.photos["scan-1"] = picture()
    answer = client(gate).get("/photo/scan-1.jpg")
    assert answer.data == gate.photos["scan-1"]
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"


@pytest.mark.parametrize("scan_id", ["unknown", "..%2f..%2fetc%2fpasswd", "a" * 65, "%00"])
def test_there_is_no_other_photo(gate: Gate, scan_id: str) -> None:
    """What is no scan's id is not found."""
    assert client(gate).get(f"/photo/{scan_id}.jpg").status_code == 404


def test_a_reader_s_text_reaches_the_station(gate: Gate) -> None:
    """Letters of any script arrive as UTF-8."""
    assert client(gate).post("/scan", json={"payload": "Ñ-2024/001"}).status_code == 202
    assert gate.scans == ["Ñ-2024/001".encode()]


def test_a_busy_gate_says_so(gate: Gate) -> None:
    """A scan that cannot be taken is not silently lost."""
    gate.takes_scans = False
    assert client(gate).post("/scan", json={"payload": "1"}).status_code == 503


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b"[]", 400),
        (b"{}", 400),
        (b'{"payload": 1}', 400),
        (b'{"payload": ""}', 400),
        (b'{"payload": "\\ud800"}', 400),
        (b"\xff", 400),
        (b"[" * 60_000, 400),
        (b'{"payload": "' + b"x" * 4096 + b'"}', 202),
        (b'{"payload": "' + b"x" * 4097 + b'"}', 400),
    ],
)
def test_malformed_scans_are_refused(gate: Gate, body: bytes, status: int) -> None:
    """Each with a JSON error."""
    answer = client(gate).post("/scan", data=body, content_type="application/json")
    assert answer.status_code == status
    assert answer.is_json


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Origin": "http://localhost", "Sec-Fetch-Site": "same-origin"}, 202),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
    ],
)
def test_scans_come_from_our_own_page_only(gate: Gate, headers: dict[str, str], status: int) -> None:
    """Another site open in the same browser cannot make students appear."""
    assert client(gate).post("/scan", json={"payload": "1"}, headers=headers).status_code == status


def test_a_form_cannot_scan(gate: Gate) -> None:
    """Content types that a foreign page could send without asking are refused."""
    assert client(gate).post("/scan", data='{"payload": "1"}', content_type="text/plain").status_code == 415


_text = st.text(st.characters(min_codepoint=32, max_codepoint=255, exclude_characters="\x7f"), max_size=40)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    method=st.sampled_from(["GET", "POST", "PUT", "DELETE", "OPTIONS", "HEAD", "PATCH", "BREW"]),
    path=st.one_of(st.sampled_from(["/scan", "/photo/", "/health", "/?token=", "/static/"]), st.just("/")),
    tail=st.text(max_size=30),
    headers=st.dictionaries(
        st.sampled_from(
            ["Host", "Origin", "Cookie", "Authorization", "X-Forwarded-For", "Content-Type", "Last-Event-ID", "Range"]
        ),
        _text,
    ),
    body=st.binary(max_size=100),
)
def test_no_request_makes_the_gate_fail(
    method: str, path: str, tail: str, headers: dict[str, str], body: bytes
) -> None:
    """Whatever is asked, the answer is no 500."""
    gate = Gate(Access(screen_token="s3cret"))
    answer = client(gate).open(path + tail, method=method, headers=headers, data=body)
    assert answer.status_code < 500
    answer.close()


# --- streams


def _events(gate: Gate, last_id: str = "") -> Iterator[dict]:
    """The events of one connection, which ends with the iterator."""
    answer = client(gate).get("/events", headers={"Last-Event-ID": last_id}, buffered=False)
    try:
        for chunk in answer.response:
            for line in chunk.decode().splitlines():
                if line.startswith("data: "):
                    yield json.loads(line.removeprefix("data: "))
    finally:
        answer.close()


def test_a_new_viewer_gets_the_clock_and_the_last_state(gate: Gate) -> None:
    """A screen that is switched on knows at once how things stand."""
    gate.events.publish("state", {"count": 1})
    gate.events.publish("state", {"count": 2})
    stream = _events(gate)
    clock = next(stream)
    assert (clock["kind"], clock["now"], clock["zone"]) == ("clock", "2026-06-09T07:12:45+08:00", "Asia/Manila")
    assert next(stream) == {"kind": "state", "count": 2}
    stream.close()


def test_a_result_missed_in_a_short_gap_is_shown(gate: Gate) -> None:
    """A browser that reconnects gets what came after its last event; a new one does not get old results."""
    first = gate.events.subscribe()
    gate.events.publish("scan", scan_event(scan_id="seen"))
    seen = next(iter(first))
    assert seen is not None
    gate.events.publish("scan", scan_event(scan_id="missed"))
    gate.events.publish("state", {"count": 1})
    again = _events(gate, seen.id)
    assert [next(again)["kind"] for _ in range(2)] == ["clock", "state"]
    assert next(again)["scan_id"] == "missed"
    fresh = gate.events.subscribe()
    assert json.loads(next(iter(fresh)).data)["kind"] == "state"
    again.close()


def test_a_slow_viewer_is_dropped_and_blocks_nobody(gate: Gate) -> None:
    """Publishing a thousand events to a viewer that reads none ends that viewer only."""
    slow = gate.events.subscribe()
    for number in range(1000):
        gate.events.publish("scan", scan_event(count=number))
    assert gate.events.viewers == 0
    assert list(slow) == []


def test_an_ended_viewer_leaves(gate: Gate) -> None:
    """Closing the connection frees its place."""
    stream = _events(gate)
    next(stream)
    assert gate.events.viewers == 1
    stream.close()
    assert gate.events.viewers == 0


def test_the_camera_works_for_the_live_view_only_while_somebody_looks(gate: Gate) -> None:
    """The first viewer starts the previews, the last one ends them."""
    views = [gate.preview.view(), gate.preview.view()]
    assert gate.watched == [12.0]
    assert gate.preview.wanted_fps == 12.0
    views[0].close()
    assert gate.watched == [12.0]
    views[1].close()
    views[1].close()
    assert gate.watched == [12.0, 0.0]


def test_the_live_view_shows_the_newest_picture(gate: Gate) -> None:
    """A viewer that was busy gets the latest, not the queue."""
    view = gate.preview.view()
    pictures = iter(view)
    for number in range(5):
        gate.preview.put(b"picture %d" % number)
    assert next(pictures) == b"picture 4"
    threading.Thread(target=gate.preview.put, args=(b"picture 5",)).start()
    assert next(pictures) == b"picture 5"
    view.close()
    assert list(pictures) == []
