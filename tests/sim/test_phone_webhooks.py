"""What the simulated phone posts, as a gate's server sees it."""

import json
import socket
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest
from phone_client import ANA, PASSWORD, Listener, call, message

from attendance.clock import ManualClock
from attendance.kiosk.web import signature
from attendance.sim.phone_device import REPORTED, SimulatedPhone
from attendance.sim.phone_faults import Fault
from attendance.sim.phone_settings import PhoneSettings

KEY = "s1gn1ngk"
Eventually = Callable[..., None]


@pytest.fixture
def listener() -> Iterator[Listener]:
    listener = Listener()
    yield listener
    listener.close()


@pytest.fixture
def phone(listener: Listener) -> Iterator[SimulatedPhone]:
    settings = PhoneSettings(speed=50, signing_key=KEY)
    with SimulatedPhone(password=PASSWORD, seed=1, settings=settings, webhook_url=listener.url) as phone:
        yield phone


def test_a_report_has_the_apps_envelope(phone: SimulatedPhone, listener: Listener, eventually: Eventually) -> None:
    """Device, event, id, payload and the registration it is for; nothing that is null."""
    call(phone, "POST", "/messages", message(text="x" * 200))
    eventually(lambda: len(listener.of("sms:delivered")) == 2)
    report = listener.of("sms:delivered")[0]
    assert set(report) == {"deviceId", "event", "id", "payload", "webhookId"}
    assert report["deviceId"] == phone.phone.device_id
    payload = report["payload"]
    assert (payload["messageId"], payload["recipient"], payload["phoneNumber"]) == ("m-1", ANA, ANA)
    assert datetime.fromisoformat(payload["deliveredAt"]).tzinfo is not None
    assert len({each["id"] for each in listener.events}) == len(listener.events) == 3
    registered = {each.webhook_id for each in phone.phone.webhooks.registered}
    assert report["webhookId"] in registered
    assert len(registered) == len(REPORTED)


def test_the_gate_takes_the_signature(phone: SimulatedPhone, listener: Listener, eventually: Eventually) -> None:
    """Over the raw bytes and the timestamp, by the gate's own check; not with another key, body or time."""
    phone.phone.answer(ANA, "<STOP> & 'no more'")
    eventually(lambda: listener.posts)
    headers, body = listener.posts[0]
    stamp, signed = headers["X-Timestamp"], headers["X-Signature"]
    now = ManualClock(datetime.fromtimestamp(int(stamp), UTC)).now()
    assert signature.fault(KEY, body, stamp, signed, now) == ""
    assert abs(int(stamp) - time.time()) < 60
    again = json.dumps(json.loads(body)).encode()
    assert signature.fault(KEY, again, stamp, signed, now)
    assert signature.fault("another", body, stamp, signed, now)
    assert signature.fault(KEY, body, str(int(stamp) + 1), signed, now)


def test_without_a_key_there_is_no_signature(listener: Listener, eventually: Eventually) -> None:
    """Neither header."""
    with SimulatedPhone(webhook_url=listener.url) as phone:
        phone.phone.ping()
        eventually(lambda: listener.posts)
    assert not {"X-Signature", "X-Timestamp"} & set(listener.posts[0][0])


def test_what_is_not_taken_is_posted_again_signed_anew(
    phone: SimulatedPhone, listener: Listener, eventually: Eventually
) -> None:
    """After 500 the same bytes come again, with the same id, until there is success; then no more."""
    listener.status = lambda number: 500 if number < 4 else 204
    phone.phone.ping()
    eventually(lambda: len(listener.posts) == 4)
    eventually(lambda: [each.taken for each in phone.phone.webhooks.recent] == [False, False, False, True])
    assert not phone.phone.webhooks.waiting
    assert len({body for _, body in listener.posts}) == 1


def test_a_redirect_is_no_success(phone: SimulatedPhone, listener: Listener, eventually: Eventually) -> None:
    """Only 2xx is."""
    listener.status = lambda number: 302 if number == 1 else 200
    phone.phone.ping()
    eventually(lambda: len(listener.posts) == 2)


def test_each_report_five_times_in_any_order(phone: SimulatedPhone, listener: Listener, eventually: Eventually) -> None:
    """Three messages: six reports, thirty posts."""
    phone.phone.switch(Fault.REPEAT, True)
    for number in range(3):
        call(phone, "POST", "/messages", message(f"m-{number}"))
    eventually(lambda: len(listener.posts) == 30)
    assert len({each["id"] for each in listener.events}) == 6


def test_a_gate_that_does_not_answer_is_given_up_in_time(eventually: Eventually) -> None:
    """After the time-out the report waits for its next try; switching off does not wait for either."""
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        hook = f"http://127.0.0.1:{silent.getsockname()[1]}/hook"
        phone = SimulatedPhone(webhook_url=hook, post_timeout_s=0.2)
        phone.start()
        phone.phone.ping()
        eventually(lambda: phone.phone.webhooks.recent)
        assert not phone.phone.webhooks.recent[0].taken
        assert phone.phone.webhooks.waiting == 1
        assert phone.stop()


def test_switching_off_ends_a_post_that_waits_for_its_answer(eventually: Eventually) -> None:
    """The gate's end waits for no peer."""
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        phone = SimulatedPhone(webhook_url=f"http://127.0.0.1:{silent.getsockname()[1]}/hook")
        phone.start()
        phone.phone.ping()
        peer, _ = silent.accept()
        with peer:
            peer.recv(65_536)
            began = time.monotonic()
            assert phone.stop()
            assert time.monotonic() - began < 1


def test_a_gate_that_is_not_there_is_told_when_it_is_back(eventually: Eventually) -> None:
    """A refused connection counts as not taken."""
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        port = reserved.getsockname()[1]
    with SimulatedPhone(settings=PhoneSettings(speed=100), webhook_url=f"http://127.0.0.1:{port}/hook") as phone:
        phone.phone.ping()
        eventually(lambda: phone.phone.webhooks.recent)
        assert phone.phone.webhooks.recent[0].outcome == "Connection refused"
