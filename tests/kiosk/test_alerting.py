"""The gate tells people of its problems, by Apprise and by SMS, and a dead man's switch that it lives."""

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from attendance.clock import ManualClock
from attendance.domain.quiet import QuietHours
from attendance.errors import AttendanceError
from attendance.kiosk.alerting import Alerting, AlertPlan, Receivers, acknowledge, file_of, remembered
from attendance.ops.alert_post import Poster, carried_out
from attendance.ops.alerts import Policy
from attendance.ops.health import Problem, Snapshot

MANILA = ZoneInfo("Asia/Manila")
LOST = Problem("camera-lost", "error", "The camera has stopped.", "Check its cable.")
HOT = Problem("hot", "warning", "The device is hot.", "Shade it.")
POLICY = Policy({"error": 120, "warning": 3_600}, {"error": 4 * 3_600, "warning": 24 * 3_600}, 300, 1_800)


class Receiver(BaseHTTPRequestHandler):
    heard: list[tuple[str, str]]
    broken = False

    def do_POST(self) -> None:
        said = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self._answer(said["title"])

    def do_GET(self) -> None:
        self._answer("")

    def _answer(self, title: str) -> None:
        if not self.broken:
            self.heard.append((self.path, title))
        self.send_response(500 if self.broken else 200)
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def receiver() -> Iterator[str]:
    Receiver.heard, Receiver.broken = [], False
    server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


class Straight(Poster):
    """Does itself what else a process of its own does; tests/ops/test_alert_post.py has that."""

    def ask(self, order: dict[str, Any]) -> list[bool]:
        answer = carried_out(order)
        assert isinstance(answer, list)
        return answer


class Gate:
    """A gate with problems, at 07:40 in Manila, that looks when told to."""

    def __init__(self, data_dir: Path, receiver: str, **plan: Any) -> None:
        self.clock = ManualClock(datetime(2026, 6, 7, 23, 40, tzinfo=UTC))
        self.problems: tuple[Problem, ...] = ()
        self.in_contact = False
        self.messages: list[tuple[str, str]] = []
        self.data_dir = data_dir
        self.plan = AlertPlan(
            **{
                "policy": POLICY,
                "receivers": Receivers([f"json://{receiver}/office"], ["+639171234567"]),
                "escalation": Receivers([f"json://{receiver}/head"]),
                "place": "Main gate",
                **plan,
            }
        )
        self.alerting = self.made()

    def made(self) -> Alerting:
        return Alerting(
            self.plan,
            self.data_dir,
            self.clock,
            MANILA,
            snapshot=lambda: Snapshot("unhealthy" if self.problems else "healthy", {}, self.problems, 0),
            in_contact=lambda: self.in_contact,
            send_sms=self.send,
            poster=Straight(),
        )

    def send(self, phone: str, text: str) -> None:
        self.messages.append((phone, text))

    def minutes(self, count: int, *problems: Problem) -> list[tuple[str, str]]:
        """What the receivers heard in so many minutes with these problems."""
        before = len(Receiver.heard)
        self.problems = problems
        for _ in range(count):
            self.clock.advance(60)
            self.alerting.step()
        return Receiver.heard[before:]


@pytest.fixture
def gate(tmp_path: Path, receiver: str) -> Gate:
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
    Receiver.broken = True
    gate.minutes(20, LOST)
    found = gate.alerting.probe()
    assert [problem.code for problem in found.problems] == ["alerts-not-sent"]
    assert found.values == {"waiting": 1}
    Receiver.broken = False
    assert gate.minutes(3, LOST) == [("/office", "Main gate: The camera has stopped.")]
    assert gate.alerting.probe().problems == []


def test_a_restart_tells_nothing_again(gate: Gate) -> None:
    """What was told is noted; what could not be is told by the next process."""
    gate.minutes(4, LOST)
    gate.alerting = gate.made()
    assert gate.minutes(4, LOST) == []
    Receiver.broken = True
    gate.minutes(7)
    Receiver.broken = False
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


def test_quiet_hours_are_the_school_s(tmp_path: Path, receiver: str) -> None:
    """A warning of 07:40 waits until they end at 09:00 in Manila; by a doubtful clock nothing waits."""
    gate = Gate(tmp_path, receiver, quiet=QuietHours(time(7), time(9)))
    assert gate.minutes(79, HOT) == []
    assert len(gate.minutes(2, HOT)) == 1
    doubtful = Gate(tmp_path / "other", receiver, quiet=QuietHours(time(7), time(9)))
    doubtful.clock.trusted = False
    assert len(doubtful.minutes(62, HOT)) == 1


def test_a_switch_hears_that_the_gate_lives(tmp_path: Path, receiver: str) -> None:
    """Every five minutes, and whether it is well."""
    gate = Gate(tmp_path, receiver, receivers=Receivers(), ping_url=f"http://{receiver}/ping/1")
    assert gate.minutes(10) == [("/ping/1", "")] * 2
    assert gate.minutes(5, LOST) == [("/ping/1/fail", "")]


def test_a_number_that_cannot_be_told_keeps_nothing_from_others(gate: Gate) -> None:
    """Messages may be off."""

    def off(phone: str, text: str) -> None:
        raise AttendanceError("messages are off")

    gate.send = off  # type: ignore[method-assign]
    gate.alerting = gate.made()
    assert len(gate.minutes(4, LOST)) == 1
