"""From the outbox to parents through a gateway that misbehaves: the real client against the simulated phone."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sms_desk import MANILA, SmsDesk

from attendance.kiosk.sms.limits import Limits
from attendance.kiosk.sms.polling import ReportPoll
from attendance.kiosk.sms.sms_gate import SmsGate
from attendance.kiosk.store.receipts import Rules
from attendance.sim.phone_device import SimulatedPhone
from attendance.sim.phone_faults import Fault
from attendance.sim.phone_settings import PhoneSettings

STUDENTS = 6


@pytest.fixture
def phone() -> Iterator[SimulatedPhone]:
    with SimulatedPhone(password="pw", seed=1, settings=PhoneSettings(speed=100), hang_s=1.0) as phone:
        yield phone


@pytest.fixture
def desk(tmp_path: Path, phone: SimulatedPhone) -> Iterator[SmsDesk]:
    client = SmsGate("phone", phone.url, phone.username, phone.password, timeout_s=0.4)
    desk = SmsDesk(tmp_path, phones=[client])  # type: ignore[list-item]  # the real client in the place of the small one
    for number in range(1, STUDENTS + 1):
        desk.enrol(str(number))
    yield desk
    desk.close()


@pytest.mark.parametrize("fault", [Fault.HANG, Fault.HTML, Fault.CLOSE_EARLY, Fault.ERROR, Fault.BUSY])
def test_each_parent_gets_each_message_once(
    desk: SmsDesk, phone: SimulatedPhone, fault: Fault, eventually: Callable[..., None]
) -> None:
    """Whether the phone took a message before it failed or not; within the lifetime of the messages."""
    phone.phone.switch(fault, True, times=4)
    desk.hire(limits=Limits(cooldown=timedelta()))
    for number in range(1, STUDENTS + 1):
        desk.scan(str(number))
    desk.exhaust(3600)
    assert desk.states() == {"sent": STUDENTS}
    assert desk.rows("SELECT sum(attempts) FROM sms_outbox")[0][0] > STUDENTS, "nothing went wrong"
    eventually(lambda: len(phone.phone.arrivals) >= STUDENTS)
    assert sorted(arrival.phone for arrival in phone.phone.arrivals) == [
        f"+63917{number:07}" for number in range(1, STUDENTS + 1)
    ]


def test_without_webhooks_the_phone_is_asked(
    desk: SmsDesk, phone: SimulatedPhone, eventually: Callable[..., None]
) -> None:
    """No report comes, and in the end it is known that the message was delivered."""
    [message] = desk.scan("1")
    desk.exhaust()
    eventually(lambda: phone.phone.message(message).state == "Delivered")
    rules = Rules(log_deliveries=True, retry_failed=False, expire_after=timedelta(hours=2), zone=MANILA)
    after = timedelta(minutes=15)
    poll = ReportPoll(desk.database, desk.writer, desk.routes, desk.clock, rules=rules, report_after=after)
    desk.clock.advance(after.total_seconds())
    poll.step()
    assert desk.row(message)["gateway_state"] == "Delivered"
