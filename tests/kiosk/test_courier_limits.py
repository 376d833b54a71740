"""The limits under load: never more than allowed, over restarts and reboots, and nothing lost or doubled."""

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from memory_disk import folder_in_memory, in_memory
from sms_desk import MORNING, Phone, SmsDesk, passing, unclear

from attendance.clock import ManualClock
from attendance.domain.capacity import capacity
from attendance.domain.message import MessageKind, priority
from attendance.domain.ratelimit import Window
from attendance.domain.scan import Status
from attendance.kiosk.sms.limits import Limits
from attendance.kiosk.store import roster
from attendance.kiosk.store.database import writing

DOCUMENTED = (Window(10, 60), Window(60, 3600))
memory_disk = pytest.fixture(in_memory)


@pytest.fixture
def desk(memory_disk: Path) -> Iterator[SmsDesk]:
    desk = SmsDesk(memory_disk)
    yield desk
    desk.close()


def most_in_any(requests: list[float], window: Window) -> int:
    """The most requests that any span of a window's length has seen."""
    return max((sum(at <= each < at + window.seconds for each in requests) for at in requests), default=0)


def test_a_morning_of_a_thousand_arrivals(desk: SmsDesk) -> None:
    """In thirty minutes, at 10 a minute and 60 an hour: every message is sent within the limits or has expired with its
    reason; who was late comes first; nothing is lost, nothing twice; and the estimate was right."""
    with writing(desk.database) as conn:
        for number in range(1000):
            guardian = roster.Guardian(f"+63917{number:07}")
            enrolment = roster.Enrolment(str(number), f"Student {number}", guardians=[guardian])
            roster.enrol(conn, enrolment, desk.clock.now())
    desk.hire(limits=Limits())
    for first in range(0, 1000, 5):
        desk.scans([(str(each), Status.LATE if each % 10 == 9 else Status.ON_TIME) for each in range(first, first + 5)])
        desk.exhaust(9)
        desk.clock.advance(max(0.0, (first + 5) * 1.8 - desk.clock.boot_ns() / 1e9))
    desk.exhaust(3 * 3600)

    assert [most_in_any(desk.phone.requests, window) for window in DOCUMENTED] == [10, 60]
    states = desk.states()
    assert set(states) == {"sent", "expired"}
    assert sum(states.values()) == 1000
    assert len(desk.phone.ids()) == len(set(desk.phone.ids())) == states["sent"] == desk.sent
    reasons = desk.rows("SELECT DISTINCT reason FROM sms_outbox WHERE state = 'expired'")
    assert reasons == [("Useless after 120 minutes. The limit of messages was reached.",)]
    late = desk.rows("SELECT count(*) FROM sms_outbox WHERE kind = 'late_arrival' AND state = 'sent'")
    assert late == [(100,)]
    kinds = [MessageKind.CHECK_IN, MessageKind.LATE_ARRIVAL]
    expected = capacity(DOCUMENTED, 1000, kinds, login_minutes=30, expire_after_minutes=120)
    assert abs(states["sent"] - expected.told) <= 10


def test_within_a_priority_the_oldest_leave_first(desk: SmsDesk) -> None:
    """Whatever the limit lets through, it is in order."""
    queued: list[tuple[int, str]] = []
    desk.hire(limits=Limits(windows=[Window(2, 60)]))
    for number in range(1, 13):
        desk.enrol(str(number))
        status = Status.LATE if number % 3 == 0 else Status.ON_TIME
        urgency = priority(MessageKind.LATE_ARRIVAL if status is Status.LATE else MessageKind.CHECK_IN)
        queued += [(-urgency, message) for message in desk.scan(str(number), status)]
    desk.exhaust(3600)
    assert desk.phone.ids() == [message for _, message in sorted(queued)]


def test_when_full_drop_drops(desk: SmsDesk, caplog: pytest.LogCaptureFixture) -> None:
    """As documented: what finds no room is dropped, with a log line."""
    caplog.set_level("WARNING")
    desk.hire(limits=Limits(windows=[Window(2, 60)], drop=True))
    messages = []
    for number in ("1", "2", "3"):
        desk.enrol(number)
        messages += desk.scan(number)
    desk.exhaust(60)
    assert [desk.row(message)["state"] for message in messages] == ["sent", "sent", "dropped"]
    assert f"SMS {messages[2]} (check_in) dropped: The limit of messages was reached." in caplog.text


def test_a_second_gateway_waits_for_room_too(memory_disk: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The first one's request took the last slot: the message waits with that reason, and leaves by the second."""
    clock = ManualClock(MORNING)
    first, second = Phone(clock, "first"), Phone(clock, "second")
    desk = SmsDesk(memory_disk, clock, phones=[first, second])
    desk.hire(limits=Limits(windows=[Window(1, 60)]))
    desk.enrol("1")
    [message] = desk.scan("1")
    first.faults = [passing()] * 9
    desk.exhaust()
    assert (desk.row(message)["state"], second.requests) == ("waiting", [])
    assert "no room for asking another" in desk.row(message)["reason"]
    assert "no room for asking another" in caplog.text
    desk.exhaust(3600)
    assert second.ids() == [message]
    assert most_in_any(sorted(first.requests + second.requests), Window(1, 60)) == 1
    desk.close()


@pytest.mark.parametrize(("cap", "field"), [("daily_parts", "day"), ("monthly_parts", "month")])
def test_caps_count_parts(desk: SmsDesk, cap: str, field: str) -> None:
    """A message of two parts counts two; at 80 % health warns, at 100 % messages wait; a new day has its own."""
    for number in range(1, 8):
        desk.enrol(str(number))
    desk.hire(limits=Limits(windows=(), cooldown=timedelta(), **{cap: 5}))

    def send(number: int, parts: int) -> str:
        [message] = desk.scan(str(number))
        desk.write("UPDATE sms_outbox SET text = 'x', parts = ? WHERE message_id = ?", parts, message)
        desk.exhaust(60)
        return str(desk.row(message)["state"])

    def codes() -> list[str]:
        return [problem.code for problem in desk.courier.probe().problems]

    assert (send(1, 2), codes()) == ("sent", [])
    assert send(2, 2) == "sent"
    desk.exhaust()
    desk.clock.advance(60)
    assert send(3, 2) == "waiting"
    assert codes() == ["sms-parts-near"]
    desk.write("DELETE FROM sms_outbox WHERE state = 'waiting'")
    assert send(4, 1) == "sent"
    assert send(5, 1) == "waiting"
    assert codes() == ["sms-parts-used"]
    desk.clock.advance(86_400 if field == "day" else 31 * 86_400)
    assert send(6, 1) == "sent"


def test_an_unsure_clock_spends_on_the_last_day_known(desk: SmsDesk) -> None:
    """A clock that jumps gives nobody a fresh allowance."""
    desk.hire(limits=Limits(windows=(), daily_parts=1))
    for number in ("1", "2"):
        desk.enrol(number)
    desk.scan("1")
    desk.exhaust()
    desk.clock.trusted = False
    desk.clock.step(86_400)
    desk.clock.advance(300)
    [message] = desk.scan("2")
    desk.exhaust()
    assert desk.row(message)["state"] == "waiting"


class Died(BaseException):
    """The process ended in the middle of a request."""


class MortalPhone(Phone):
    """Its requests may end with the process that makes them."""

    dies: bool = False
    ended: list[tuple[float, float]]

    def send(self, message):  # type: ignore[no-untyped-def]  # as Phone's
        try:
            state = super().send(message)
        finally:
            self.ended.append((self.requests[-1], self.elapsed()))
        if self.dies:
            self.dies = False
            raise Died
        return state


EVENTS = st.one_of(
    st.tuples(st.just("arrive"), st.integers(1, 12)),
    st.tuples(st.just("wait"), st.floats(0, 4000)),
    st.tuples(st.just("restart"), st.none()),
    st.tuples(st.just("die"), st.none()),
    st.tuples(st.just("reboot"), st.tuples(st.floats(0, 4000), st.booleans(), st.integers(-900, 900))),
    st.tuples(st.just("slow"), st.floats(0, 90)),
    st.tuples(st.just("fail"), st.lists(st.sampled_from(["passing", "unclear", "fine"]), max_size=6)),
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(EVENTS, min_size=4, max_size=25), st.integers(1, 4), st.integers(3, 9))
def test_no_window_ever_sees_more(events: list[tuple[str, object]], a_minute: int, an_hour: int) -> None:
    """Whatever arrives, however slow and faulty the phone is, whenever the gate restarts or the machine reboots, with a
    right clock or a wrong one: from the end of a request to the beginning of the ``limit``-th after it a whole window
    passes; and no parent sees a message twice."""
    with folder_in_memory() as folder:
        windows = (Window(a_minute, 60), Window(an_hour, 3600))
        World(folder, windows).live(events)


class World:
    """A gate and a phone whose time goes on over reboots."""

    def __init__(self, folder: Path, windows: tuple[Window, ...]) -> None:
        self.windows = windows
        self.before_boot_s = 0.0
        self.clock = ManualClock(MORNING)
        self.phone = MortalPhone(self.clock, takes=True, elapsed=self.elapsed)
        self.phone.ended = []
        self.desk = SmsDesk(folder, self.clock, phones=[self.phone])
        for number in range(1, 13):
            self.desk.enrol(str(number))
        self.hire()

    def elapsed(self) -> float:
        return self.before_boot_s + self.clock.boot_ns() / 1e9

    def hire(self) -> None:
        limits = Limits(windows=self.windows, cooldown=timedelta(), expire_after=timedelta(hours=3))
        self.desk.hire(limits=limits)

    def live(self, events: list[tuple[str, object]]) -> None:
        try:
            for event, value in [*events, ("wait", 4 * 3600.0), ("wait", 4 * 3600.0)]:
                self.happen(event, value)
        finally:
            self.desk.close()
        for window in self.windows:
            later = sorted(self.phone.ended)[window.limit :]
            for (_, ended), (began, _) in zip(sorted(self.phone.ended), later, strict=False):
                assert began - ended >= window.seconds - 1e-3
        assert max(Counter(self.phone.ids()).values(), default=0) <= 1
        assert set(self.desk.states()) <= {"sent", "expired", "unknown"}
        lost = self.desk.rows("SELECT message_id FROM sms_outbox WHERE state IN ('expired', 'waiting')")
        assert not {row[0] for row in lost} & set(self.phone.ids())

    def happen(self, event: str, value) -> None:  # type: ignore[no-untyped-def]  # each event has its own
        if event == "arrive":
            self.desk.scans([(str(number), Status.ON_TIME) for number in range(1, value + 1)])
            self.work(0)
        elif event == "wait":
            self.work(value)
        elif event == "restart":
            self.hire()
        elif event == "die":
            self.phone.dies = True
        elif event == "reboot":
            self.reboot(*value)
        elif event == "slow":
            self.phone.delay_s = value
        else:
            faults = {"passing": passing, "unclear": unclear, "fine": lambda: None}
            self.phone.faults = [faults[each]() for each in value]
            self.phone.takes = "passing" not in value  # what is passing is proven not to be taken

    def work(self, for_s: float) -> None:
        ends = self.clock.boot_ns() + for_s * 1e9
        while True:
            try:
                self.desk.exhaust(max(0.0, (ends - self.clock.boot_ns()) / 1e9))
            except Died:
                self.hire()
            else:
                self.clock.advance(max(0.0, (ends - self.clock.boot_ns()) / 1e9))
                return

    def reboot(self, off_s: float, trusted: bool, wrong_s: int) -> None:
        true_now = MORNING + timedelta(seconds=self.elapsed() + off_s)
        self.before_boot_s = self.elapsed() + off_s
        at = true_now if trusted else true_now + timedelta(seconds=wrong_s)
        self.clock = ManualClock(at, boot_id=f"boot at {self.before_boot_s}", trusted=trusted)
        self.desk.clock = self.phone.clock = self.clock
        self.hire()
