"""What a text is told of the news."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from attendance.domain.message import MessageKind
from attendance.kiosk.sms.facts import facts
from attendance.kiosk.store.news import News, Student

MANILA = ZoneInfo("Asia/Manila")


@pytest.mark.parametrize(
    ("kind", "date"),
    [
        (MessageKind.ABSENCE, "2026-06-08"),
        (MessageKind.NO_CHECKOUT, "2026-06-08"),
        (MessageKind.CHECK_OUT, "2026-06-09"),
    ],
)
def test_an_absence_is_of_the_session_s_day_and_a_scan_of_its_own(kind: MessageKind, date: str) -> None:
    """Told an hour after midnight of a night class: who was missing was missing the day before."""
    at = datetime(2026, 6, 8, 17, 0, tzinfo=UTC)  # 01:00 on the 9th in Manila
    news = News(kind, (Student("Cruz, Ana", "1", "7-A"),), at, "2026-06-08", "night", 0, None)
    assert facts(news, MANILA).at.isoformat() == f"{date}T01:00:00"
