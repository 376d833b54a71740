"""The gate tells people of its problems, by Apprise and by SMS, and a dead man's switch that it lives."""

from collections.abc import Iterator
from datetime import time
from pathlib import Path

import pytest
from alert_receiver import Receiver, receiving
from alerting_gate import Gate

from attendance.domain.quiet import QuietHours
from attendance.errors import AttendanceError
from attendance.kiosk.alerting import Receivers, acknowledge, file_of, remembered
from attendance.ops.health import Problem

LOST = Problem("camera-lost", "error", "The camera has stopped.", "Check its cable.")
HOT = Problem("hot", "warning", "The device is hot.", "Shade it.")


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver


@pytest.fixture
def gate(tmp_path: Path, receiver: Receiver) -> Gate:
    return Gate(tmp_path, receiver)


def test_an_error_reaches_people_by_address_and_by_sms(gate: Gate) -> None:
    """Then, if nobody looks after it, others; and in the end that it is over."""
    assert gate.minutes(4, LOST) == [("/office", "Main gate: The camera has stopped.")]
    assert gate.messages == [("+639171234567", "Main gate: The camera has stopped.")]
    assert gate.minutes(30, LOST) == [("/head", "Main gate: Nobody has looked after it yet: The camera has stopped.")]
    assert gate.minutes(7) == [("/office", "Main gate: Over: The camera has stopped.")]
    assert gate.messages[-1] == ("+639171234567", "Main gate: Over: The camera has stopped.")


def test_a_warning_costs_no_sms(gate: Gate) -> None:
    """It is for a mailbox."""
    assert gate.minutes(62, HOT) == [("/office", "Main gate: The device is hot.")]
    assert gate.messages == []


def test_who_could_not_be_told_is_told_later(gate: Gate) -> None:
    """While the internet is gone it is a problem of its own; nothing is told twice when it is back."""
    gate.receiver.broken = True
    gate.minutes(20, LOST)
    found = gate.alerting.probe()
    assert [problem.code for problem in found.problems] == ["alerts-not-sent"]
    assert found.values == {"waiting": 1}
    gate.receiver.broken = False
    assert gate.minutes(3, LOST) == [("/office", "Main gate: The camera has stopped.")]
    assert gate.alerting.probe().problems == []


def test_a_restart_tells_nothing_again(gate: Gate) -> None:
    """What was told is noted; what could not be is told by the next process."""
    gate.minutes(4, LOST)
    gate.alerting = gate.made()
    assert gate.minutes(4, LOST) == []
    gate.receiver.broken = True
    gate.minutes(7)
    gate.receiver.broken = False
    gate.alerting = gate.made()
    assert gate.minutes(2) == [("/office", "Main gate: Over: The camera has stopped.")]


def test_a_damaged_file_only_repeats(gate: Gate) -> None:
    """It is read as nothing."""
    file_of(gate.data_dir).write_bytes(b"\x00{")
    assert remembered(file_of(gate.data_dir)) == []
    assert len(gate.minutes(4, LOST)) == 1


def test_the_centre_tells_while_it_hears_the_gate(gate: Gate) -> None:
    """And the gate itself when it does not; what people here know of is called off here."""
    gate.in_contact = True
    assert gate.minutes(10, LOST) == []
    gate.in_contact = False
    assert gate.minutes(4, LOST) == [("/office", "Main gate: The camera has stopped.")]
    gate.in_contact = True
    assert gate.minutes(7) == [("/office", "Main gate: Over: The camera has stopped.")]


def test_a_person_can_say_that_they_look_after_it(gate: Gate) -> None:
    """From another process."""
    gate.minutes(4, LOST)
    acknowledge(gate.data_dir, "camera-lost")
    assert gate.minutes(600, LOST) == []
    assert remembered(file_of(gate.data_dir))[0].acknowledged


def test_quiet_hours_are_the_school_s(tmp_path: Path, receiver: Receiver) -> None:
    """A warning of 07:40 waits until they end at 09:00 in Manila; by a doubtful clock nothing waits."""
    gate = Gate(tmp_path, receiver, quiet=QuietHours(time(7), time(9)))
    assert gate.minutes(79, HOT) == []
    assert len(gate.minutes(2, HOT)) == 1
    doubtful = Gate(tmp_path / "other", receiver, quiet=QuietHours(time(7), time(9)))
    doubtful.clock.trusted = False
    assert len(doubtful.minutes(62, HOT)) == 1


def test_a_switch_hears_that_the_gate_lives(tmp_path: Path, receiver: Receiver) -> None:
    """Every five minutes, and whether it is well."""
    gate = Gate(tmp_path, receiver, receivers=Receivers(), ping_url=f"http://{receiver.place}/ping/1")
    assert gate.minutes(10) == [("/ping/1", "")] * 2
    assert gate.minutes(5, LOST) == [("/ping/1/fail", "")]


def test_a_number_that_cannot_be_told_keeps_nothing_from_others(gate: Gate) -> None:
    """Messages may be off."""

    def off(phone: str, text: str) -> None:
        raise AttendanceError("messages are off")

    gate.send = off  # type: ignore[method-assign]
    gate.alerting = gate.made()
    assert len(gate.minutes(4, LOST)) == 1
