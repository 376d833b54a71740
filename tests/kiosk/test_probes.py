"""What is looked at in a gate: the database, the clock, the camera, the threads."""

import shutil
import sqlite3
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from attendance.clock import ManualClock, boot_ns
from attendance.domain.message import MessageKind
from attendance.domain.scan import Accepted, Direction, Status
from attendance.kiosk.database_probe import DatabaseProbe
from attendance.kiosk.probes import CameraProbe, ClockProbe, recording_probe, services_probe
from attendance.kiosk.store import ledger, register, roster
from attendance.kiosk.store.database import create_or_migrate, reading, writing
from attendance.ops.health import ProbeResult
from attendance.ops.service import Service
from attendance.ops.worker import WorkerState
from attendance.vision import messages

MANILA = ZoneInfo("Asia/Manila")
MORNING = datetime(2026, 6, 7, 22, 40, tzinfo=UTC)


def codes(result: ProbeResult) -> list[str]:
    return [problem.code for problem in result.problems]


class Ledger:
    """A database with one student whose guardian is told of every scan."""

    def __init__(self, folder: Path) -> None:
        self.clock = ManualClock(MORNING)
        self.path = folder / "attendance.db"
        self.passages = 0
        create_or_migrate(self.path, self.clock.now())
        with writing(self.path) as conn:
            roster.enrol(
                conn,
                roster.Enrolment("1", "Ana", guardians=[roster.Guardian("Eva", "+639171234567")]),
                self.clock.now(),
            )
            self.key = conn.execute("SELECT student_key FROM students").fetchone()[0]

    def probe(self, *, has_centre: bool = False) -> DatabaseProbe:
        return DatabaseProbe(self.path, self.clock, MANILA, lambda: has_centre)

    def scan(self, times: int = 1, *, trusted: bool = True) -> None:
        with writing(self.path) as conn:
            for _ in range(times):
                self.passages += 1
                seen = replace(self.clock.now(), trusted=trusted)
                day = seen.at.astimezone(MANILA).date()
                scan = Accepted(day, "morning", Direction.IN, Status.ON_TIME, self.passages, "Good morning.")
                origin = ledger.Origin("gate-1", "camera")
                ledger.record(conn, self.key, scan, seen, origin, ledger.CardUsed(0, False), MessageKind.CHECK_IN)

    def send_everything(self) -> None:
        with writing(self.path) as conn:
            conn.execute("UPDATE sms_outbox SET state = 'sent'")


@pytest.fixture
def records(tmp_path: Path) -> Ledger:
    return Ledger(tmp_path)


@pytest.mark.parametrize(("has_centre", "queue_size"), [(False, 3), (True, 7)])
def test_the_documented_counts_are_those_of_the_ledger(records: Ledger, has_centre: bool, queue_size: int) -> None:
    """Scans of all days and of the local day, unsent SMS, and what waits for a centre: the student, too."""
    records.scan(2)
    records.clock.advance(86_400)
    probe = records.probe(has_centre=has_centre)
    assert (probe().values["total_records"], probe().values["today_scans"]) == (2, 0)
    records.scan()
    values = probe().values
    assert (values["connectivity"], values["total_records"], values["today_scans"]) == ("ok", 3, 1)
    assert values["queue_size"] == queue_size
    assert type(values["size_mb"]) is float


def test_today_is_the_school_s_day(records: Ledger) -> None:
    """At midnight in Manila the count begins anew, though nobody has written and UTC has another day."""
    records.scan()
    probe = records.probe()
    assert probe().values["today_scans"] == 1
    records.clock.advance(17 * 3600 + 19 * 60)
    assert probe().values["today_scans"] == 1
    records.clock.advance(60)
    assert probe().values["today_scans"] == 0


def test_a_quiet_ledger_is_not_asked(records: Ledger) -> None:
    """Without a write a look reads no table."""
    records.scan()
    probe = records.probe()
    probe()
    assert statements(probe) == ["PRAGMA data_version"]


def test_a_look_never_reads_the_whole_ledger(records: Ledger) -> None:
    """After a write, what is asked is found by key or index: no statement walks through all scans or queue rows."""
    records.scan(3)
    probe = records.probe(has_centre=True)
    probe()
    records.scan()
    asked = statements(probe)
    with reading(records.path) as conn:
        plans = [row["detail"] for sql in asked[1:] for row in conn.execute(f"EXPLAIN QUERY PLAN {sql}")]
    assert len(asked) > 5
    assert [plan for plan in plans if plan.startswith("SCAN attendance") or "TEMP B-TREE" in plan] == []
    assert probe().values["total_records"] == 4


def statements(probe: DatabaseProbe) -> list[str]:
    """The SQL of one look."""
    asked: list[str] = []
    assert probe._conn is not None
    probe._conn.set_trace_callback(asked.append)
    probe()
    probe._conn.set_trace_callback(None)
    return asked


def test_counting_on_is_counting(records: Ledger) -> None:
    """Counted in steps, however many rows come in each, the number is the number."""
    with reading(records.path) as conn:
        counted = register.records(conn)
        for more in (0, 1, 5, 0, 3):
            records.scan(more)
            counted = register.records(conn, counted)
            assert counted == register.records(conn)
    assert counted.rows == 9


def test_a_deleted_database_is_told(records: Ledger) -> None:
    """An open file that has lost its name would go on answering: it is not believed."""
    probe = records.probe()
    assert codes(probe()) == []
    records.path.rename(records.path.with_name("moved.db"))
    result = probe()
    assert (result.values["connectivity"], codes(result)) == ("failed", ["database-failed"])
    assert not records.path.exists()


def test_another_database_of_the_name_is_counted_anew(records: Ledger, tmp_path: Path) -> None:
    """After a restore the counts are those of the restored one."""
    with reading(records.path) as source, sqlite3.connect(tmp_path / "copy.db") as copy:
        source.backup(copy)
    records.scan(5)
    probe = records.probe()
    assert probe().values["total_records"] == 5
    for file in tmp_path.glob("attendance.db-*"):
        file.unlink()
    shutil.move(tmp_path / "copy.db", records.path)
    assert probe().values["total_records"] == 0


def test_a_damaged_database_is_told(records: Ledger) -> None:
    """What is no database any more is an answer, not an exception."""
    records.path.write_bytes(b"nonsense" * 1000)
    assert codes(records.probe()()) == ["database-failed"]


def test_messages_that_wait_too_long_are_told(records: Ledger) -> None:
    """Half an hour after the oldest unsent message was made, by boot time; not any more when it has left."""
    probe = records.probe()
    records.scan()
    records.clock.step(7200)
    records.clock.advance(1800)
    assert codes(probe()) == []
    records.clock.advance(1)
    assert codes(probe()) == ["sms-waiting"]
    assert "1 messages" in probe().problems[0].text
    records.send_everything()
    assert codes(probe()) == []


def test_a_message_of_an_earlier_boot_has_waited_too(records: Ledger) -> None:
    """After a reboot trusted wall times are compared; where one was not trusted only this boot counts."""
    records.scan()
    probe = records.probe()
    later = ManualClock(MORNING + timedelta(hours=2), boot_id="second")
    probe._clock = later
    assert codes(probe()) == ["sms-waiting"]
    later.trusted = False
    assert codes(probe()) == []
    later.advance(1801)
    assert codes(probe()) == ["sms-waiting"]


@pytest.mark.parametrize(("has_centre", "found"), [(False, []), (True, ["sync-waiting"])])
def test_records_that_wait_for_the_centre(records: Ledger, has_centre: bool, found: list[str]) -> None:
    """After a day they are a problem; without a centre nobody waits."""
    records.scan()
    records.send_everything()
    records.clock.advance(86_401)
    assert codes(records.probe(has_centre=has_centre)()) == found


@pytest.mark.parametrize(
    ("trusted", "at", "found"),
    [
        (True, MORNING, []),
        (False, MORNING, ["clock-unsure"]),
        (False, datetime(1970, 1, 1, tzinfo=UTC), ["clock-unsure"]),
        (True, datetime(2024, 1, 1, tzinfo=UTC), ["clock-wrong"]),
    ],
)
def test_the_clock_is_judged(trusted: bool, at: datetime, found: list[str]) -> None:
    """Untrusted, or trusted and impossible."""
    assert codes(ClockProbe(ManualClock(at, trusted=trusted))()) == found


def test_a_jump_of_a_trusted_clock_is_told_for_a_while() -> None:
    """A step of an hour is a problem for ten minutes; running on, or correcting a clock nobody trusted, is none."""
    clock = ManualClock(MORNING, trusted=False)
    probe = ClockProbe(clock)
    probe()
    clock.step(86_400)
    clock.trusted = True
    assert codes(probe()) == []
    clock.advance(3600)
    assert codes(probe()) == []
    clock.step(-3600)
    assert codes(probe()) == ["clock-stepped"]
    assert probe().values["stepped_seconds"] == -3600
    clock.advance(600)
    assert codes(probe()) == ["clock-stepped"]
    clock.advance(1)
    assert codes(probe()) == []


@dataclass
class Vision:
    """What the core knows of a vision process."""

    state: WorkerState = field(
        default_factory=lambda: WorkerState(
            pid=4711, replaced=2, last_reason="silent", last_message_boot_ns=0, well_boot_ns=0
        )
    )
    status: messages.Status | None = None
    face_engine: str = "mediapipe"


def seen(camera: str, frame_boot_ns: int) -> messages.Status:
    return messages.Status(camera, "", 105_000, 29.97, frame_boot_ns)


def test_a_working_camera_has_the_documented_fields() -> None:
    """Healthy, when its last frame was, in local time, how many, and no error."""
    clock = ManualClock(MORNING)
    clock.advance(100)
    result = CameraProbe(Vision(status=seen("ok", 90 * 10**9)), clock, MANILA)()
    documented = {name: result.values[name] for name in ("healthy", "last_refresh", "frames_captured", "last_error")}
    assert documented == {
        "healthy": True,
        "last_refresh": "2026-06-08T06:41:30",
        "frames_captured": 105_000,
        "last_error": None,
    }
    assert codes(result) == []


def test_a_camera_without_new_frames_is_not_healthy() -> None:
    """A source that says it works and gives nothing for ten seconds is believed no longer."""
    clock = ManualClock(MORNING)
    clock.advance(100)
    probe = CameraProbe(Vision(status=seen("ok", 90 * 10**9)), clock, MANILA)
    clock.advance(0.1)
    result = probe()
    assert (codes(result), result.values["healthy"]) == (["camera-silent"], False)
    assert result.values["last_error"] == result.problems[0].text


def test_a_vision_process_that_never_speaks_of_its_camera_is_told() -> None:
    """Starting takes a while; then it is a problem."""
    clock = ManualClock(MORNING)
    vision = Vision()
    probe = CameraProbe(vision, clock, MANILA)
    probe()
    clock.advance(45)
    assert codes(probe()) == []
    clock.advance(1)
    assert codes(probe()) == ["camera-silent"]
    vision.status = seen("ok", clock.boot_ns())
    assert codes(probe()) == []


@pytest.mark.parametrize("camera", ["missing", "unusable", "lost", "frozen"])
def test_each_trouble_of_the_camera_has_its_problem(camera: str) -> None:
    """Each has a remedy of its own."""
    result = CameraProbe(Vision(status=seen(camera, 1)), ManualClock(MORNING), MANILA)()
    assert (codes(result), result.values["healthy"]) == ([f"camera-{camera}"], False)


class Part:
    """A stepper that can be made to hang or to fail."""

    def __init__(self) -> None:
        self.go_on = threading.Event()
        self.hang = self.hanging = self.fail = False

    def step(self) -> float:
        self.hanging = self.hang
        if self.hang:
            self.go_on.wait(30)
        if self.fail:
            raise OSError("worn out")
        return 0.01


@pytest.fixture
def part() -> Iterator[tuple[Part, Service]]:
    part = Part()
    service = Service("part", part, wake=part.go_on.set)
    yield part, service
    service.stop()


class Later:
    """The machine's boot time, and some seconds."""

    def __init__(self, seconds: float = 0) -> None:
        self.seconds = seconds

    def boot_ns(self) -> int:
        return boot_ns() + round(self.seconds * 1e9)


def test_a_part_that_does_not_run_is_told(part: tuple[Part, Service]) -> None:
    """A thread that was never started, or has ended, is a problem; one at work is none."""
    _, service = part
    probe = services_probe({service: 30.0}, Later())
    assert codes(probe()) == ["service-dead"]
    service.start()
    assert codes(probe()) == []
    service.stop()
    assert codes(probe()) == ["service-dead"]


def test_a_part_that_fails_is_told(part: tuple[Part, Service], eventually: Callable[..., None]) -> None:
    """With what went wrong; it goes on trying, and when it works again the problem is over."""
    stepper, service = part
    probe = services_probe({service: 30.0}, Later())
    stepper.fail = True
    service.start()
    eventually(lambda: codes(probe()) == ["service-failing"])
    assert "worn out" in probe().problems[0].text
    stepper.fail = False
    eventually(lambda: codes(probe()) == [])
    assert probe().values["part"] >= 1


def test_a_part_that_hangs_is_told(part: tuple[Part, Service], eventually: Callable[..., None]) -> None:
    """A thread that lives and does nothing is told after its deadline, not before."""
    stepper, service = part
    stepper.hang = True
    service.start()
    eventually(lambda: stepper.hanging)
    assert codes(services_probe({service: 30.0}, Later(20))()) == []
    assert codes(services_probe({service: 30.0}, Later(40))()) == ["service-dead"]


def test_a_scan_that_could_not_be_recorded_is_told() -> None:
    """Until the next one that could."""
    assert codes(recording_probe(lambda: False)()) == ["scans-not-recorded"]
    assert codes(recording_probe(lambda: True)()) == []
