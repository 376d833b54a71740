"""The simulated phone and the gate's own port for reports, over real sockets: what is sent ends where it belongs."""

import json
import urllib.request
from base64 import b64encode
from collections.abc import Callable, Iterator

import pytest
from report_desk import KEY, Desk

from attendance.clock import SystemClock
from attendance.sim.phone_device import SimulatedPhone
from attendance.sim.phone_faults import Fault
from attendance.sim.phone_settings import PhoneSettings

Eventually = Callable[..., None]


@pytest.fixture
def phone(desk: Desk) -> Iterator[SimulatedPhone]:
    """Signs with the key that the gate knows, and reports to its port."""
    receiver = desk.started(signing_key=KEY, clock=SystemClock())
    with SimulatedPhone(password="pw", seed=1, settings=PhoneSettings(speed=40, signing_key=KEY)) as phone:
        phone.register(f"http://127.0.0.1:{receiver.port}/sms-webhook")
        yield phone


def send(phone: SimulatedPhone, message_id: str, text: str = "Ana arrived at 7:02 AM.") -> None:
    body = {"id": message_id, "textMessage": {"text": text}, "phoneNumbers": ["+639171234567"]}
    headers = {"Content-Type": "application/json", "Authorization": "Basic " + b64encode(b"sms:pw").decode()}
    request = urllib.request.Request(f"{phone.url}/messages", json.dumps(body).encode(), headers)
    with urllib.request.urlopen(request, timeout=10) as answer:
        assert answer.status == 202


def settled(phone: SimulatedPhone, posts: int) -> bool:
    """Whether so many reports were taken, and none waits."""
    taken = [each for each in phone.phone.webhooks.recent if each.taken]
    return len(taken) >= posts and not phone.phone.webhooks.waiting


def test_a_sent_message_is_delivered_in_the_gates_books(
    desk: Desk, phone: SimulatedPhone, eventually: Eventually
) -> None:
    """The row of the outbox and that of the delivery log, with the student."""
    send(phone, desk.message)
    eventually(lambda: desk.state() == "Delivered")
    assert desk.rows("SELECT message_id, status, student_id FROM sms_delivery_log") == [
        (desk.message, "Delivered", "S-7")
    ]


def test_reports_repeated_out_of_order_change_nothing(
    desk: Desk, phone: SimulatedPhone, eventually: Eventually
) -> None:
    """Each five times: all are answered with success, the message is delivered once."""
    phone.phone.switch(Fault.REPEAT, True)
    send(phone, desk.message)
    eventually(lambda: settled(phone, 10))
    assert desk.state() == "Delivered"
    assert len(desk.rows("SELECT 1 FROM sms_delivery_log")) == 1


def test_a_message_that_the_phone_takes_back_to_sent_stays_delivered(
    desk: Desk, phone: SimulatedPhone, eventually: Eventually
) -> None:
    """States only move forward."""
    phone.phone.switch(Fault.REGRESS, True)
    send(phone, desk.message)
    eventually(lambda: settled(phone, 3))
    message = phone.phone.message(desk.message)
    assert message is not None
    assert message.state == "Sent"
    assert desk.state() == "Delivered"


def test_a_failure_is_known_with_its_reason(desk: Desk, phone: SimulatedPhone, eventually: Eventually) -> None:
    """No service."""
    phone.phone.switch(Fault.NO_SERVICE, True)
    send(phone, desk.message)
    eventually(lambda: desk.state() == "Failed")


def test_a_ping_tells_health_of_the_battery(desk: Desk, phone: SimulatedPhone, eventually: Eventually) -> None:
    """What the office sees of the phone."""
    phone.phone.switch(Fault.LOW_BATTERY, True)
    phone.phone.ping()
    eventually(lambda: settled(phone, 1))
    known = desk.receivers[0].status()["phone"]
    assert (known["battery_percent"], known["charging"], known["connected"]) == (7, False, True)
