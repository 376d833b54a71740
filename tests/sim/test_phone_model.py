"""The simulated phone on a clock that stands still: order, limits, states, expiry and reports, as SMS-Gate has them."""

import json
import random
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from attendance.clock import ManualClock
from attendance.domain.receipt import GatewayState, Report, read_report
from attendance.errors import BadInput
from attendance.sim.phone import AlreadyThere, NotPending, Phone, QueueFull
from attendance.sim.phone_faults import Fault
from attendance.sim.phone_messages import rolled_up
from attendance.sim.phone_network import EXPIRED
from attendance.sim.phone_requests import SendRequest
from attendance.sim.phone_settings import LimitPeriod, PhoneSettings, ProcessingOrder
from attendance.sim.phone_webhooks import EVENTS

ANA, BEN = "+639171234567", "+639189876543"
AT = datetime(2026, 6, 8, 6, 30, tzinfo=UTC)
HOOK = "http://127.0.0.1:8081/sms-webhook"
FIFO = ProcessingOrder.FIFO
S = GatewayState


class Bench:
    """A phone on a clock that only ``run`` moves."""

    def __init__(self, **settings: Any) -> None:
        self.clock = ManualClock(AT)
        self.phone = Phone(self.clock, random.Random(1), PhoneSettings(**settings), zone=UTC)
        for event in EVENTS:
            self.phone.webhooks.register({"id": event, "url": HOOK, "event": event})
        self.reports: list[bytes] = []
        self.at_s: dict[str, list[float]] = {}

    def send(self, message_id: str, phone: str = ANA, text: str = "Hello", **more: Any) -> None:
        self.phone.accept(SendRequest(message_id, text, (phone,), **more))

    def run(self, seconds: float) -> None:
        """Let time pass in small steps; whatever is posted is taken."""
        end_ns = self.clock.boot_ns() + round(seconds * 1e9)
        while True:
            wait_s = self.phone.step()
            while (post := self.phone.webhooks.due()) is not None:
                self.reports.append(post.body)
                self.phone.webhooks.done(post, "200", True)
            left_s = (end_ns - self.clock.boot_ns()) / 1e9
            if left_s <= 0:
                return
            self.clock.advance(min(left_s, max(wait_s, 0.001)))

    def events(self, event: str = "") -> list[dict[str, Any]]:
        found = [json.loads(body) for body in self.reports]
        return [each for each in found if not event or each["event"] == event]

    def left(self) -> list[tuple[str, float]]:
        """Which message was processed when, in seconds since the start."""
        found = [
            (each.message_id, (each.states[S.PROCESSED] - AT).total_seconds())
            for each in self.phone.messages()
            if S.PROCESSED in each.states
        ]
        return sorted(found, key=lambda each: each[1])

    def order(self) -> list[str]:
        return [each.message_id for each in self.phone.arrivals]


def test_a_message_passes_through_its_states_in_order() -> None:
    """Pending, Processed, Sent, Delivered, each later than the one before; the parent has it once."""
    bench = Bench()
    bench.send("m-1")
    bench.run(10)
    message = bench.phone.message("m-1")
    assert message is not None
    assert list(message.states) == [S.PENDING, S.PROCESSED, S.SENT, S.DELIVERED]
    assert sorted(message.states.values()) == list(message.states.values())
    assert [(each.phone, each.text) for each in bench.phone.arrivals] == [(ANA, "Hello")]


def test_the_same_id_is_never_sent_twice() -> None:
    """The second request is refused, while the first waits and after it was delivered."""
    bench = Bench()
    bench.send("m-1")
    with pytest.raises(AlreadyThere):
        bench.send("m-1")
    bench.run(10)
    with pytest.raises(AlreadyThere):
        bench.send("m-1", text="another text")
    bench.run(10)
    assert len(bench.phone.arrivals) == 1


@pytest.mark.parametrize(("order", "expected"), [("LIFO", ["a", "d", "c", "b"]), ("FIFO", ["a", "b", "c", "d"])])
def test_the_newest_leaves_first_unless_set_otherwise(order: str, expected: list[str]) -> None:
    """LIFO is the app's default, which surprises: the first to wait leaves last."""
    assert PhoneSettings().processing_order is ProcessingOrder.LIFO
    bench = Bench(processing_order=ProcessingOrder(order), send_interval_min_s=5, send_interval_max_s=5)
    bench.send("a")
    bench.run(1)
    for each in "bcd":
        bench.send(each)
    bench.run(60)
    assert [name for name, _ in bench.left()] == expected


def test_a_higher_priority_leaves_first() -> None:
    """Priority goes before order."""
    bench = Bench(processing_order=FIFO, send_interval_min_s=5, send_interval_max_s=5)
    for name, priority in (("a", 0), ("b", -5), ("c", 10)):
        bench.send(name, priority=priority)
    bench.run(60)
    assert [name for name, _ in bench.left()] == ["c", "a", "b"]


def test_a_limit_pauses_a_whole_period_and_drops_nothing() -> None:
    """After 3 of 3 a minute the phone rests a minute and a second from the last one, then the next three leave."""
    bench = Bench(limit_period=LimitPeriod.PER_MINUTE, limit_value=3, processing_order=FIFO)
    for number in range(7):
        bench.send(f"m-{number}")
    bench.run(200)
    assert [round(at_s) for _, at_s in bench.left()] == [0, 0, 0, 61, 61, 61, 122]
    assert len(bench.phone.arrivals) == 7


def test_a_full_limit_counts_its_pause_from_the_last_message() -> None:
    """It is no sliding window: after 0, 15 and 30 s the fourth of 3 a minute leaves at 91 s, not at 61 s."""
    bench = Bench(limit_period=LimitPeriod.PER_MINUTE, limit_value=3)
    for number in range(4):
        bench.send(f"m-{number}")
        bench.run(15)
    bench.run(60)
    assert [round(at_s) for _, at_s in bench.left()] == [0, 15, 30, 91]


def test_an_expedited_message_waits_for_no_limit() -> None:
    """Priority 100 passes the limit when the message before had less; the second in a row waits."""
    bench = Bench(limit_period=LimitPeriod.PER_HOUR, limit_value=1)
    bench.send("plain")
    bench.run(1)
    bench.send("urgent", priority=100)
    bench.run(5)
    assert [name for name, _ in bench.left()] == ["plain", "urgent"]


def test_the_pause_between_two_is_random_within_its_bounds() -> None:
    """Whole seconds from the least to the most; not always the same."""
    bench = Bench(send_interval_min_s=2, send_interval_max_s=9, processing_order=FIFO)
    for number in range(30):
        bench.send(f"m-{number}")
    bench.run(300)
    times = [at_s for _, at_s in bench.left()]
    pauses = {round(later - earlier, 2) for earlier, later in pairwise(times)}
    assert pauses <= set(map(float, range(2, 10)))
    assert len(pauses) > 3


def test_a_message_whose_time_is_over_fails_when_its_turn_comes() -> None:
    """Failed, with the app's words; the parent never gets it; until its turn it is Pending."""
    bench = Bench(limit_period=LimitPeriod.PER_MINUTE, limit_value=1, processing_order=FIFO)
    bench.send("first")
    bench.send("late", valid_until=AT + timedelta(seconds=30))
    bench.run(50)
    late = bench.phone.message("late")
    assert late is not None
    assert late.state is S.PENDING
    bench.run(30)
    assert late.state is S.FAILED
    assert bench.events("sms:failed")[0]["payload"]["reason"] == EXPIRED == "TTL expired"
    assert bench.order() == ["first"]


def test_each_part_is_reported_delivered() -> None:
    """Three parts: one sent with their number, three delivered; the parent reads it when all are there."""
    bench = Bench()
    bench.send("long", text="x" * 400)
    bench.run(10)
    assert [each["payload"]["partsCount"] for each in bench.events("sms:sent")] == [3]
    assert len(bench.events("sms:delivered")) == 3
    assert len({each["id"] for each in bench.events()}) == 4
    assert len(bench.phone.arrivals) == 1


def test_without_a_delivery_report_the_parent_gets_it_all_the_same() -> None:
    """The message stays Sent, and nothing says that it arrived."""
    bench = Bench()
    bench.send("m-1", with_delivery_report=False)
    bench.run(10)
    message = bench.phone.message("m-1")
    assert message is not None
    assert message.state is S.SENT
    assert bench.order() == ["m-1"]
    assert bench.events("sms:delivered") == []


def test_every_recipient_is_told_of() -> None:
    """One report for each, with the fields of the app's payload, and a state for each."""
    bench = Bench()
    bench.phone.accept(SendRequest("m-1", "Hello", (ANA, BEN)))
    bench.run(10)
    sent = bench.events("sms:sent")
    assert {each["payload"]["recipient"] for each in sent} == {ANA, BEN}
    for payload in (each["payload"] for each in sent):
        assert set(payload) == {"messageId", "sender", "recipient", "phoneNumber", "simNumber", "partsCount", "sentAt"}
        assert payload["phoneNumber"] == payload["recipient"]


@pytest.mark.parametrize(
    ("states", "whole"),
    [
        ((S.PENDING, S.DELIVERED), S.PENDING),
        ((S.PROCESSED, S.DELIVERED), S.PROCESSED),
        ((S.CANCELLED, S.CANCELLED), S.CANCELLED),
        ((S.FAILED, S.FAILED), S.FAILED),
        ((S.DELIVERED, S.DELIVERED), S.DELIVERED),
        ((S.FAILED, S.DELIVERED), S.SENT),
        ((S.SENT, S.DELIVERED), S.SENT),
    ],
)
def test_the_state_of_several_recipients_is_the_apps(states: tuple[S, ...], whole: S) -> None:
    """Any that waits holds the message back; mixed ends are Sent."""
    assert rolled_up(states) is whole


def test_every_report_is_one_that_the_gate_reads() -> None:
    """The gate's own reader takes them all, and finds the message, its state and when."""
    bench = Bench()
    bench.send("m-1", text="Peña: <OK> & 'fine' = 1")
    bench.run(5)
    bench.phone.ping()
    bench.phone.answer(ANA, "STOP")
    bench.run(1)
    reports = [read_report(body) for body in bench.reports]
    states = [(each.message_id, each.state) for each in reports if each.state]
    assert states == [("m-1", S.SENT), ("m-1", S.DELIVERED)]
    assert all(isinstance(each, Report) for each in reports)
    assert [each.happened_at is not None for each in reports if each.state] == [True, True]
    ping = next(each for each in reports if each.event == "system:ping")
    assert ping.health is not None
    assert (ping.health.battery_percent, ping.health.charging, ping.health.connected) == (87, True, True)


def test_a_parents_answer_is_reported_with_its_words() -> None:
    """sms:received: the sender is the parent; the bytes are those of the app's Gson, which escapes for HTML."""
    bench = Bench()
    bench.phone.answer(ANA, "STOP <now> & 'ever'")
    bench.run(1)
    payload = bench.events("sms:received")[0]["payload"]
    assert (payload["sender"], payload["phoneNumber"], payload["message"]) == (ANA, ANA, "STOP <now> & 'ever'")
    assert rb"\u003cnow\u003e \u0026 \u0027ever\u0027" in bench.reports[0]


def test_a_waiting_message_can_be_called_back() -> None:
    """Cancelled, reported, never sent; one that has left cannot be; an unknown one is none."""
    bench = Bench(limit_period=LimitPeriod.PER_HOUR, limit_value=1, processing_order=FIFO)
    bench.send("first")
    bench.send("second")
    bench.run(5)
    cancelled = bench.phone.cancel("second")
    assert cancelled is not None
    assert cancelled.state is S.CANCELLED
    with pytest.raises(NotPending):
        bench.phone.cancel("first")
    assert bench.phone.cancel("third") is None
    bench.run(4000)
    assert bench.order() == ["first"]
    assert len(bench.events("sms:cancelled")) == 1


def test_a_full_queue_takes_nothing_until_one_has_left() -> None:
    """The server's limit of waiting messages."""
    bench = Bench(queue_max_pending=2, limit_period=LimitPeriod.PER_MINUTE, limit_value=1)
    for each in "abc":
        bench.send(each)
        bench.run(0.1)
    with pytest.raises(QueueFull):
        bench.send("d")
    bench.run(62)
    bench.send("d")


def test_a_scheduled_message_waits_for_its_time() -> None:
    """It is Pending until then."""
    bench = Bench()
    bench.send("m-1", schedule_at=AT + timedelta(minutes=10))
    bench.run(590)
    assert bench.left() == []
    bench.run(20)
    assert len(bench.left()) == 1


def test_without_service_messages_fail_with_the_reason() -> None:
    """As often as it was switched to, then they leave."""
    bench = Bench()
    bench.phone.switch(Fault.NO_SERVICE, True, times=1)
    bench.send("m-1")
    bench.run(5)
    bench.send("m-2")
    bench.run(5)
    assert "RESULT_ERROR_NO_SERVICE" in bench.events("sms:failed")[0]["payload"]["reason"]
    assert bench.order() == ["m-2"]
    assert bench.phone.health()["checks"]["messages:failed"]["status"] == "warn"


def test_an_undelivered_message_stays_sent() -> None:
    """Nothing says so, for ever."""
    bench = Bench()
    bench.phone.switch(Fault.UNDELIVERED, True)
    bench.send("m-1")
    bench.run(3600)
    message = bench.phone.message("m-1")
    assert message is not None
    assert message.state is S.SENT
    assert bench.phone.arrivals == []


def test_a_delivered_message_can_be_taken_back_to_sent() -> None:
    """The regression that was seen in the field: the state and a late report of it."""
    bench = Bench()
    bench.phone.switch(Fault.REGRESS, True)
    bench.send("m-1")
    bench.run(20)
    message = bench.phone.message("m-1")
    assert message is not None
    assert message.state is S.SENT
    assert [each["event"] for each in bench.events()] == ["sms:sent", "sms:delivered", "sms:sent"]


def test_every_report_can_come_five_times_out_of_order() -> None:
    """Five copies with the same id; the sequence is not the one of what happened."""
    bench = Bench()
    bench.phone.switch(Fault.REPEAT, True)
    for number in range(4):
        bench.send(f"m-{number}")
    bench.run(30)
    ids = [each["id"] for each in bench.events()]
    assert len(ids) == 5 * len(set(ids)) == 40
    happened = [each["payload"].get("sentAt") or each["payload"].get("deliveredAt") for each in bench.events()]
    assert happened != sorted(happened)


def test_reports_can_fall_silent() -> None:
    """Messages arrive, and nobody is told."""
    bench = Bench()
    bench.phone.switch(Fault.SILENT, True)
    bench.send("m-1")
    bench.run(20)
    assert bench.order() == ["m-1"]
    assert bench.reports == []


def test_a_report_that_is_not_taken_is_posted_again_with_growing_pauses() -> None:
    """The same body after 5, 10, 20, … seconds; after the last try it is given up."""
    bench = Bench(retry_count=4)
    bench.phone.ping()
    posted: list[tuple[float, bytes]] = []
    for _ in range(400):
        bench.clock.advance(1)
        while (post := bench.phone.webhooks.due()) is not None:
            posted.append((bench.clock.boot_ns() / 1e9, post.body))
            bench.phone.webhooks.done(post, "500", False)
    times = [at_s for at_s, _ in posted]
    assert [round(later - earlier) for earlier, later in pairwise(times)] == [5, 10, 20, 40]
    assert len({body for _, body in posted}) == 1
    assert (bench.phone.webhooks.waiting, bench.phone.webhooks.given_up) == (0, 1)


def test_fifteen_tries_last_nearly_two_days() -> None:
    """The app's default: long enough for a gate that is off over a night."""
    assert 45 < sum(5 * 2**number for number in range(PhoneSettings().retry_count)) / 3600 < 46


def test_a_fault_ends_by_itself() -> None:
    """After the time it was switched on for."""
    bench = Bench()
    bench.phone.switch(Fault.ERROR, True, seconds=3600)
    bench.clock.advance(3599)
    assert bench.phone.strikes(Fault.ERROR)
    bench.clock.advance(2)
    assert not bench.phone.strikes(Fault.ERROR)


def test_pings_come_at_their_interval() -> None:
    """Every minute, with the health that names an empty battery."""
    bench = Bench(ping_interval_s=60)
    bench.phone.switch(Fault.LOW_BATTERY, True)
    bench.run(185)
    pings = bench.events("system:ping")
    assert len(pings) == 3
    assert pings[0]["payload"]["health"]["checks"]["battery:level"]["status"] == "fail"


def test_one_registration_is_one_event_and_the_same_id_replaces() -> None:
    """An event that nobody registered goes nowhere; a second address is told too."""
    bench = Bench()
    hooks = bench.phone.webhooks
    hooks.register({"id": "sms:sent", "url": "https://gate.example/hook", "event": "sms:sent"})
    hooks.register({"url": HOOK, "event": "sms:delivered"})
    hooks.remove("system:ping")
    hooks.remove("never there")
    assert [each.url for each in hooks.registered if each.event == "sms:sent"] == ["https://gate.example/hook"]
    bench.phone.ping()
    bench.send("m-1")
    bench.run(10)
    assert [each["event"] for each in bench.events()] == ["sms:sent", "sms:delivered", "sms:delivered"]


@pytest.mark.parametrize(
    "url", ["http://192.168.1.20:8081/x", "http://localhost:8081/", "ftp://127.0.0.1/", "https://", "127.0.0.1", "", 7]
)
def test_an_address_that_the_app_refuses_is_refused(url: object) -> None:
    """https anywhere, http on the phone itself only."""
    with pytest.raises(BadInput):
        Bench().phone.webhooks.register({"url": url, "event": "sms:sent"})


def test_what_has_ended_is_forgotten_in_the_end() -> None:
    """A phone that lives for weeks keeps a bounded number of messages, and forgets none that waits."""
    clock = ManualClock(AT)
    phone = Phone(clock, random.Random(1), zone=UTC, remembered=20)
    phone.accept(SendRequest("waits", "Hello", (ANA,), schedule_at=AT + timedelta(days=1)))
    for number in range(50):
        phone.accept(SendRequest(f"m-{number}", "Hello", (ANA,)))
        for _ in range(20):
            clock.advance(phone.step() or 0.01)
    kept = [each.message_id for each in phone.messages()]
    assert kept == ["waits", *(f"m-{number}" for number in range(31, 50))]


_ARRIVALS = st.lists(st.tuples(st.floats(0, 40), st.integers(-128, 99)), min_size=1, max_size=40)


@settings(max_examples=40, deadline=None)
@given(_ARRIVALS, st.integers(1, 6), st.sampled_from(ProcessingOrder), st.integers(0, 3))
def test_whatever_comes_leaves_once_and_within_the_limit(
    arrivals: list[tuple[float, int]], limit: int, order: ProcessingOrder, pause_s: int
) -> None:
    """Any arrivals, priorities, limit, order and pause: no minute holds more than the limit, nobody is left out."""
    bench = Bench(
        limit_period=LimitPeriod.PER_MINUTE,
        limit_value=limit,
        processing_order=order,
        send_interval_max_s=pause_s,
    )
    for number, (after_s, priority) in enumerate(arrivals):
        bench.run(after_s)
        bench.send(f"m-{number}", priority=priority)
    bench.run(70 * len(arrivals))
    times = [at_s for _, at_s in bench.left()]
    assert all(later - earlier >= 60 for earlier, later in zip(times, times[limit:], strict=False))
    assert sorted(bench.order()) == sorted(f"m-{number}" for number in range(len(arrivals)))


def test_a_thousand_messages_in_half_an_hour_keep_the_limit() -> None:
    """In no window of a minute more than the limit leave; none is lost, none comes twice."""
    bench = Bench(limit_period=LimitPeriod.PER_MINUTE, limit_value=30)
    for number in range(1000):
        bench.send(f"m-{number}", phone=f"+63917{number:07}")
        bench.run(1.8)
    bench.run(3600)
    times = [at_s for _, at_s in bench.left()]
    assert all(later - earlier > 60 for earlier, later in zip(times, times[30:], strict=False))
    assert sorted(bench.order()) == sorted(f"m-{number}" for number in range(1000))
