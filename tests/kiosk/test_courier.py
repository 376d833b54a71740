"""The courier: each message once, in order, or an end with a reason."""

from collections.abc import Iterator
from datetime import time, timedelta
from pathlib import Path

import pytest
from sms_desk import ANA, MORNING, Phone, SmsDesk, passing, unclear

from attendance.clock import ManualClock
from attendance.domain.message import MessageKind
from attendance.domain.quiet import QuietHours
from attendance.domain.ratelimit import Window
from attendance.domain.scan import Direction, Status
from attendance.kiosk.sms.gateway import GatewayError
from attendance.kiosk.sms.limits import Limits
from attendance.kiosk.store import ledger, notices, roster
from attendance.kiosk.store.database import writing
from attendance.kiosk.store.notices import Notice

FREE = Limits(windows=(), cooldown=timedelta())


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[SmsDesk]:
    desk = SmsDesk(tmp_path)
    desk.enrol("1", ANA, name="Ana Cruz")
    yield desk
    desk.close()


def test_a_message_is_sent_once(desk: SmsDesk) -> None:
    """With the outbox's own id, to the guardian's number, about the student; and its row says who has it."""
    [message] = desk.scan("1")
    desk.exhaust(60)
    [shown] = desk.phone.shown
    assert (shown.message_id, shown.phone) == (message, ANA)
    assert "Ana Cruz" in shown.text
    assert 0 < shown.valid_for_s <= 7200
    row = desk.row(message)
    assert (row["state"], row["gateway"], row["gateway_state"], row["attempts"]) == ("sent", "phone", "Pending", 1)
    assert (row["text"], row["phone"], row["parts"]) == (shown.text, ANA, 1)
    assert row["ended_at"] is not None
    assert desk.sent == 1


def test_urgent_messages_leave_first_and_the_oldest_of_each(desk: SmsDesk) -> None:
    """Late before arrivals before notices, whatever was queued first."""
    for number in ("2", "3"):
        desk.enrol(number)
    first, second = desk.scan("1"), desk.scan("2")
    late = desk.scan("3", Status.LATE)
    desk.exhaust()
    assert desk.phone.ids() == [*late, *first, *second]


def test_a_refused_message_ends_with_its_reason(desk: SmsDesk) -> None:
    """The gateway said that it will never take it; the next one leaves."""
    desk.enrol("2")
    [refused], sent = desk.scan("1"), desk.scan("2")
    desk.phone.faults = [GatewayError("The number is no mobile.", permanent=True)]
    desk.exhaust(600)
    assert (desk.row(refused)["state"], desk.row(refused)["reason"]) == ("rejected", "The number is no mobile.")
    assert desk.phone.ids() == sent


def test_a_passing_failure_is_tried_again_after_a_growing_pause(desk: SmsDesk) -> None:
    """And the message leaves in the end, once."""
    desk.scan("1")
    desk.phone.faults = [passing(), passing()]
    desk.exhaust(600)
    first, second, third = desk.phone.requests
    assert 0 < second - first < third - second
    assert len(desk.phone.shown) == 1


def test_a_message_that_may_be_there_is_not_shown_twice(desk: SmsDesk) -> None:
    """The answer was lost after the phone took it: it is asked again under the same id, and has it."""
    [message] = desk.scan("1")
    desk.phone.faults, desk.phone.takes = [unclear()], True
    desk.exhaust()
    row = desk.row(message)
    assert (row["state"], row["asked"], row["gateway"]) == ("waiting", 1, "phone")
    desk.exhaust(600)
    assert desk.phone.ids() == [message]
    assert desk.row(message)["state"] == "sent"
    assert desk.sent == 1


def test_nobody_else_is_asked_while_one_may_have_it(tmp_path: Path) -> None:
    """The second phone gets what the first provably refused, and never what the first may have."""
    clock = ManualClock(MORNING)
    first, second = Phone(clock, "first"), Phone(clock, "second")
    desk = SmsDesk(tmp_path, clock, phones=[first, second])
    for number in ("1", "2"):
        desk.enrol(number)
    [refused] = desk.scan("1")
    first.faults = [passing(), unclear()]
    desk.exhaust()
    assert (second.ids(), desk.row(refused)["gateway"]) == ([refused], "second")
    [doubtful] = desk.scan("2")
    desk.exhaust(600)
    assert (first.ids(), second.ids()) == ([doubtful], [refused])
    desk.close()


def test_a_gateway_that_knows_no_ids_leaves_it_open(tmp_path: Path) -> None:
    """Without a clear answer the message ends as unknown: a second one would confuse."""
    clock = ManualClock(MORNING)
    provider = Phone(clock, "provider", recognises_repeats=False, may_repeat=False, takes=True)
    provider.faults = [unclear()]
    desk = SmsDesk(tmp_path, clock, phones=[provider])
    desk.enrol("1")
    [message] = desk.scan("1")
    desk.exhaust(3600)
    assert (desk.row(message)["state"], len(provider.shown)) == ("unknown", 1)
    desk.close()


def test_a_new_process_takes_all_leases_over(desk: SmsDesk) -> None:
    """What was claimed when the gate died goes to the same gateway, under the same id."""
    [message] = desk.scan("1")
    desk.write(
        "UPDATE sms_outbox SET state = 'claimed', lease = 'of the dead', gateway = 'phone', text = 'Hello', parts = 1"
    )
    desk.write(
        "INSERT INTO sms_slots (message_id, at, boot_id, boot_ns, clock_trusted) VALUES (?, ?, 'manual', 0, 1)",
        message,
        "2026-06-07T23:00:00.000000Z",
    )
    desk.hire(limits=Limits(windows=(Window(1, 60),), cooldown=timedelta()))
    desk.exhaust()
    assert desk.row(message)["state"] == "waiting", "its own slot counts: a request was under way"
    desk.exhaust(61)
    assert desk.phone.ids() == [message]
    assert desk.row(message)["state"] == "sent"
    assert desk.rows("SELECT count(*) FROM sms_slots WHERE ended = 0") == [(0,)]


def test_only_the_holder_of_a_lease_marks(desk: SmsDesk) -> None:
    """A courier whose lease was taken over changes nothing."""
    [message] = desk.scan("1")

    def stolen(_seconds: float) -> None:
        desk.write("UPDATE sms_outbox SET lease = 'of another'")

    desk.clock.advance = stolen  # type: ignore[method-assign]  # the phone lets time pass while it has the request
    desk.courier.step()
    assert (desk.row(message)["state"], desk.row(message)["lease"], desk.sent) == ("claimed", "of another", 0)


def test_too_old_is_useless(desk: SmsDesk) -> None:
    """After ``expire_after_minutes`` by boot time, whatever the wall clock does; with the reason."""
    [message] = desk.scan("1")
    desk.clock.step(86_400)
    desk.hire(limits=Limits(windows=(), expire_after=timedelta(minutes=120)))
    desk.clock.advance(7200)
    desk.exhaust()
    assert desk.row(message)["state"] == "expired"
    assert "120 minutes" in desk.row(message)["reason"]
    assert desk.phone.shown == []


def test_a_wrong_clock_makes_nothing_old(desk: SmsDesk) -> None:
    """After a reboot with a clock that may be years ahead a message still leaves, once it had time to be set."""
    desk.scan("1")
    desk.clock = ManualClock(desk.clock.now().at + timedelta(days=400), boot_id="second", trusted=False)
    desk.phone.clock = desk.clock
    desk.hire()
    desk.exhaust(181)
    assert len(desk.phone.shown) == 1


def test_a_message_of_unsure_time_waits_for_the_clock(desk: SmsDesk) -> None:
    """For three minutes after boot, no longer; once the scan is dated the text says the true time."""
    desk.clock.trusted = False
    desk.clock.step(-1000 * 86_400)
    [message] = desk.scan("1")
    desk.exhaust(60)
    assert desk.phone.shown == []
    desk.clock.trusted = True
    desk.clock.step(1000 * 86_400)
    scan_id = desk.row(message)["scan_id"]
    at = desk.clock.moment(0).at
    with_day = at.astimezone().date()

    with writing(desk.database) as conn:
        ledger.correct_clock(conn, scan_id, at, with_day, "on_time", 0, desk.clock.now())
    desk.exhaust(10)
    [shown] = desk.phone.shown
    assert "7:00 AM" in shown.text
    assert desk.row(message)["made_trusted"] == 1


def test_quiet_hours_defer(desk: SmsDesk) -> None:
    """Half-open and over midnight: until the first instant of the end nothing leaves but answers."""
    desk.hire(limits=Limits(windows=(), quiet=QuietHours(time(22), time(7, 0, 5)), cooldown=timedelta()))
    [message] = desk.scan("1")
    with_answer = Notice(
        desk.row(message)["student_key"], desk.row(message)["guardian_id"], MessageKind.ANSWER, body="Ok."
    )

    with writing(desk.database) as conn:
        answer = notices.queue(conn, with_answer, desk.clock.now())
    desk.clock.advance(4.9)
    desk.exhaust()
    assert desk.phone.ids() == [answer]
    assert desk.courier.probe().values["held"] == "Messages wait in the quiet hours, until 07:00."
    desk.clock.advance(0.1)
    desk.exhaust()
    assert desk.phone.ids() == [answer, message]


def test_what_quiet_hours_make_useless_says_so(desk: SmsDesk) -> None:
    """A message that grows too old meanwhile ends, with that reason."""
    desk.hire(limits=Limits(windows=(), quiet=QuietHours(time(6), time(12))))
    [message] = desk.scan("1")
    desk.exhaust(3 * 3600)
    assert desk.row(message)["state"] == "expired"
    assert "quiet hours" in desk.row(message)["reason"]


def test_a_wrong_clock_keeps_nobody_quiet(desk: SmsDesk) -> None:
    """Messages are about scans, and nobody scans at night."""
    desk.clock.advance(300)
    desk.clock.trusted = False
    desk.hire(limits=Limits(windows=(), quiet=QuietHours(time(6), time(12))))
    desk.scan("1")
    desk.exhaust()
    assert len(desk.phone.shown) == 1


@pytest.mark.parametrize(
    ("column", "value", "kind", "state"),
    [
        ("opted_out_at", "2026-06-01T00:00:00.000000Z", Direction.IN, "opted_out"),
        ("muted_kinds", "late_arrival check_in", Direction.IN, "opted_out"),
        ("muted_kinds", "check_in", Direction.OUT, "sent"),
    ],
)
def test_who_wants_no_messages_gets_none(desk: SmsDesk, column: str, value: str, kind: Direction, state: str) -> None:
    """Not of the kinds that were muted, and none at all after an opt-out."""
    [message] = desk.scan("1", direction=kind)
    desk.write(f"UPDATE guardians SET {column} = ?", value)
    desk.exhaust()
    assert desk.row(message)["state"] == state


def test_leaving_early_follows_the_departures(desk: SmsDesk) -> None:
    """Who wants no departures wants none of those either."""
    desk.write("UPDATE guardians SET muted_kinds = 'check_out'")
    [message] = desk.scan("1", Status.LEFT_EARLY, Direction.OUT)
    assert desk.row(message)["kind"] == "left_early"
    desk.exhaust()
    assert desk.row(message)["state"] == "opted_out"


def test_a_guardian_who_left_the_roster_gets_nothing(desk: SmsDesk) -> None:
    """Not even if their row's number was given to another family's guardian since."""
    [message] = desk.scan("1")
    desk.write("DELETE FROM guardians")
    desk.enrol("2", "+639998887777")
    assert desk.rows("SELECT guardian_id FROM guardians") == [(desk.row(message)["guardian_id"],)]
    desk.exhaust()
    assert desk.row(message)["state"] == "cancelled"
    assert desk.phone.shown == []


def test_siblings_share_a_message(desk: SmsDesk) -> None:
    """Unclaimed news of one kind for one phone is told at once; all rows share its fate, and nothing waited for it."""
    desk.enrol("2", ANA, name="Ben Cruz")
    desk.enrol("3", "+639990001111", name="Eva Santos")
    [ana], [ben], [eva] = desk.scan("1"), desk.scan("2"), desk.scan("3")
    [late] = desk.scan("2", Status.LATE)
    desk.exhaust()
    assert desk.phone.ids() == [late, ana, eva]
    assert "Ana Cruz" in desk.phone.shown[1].text
    assert "Ben Cruz" in desk.phone.shown[1].text
    assert (desk.row(ben)["state"], desk.row(ben)["merged_into"], desk.row(ben)["gateway_state"]) == (
        "sent",
        ana,
        "Pending",
    )
    [again] = desk.scan("2")
    desk.exhaust()
    assert desk.phone.ids()[-1] == again, "what is claimed is frozen"


def test_news_far_apart_is_told_apart(desk: SmsDesk) -> None:
    """One text says one time."""
    desk.enrol("2", ANA, name="Ben Cruz")
    ana = desk.scan("1")
    desk.clock.advance(11 * 60)
    ben = desk.scan("2")
    desk.exhaust()
    assert desk.phone.ids() == [*ana, *ben]


def test_merged_messages_wait_and_fail_together(desk: SmsDesk) -> None:
    """A repeat says the same, and what ends ends for all."""
    desk.enrol("2", ANA, name="Ben Cruz")
    [ana], [ben] = desk.scan("1"), desk.scan("2")
    desk.phone.faults = [passing(), GatewayError("Never.", permanent=True)]
    desk.exhaust()
    assert (desk.row(ana)["state"], desk.row(ben)["state"]) == ("waiting", "waiting")
    desk.exhaust(600)
    assert (desk.row(ana)["state"], desk.row(ben)["state"]) == ("rejected", "rejected")
    assert len(desk.phone.requests) == 2


def test_who_is_erased_is_not_named_to_a_sibling_s_parent(desk: SmsDesk) -> None:
    """And takes the sibling's message not along."""
    desk.enrol("2", ANA, name="Ben Cruz")
    [_], [ben] = desk.scan("1"), desk.scan("2")
    desk.phone.faults = [passing()]
    desk.exhaust()

    with writing(desk.database) as conn:
        roster.erase(conn, [roster.key_of(conn, "1")])
    desk.exhaust(600)
    [shown] = desk.phone.shown
    assert (shown.message_id, "Ana" in shown.text, "Ben" in shown.text) == (ben, False, True)


def test_the_same_news_does_not_come_twice_in_a_moment(desk: SmsDesk) -> None:
    """For the cooldown after a gateway took it; other kinds, and the same news later, leave."""
    desk.hire(limits=Limits(windows=(), cooldown=timedelta(minutes=5)))
    [first] = desk.scan("1")
    desk.exhaust()
    [again], [out] = desk.scan("1"), desk.scan("1", direction=Direction.OUT)
    desk.exhaust()
    desk.clock.advance(300)
    [later] = desk.scan("1")
    desk.exhaust()
    assert desk.phone.ids() == [first, out, later]
    assert (desk.row(again)["state"], desk.row(again)["reason"]) == (
        "dropped",
        "The same news left less than 5 minutes ago.",
    )


def test_the_cooldown_begins_when_a_message_was_taken(desk: SmsDesk) -> None:
    """What was refused suppresses nothing."""
    desk.hire(limits=Limits(windows=(), cooldown=timedelta(minutes=5)))
    desk.scan("1")
    desk.phone.faults = [GatewayError("No.", permanent=True)]
    desk.exhaust()
    [second] = desk.scan("1")
    desk.exhaust()
    assert desk.phone.ids() == [second]


def test_a_report_tells_what_an_answer_did_not(desk: SmsDesk) -> None:
    """A message that may be there is, once a report speaks of it; nobody is asked."""
    [message] = desk.scan("1")
    desk.phone.faults, desk.phone.takes = [unclear()], True
    desk.exhaust()
    desk.write("UPDATE sms_outbox SET gateway_state = 'Delivered'")
    desk.exhaust(60)
    assert (desk.row(message)["state"], desk.row(message)["gateway_state"]) == ("sent", "Delivered")
    assert (len(desk.phone.requests), desk.sent) == (1, 1)


def test_no_clear_answer_until_it_is_useless_is_unknown(desk: SmsDesk) -> None:
    """Expired would be a lie: the parent may have it."""
    [message] = desk.scan("1")
    desk.phone.faults, desk.phone.takes = [unclear()] * 99, False
    desk.exhaust(7300)
    assert desk.row(message)["state"] == "unknown"


def test_an_hour_of_failures_costs_few_requests(desk: SmsDesk) -> None:
    """And when the phone works again, everything leaves, once."""
    for number in range(2, 42):
        desk.enrol(str(number))
    for number in range(1, 42):
        desk.scan(str(number))
    desk.hire(limits=Limits(cooldown=timedelta(), expire_after=timedelta(hours=6)))
    desk.phone.faults = [passing("500") for _ in range(1000)]
    desk.exhaust(3600)
    assert len(desk.phone.requests) < 20
    desk.phone.faults = []
    desk.exhaust(3600)
    assert len(desk.phone.ids()) == len(set(desk.phone.ids())) == 41


def test_the_outbox_is_left_alone_when_there_is_nothing(desk: SmsDesk) -> None:
    """An idle courier writes nothing."""
    desk.exhaust()
    before = desk.rows("PRAGMA data_version")
    assert desk.courier.step() > 1
    assert desk.rows("PRAGMA data_version") == before


def test_no_number_and_no_text_is_logged(desk: SmsDesk, caplog: pytest.LogCaptureFixture) -> None:
    """Not even when a gateway's error names it."""
    caplog.set_level("DEBUG")
    desk.scan("1")
    desk.phone.faults = [passing(f"no answer about {ANA}")]
    desk.exhaust(60)
    assert "+63917•••4567" in caplog.text
    assert ANA not in caplog.text
    assert "Ana" not in caplog.text
