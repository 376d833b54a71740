"""The outbox: what the office sees and may do, reports that are asked for, long messages, old schemas."""

import sqlite3
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sms_desk import ANA, MANILA, MORNING, Phone, SmsDesk, unclear

from attendance.clock import ManualClock
from attendance.domain.message import OutboxState
from attendance.domain.receipt import FLAT_EVENT, GatewayState, Report
from attendance.errors import BadInput
from attendance.kiosk.sms.gateway import GatewayError
from attendance.kiosk.sms.polling import BETWEEN_S, ReportPoll
from attendance.kiosk.store import claims, endings, outbox, receipts
from attendance.kiosk.store.database import create_or_migrate, reading, writing
from attendance.kiosk.store.receipts import Rules
from attendance.ops import sqlite

RULES = Rules(log_deliveries=True, retry_failed=False, expire_after=timedelta(hours=2), zone=MANILA)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[SmsDesk]:
    desk = SmsDesk(tmp_path)
    desk.enrol("1", ANA, name="Ana Cruz")
    yield desk
    desk.close()


def poll_of(desk: SmsDesk) -> ReportPoll:
    return ReportPoll(
        desk.database, desk.writer, desk.routes, desk.clock, rules=RULES, report_after=timedelta(minutes=15)
    )


def report(desk: SmsDesk, message: str, state: GatewayState, event: str = FLAT_EVENT, event_id: str = "") -> None:
    with writing(desk.database) as conn:
        said = Report(event_id or f"{message} {state}", event, message, state)
        receipts.record(conn, said, desk.clock.now(), RULES)


def test_a_message_without_report_is_asked_about(desk: SmsDesk) -> None:
    """After the configured time, then ever more rarely; the answer counts like any report."""
    [message] = desk.scan("1")
    desk.exhaust()
    poll = poll_of(desk)
    assert poll.step() > BETWEEN_S
    desk.clock.advance(15 * 60)
    assert poll.step() == BETWEEN_S
    assert desk.row(message)["gateway_state"] == "Sent"
    assert desk.rows("SELECT status, student_id FROM sms_delivery_log") == [("Sent", "1")]
    desk.clock.advance(29 * 60)
    assert poll.step() > BETWEEN_S
    asked = 1
    for _ in range(20):
        desk.clock.advance(24 * 3600)
        asked += poll.step() == BETWEEN_S
    assert asked == 7


def test_what_has_its_end_is_not_asked_about(desk: SmsDesk) -> None:
    """The webhook was faster."""
    [message] = desk.scan("1")
    desk.exhaust()
    report(desk, message, GatewayState.DELIVERED)
    desk.clock.advance(3600)
    assert poll_of(desk).step() > BETWEEN_S
    assert desk.row(message)["report_due_boot_ns"] is None


def test_after_a_reboot_messages_are_asked_about_again(desk: SmsDesk) -> None:
    """The time counts anew with the boot."""
    [message] = desk.scan("1")
    desk.exhaust()
    desk.clock = desk.phone.clock = ManualClock(desk.clock.now().at, boot_id="second")
    desk.hire()
    poll = poll_of(desk)
    poll.step()
    desk.clock.advance(15 * 60)
    poll.step()
    assert desk.row(message)["gateway_state"] == "Sent"


def test_a_gateway_that_does_not_answer_is_left_alone(desk: SmsDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    """The question is put off."""
    [message] = desk.scan("1")
    desk.exhaust()
    desk.clock.advance(15 * 60)

    def away(_message_id: str) -> list[Report]:
        raise unclear("away")

    monkeypatch.setattr(desk.phone, "ask", away)
    poll = poll_of(desk)
    with writing(desk.database) as conn:
        conn.execute("UPDATE sms_outbox SET report_due_boot_ns = 0")
    poll._began = True
    assert poll.step() >= 30
    assert desk.row(message)["report_due_boot_ns"] > desk.clock.boot_ns()


def test_a_gateway_that_is_left_alone_holds_up_no_other_one_s_reports(tmp_path: Path) -> None:
    """Its messages are put off, and that is no question that counts."""
    clock = ManualClock(MORNING)
    away, works = Phone(clock, "away"), Phone(clock, "works")
    desk = SmsDesk(tmp_path, clock, phones=[away, works])
    for number in ("1", "2"):
        desk.enrol(number)
    [first] = desk.scan("1")
    desk.exhaust()
    away.faults = [GatewayError("Come back later.", retry_after_s=3600)]
    [second] = desk.scan("2")
    desk.exhaust()
    assert (desk.row(first)["gateway"], desk.row(second)["gateway"]) == ("away", "works")
    clock.advance(15 * 60)
    poll = poll_of(desk)
    poll.step()
    poll.step()
    assert (desk.row(first)["gateway_state"], desk.row(second)["gateway_state"]) == ("Pending", "Sent")
    assert desk.row(first)["report_asked"] == 0
    clock.advance(3600)
    for _ in range(2):
        poll.step()
    assert desk.row(first)["gateway_state"] == "Sent"
    desk.close()


def test_a_long_message_is_delivered_when_all_parts_are(desk: SmsDesk) -> None:
    """Repeated and early reports of parts do not hurry it."""
    [message] = desk.scan("1")
    desk.exhaust()
    desk.write("UPDATE sms_outbox SET parts = 3")
    for event_id, state in [("a", "Sent"), ("b", "Sent"), ("b", "Sent"), ("c", "Delivered")]:
        report(desk, message, GatewayState.DELIVERED, "sms:delivered", event_id)
        assert desk.row(message)["gateway_state"] == state, event_id
    assert desk.rows("SELECT status FROM sms_delivery_log") == [("Delivered",)]


def test_siblings_share_what_the_phone_reports(desk: SmsDesk) -> None:
    """One message was sent, and both rows say what became of it."""
    desk.enrol("2", ANA, name="Ben Cruz")
    [ana], [ben] = desk.scan("1"), desk.scan("2")
    desk.exhaust()
    report(desk, ana, GatewayState.DELIVERED)
    assert (desk.row(ana)["gateway_state"], desk.row(ben)["gateway_state"]) == ("Delivered", "Delivered")


def test_the_retry_of_a_failed_message_is_sent(desk: SmsDesk) -> None:
    """Under its own id, with the same text, and in spite of the cooldown."""
    [message] = desk.scan("1")
    desk.exhaust()
    with writing(desk.database) as conn:
        rules = Rules(log_deliveries=True, retry_failed=True, expire_after=timedelta(hours=2), zone=MANILA)
        failed = Report("e", FLAT_EVENT, message, GatewayState.FAILED)
        retry = receipts.record(conn, failed, desk.clock.now(), rules).retry
    desk.exhaust()
    first, second = desk.phone.shown
    assert (second.message_id, second.text) == (retry, first.text)


def test_the_office_sees_no_numbers_unless_it_asks(desk: SmsDesk) -> None:
    """Lists mask them and have no texts."""
    [message] = desk.scan("1")
    desk.exhaust()
    with reading(desk.database) as conn:
        [listed] = outbox.messages(conn, state=OutboxState.SENT, student_id="1")
        assert outbox.messages(conn, state=OutboxState.WAITING) == []
        shown = outbox.show(conn, message, reveal=True)
    assert (listed["phone"], "text" in listed) == ("+63917•••4567", False)
    assert (shown["phone"], "Ana Cruz" in shown["text"]) == (ANA, True)


def test_status_counts(desk: SmsDesk) -> None:
    """By state, by what the phone says, and how long the oldest has waited."""
    desk.scan("1")
    desk.exhaust()
    desk.scan("1")
    desk.clock.advance(90)
    with reading(desk.database) as conn:
        status = outbox.status(conn, desk.clock.now(), MANILA)
    assert status == {
        "states": {"sent": 1, "waiting": 1},
        "gateway_states": {"Pending": 1},
        "waiting_kinds": {"check_in": 1},
        "oldest_waiting_minutes": 1.5,
        "requests_under_way": 0,
        "parts_today": 1,
        "parts_this_month": 1,
    }


def test_the_office_writes_to_guardians_and_to_numbers(desk: SmsDesk) -> None:
    """After what the gate itself has to say; who opted out is not written to."""
    with writing(desk.database) as conn:
        notices = outbox.send(conn, "No classes tomorrow.", desk.clock.now(), student_id="1")
        notices += outbox.send(conn, "Hello.", desk.clock.now(), phone="+639990001111")
    [arrival] = desk.scan("1")
    desk.exhaust()
    assert desk.phone.ids() == [arrival, *notices]
    assert [shown.phone for shown in desk.phone.shown[1:]] == [ANA, "+639990001111"]
    desk.write("UPDATE guardians SET opted_out_at = '2026-06-01T00:00:00.000000Z'")
    with writing(desk.database) as conn:
        for given in ({"student_id": "1"}, {"phone": ANA}, {"phone": "0917"}, {}):
            with pytest.raises(BadInput):
                outbox.send(conn, "Hello.", desk.clock.now(), **given)
        with pytest.raises(BadInput):
            outbox.send(conn, "x" * 800, desk.clock.now(), student_id="1")


def test_what_waits_can_be_cancelled_and_tried_again(desk: SmsDesk) -> None:
    """Cancelled is an end with a reason; a retry is a message of its own, once."""
    [message] = desk.scan("1")
    with writing(desk.database) as conn:
        outbox.cancel(conn, message, desk.clock.now())
        with pytest.raises(BadInput):
            outbox.cancel(conn, message, desk.clock.now())
    desk.exhaust()
    assert desk.phone.shown == []
    desk.clock.advance(10_000)
    with writing(desk.database) as conn:
        retry = outbox.retry(conn, message, desk.clock.now())
        for again in (message, retry, "nobody"):
            with pytest.raises(BadInput):
                outbox.retry(conn, again, desk.clock.now())
    desk.exhaust()
    assert desk.phone.ids() == [retry]
    assert "7:00 AM" in desk.phone.shown[0].text, "it says when the scan was"


def test_what_a_gateway_may_have_cannot_be_cancelled(desk: SmsDesk) -> None:
    """Nobody can promise that the parent does not get it."""
    [message] = desk.scan("1")
    desk.phone.faults = [unclear()]
    desk.exhaust()
    with writing(desk.database) as conn, pytest.raises(BadInput, match="may have it"):
        outbox.cancel(conn, message, desk.clock.now())


@pytest.mark.parametrize("version", [1, 2, 3])
def test_waiting_messages_survive_the_upgrade(tmp_path: Path, version: int) -> None:
    """Of every earlier schema: they are as old and as trusted as their scans, and can be claimed."""
    database = tmp_path / "attendance.db"
    with sqlite3.connect(database) as old:
        old.executescript((Path(__file__).parent / "databases" / f"v{version}.sql").read_text())
    old.close()
    clock = ManualClock(MORNING)
    create_or_migrate(database, clock.now(), keep_copy=False)
    with reading(database) as conn:
        rows = conn.execute("SELECT * FROM sms_outbox WHERE state = 'waiting'").fetchall()
        assert rows
        assert all(row["made_trusted"] and row["made_at"].startswith("2026-06-07") for row in rows)
        assert claims.busy(conn)


def test_looking_for_a_message_reads_no_table(desk: SmsDesk) -> None:
    """Each statement of a claim is answered by an index, and what waits in its order: 100,000 rows cost what 100 do."""
    desk.scan("1")
    said: list[str] = []
    conn = sqlite.connect(desk.database)
    conn.set_trace_callback(said.append)
    terms = claims.Terms("x", "phone", 0, None, timedelta(hours=2), timedelta(), lambda _: 0.0, _write)
    with sqlite.transaction(conn):
        claims.take_over(conn)
        endings.expire(conn, desk.clock.now(), timedelta(hours=2), "")
        assert claims.claim(conn, desk.clock.now(), terms).claim is not None
    conn.set_trace_callback(None)
    steps = [
        (row["detail"], "LIMIT" in statement)
        for statement in said
        if statement.startswith(("SELECT", "UPDATE"))
        for row in conn.execute(f"EXPLAIN QUERY PLAN {statement}")
    ]
    conn.close()
    assert any("sms_waiting" in step for step, _ in steps)
    assert {step for step, _ in steps if step.startswith("SCAN")} == {"SCAN sms_outbox USING INDEX sms_claimed"}
    assert [step for step, bounded in steps if bounded and "TEMP B-TREE" in step] == []


def _write(_news: object, _language: str) -> claims.Written:
    return claims.Written("Hello.", 1)
