"""The courier: each message once, in order, or an end with a reason."""

from collections.abc import Iterator
from datetime import time, timedelta
from pathlib import Path

import pytest
from sms_desk import ANA, Phone, SmsDesk, passing, unclear

from attendance.clock import ManualClock
from attendance.domain.message import MessageKind
from attendance.domain.quiet import QuietHours
from attendance.domain.ratelimit import Window
from attendance.domain.scan import Direction, Status
from attendance.kiosk.sms.gateway import GatewayError
from attendance.kiosk.sms.limits import Limits
from attendance.kiosk.store import ledger, notices, roster
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
