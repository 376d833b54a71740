"""The gateways against the simulated phone: in its three places, and with one message on the screen whatever fails."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from attendance.clock import ManualClock
from attendance.kiosk.sms.gateway import Fault, GatewayError, Outgoing
from attendance.kiosk.sms.phone_webhooks import EVENTS, PhoneWebhooks
from attendance.kiosk.sms.routes import Routes
from attendance.kiosk.sms.sms_gate import SmsGate
from attendance.sim import phone_faults
from attendance.sim.phone_device import SimulatedPhone
from attendance.sim.phone_settings import PhoneSettings

ID = "01a20b72-8d20-7296-8b78-f8bc5b5638f6"
MESSAGE = Outgoing(ID, "+639171234567", "Ana Cruz has arrived at 06:41.", priority=0, valid_for_s=7200)
PHONE, PUBLIC, PRIVATE = "", "/3rdparty/v1", "/api/3rdparty/v1"
"""Paths of the API at the phone itself, which gives no tokens, at the public server and at a private one."""
AMBIGUOUS = (
    phone_faults.Fault.HANG,
    phone_faults.Fault.CLOSE_EARLY,
    phone_faults.Fault.HTML,
    phone_faults.Fault.ERROR,
)


@pytest.fixture
def simulated() -> Iterator[SimulatedPhone]:
    with SimulatedPhone(password="pw", seed=1, settings=PhoneSettings(speed=100), hang_s=0.6) as phone:
        yield phone


def gate(phone: SimulatedPhone, path: str = "", **options: Any) -> SmsGate:
    plan: dict[str, Any] = {"timeout_s": 0.4, "device_id": phone.phone.device_id, **options}
    return SmsGate("sms_gate", phone.url + path, phone.username, phone.password, **plan)


def texts(phone: SimulatedPhone) -> list[str]:
    return [arrival.text for arrival in phone.phone.arrivals]


@pytest.mark.parametrize(
    ("path", "auth"),
    [(PHONE, "basic"), (PUBLIC, "basic"), (PUBLIC, "jwt"), (PRIVATE, "basic"), (PRIVATE, "jwt")],
)
def test_a_message_arrives_once_and_can_be_asked_about(
    simulated: SimulatedPhone, eventually: Any, path: str, auth: Any
) -> None:
    """Checked, sent, sent again by the same id, asked about: one text on the parent's screen."""
    client = gate(simulated, path, auth=auth, timeout_s=3)
    assert "lets us in" in client.check()
    assert client.send(MESSAGE) == "Pending"
    client.send(MESSAGE)
    eventually(lambda: client.ask(ID)[0].state == "Delivered")
    assert client.ask(ID)[0].phone == MESSAGE.phone
    assert list(client.ask("never-sent")) == []
    assert texts(simulated) == [MESSAGE.text]


def test_a_wrong_password_is_told(simulated: SimulatedPhone) -> None:
    """By the check, before a message depends on it."""
    client = SmsGate("sms_gate", simulated.url, simulated.username, "wrong", timeout_s=3)
    with pytest.raises(GatewayError) as caught:
        client.check()
    assert caught.value.fault is Fault.CREDENTIALS


@pytest.mark.parametrize("fault", AMBIGUOUS, ids=lambda fault: fault.name)
def test_a_gateway_that_fails_in_the_middle_delivers_once(
    simulated: SimulatedPhone, eventually: Any, fault: Any
) -> None:
    """It takes the message and says otherwise, several times: kept by the same gateway, the parent gets one text."""
    time = ManualClock(datetime(2026, 6, 1, tzinfo=UTC))
    with SimulatedPhone(password="pw", seed=2, settings=PhoneSettings(speed=100)) as second:
        routes = Routes([gate(simulated), SmsGate("second", second.url, "sms", "pw")], time)
        simulated.phone.switch(fault, True, times=3)
        committed_to = ""
        for _ in range(10):
            try:
                assert routes.send(MESSAGE, committed_to).gateway_name == "sms_gate"
                break
            except GatewayError as error:
                committed_to = error.gateway
                time.advance(routes.rest_s(committed_to))
        eventually(lambda: texts(simulated))
        assert (texts(simulated), texts(second)) == ([MESSAGE.text], [])


def test_a_full_phone_hands_over_to_the_next(simulated: SimulatedPhone, eventually: Any) -> None:
    """503 of the queue is proof."""
    time = ManualClock(datetime(2026, 6, 1, tzinfo=UTC))
    simulated.phone.switch(phone_faults.Fault.BUSY, True)
    with SimulatedPhone(password="pw", seed=2, settings=PhoneSettings(speed=100)) as second:
        backup = SmsGate("second", second.url, second.username, second.password, timeout_s=3)
        assert Routes([gate(simulated), backup], time).send(MESSAGE).gateway_name == "second"
        eventually(lambda: texts(second) == [MESSAGE.text])
    assert texts(simulated) == []


def test_the_phone_takes_webhooks_and_the_key(simulated: SimulatedPhone) -> None:
    """Registered for all events, listed as ours, removed again."""
    hooks = PhoneWebhooks(gate(simulated, timeout_s=3), "gate-1")
    hooks.set_signing_key("0123456789")
    hooks.register("http://127.0.0.1:9/sms-webhook")
    assert [hook.event for hook in hooks.list() if hook.ours] == list(EVENTS)
    assert len(hooks.remove()) == len(EVENTS)
    assert [hook for hook in hooks.list() if hook.ours] == []
