"""The delivery webhook over real sockets: the document's form, SMS-Gate's form, and everything that is neither."""

import hashlib
import hmac
import http.client
import json
import logging
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from certificates import self_signed

from attendance.clock import ManualClock
from attendance.domain.message import MessageKind
from attendance.domain.scan import Accepted, Direction, Status
from attendance.kiosk import report_intake
from attendance.kiosk.store import ledger, roster
from attendance.kiosk.store.database import create_or_migrate, reading, writing
from attendance.kiosk.web import webhook
from attendance.kiosk.web.access import Access
from attendance.kiosk.web.webhook import SMSWebhookReceiver
from attendance.ops import sqlite
from attendance.ops.sqlite import Writer

NOON = datetime(2026, 6, 8, 4, 0, tzinfo=UTC)
KEY = "s1gn1ngk"
DOCUMENTED = {"id": "test_123", "state": "Delivered", "phoneNumber": "+639755269146"}


@dataclass
class Desk:
    """A database with one queued message, and a receiver before it."""

    folder: Path
    clock: ManualClock = field(default_factory=lambda: ManualClock(NOON))
    receivers: list[SMSWebhookReceiver] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.database = self.folder / "attendance.db"
        create_or_migrate(self.database, self.clock.now())
        scan = Accepted(date(2026, 6, 8), "morning", Direction.IN, Status.ON_TIME, 1, "Welcome.")
        enrolment = roster.Enrolment("S-7", "Ana", guardians=[roster.Guardian("+639171234567")])
        with writing(self.database) as conn:
            roster.enrol(conn, enrolment, self.clock.now())
            origin, used = ledger.Origin("gate-1", "camera"), ledger.CardUsed(0, False)
            key = roster.key_of(conn, "S-7")
            ledger.record(conn, key, scan, self.clock.now(), origin, used, MessageKind.CHECK_IN)
        self.message = str(self.rows("SELECT message_id FROM sms_outbox")[0][0])

    def receiver(self, **given: Any) -> SMSWebhookReceiver:
        defaults: dict[str, Any] = {
            "db_path": self.database,
            "port": 0,
            "enabled": True,
            "auth_token": "",
            "host": "127.0.0.1",
            "log_deliveries": True,
            "retry_failed": False,
            "signing_key": "",
            "tls_certificate": "",
            "tls_key": "",
            "expire_after_minutes": 120,
            "zone": ZoneInfo("Asia/Manila"),
            "clock": self.clock,
            "access": Access(),
        }
        self.receivers.append(SMSWebhookReceiver(**{**defaults, **given}))
        return self.receivers[-1]

    def started(self, **given: Any) -> SMSWebhookReceiver:
        receiver = self.receiver(**given)
        assert receiver.start()
        return receiver

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        with reading(self.database) as conn:
            return [tuple(row) for row in conn.execute(sql)]

    def state(self) -> str:
        return str(self.rows("SELECT gateway_state FROM sms_outbox WHERE retry_of IS NULL")[0][0])

    def envelope(self, event: str = "sms:delivered", event_id: str = "Ey6ECgOkVVFjz3CL48B8C", **payload: Any) -> bytes:
        body = {"messageId": self.message, "recipient": "+639171234567", **payload}
        whole = {"deviceId": "ffffffffceb0b1db", "event": event, "id": event_id, "payload": body, "webhookId": "LreFU"}
        return json.dumps(whole).encode()


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    desk = Desk(tmp_path)
    yield desk
    for receiver in desk.receivers:
        receiver.stop()


def post(
    receiver: SMSWebhookReceiver,
    body: bytes | dict[str, Any],
    method: str = "POST",
    path: str = "/sms-webhook",
    **headers: str,
) -> tuple[int, Any]:
    """Status and JSON of an answer; underscores in names of headers stand for hyphens."""
    connection = http.client.HTTPConnection("127.0.0.1", receiver.port, timeout=10)
    raw = json.dumps(body).encode() if isinstance(body, dict) else body
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    try:
        connection.request(method, path, raw, {"Content-Type": "application/json", **named})
        answer = connection.getresponse()
        text = answer.read()
        kind = answer.getheader("Content-Type", "")
        return answer.status, json.loads(text) if kind == "application/json" else text.decode()
    finally:
        connection.close()


def signed(body: bytes, at: datetime = NOON, key: str = KEY) -> dict[str, str]:
    timestamp = str(int(at.timestamp()))
    return {
        "X_Timestamp": timestamp,
        "X_Signature": hmac.new(key.encode(), body + timestamp.encode(), hashlib.sha256).hexdigest(),
    }


def test_the_documented_request_is_answered_as_documented(desk: Desk) -> None:
    """200, success and a message; the row is in the log."""
    status, answer = post(desk.started(), DOCUMENTED)
    assert (status, answer["success"], type(answer["message"]), set(answer)) == (200, True, str, {"success", "message"})
    assert desk.rows("SELECT message_id, phone_number, status, student_id FROM sms_delivery_log") == [
        ("test_123", "+639755269146", "Delivered", None)
    ]


def test_the_gateways_real_envelope_moves_its_message(desk: Desk) -> None:
    """What the phone really posts, nested under payload, ends at the message it is about, and at its student."""
    assert post(desk.started(), desk.envelope(deliveredAt="2026-06-08T12:00:00.000+08:00"))[0] == 200
    assert desk.state() == "Delivered"
    assert desk.rows("SELECT message_id, status, student_id FROM sms_delivery_log") == [
        (desk.message, "Delivered", "S-7")
    ]


@pytest.mark.parametrize(
    "event",
    [
        "sms:sent",
        "sms:delivered",
        "sms:failed",
        "sms:cancelled",
        "sms:received",
        "sms:data-received",
        "mms:received",
        "mms:downloaded",
        "system:ping",
        "app:started",
        "sms:invented-later",
    ],
)
def test_every_kind_of_event_is_taken(desk: Desk, event: str) -> None:
    """The phone repeats for two days what is refused; so only nonsense is."""
    assert post(desk.started(), desk.envelope(event))[0] == 200
    assert desk.rows("SELECT event FROM sms_reports") == [(event,)]


def test_what_a_parent_writes_is_neither_kept_nor_logged(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    """Of an incoming message only the event is known; no log line has a number of anybody."""
    caplog.set_level(logging.DEBUG)
    receiver = desk.started()
    post(receiver, desk.envelope("sms:received", message="our secret", sender="+639998887766"))
    post(receiver, desk.envelope("sms:delivered", "other"))
    assert receiver.stop()
    stored = b"".join(path.read_bytes() for path in desk.folder.iterdir())
    assert b"our secret" not in stored
    assert b"9998887766" not in stored
    assert "secret" not in caplog.text
    assert "+639" not in caplog.text
    assert f"SMS webhook: message {desk.message} is Delivered" in caplog.text


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer wrong", "Bearer t0ken2", "Basic t0ken", "t0ken"])
def test_a_wrong_token_is_401(desk: Desk, header: str | None) -> None:
    """With an error, and nothing stored."""
    headers = {} if header is None else {"Authorization": header}
    status, answer = post(desk.started(auth_token="t0ken"), DOCUMENTED, **headers)
    assert (status, set(answer)) == (401, {"error"})
    assert desk.rows("SELECT * FROM sms_reports") == []


def test_the_right_token_reports(desk: Desk) -> None:
    """As the document sends it."""
    assert post(desk.started(auth_token="t0ken"), DOCUMENTED, Authorization="Bearer t0ken")[0] == 200


def test_the_phones_signature_reports(desk: Desk) -> None:
    """Over the very bytes that were sent: other spacing or escapes of the same JSON would not do."""
    body = b'{ "id":"e1" , "event":"sms:sent","payload":{"messageId":"m\\u003d1","recipient":"\\u002b639171234567"}}'
    assert post(desk.started(signing_key=KEY), body, **signed(body))[0] == 200
    assert desk.rows("SELECT message_id, phone_number FROM sms_delivery_log") == [("m=1", "+639171234567")]


@pytest.mark.parametrize(
    "change",
    [
        {"X_Signature": "0" * 64},
        {"X_Signature": ""},
        {"X_Signature": "ü"},
        {"X_Timestamp": str(int(NOON.timestamp()) + 1)},
        {"X_Timestamp": ""},
        {"X_Timestamp": "nan"},
        {"X_Timestamp": "9" * 5000},
    ],
)
def test_a_wrong_signature_is_401(desk: Desk, change: dict[str, str]) -> None:
    """A forged "Delivered" changes nothing."""
    body = desk.envelope()
    assert post(desk.started(signing_key=KEY), body, **{**signed(body), **change})[0] == 401
    assert desk.state() == ""


def test_a_signature_of_another_body_or_key_is_401(desk: Desk) -> None:
    """Nor does one that was right for something else."""
    receiver = desk.started(signing_key=KEY)
    assert post(receiver, desk.envelope("sms:failed"), **signed(desk.envelope()))[0] == 401
    assert post(receiver, desk.envelope(), **signed(desk.envelope(), key="another"))[0] == 401
    assert post(receiver, desk.envelope())[0] == 401
    assert desk.state() == ""


@pytest.mark.parametrize("age_s", [-301, 301])
def test_old_signatures_count_only_by_a_trusted_clock(desk: Desk, age_s: int) -> None:
    """Five minutes either way; a gate that does not know the time believes the phone."""
    receiver = desk.started(signing_key=KEY)
    body = desk.envelope()
    headers = signed(body)
    desk.clock.step(age_s)
    assert post(receiver, body, **headers)[0] == 401
    desk.clock.trusted = False
    assert post(receiver, body, **headers)[0] == 200


def test_token_or_signature_is_enough_when_both_are_set(desk: Desk) -> None:
    """The phone signs, a tool of the school's has the token."""
    receiver = desk.started(signing_key=KEY, auth_token="t0ken")
    assert post(receiver, desk.envelope(event_id="a"), **signed(desk.envelope(event_id="a")))[0] == 200
    assert post(receiver, desk.envelope(event_id="b"), Authorization="Bearer t0ken")[0] == 200
    assert post(receiver, desk.envelope(event_id="c"), Authorization="Bearer wrong")[0] == 401


def test_a_replayed_report_changes_nothing(desk: Desk) -> None:
    """The same event, signed again or caught and sent again, is answered with success and done with."""
    receiver = desk.started(signing_key=KEY, retry_failed=True)
    body = desk.envelope("sms:failed")
    for _ in range(3):
        assert post(receiver, body, **signed(body))[0] == 200
    assert len(desk.rows("SELECT 1 FROM sms_outbox")) == 2
    assert receiver.status()["total_received"] == 1


def test_a_late_sent_does_not_overwrite_delivered(desk: Desk) -> None:
    """Reports come in any order."""
    receiver = desk.started()
    for number, event in enumerate(["sms:delivered", "sms:sent", "sms:failed"]):
        assert post(receiver, desk.envelope(event, f"event-{number}"))[0] == 200
    assert desk.state() == "Delivered"
    assert desk.rows("SELECT status FROM sms_delivery_log") == [("Delivered",)]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"{}",
        b"\xff",
        b'{"id":null,"state":"Sent"}',
        b'{"id":"a","state":"Exploded"}',
        b'{"id":"a\\u0000","state":"Sent"}',
    ],
)
def test_nonsense_is_400_and_stores_nothing(desk: Desk, body: bytes) -> None:
    """Empty, malformed, without an id, in a state that does not exist; the answer tells no internals."""
    receiver = desk.started()
    status, answer = post(receiver, body)
    assert (status, set(answer)) == (400, {"error"})
    assert "Traceback" not in answer["error"]
    assert desk.rows("SELECT * FROM sms_reports") == []
    assert receiver.status()["total_received"] == 0


def test_the_kind_of_content_does_not_matter(desk: Desk) -> None:
    """JSON is JSON, whatever a client says of it."""
    assert post(desk.started(), DOCUMENTED, Content_Type="text/plain")[0] == 200


def test_large_bodies_and_other_methods_are_refused(desk: Desk) -> None:
    """413 above 64 KiB, 405 for reading what can only be posted, 404 elsewhere; all in JSON but what never got in."""
    receiver = desk.started()
    assert post(receiver, b"x" * 66_000)[0] == 413
    assert post(receiver, b"", "GET")[0] == 405
    assert post(receiver, b"", "GET", "/")[0] == 404


def test_the_webhooks_own_health_needs_no_token(desk: Desk) -> None:
    """Status, service and port, as documented."""
    receiver = desk.started(auth_token="t0ken")
    status, answer = post(receiver, b"", "GET", "/sms-webhook/health")
    assert (status, answer) == (200, {"status": "healthy", "service": "sms_webhook", "port": receiver.port})


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Host": "evil.example"}, 421),
        ({"Origin": "http://evil.example"}, 403),
        ({"Sec_Fetch_Site": "cross-site"}, 403),
        ({"X_Forwarded_For": "10.0.0.1"}, 403),
    ],
)
def test_without_a_secret_neither_web_pages_nor_proxies_report(
    desk: Desk, headers: dict[str, str], status: int
) -> None:
    """A page in somebody's browser is in the private network too, and a proxy nobody named may bring anybody."""
    assert post(desk.started(), DOCUMENTED, **headers)[0] == status
    assert desk.rows("SELECT * FROM sms_reports") == []


@pytest.mark.parametrize(("peer", "status"), [("192.168.1.20", 200), ("10.0.0.7", 200), ("8.8.8.8", 403)])
def test_without_a_secret_only_private_peers_report(desk: Desk, peer: str, status: int) -> None:
    """Seen through a proxy that the school has named."""
    receiver = desk.started(access=Access(trusted_proxies=["127.0.0.1"]))
    assert post(receiver, DOCUMENTED, X_Forwarded_For=peer)[0] == status


def test_with_a_secret_anybody_who_has_it_reports(desk: Desk) -> None:
    """From anywhere, under any name."""
    receiver = desk.started(auth_token="t0ken", access=Access(trusted_proxies=["127.0.0.1"]))
    headers = {"Host": "hook.example", "X_Forwarded_For": "8.8.8.8", "Authorization": "Bearer t0ken"}
    assert post(receiver, DOCUMENTED, **headers)[0] == 200


def test_an_open_port_is_said_to_be_open(desk: Desk) -> None:
    """As a notice with what to set; a secret ends it."""
    assert desk.started().problems == [webhook.OPEN]
    assert desk.started(auth_token="t0ken").problems == []
    assert desk.started(signing_key=KEY).problems == []
    assert desk.receiver(enabled=False).problems == []


def test_a_report_is_not_acknowledged_before_it_is_durable(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """While the database is locked the answer is 503, and what the phone then sends again is kept once."""
    monkeypatch.setattr(report_intake, "DURABLE_WITHIN_S", 0.3)
    receiver = desk.started()
    other = sqlite.connect(desk.database)
    other.execute("BEGIN IMMEDIATE")
    status, answer = post(receiver, desk.envelope())
    assert (status, set(answer)) == (503, {"error"})
    other.execute("ROLLBACK")
    other.close()
    monkeypatch.setattr(report_intake, "DURABLE_WITHIN_S", 10)
    assert post(receiver, desk.envelope())[0] == 200
    assert desk.state() == "Delivered"
    assert len(desk.rows("SELECT 1 FROM sms_reports")) == 1


def test_a_refused_write_is_503_and_recovers(desk: Desk) -> None:
    """A failing disk loses no report: each answer is honest, and the next try works."""
    receiver = desk.started()
    with writing(desk.database) as conn:
        conn.execute("CREATE TRIGGER full BEFORE INSERT ON sms_reports BEGIN SELECT RAISE(ABORT, 'disk full'); END")
    assert post(receiver, desk.envelope())[0] == 503
    with writing(desk.database) as conn:
        conn.execute("DROP TRIGGER full")
    assert post(receiver, desk.envelope())[0] == 200


def test_without_a_database_nothing_is_taken_or_made(desk: Desk, tmp_path: Path) -> None:
    """503, zeros, and no file that somebody could take for a database."""
    absent = tmp_path / "elsewhere" / "attendance.db"
    receiver = desk.started(db_path=absent)
    assert post(receiver, DOCUMENTED)[0] == 503
    assert receiver.get_delivery_stats()["total_tracked"] == 0
    assert receiver.status()["total_received"] == 0
    assert not absent.parent.exists()


def test_the_documented_statistics(desk: Desk) -> None:
    """With their fields and types, without a server, and what was only sent does not count as delivered."""
    receiver = desk.started()
    states = ["Delivered", "Delivered", "Failed", "Sent", "Sent", "Sent"]
    for number, state in enumerate(states):
        post(receiver, {"id": f"m{number}", "state": state})
    receiver.stop()
    assert desk.receiver(enabled=False).get_delivery_stats() == {
        "status_counts": {"Delivered": 2, "Failed": 1, "Sent": 3},
        "recent_failures_24h": 1,
        "delivery_rate_percent": 66.7,
        "total_tracked": 6,
    }


def test_no_log_if_none_is_wanted(desk: Desk) -> None:
    """Messages move all the same."""
    receiver = desk.started(log_deliveries=False)
    post(receiver, desk.envelope())
    assert desk.state() == "Delivered"
    assert receiver.get_delivery_stats()["total_tracked"] == 0
    assert receiver.status()["total_received"] == 1


def test_a_failed_message_is_sent_once_more_if_wanted(desk: Desk) -> None:
    """The failed one stays, a new one waits."""
    post(desk.started(retry_failed=True), desk.envelope("sms:failed", reason="no service"))
    assert desk.rows("SELECT gateway_state, gateway_error, state FROM sms_outbox ORDER BY rowid") == [
        ("Failed", "no service", "waiting"),
        ("", "", "waiting"),
    ]


def test_what_health_shows_survives_a_restart(desk: Desk) -> None:
    """Counts come from the database; the phone's last ping has its age."""
    first = desk.started()
    post(first, desk.envelope())
    post(first, {"id": "x", "state": "Failed"})
    checks = {"battery:level": {"observedValue": 41}, "battery:charging": {"observedValue": 0}}
    post(first, desk.envelope("system:ping", "ping-1", health={"checks": checks}))
    expected = {"total_received": 2, "delivered_count": 1, "failed_count": 1}
    phone = {"seconds_ago": 0, "battery_percent": 41.0, "charging": False, "connected": None}
    assert first.status() == {"running": True, **expected, "phone": phone}
    first.stop()
    desk.clock.advance(90)
    again = desk.receiver()
    assert again.status() == {"running": False, **expected, "phone": {**phone, "seconds_ago": 90}}
    probed = desk.started().probe()
    assert (probed.component, probed.values["total_received"], probed.status) == ("sms_webhook", 2, "")


def test_a_taken_port_is_told_and_tried_again(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, eventually: Callable[..., None]
) -> None:
    """The start says no, the problem names the port and who has it, and nobody has to start anything again."""
    monkeypatch.setattr(webhook, "TRY_AGAIN_S", 0.05)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        receiver = desk.receiver(port=port, auth_token="t0ken")
        assert not receiver.start()
        [problem] = receiver.problems
        assert (problem.code, str(port) in problem.text, "python" in problem.text) == ("sms-webhook-port", True, True)
        assert f"sport = :{port}" in problem.remedy
        assert not receiver.status()["running"]
    eventually(lambda: receiver.status()["running"])
    assert receiver.problems == []
    assert post(receiver, DOCUMENTED, Authorization="Bearer t0ken")[0] == 200


def test_an_address_of_another_machine_is_told(desk: Desk) -> None:
    """No gate fails to start for its webhook."""
    receiver = desk.receiver(host="203.0.113.1", auth_token="t0ken")
    assert not receiver.start()
    assert receiver.problems[0].code == "sms-webhook-address"
    assert "203.0.113.1" in receiver.problems[0].text


def test_an_unusable_certificate_is_told(desk: Desk, tmp_path: Path) -> None:
    """Nothing is served in the open instead."""
    receiver = desk.receiver(tls_certificate=tmp_path / "none.pem", tls_key=tmp_path / "none.key", auth_token="t0ken")
    assert not receiver.start()
    assert receiver.problems[0].code == "sms-webhook-certificate"
    assert "none.pem" in receiver.problems[0].text


def test_a_phone_reports_over_tls_once_the_certificate_is_there(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, eventually: Callable[..., None]
) -> None:
    """Phones refuse plain HTTP in the network; a certificate that is put right needs no new start."""
    monkeypatch.setattr(webhook, "TRY_AGAIN_S", 0.05)
    receiver = desk.receiver(tls_certificate=tmp_path / "gate.pem", tls_key=tmp_path / "gate.key", signing_key=KEY)
    assert not receiver.start()
    certificate, _ = self_signed(tmp_path)
    eventually(lambda: receiver.status()["running"])
    client = ssl.create_default_context(cafile=str(certificate))
    connection = http.client.HTTPSConnection("127.0.0.1", receiver.port, timeout=10, context=client)
    body = desk.envelope()
    headers = {name.replace("_", "-"): value for name, value in signed(body).items()}
    connection.request("POST", "/sms-webhook", body, headers)
    assert connection.getresponse().status == 200
    connection.close()
    assert desk.state() == "Delivered"


def test_stop_frees_the_port_at_once(desk: Desk) -> None:
    """In well under a second, with a connection open; starting and stopping twice is no error."""
    receiver = desk.started()
    assert receiver.start()
    port = receiver.port
    with socket.create_connection(("127.0.0.1", port)):
        began = time.monotonic()
        assert receiver.stop()
        assert time.monotonic() - began < 0.5
    assert receiver.stop()
    with socket.create_server(("127.0.0.1", port)):
        pass
    assert not receiver.start()
    assert receiver.probe().status == "stopped"


def test_constructing_starts_and_opens_nothing(desk: Desk, tmp_path: Path) -> None:
    """And a receiver that is switched off does not start."""
    before = threading.active_count()
    receiver = desk.receiver(db_path=tmp_path / "none" / "x.db", enabled=False)
    assert not receiver.start()
    assert threading.active_count() == before
    assert not (tmp_path / "none").exists()
    assert receiver.probe().status == "stopped"


def test_defaults_come_from_the_configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without any argument, as the document makes it, and with single ones given."""
    (tmp_path / "config").mkdir()
    (tmp_path / "config/config.json").write_text(json.dumps({"sms_webhook": {"port": 18081, "auth_token": "t0ken"}}))
    monkeypatch.setenv("ATTENDANCE_HOME", str(tmp_path))
    assert SMSWebhookReceiver().port == 18081
    assert SMSWebhookReceiver().problems == []
    assert SMSWebhookReceiver(auth_token="").problems == [webhook.OPEN]
    create_or_migrate(tmp_path / "data/attendance.db", ManualClock(NOON).now())
    with writing(tmp_path / "data/attendance.db") as conn:
        conn.execute("INSERT INTO sms_delivery_log (message_id, phone_number, status) VALUES ('m', '', 'Sent')")
    assert SMSWebhookReceiver(enabled=False).get_delivery_stats()["total_tracked"] == 1


def test_sixteen_connections_at_once_lose_and_double_nothing(desk: Desk) -> None:
    """Each answer is durable, none takes long; the core's writer serves many as one."""
    writer = Writer(lambda: sqlite.connect(desk.database))
    writer.start()
    receiver = desk.started(writer=writer)

    def work(worker: int) -> list[float]:
        times = []
        for number in range(15):
            began = time.monotonic()
            assert post(receiver, desk.envelope(event_id=f"e-{worker}-{number}"))[0] == 200
            times.append(time.monotonic() - began)
        return times

    with ThreadPoolExecutor(16) as pool:
        times = sorted(each for done in pool.map(work, range(16)) for each in done)
    assert len(desk.rows("SELECT 1 FROM sms_reports")) == 240
    assert receiver.status() | {"phone": None} == {
        "running": True,
        "total_received": 240,
        "delivered_count": 1,
        "failed_count": 0,
        "phone": None,
    }
    assert times[int(len(times) * 0.99)] < 0.95
    assert receiver.stop()
    writer.run(lambda conn: conn.execute("SELECT 1"))
    assert writer.stop()


def test_strangers_do_not_flood_the_log(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    """A few lines a minute, then one that counts; each can be found as the document looks for it."""
    caplog.set_level(logging.INFO)
    guarded, open_to_all = desk.started(auth_token="t0ken"), desk.started()
    for number in range(50):
        post(guarded, DOCUMENTED)
        post(open_to_all, {"id": f"flood-{number}", "state": "Sent"})
    desk.clock.advance(61)
    post(guarded, DOCUMENTED)
    post(open_to_all, {"id": "flood-50", "state": "Sent"})
    for what in ("refused with 401", "which is no message of ours"):
        lines = [each for each in caplog.messages if each.startswith("SMS webhook: ") and what in each]
        assert len(lines) == 6
        assert lines[-1].endswith("(45 lines like it were left out)")
    assert "t0ken" not in caplog.text
