"""The webhook's port: it never stops a gate, it says what is wrong, it comes back by itself, it really closes."""

import http.client
import json
import socket
import ssl
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from certificates import self_signed
from report_desk import DOCUMENTED, KEY, NOON, Desk, post, signed

from attendance.clock import ManualClock
from attendance.kiosk.store.database import create_or_migrate, writing
from attendance.kiosk.web import webhook
from attendance.kiosk.web.webhook import SMSWebhookReceiver


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
