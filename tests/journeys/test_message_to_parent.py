"""From a card at a real gate to the parent's phone: once, whatever the phone and its network do."""

import json
import time
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from gate_process import GateProcess, free_port

from attendance.ops.guardian import STOP_S
from attendance.sim.phone_device import SimulatedPhone
from attendance.sim.phone_faults import Fault
from attendance.sim.phone_settings import PhoneSettings

Eventually = Callable[..., None]
KEY = "a-signing-key"
STUDENTS = {f"2026-000{n}": f"+6391712345{n}0" for n in range(1, 6)}
OPEN = {
    "start_time": "00:00",
    "end_time": "23:59:59",
    "login_window_start": "00:00",
    "login_window_end": "23:59:59",
    "logout_window_start": "00:00",
    "logout_window_end": "23:59:59",
    "late_threshold_minutes": 1440,
}


class School:
    """A gate with five students whose parents' messages go to a simulated phone."""

    def __init__(self, folder: Path, assets: Path, *, timeout_s: int = 1) -> None:
        port = free_port()
        self.phone = SimulatedPhone(
            password="right",
            settings=PhoneSettings(speed=50, signing_key=KEY),
            webhook_url=f"http://127.0.0.1:{port}/sms-webhook",
            seed=1,
            hang_s=60.0,
        )
        self.phone.start()
        self.gate = GateProcess(
            folder,
            assets,
            {
                "school_schedule": {"morning_class": None, "afternoon_class": None, "day_class": OPEN},
                "sms_notifications": {
                    "enabled": True,
                    "api_url": self.phone.url,
                    "username": self.phone.username,
                    "password": "right",
                    "quiet_hours": {"enabled": False},
                    "sms_gate": {"timeout_seconds": timeout_s},
                },
                "sms_webhook": {"port": port, "host": "127.0.0.1", "signing_key": KEY},
            },
        )
        for number, phone in STUDENTS.items():
            self.gate.command("students", "add", number, f"Student {number[-1]}", "--phone", phone)
        self.gate.start("--source", "v4l2:77")

    def scan(self, *numbers: str) -> None:
        for number in numbers:
            body = json.dumps({"payload": number}).encode()
            request = urllib.request.Request(
                f"http://127.0.0.1:{self.gate.port}/scan", body, {"Content-Type": "application/json"}
            )
            with urllib.request.urlopen(request, timeout=5) as answer:
                assert answer.status == 202

    def received(self) -> Counter[str]:
        """Messages by the parent's number."""
        return Counter(arrival.phone for arrival in self.phone.phone.arrivals)

    def states(self) -> Counter[tuple[str, str]]:
        rows = json.loads(self.gate.command("sms", "list", "--json").stdout)
        return Counter((row["state"], row["gateway_state"]) for row in rows)

    def wait_for_all(self, eventually: Eventually, within_s: float = 90) -> None:
        """Until every parent's message is delivered, and the gate knows; once each."""
        try:
            eventually(lambda: self.states() == {("sent", "Delivered"): 5}, within_s=within_s)
        except AssertionError as error:
            log = (self.gate.data / "logs/attendance.log").read_text()
            raise AssertionError(f"{self.states()}, {self.received()}\n{log[-3000:]}") from error
        assert self.received() == dict.fromkeys(STUDENTS.values(), 1)

    def close(self) -> None:
        self.gate.kill()
        self.phone.stop()


@pytest.fixture
def school(tmp_path: Path, assets_dir: Path) -> Iterator[School]:
    school = School(tmp_path, assets_dir)
    yield school
    school.close()


def test_each_parent_is_told_once_and_the_delivery_comes_back(school: School, eventually: Eventually) -> None:
    """A card is shown, the phone has the message, its signed report is at the gate."""
    school.scan(*STUDENTS)
    school.wait_for_all(eventually)
    assert all("Student" in arrival.text for arrival in school.phone.phone.arrivals)
    log = (school.gate.data / "logs/attendance.log").read_text()
    assert not any(phone in log for phone in STUDENTS.values())
    assert "arrived" not in log


@pytest.mark.parametrize(
    "faults",
    [
        {Fault.HANG: 2},
        {Fault.CLOSE_EARLY: 2},
        {Fault.HTML: 2},
        {Fault.ERROR: 2},
        {Fault.REPEAT: None, Fault.DISORDER: None},
    ],
    ids=lambda faults: "+".join(fault.name for fault in faults),
)
def test_a_phone_that_misbehaves_makes_no_message_two_or_none(
    school: School, eventually: Eventually, faults: dict[Fault, int | None]
) -> None:
    """It takes a message and never answers, breaks off, answers with a web page or an error, or reports everything five
    times out of order: each parent has each message exactly once all the same."""
    for fault, times in faults.items():
        school.phone.phone.switch(fault, True, times=times)
    school.scan(*STUDENTS)
    school.wait_for_all(eventually)


def test_a_gate_that_dies_while_it_sends_tells_nobody_twice(school: School, eventually: Eventually) -> None:
    """Killed with messages on their way, and started again."""
    school.phone.phone.switch(Fault.HANG, True, times=1)
    school.scan(*STUDENTS)
    eventually(lambda: school.gate.get("/health/database")["total_records"] == 5, within_s=20)
    school.gate.kill()
    school.gate.start("--source", "v4l2:77")
    school.wait_for_all(eventually)


def test_a_gate_stops_in_time_while_the_phone_does_not_answer(
    tmp_path: Path, assets_dir: Path, eventually: Eventually
) -> None:
    """Whatever timeout the phone is given: in well under the ten seconds after which it would be killed; the next life
    finds out what became of the message."""
    school = School(tmp_path, assets_dir, timeout_s=120)
    try:
        school.phone.phone.switch(Fault.HANG, True, times=1)
        school.scan(*STUDENTS)
        eventually(lambda: school.phone.phone.messages(), within_s=20)
        began = time.monotonic()
        assert school.gate.stop() == 0
        assert time.monotonic() - began < STOP_S / 2
        school.gate.start("--source", "v4l2:77")
        school.wait_for_all(eventually)
    finally:
        school.close()


def test_a_parent_who_answers_stop_gets_one_confirmation_and_no_more(school: School, eventually: Eventually) -> None:
    """And the other parents go on getting theirs."""
    first, second, *_ = STUDENTS
    school.phone.phone.answer(STUDENTS[first], "Stop!")
    eventually(lambda: school.received()[STUDENTS[first]] == 1, within_s=20)
    school.scan(first, second)
    eventually(lambda: school.received()[STUDENTS[second]] == 1, within_s=20)
    eventually(lambda: school.states()["opted_out", ""] == 1, within_s=20)
    assert school.received()[STUDENTS[first]] == 1
