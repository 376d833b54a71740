"""Limits that are too low for the school are said when they are, not when the gate was started."""

from pathlib import Path

import pytest
from sms_desk import SmsDesk

from attendance.domain.capacity import Capacity, capacity
from attendance.domain.message import MessageKind
from attendance.domain.ratelimit import Window
from attendance.kiosk.sms.capacity_watch import CapacityWatch


def judge(students: int, numbers: int) -> Capacity:
    """Two messages an hour, for an hour and a half."""
    few = (Window(1, 60), Window(2, 3600))
    return capacity(few, students, [MessageKind.CHECK_IN], login_minutes=30, expire_after_minutes=60)


def test_a_list_that_is_imported_while_the_gate_runs_counts(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Within ten minutes, in health and once in the log; and it ends with the reason."""
    desk = SmsDesk(tmp_path)
    watch = CapacityWatch(desk.database, desk.clock, judge)
    assert watch.probe().problems == []
    for number in range(1, 11):
        desk.enrol(str(number))
    desk.clock.advance(600)
    for _ in range(3):
        assert [problem.code for problem in watch.probe().problems] == ["sms-capacity"]
        desk.clock.advance(600)
    assert caplog.text.count("would not be told") == 1
    desk.write("UPDATE guardians SET opted_out_at = '2026-06-01T00:00:00.000000Z'")
    assert watch.probe().problems == []
    desk.close()


def test_a_database_that_cannot_be_read_changes_nothing(tmp_path: Path) -> None:
    """Health says that elsewhere."""
    desk = SmsDesk(tmp_path)
    watch = CapacityWatch(tmp_path / "none.db", desk.clock, judge)
    watch.weigh(10, 10)
    desk.clock.advance(600)
    assert [problem.code for problem in watch.probe().problems] == ["sms-capacity"]
    desk.close()
