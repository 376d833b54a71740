"""What siblings who share a message share, and what they do not."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sms_desk import ANA, DAY, SmsDesk, passing

from attendance.domain.message import MessageKind
from attendance.domain.scan import Accepted, Direction, Status
from attendance.kiosk.store import ledger, roster
from attendance.kiosk.store.database import writing


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[SmsDesk]:
    desk = SmsDesk(tmp_path)
    for number in "123":
        desk.enrol(number, ANA, name=f"Kid {number}")
    yield desk
    desk.close()


def test_an_erased_sibling_takes_no_other_one_s_news_along(desk: SmsDesk) -> None:
    """Three are told by one message, which a gateway refused; one of them is erased before the next try."""
    desk.phone.faults = [passing()]
    desk.scans([(number, Status.ON_TIME) for number in "123"])
    desk.courier.step()
    with writing(desk.database) as conn:
        roster.erase(conn, [roster.key_of(conn, "2")])
    desk.exhaust(600)
    assert [message.text for message in desk.phone.shown] == ["Rizal High: Kid 1 and Kid 3 arrived at 7:00 AM, Jun 8."]
    assert desk.states() == {"sent": 2}


def late(desk: SmsDesk, number: str, session: str, minutes: int) -> None:
    with writing(desk.database) as conn:
        scan = Accepted(DAY, session, Direction.IN, Status.LATE, 1, "You are late.", minutes)
        origin, used = ledger.Origin("gate-1", "camera"), ledger.CardUsed(0, False)
        key = roster.key_of(conn, number)
        ledger.record(conn, key, scan, desk.clock.now(), origin, used, MessageKind.LATE_ARRIVAL)


def test_siblings_of_different_sessions_are_not_equally_late(desk: SmsDesk) -> None:
    """Who comes with a brother whose class began an hour before is late by minutes, not by an hour."""
    late(desk, "1", "early", 80)
    late(desk, "2", "morning", 20)
    desk.clock.advance(30)
    desk.exhaust(60)
    assert [message.text for message in desk.phone.shown] == [
        "Rizal High: Kid 1 arrived at 7:00 AM, 80 min late.",
        "Rizal High: Kid 2 arrived at 7:00 AM, 20 min late.",
    ]
