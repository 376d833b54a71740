"""From a card that was not shown to the parent's phone: an absence, a missing departure and the week, once each.

The gate's real messages, store and webhook, and a simulated phone over HTTP; one clock that runs, and that leaps.
"""

import json
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from datetime import date, datetime, time, timedelta
from pathlib import Path
from threading import Event
from zoneinfo import ZoneInfo

import pytest
from gate_process import GateProcess, free_port

from attendance.clock import Moment, boot_ns, wall_now
from attendance.config import Paths, load
from attendance.domain.absence import Order
from attendance.domain.calendar import Closure, ClosureKind
from attendance.domain.scan import Accepted, Direction, Status
from attendance.kiosk.sms import plan
from attendance.kiosk.sms.app import Messages
from attendance.kiosk.store import absence, closures, ledger, outbox, roster
from attendance.kiosk.store.database import create_or_migrate, reading, writing
from attendance.kiosk.web.webhook import SMSWebhookReceiver
from attendance.kiosk.web.webhook_plan import as_configured
from attendance.ops import sqlite
from attendance.ops.service import Service
from attendance.ops.sqlite import Writer
from attendance.sim.phone_device import SimulatedPhone
from attendance.sim.phone_settings import PhoneSettings

Eventually = Callable[..., None]
MANILA = ZoneInfo("Asia/Manila")
MONDAY, FRIDAY = date(2026, 6, 8), date(2026, 6, 12)
KEY = "a-signing-key"
LEAP_S = 50.0
"""Shorter than a minute: who has not looked for so long proves nothing."""
SHARED = "+639170000099"
PHONES = {number: f"+63917{number:07}" for number in range(1, 9)} | {9: SHARED, 10: SHARED}
DAY = {
    "start_time": "07:00",
    "end_time": "17:00",
    "login_window_start": "06:30",
    "login_window_end": "07:30",
    "logout_window_start": "16:30",
    "logout_window_end": "17:30",
}


class LeapingClock:
    """Runs as time does, from a given moment, and leaps when told to."""

    boot_id = "leaping"

    def __init__(self, at: datetime) -> None:
        self._at = at
        self._began_ns = boot_ns()
        self._leapt_ns = 0

    def leap(self, seconds: float) -> None:
        self._leapt_ns += round(seconds * 1e9)

    def boot_ns(self) -> int:
        return boot_ns() - self._began_ns + self._leapt_ns

    def now(self) -> Moment:
        return self.moment(self.boot_ns())

    def moment(self, at_boot_ns: int) -> Moment:
        return Moment(self._at + timedelta(microseconds=at_boot_ns / 1000), self.boot_id, at_boot_ns, True)


class School:
    """Ten students, two of them siblings in different sections, on the last school day of a week."""

    def __init__(self, folder: Path, eventually: Eventually) -> None:
        self._eventually = eventually
        self._looked = Event()
        self.clock = LeapingClock(datetime.combine(FRIDAY, time(6, 20), MANILA))
        port = free_port()
        self.phone = SimulatedPhone(
            password="right",
            settings=PhoneSettings(speed=100, signing_key=KEY),
            webhook_url=f"http://127.0.0.1:{port}/sms-webhook",
            clock=self.clock,
            seed=1,
        )
        self.phone.start()
        file = folder / "config.json"
        kinds = {"absence": True, "no_checkout": True, "weekly_summary": True}
        configuration = {
            "school": {"name": "Rizal High"},
            "school_schedule": {"morning_class": None, "afternoon_class": None, "day_class": DAY},
            "sms_notifications": {
                **self.phone.configuration["sms_notifications"],
                "notification_preferences": {"check_in": False, "check_out": False, "late_arrival": False, **kinds},
                "quiet_hours": {"enabled": False},
            },
            "sms_webhook": {"port": port, "host": "127.0.0.1", "signing_key": KEY},
        }
        file.write_text(json.dumps(configuration))
        self._paths = Paths(folder, folder, file, config_chosen=True)
        self._settings = load(self._paths, {}).settings
        self.database = self._paths.database
        create_or_migrate(self.database, self.clock.now())
        with writing(self.database) as conn:
            for number, phone in PHONES.items():
                child = roster.Enrolment(
                    str(number), f"Child {number}", f"{number}-A", guardians=[roster.Guardian(phone)]
                )
                roster.enrol(conn, child, self.clock.moment(-30 * 86_400 * 10**9))
            earlier = Closure(MONDAY, FRIDAY - timedelta(days=1), ClosureKind.HOLIDAY, "Foundation days")
            closures.add(conn, earlier)
        self._writer = Writer(lambda: sqlite.connect(self.database))
        self._writer.start()
        self._webhook = SMSWebhookReceiver(
            **as_configured(self._settings, self._paths),
            zone=MANILA,
            clock=self.clock,
            writer=self._writer,
            answers=plan.answers(self._settings),
        )
        assert self._webhook.start()
        self.begin()

    def begin(self) -> None:
        """The messages' part of a new process."""
        self.messages = Messages(
            self._settings,
            self._paths,
            self._writer,
            self.clock,
            works=self._works,
            phone=lambda: None,
            on_sent=lambda: None,
        )
        for service in self.messages.services:
            service.start()

    def end(self) -> None:
        for service in self.messages.services:
            assert service.stop()

    def close(self) -> None:
        self.end()
        self._webhook.stop()
        self._writer.stop()
        self.phone.stop()

    def go_to(self, clock: str, day: date = FRIDAY) -> None:
        """Time passes while everybody works."""
        until = datetime.combine(day, time.fromisoformat(clock), MANILA)
        while (left_s := (until - self.clock.now().at).total_seconds()) > 0:
            self._looked.clear()
            self.clock.leap(min(left_s, LEAP_S))
            self._service("proof of work").nudge()
            assert self._looked.wait(10)
        self.look("absences", "summaries", "SMS courier")

    def look(self, *names: str) -> None:
        """Let services take a step now."""
        for service in map(self._service, names):
            before = service.state.beat_boot_ns
            service.nudge()
            self._eventually(lambda service=service, before=before: service.state.beat_boot_ns > before)
            assert not service.state.failing, service.state.error

    def _service(self, name: str) -> Service:
        return next(service for service in self.messages.services if service.name == name)

    def _works(self) -> bool:
        """The camera gives pictures and scans are recorded, whenever the gate looks."""
        self._looked.set()
        return True

    def show(self, numbers: Iterable[int], direction: Direction, *, passage: int = 1) -> None:
        """Cards at the gate."""
        with writing(self.database) as conn:
            for number in numbers:
                key = roster.key_of(conn, str(number))
                scan = Accepted(FRIDAY, "day", direction, Status.ON_TIME, passage, "Welcome.")
                origin, used = ledger.Origin("gate-1", "camera"), ledger.CardUsed(0, False)
                ledger.record(conn, key, scan, self.clock.now(), origin, used, None)

    def screen(self) -> Counter[tuple[str, str]]:
        """What the parents read, by number and text."""
        return Counter((arrival.phone, arrival.text) for arrival in self.phone.phone.arrivals)

    def wait_for(self, expected: set[tuple[str, str]]) -> None:
        """Until all these are read, once each and nothing else, and the ledger has every receipt."""

        def complete() -> bool:
            self.clock.leap(5)
            self.look("SMS courier")
            shown = self.screen()
            assert set(shown) <= expected
            return set(shown) == expected and self.delivered()

        self._eventually(complete, within_s=40)
        assert self.screen() == Counter(expected)

    def delivered(self) -> bool:
        with reading(self.database) as conn:
            rows = outbox.messages(conn)
        return all((row["state"], row["gateway_state"]) == ("sent", "Delivered") for row in rows)

    def page(self) -> str:
        with urllib.request.urlopen(f"{self.phone.url}/screen", timeout=5) as answer:
            return str(answer.read().decode())


@pytest.fixture
def school(tmp_path: Path, eventually: Eventually) -> Iterator[School]:
    school = School(tmp_path, eventually)
    yield school
    school.close()


ABSENT = (SHARED, "Rizal High: no arrival of Child 10 and Child 9 was recorded on Jun 12 (day).")
NOT_LEFT = (PHONES[8], "Rizal High: no departure of Child 8 was recorded on Jun 12 (day).")


def week(number: int, present: int) -> tuple[str, str]:
    counts = f"present {present}, late 0, absent {1 - present} of 1 class days."
    return PHONES[number], f"Rizal High: Child {number}, Jun 8-Jun 12: {counts}"


def test_a_school_day_without_two_children_and_with_one_who_stays(school: School) -> None:
    """Siblings of two sections who do not come make one message, who does not leave makes one, everybody's week makes
    one; each is on the parent's phone once, also when the gate is started anew, and each receipt is in the ledger."""
    school.go_to("06:45")
    school.show(range(1, 9), Direction.IN)
    school.go_to("07:55")
    assert school.screen() == Counter()
    school.go_to("08:00")
    school.wait_for({ABSENT})
    assert ABSENT[1] in school.page()
    school.end()
    school.begin()
    school.go_to("16:45")
    school.show(range(1, 8), Direction.OUT)
    summaries = {week(number, int(number < 9)) for number in PHONES}
    school.go_to("17:30")
    school.wait_for({ABSENT, *summaries})
    school.go_to("18:01")
    school.wait_for({ABSENT, NOT_LEFT, *summaries})
    school.end()
    school.begin()
    school.go_to("18:20")
    assert school.screen() == Counter({ABSENT, NOT_LEFT, *summaries})


def test_six_of_ten_are_told_when_a_person_has_confirmed_it(school: School) -> None:
    """Until then nobody is."""
    school.go_to("06:45")
    school.show(range(1, 5), Direction.IN)
    school.go_to("08:00")
    assert school.screen() == Counter()
    with writing(school.database) as conn:
        absence.give_order(conn, FRIDAY, "day", Order.CONFIRM, school.clock.now())
    school.go_to("08:05")
    alone = {(PHONES[n], f"Rizal High: no arrival of Child {n} was recorded on Jun 12 (day).") for n in range(5, 9)}
    school.wait_for({ABSENT, *alone})


class RealGate:
    """A gate in processes of its own, whose login window opened two minutes ago and closes in a few seconds."""

    def __init__(self, folder: Path, assets: Path) -> None:
        port = free_port()
        self.phone = SimulatedPhone(
            password="right",
            settings=PhoneSettings(speed=50, signing_key=KEY),
            webhook_url=f"http://127.0.0.1:{port}/sms-webhook",
            seed=1,
        )
        self.phone.start()
        now = wall_now().astimezone(MANILA)
        soon = {"login_window_start": -100, "start_time": -100, "login_window_end": 15}
        late = {"logout_window_start": 7200, "end_time": 7200, "logout_window_end": 10_800}
        day = {key: f"{now + timedelta(seconds=seconds):%H:%M:%S}" for key, seconds in (soon | late).items()}
        sms = {
            "notification_preferences": {"check_in": False, "late_arrival": False, "absence": True},
            "absence": {"after_minutes": 0},
            "quiet_hours": {"enabled": False},
        }
        self.gate = GateProcess(
            folder,
            assets,
            {
                "clock": {"trust_rtc": True},
                "school_schedule": {"morning_class": None, "afternoon_class": None, "day_class": day},
                "sms_notifications": {**self.phone.configuration["sms_notifications"], **sms},
                "sms_webhook": {"port": port, "host": "127.0.0.1", "signing_key": KEY},
            },
        )
        listing = folder / "school.csv"
        rows = [f"{number},Child {number},{phone}" for number, phone in PHONES.items()]
        listing.write_text("\n".join(["student id,name,phone", *rows]))
        self.gate.command("students", "import", str(listing))
        with writing(self.gate.data / "attendance.db") as conn:
            conn.execute("UPDATE students SET added_at = '2026-01-01T00:00:00.000000Z'")
        self.start()

    def start(self) -> None:
        """With a reader at its page instead of a camera."""
        self.gate.start("--source", "v4l2:77")
        self._viewer = urllib.request.urlopen(f"http://127.0.0.1:{self.gate.port}/events", timeout=60)

    def read(self, payload: str) -> None:
        body = json.dumps({"payload": payload}).encode()
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(f"http://127.0.0.1:{self.gate.port}/scan", body, headers)
        with urllib.request.urlopen(request, timeout=5) as answer:
            assert answer.status == 202

    def kill(self) -> None:
        self._viewer.close()
        self.gate.kill()

    def messages(self) -> list[tuple[str, str, str]]:
        rows = json.loads(self.gate.command("sms", "list", "--json").stdout)
        return sorted((row["kind"], row["state"], row["gateway_state"]) for row in rows)


@pytest.fixture
def real_gate(tmp_path: Path, assets_dir: Path) -> Iterator[RealGate]:
    gate = RealGate(tmp_path, assets_dir)
    yield gate
    gate.kill()
    gate.phone.stop()


@pytest.mark.slow
def test_a_running_gate_tells_of_an_absence_once(real_gate: RealGate, eventually: Eventually) -> None:
    """Nine students show their cards at a real gate, the tenth is told of; and not again when the gate was killed."""
    for number in range(1, 10):
        real_gate.read(str(number))
    arrivals = real_gate.phone.phone
    eventually(lambda: arrivals.arrivals, within_s=60)
    eventually(lambda: real_gate.messages() == [("absence", "sent", "Delivered")], within_s=20)
    assert "told: 1 messages" in real_gate.gate.command("sms", "absences", "--session", "day").stdout
    real_gate.kill()
    real_gate.start()
    eventually(lambda: real_gate.gate.get("/health/database")["total_records"] == 9, within_s=20)
    assert real_gate.messages() == [("absence", "sent", "Delivered")]
    [told] = arrivals.arrivals
    assert told.phone == SHARED
    assert "no arrival of Child 10 was recorded" in told.text
