"""How long messages are kept: what ended goes after its time, by a trusted clock, with everything known about it."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sms_desk import ANA, MANILA, SmsDesk

from attendance.domain.receipt import GatewayState, Report
from attendance.kiosk.sms.forgetting import Forgetting
from attendance.kiosk.sms.limits import Limits
from attendance.kiosk.store import outbox_retention, receipts
from attendance.kiosk.store.database import writing
from attendance.kiosk.store.receipts import KEPT_FOR, Rules

RULES = Rules(log_deliveries=True, retry_failed=False, expire_after=timedelta(hours=2), zone=MANILA)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[SmsDesk]:
    desk = SmsDesk(tmp_path)
    desk.enrol("1", ANA)
    yield desk
    desk.close()


def forget(desk: SmsDesk) -> None:
    forgetting = Forgetting(desk.database, desk.writer, desk.clock)
    while forgetting.step() < 60:
        pass


def days(desk: SmsDesk, number: float) -> None:
    desk.clock.advance(timedelta(days=number).total_seconds())


def left(desk: SmsDesk) -> list[str]:
    return [row[0] for row in desk.rows("SELECT message_id FROM sms_outbox ORDER BY rowid")]


def test_a_message_goes_with_all_that_is_known_of_it(desk: SmsDesk) -> None:
    """Number, text, reports and the row in the log; the scan stays, and what is younger."""
    [old] = desk.scan("1")
    desk.exhaust()
    with writing(desk.database) as conn:
        receipts.record(conn, Report("e", "sms:delivered", old, GatewayState.DELIVERED), desk.clock.now(), RULES)
    days(desk, KEPT_FOR.days - 1)
    [young] = desk.scan("1")
    desk.exhaust()
    forget(desk)
    assert left(desk) == [old, young]
    days(desk, 1.1)
    forget(desk)
    assert left(desk) == [young]
    for table in ("sms_reports", "sms_delivery_log"):
        assert desk.rows(f"SELECT count(*) FROM {table}") == [(0,)], table
    assert desk.rows("SELECT count(*) FROM attendance") == [(2,)]


def test_what_has_not_ended_stays(desk: SmsDesk) -> None:
    """Whatever the clock says of its age; the courier ends it first."""
    desk.hire(Limits(windows=(), expire_after=timedelta(days=1000)))
    [waits] = desk.scan("1")
    days(desk, 200)
    forget(desk)
    assert left(desk) == [waits]


def test_a_clock_that_may_be_wrong_forgets_nothing(desk: SmsDesk) -> None:
    """It may be years ahead."""
    [message] = desk.scan("1")
    desk.exhaust()
    desk.clock.trusted = False
    days(desk, 400)
    forget(desk)
    assert left(desk) == [message]


def test_what_a_wrong_clock_dated_is_as_old_as_its_neighbours(desk: SmsDesk) -> None:
    """A message of 1970 is not forgotten the next day, and goes with those that were queued after it."""
    desk.clock.trusted = False
    desk.clock.step(-20_000 * 86_400)
    [undated] = desk.scan("1")
    desk.clock.step(20_000 * 86_400)
    desk.clock.trusted = True
    desk.clock.advance(600)
    [dated] = desk.scan("1")
    desk.exhaust(300)
    days(desk, 1)
    forget(desk)
    assert left(desk) == [undated, dated]
    days(desk, KEPT_FOR.days)
    forget(desk)
    assert left(desk) == []


def test_a_scan_never_waits_for_more_than_a_portion(desk: SmsDesk) -> None:
    """Years of messages go in many short transactions."""
    for _ in range(250):
        desk.scan("1")
    desk.write("UPDATE sms_outbox SET state = 'sent'")
    days(desk, KEPT_FOR.days + 1)
    forgetting = Forgetting(desk.database, desk.writer, desk.clock)
    sizes = []
    while forgetting.step() < 60:
        sizes.append(len(left(desk)))
    assert sizes == [250 - outbox_retention.PORTION, 250 - 2 * outbox_retention.PORTION]
    assert left(desk) == []
