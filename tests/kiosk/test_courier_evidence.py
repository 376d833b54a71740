"""The courier where what it knows is doubtful: ages across boots, reports before answers, retries, refusals."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sms_desk import ANA, DAY, MANILA, SmsDesk, passing

from attendance.clock import ManualClock
from attendance.domain.message import MessageKind, OutboxState
from attendance.domain.ratelimit import Window
from attendance.domain.receipt import FLAT_EVENT, GatewayState, Report
from attendance.domain.scan import Direction, Status
from attendance.errors import BadInput
from attendance.kiosk.sms.limits import Limits
from attendance.kiosk.store import notices, outbox, receipts
from attendance.kiosk.store.database import reading, writing
from attendance.kiosk.store.notices import Notice
from attendance.kiosk.store.receipts import Rules

RETRYING = Rules(log_deliveries=True, retry_failed=True, expire_after=timedelta(hours=2), zone=MANILA)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[SmsDesk]:
    desk = SmsDesk(tmp_path)
    desk.enrol("1", ANA, name="Ana Cruz")
    yield desk
    desk.close()


def report(desk: SmsDesk, message: str, state: GatewayState, event: str = FLAT_EVENT, event_id: str = "") -> str:
    """Record what the gateway says; the id of the retry that it causes."""
    with writing(desk.database) as conn:
        said = Report(event_id or f"{message} {state}", event, message, state)
        return receipts.record(conn, said, desk.clock.now(), RETRYING).retry


def reboot(desk: SmsDesk, *, after: timedelta, trusted: bool, limits: Limits | None = None) -> None:
    """The machine was off for a while; its clock may be unsure."""
    at = desk.clock.now().at + after
    desk.clock = desk.phone.clock = ManualClock(at, boot_id="second", trusted=trusted)
    desk.hire(limits)


def test_yesterdays_message_does_not_slip_out_before_the_clock_is_set(desk: SmsDesk) -> None:
    """A Pi knows after some seconds what time it is; until then the age of what waited over night is not known."""
    [message] = desk.scan("1", direction=Direction.OUT)
    reboot(desk, after=timedelta(hours=14), trusted=False)
    desk.exhaust(20)
    assert desk.phone.shown == []
    desk.clock.trusted = True
    desk.exhaust(20)
    assert (desk.row(message)["state"], desk.phone.shown) == ("expired", [])


def test_after_three_minutes_it_leaves_even_so(desk: SmsDesk) -> None:
    """A gate that never learns the time still tells the parents."""
    desk.scan("1")
    reboot(desk, after=timedelta(minutes=1), trusted=False)
    desk.exhaust(181)
    assert len(desk.phone.shown) == 1


def test_new_news_does_not_wait_for_what_is_doubtful(desk: SmsDesk) -> None:
    """Behind messages of unknown age those of this boot leave at once."""
    desk.enrol("2")
    desk.scan("1")
    reboot(desk, after=timedelta(minutes=1), trusted=False)
    desk.clock.trusted = True
    made_now = desk.scan("2")
    desk.clock.trusted = False
    desk.exhaust(10)
    assert desk.phone.ids() == made_now


def test_a_reboot_does_not_take_news_for_a_repetition(desk: SmsDesk) -> None:
    """How long ago the last message was is not known to a clock that is not set: that is no reason to drop one."""
    cooldown = Limits(windows=(), cooldown=timedelta(minutes=5))
    desk.hire(cooldown)
    desk.scan("1")
    desk.exhaust()
    reboot(desk, after=timedelta(hours=5), trusted=False, limits=cooldown)
    desk.clock.trusted = True
    [message] = desk.scan("1")
    desk.clock.trusted = False
    desk.exhaust(10)
    assert desk.row(message)["state"] == "sent"


def test_a_retry_that_became_useless_behind_younger_ones_is_not_sent(desk: SmsDesk) -> None:
    """It is as old as the message that failed, and stands behind those that came since, also while those pause."""
    desk.enrol("2")
    desk.hire(Limits(windows=(Window(1, 60),), cooldown=timedelta()))
    [message] = desk.scan("1")
    desk.exhaust(1)
    desk.clock.advance(7150)
    [younger] = desk.scan("2")
    desk.write("UPDATE sms_outbox SET attempts = 9 WHERE message_id = ?", younger)
    desk.phone.faults = [passing()]
    desk.exhaust(1)
    retry = report(desk, message, GatewayState.FAILED)
    desk.exhaust(600)
    assert (desk.row(retry)["state"], desk.row(younger)["state"]) == ("expired", "sent")
    assert "120 minutes" in desk.row(retry)["reason"]


def test_a_message_of_which_a_report_came_is_not_given_again(desk: SmsDesk) -> None:
    """A database restored from a copy thinks that it waits; the phone knows better."""
    [message] = desk.scan("1")
    report(desk, message, GatewayState.DELIVERED)
    desk.exhaust(60)
    assert (desk.row(message)["state"], desk.row(message)["gateway_state"]) == ("sent", "Delivered")
    assert desk.phone.requests == []


def test_a_late_failure_of_a_message_that_a_person_sent_again_is_kept(desk: SmsDesk) -> None:
    """It is evidence like any other, and causes no second retry."""
    [message] = desk.scan("1")
    desk.write("UPDATE sms_outbox SET state = 'unknown', asked = 1, gateway = 'phone'")
    with writing(desk.database) as conn:
        outbox.retry(conn, message, desk.clock.now())
    assert report(desk, message, GatewayState.FAILED) == ""
    assert desk.row(message)["gateway_state"] == "Failed"
    assert len(desk.rows("SELECT 1 FROM sms_outbox")) == 2


@pytest.mark.parametrize("state", [GatewayState.SENT, GatewayState.DELIVERED])
def test_what_the_phone_has_sent_is_not_sent_again_by_a_person(desk: SmsDesk, state: GatewayState) -> None:
    """Nobody knew, and then a report came: the parent has it."""
    [message] = desk.scan("1")
    desk.write("UPDATE sms_outbox SET state = 'unknown', asked = 1, gateway = 'phone'")
    report(desk, message, state)
    with writing(desk.database) as conn, pytest.raises(BadInput, match=state):
        outbox.retry(conn, message, desk.clock.now())


def test_an_absence_is_taken_back_after_a_failed_attempt_too(desk: SmsDesk) -> None:
    """Nobody has it, so the student who came after all is not called absent."""
    with reading(desk.database) as conn:
        row = conn.execute("SELECT guardian_id, student_key FROM guardians").fetchone()
    with writing(desk.database) as conn:
        absence = Notice(row["student_key"], row["guardian_id"], MessageKind.ABSENCE, DAY, "morning")
        message = notices.queue(conn, absence, desk.clock.now())
    desk.phone.faults = [passing()]
    desk.exhaust()
    assert desk.row(message)["text"] is not None
    desk.scan("1", Status.LATE)
    with writing(desk.database) as conn:
        assert notices.cancel(conn, notices.overtaken(conn), desk.clock.now()) == 1
    assert desk.row(message)["state"] == OutboxState.CANCELLED


@pytest.mark.parametrize("event", [FLAT_EVENT, "sms:delivered"])
def test_an_answer_about_a_long_message_speaks_of_one_part(desk: SmsDesk, event: str) -> None:
    """The app calls a message delivered with its first part: until all have reported it was only sent."""
    [message] = desk.scan("1")
    desk.exhaust()
    desk.write("UPDATE sms_outbox SET parts = 2")
    report(desk, message, GatewayState.DELIVERED, event, "first")
    assert desk.row(message)["gateway_state"] == "Sent"
    report(desk, message, GatewayState.DELIVERED, "sms:delivered", "second")
    report(desk, message, GatewayState.DELIVERED, "sms:delivered", "third")
    assert desk.row(message)["gateway_state"] == "Delivered"


def test_who_said_stop_gets_no_notice_that_was_waiting(desk: SmsDesk) -> None:
    """Also one that the office addressed to the number."""
    with writing(desk.database) as conn:
        [message] = outbox.send(conn, "No classes.", desk.clock.now(), phone=ANA)
    desk.write("UPDATE guardians SET opted_out_at = '2026-06-07T00:00:00.000000Z'")
    desk.exhaust()
    assert (desk.row(message)["state"], desk.phone.shown) == ("opted_out", [])


def test_health_does_not_tell_of_yesterdays_parts(desk: SmsDesk) -> None:
    """With nothing to send, too, a new day has its own allowance."""
    desk.hire(Limits(windows=(), daily_parts=1))
    desk.scan("1")
    desk.exhaust()
    desk.courier.step()
    assert [problem.code for problem in desk.courier.probe().problems] == ["sms-parts-used"]
    desk.clock.advance(86_400)
    desk.courier.step()
    assert desk.courier.probe().problems == []
