"""A phone that misbehaves for an hour while a school arrives, on a clock that is played: each parent gets each message
once."""

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sms_desk import MANILA, SmsDesk

from attendance.domain.scan import Status
from attendance.kiosk.sms.limits import Limits
from attendance.kiosk.sms.polling import ReportPoll
from attendance.kiosk.sms.sms_gate import SmsGate
from attendance.kiosk.store.receipts import Rules
from attendance.kiosk.web.access import Access
from attendance.kiosk.web.webhook import SMSWebhookReceiver
from attendance.sim.phone_device import SimulatedPhone
from attendance.sim.phone_faults import Fault
from attendance.sim.phone_posting import Postman

HOUR_S = 3600
STUDENTS = 30
RULES = Rules(log_deliveries=True, retry_failed=True, expire_after=timedelta(hours=2), zone=MANILA)


class BadHour:
    """A gate with its courier, its poll and its port for reports, and a phone on the same played clock."""

    def __init__(self, folder: Path) -> None:
        self.desk = SmsDesk(folder)
        clock = self.desk.clock
        self.phone = SimulatedPhone(password="pw", seed=1, clock=clock, hang_s=0.5)
        self.phone.start()
        client = SmsGate("phone", self.phone.url, self.phone.username, self.phone.password, timeout_s=0.25)
        self.desk.phones = [client]  # type: ignore[list-item]  # the real client in the place of the small one
        self.desk.hire(limits=Limits(cooldown=timedelta()))
        self.poll = ReportPoll(
            *(self.desk.database, self.desk.writer, self.desk.routes, clock),
            rules=RULES,
            report_after=timedelta(minutes=15),
        )
        self.receiver = SMSWebhookReceiver(
            self.desk.database,
            port=0,
            enabled=True,
            auth_token="",
            host="127.0.0.1",
            log_deliveries=True,
            retry_failed=True,
            signing_key="",
            tls_certificate="",
            tls_key="",
            expire_after_minutes=120,
            zone=MANILA,
            clock=clock,
            access=Access(),
            writer=self.desk.writer,
        )
        self.postman = Postman(self.phone.phone)
        for number in range(1, STUDENTS + 1):
            self.desk.enrol(str(number))

    def close(self) -> None:
        self.phone.stop()
        self.receiver.stop()
        self.desk.close()

    def lives(self, for_s: float) -> None:
        """Let everything work, in turns, and the time pass."""
        clock = self.desk.clock
        ends_ns = clock.boot_ns() + for_s * 1e9
        ask_ns = clock.boot_ns()
        while clock.boot_ns() < ends_ns:
            rest_s = self.desk.courier.step()
            if clock.boot_ns() >= ask_ns:
                ask_ns = clock.boot_ns() + round(self.poll.step() * 1e9)
            clock.advance(min(rest_s, (ends_ns - clock.boot_ns()) / 1e9))
            self.phone.phone.step()
            while self.postman.step() == 0.0:
                pass

    def reports(self) -> None:
        """Have the phone report to the gate."""
        assert self.receiver.start()
        self.phone.register(f"http://127.0.0.1:{self.receiver.port}/sms-webhook")

    def arrivals(self) -> Counter[str]:
        return Counter(arrival.phone for arrival in self.phone.phone.arrivals)


@pytest.fixture
def hour(tmp_path: Path) -> Iterator[BadHour]:
    hour = BadHour(tmp_path)
    yield hour
    hour.close()


ONCE = {f"+63917{number:07}": 1 for number in range(1, STUDENTS + 1)}


@pytest.mark.parametrize("fault", [Fault.ERROR, Fault.HTML, Fault.BUSY, Fault.HANG, Fault.CLOSE_EARLY])
def test_an_hour_of_it_costs_no_parent_a_message_and_doubles_none(hour: BadHour, fault: Fault) -> None:
    """500, a login page, a full queue, silence and broken answers, whether the phone took the message or not: in the
    end everybody has been told."""
    hour.phone.phone.switch(fault, True, seconds=HOUR_S)
    for number in range(1, STUDENTS + 1):
        hour.desk.scan(str(number), Status.LATE if number % 3 == 0 else Status.ON_TIME)
        hour.lives(60)
    assert hour.desk.states().get("waiting", 0) > STUDENTS // 2, "nothing went wrong"
    hour.lives(2 * HOUR_S)
    assert hour.arrivals() == ONCE
    assert hour.desk.states() == {"sent": STUDENTS}
    assert dict(hour.desk.rows("SELECT gateway_state, count(*) FROM sms_outbox GROUP BY 1")) == {"Delivered": STUDENTS}


def test_one_misfortune_after_the_other(hour: BadHour) -> None:
    """Ten minutes of each, while the school arrives."""
    for fault in (Fault.HANG, Fault.ERROR, Fault.CLOSE_EARLY, Fault.HTML, Fault.BUSY, Fault.HANG):
        hour.phone.phone.switch(fault, True, seconds=600)
        for _ in range(5):
            hour.desk.scan(str(1 + hour.desk.rows("SELECT count(*) FROM attendance")[0][0]))
            hour.lives(120)
    hour.lives(2 * HOUR_S)
    assert hour.arrivals() == ONCE
    assert hour.desk.states() == {"sent": STUDENTS}


def test_reports_five_times_and_out_of_order(hour: BadHour) -> None:
    """Each message is delivered once; what the network refused is sent once more, not five times."""
    hour.reports()
    hour.phone.phone.switch(Fault.REPEAT, True)
    hour.phone.phone.switch(Fault.REGRESS, True)
    for number in range(1, STUDENTS + 1):
        hour.phone.phone.switch(Fault.NO_SERVICE, number % 10 == 0, times=1)
        hour.desk.scan(str(number))
        hour.lives(60)
    hour.lives(HOUR_S)
    assert hour.arrivals() == ONCE
    states = dict(hour.desk.rows("SELECT gateway_state, count(*) FROM sms_outbox GROUP BY 1"))
    assert states == {"Delivered": STUDENTS, "Failed": 3}
    assert hour.desk.rows("SELECT count(*) FROM sms_delivery_log WHERE status = 'Delivered'") == [(STUDENTS,)]
