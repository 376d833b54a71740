"""The delivery webhook over real sockets: the document's form, SMS-Gate's form, and everything that is neither."""

import logging
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from report_desk import DOCUMENTED, Desk, post

from attendance.kiosk import report_intake
from attendance.kiosk.store.database import writing
from attendance.ops import sqlite
from attendance.ops.sqlite import Writer


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


def test_sixteen_connections_at_once_lose_and_double_nothing(desk: Desk) -> None:
    """Each answer is durable; the core's writer serves many as one."""
    writer = Writer(lambda: sqlite.connect(desk.database))
    writer.start()
    receiver = desk.started(writer=writer)

    def work(worker: int) -> list[int]:
        return [post(receiver, desk.envelope(event_id=f"e-{worker}-{number}"))[0] for number in range(15)]

    with ThreadPoolExecutor(16) as pool:
        assert list(pool.map(work, range(16))) == [[200] * 15] * 16
    assert len(desk.rows("SELECT 1 FROM sms_reports")) == 240
    assert receiver.status() | {"phone": None} == {
        "running": True,
        "total_received": 240,
        "delivered_count": 1,
        "failed_count": 0,
        "phone": None,
    }
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
