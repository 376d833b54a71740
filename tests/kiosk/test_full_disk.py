"""A gate on a disk without a byte left: a real, tiny file system, a real ledger, real photos."""

import os
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from memory_disk import small_disk

from attendance.clock import ManualClock
from attendance.config import Settings
from attendance.kiosk.album import Album
from attendance.kiosk.plan import gate_rules
from attendance.kiosk.probes import recording_probe
from attendance.kiosk.retention import Policy, Retention
from attendance.kiosk.station import Outcome, Station
from attendance.kiosk.store import register, roster
from attendance.kiosk.store.contents import faults
from attendance.kiosk.store.database import create_or_migrate, reading, writing
from attendance.ops import sqlite
from attendance.ops.disk import DiskWatch, Reserve
from attendance.ops.instance import InstanceLock
from attendance.ops.sqlite import Writer
from attendance.vision.messages import Portrait, Sighting, Verdict

MANILA = ZoneInfo("Asia/Manila")
MB = 1_000_000
STUDENTS = 200

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a small file system")


def fill(folder: Path) -> Path:
    """Another program takes every byte."""
    path = folder / "filler"
    with path.open("wb", buffering=0) as file:
        try:
            while file.write(b"x" * 4096):
                pass
        except OSError:
            return path
    raise AssertionError("the disk took everything")


class Gate:
    """Station, album, ledger and retention on one data directory; the test is the vision process."""

    def __init__(self, data_dir: Path, *, photo_room: int, reserve: int) -> None:
        self.data_dir = data_dir
        self.clock = ManualClock(datetime(2026, 6, 7, 22, 40, tzinfo=UTC))  # 06:40 in Manila
        self.database = data_dir / "attendance.db"
        create_or_migrate(self.database, self.clock.now())
        with writing(self.database) as conn:
            for number in range(STUDENTS if register.students(conn) == 0 else 0):
                roster.enrol(conn, roster.Enrolment(str(number), "Ana"), self.clock.now())
        self.writer = Writer(lambda: sqlite.connect(self.database))
        self.retention = Retention(
            self.database,
            data_dir,
            self.writer,
            self.clock,
            MANILA,
            Policy(30, has_centre=False, photo_room_bytes=photo_room),
            DiskWatch(data_dir),
            Reserve(data_dir / ".reserve", reserve),
        )
        self.album = Album(data_dir, self.writer, lambda _: None, has_room=lambda: self.retention.photos_have_room)
        self.verdicts: list[Verdict] = []
        self.outcomes: list[Outcome] = []
        self.station = Station(
            gate_rules(Settings(), {}),
            self.clock,
            self.writer,
            self.album,
            answer=self.verdicts.append,
            show=self.outcomes.append,
            ended=lambda: None,
        )

    def __enter__(self) -> "Gate":
        self.writer.start()
        return self

    def __exit__(self, *_: object) -> None:
        assert self.writer.stop()

    def scan(self, student: int, photo: bytes = b"") -> Outcome:
        """A student passes; the vision process sends a photo when one is wanted."""
        now = self.clock.boot_ns()
        sighting = Sighting(f"s{student}", now, None, now, (), str(student).encode())
        self.station.receive(sighting)
        self.station.step()
        if photo and self.verdicts[-1].photo:
            self.station.receive(Portrait(sighting.sighting_id, True, "", 0.9, now, [], photo))
            self.station.step()
            self.album.step()
        return self.outcomes[-1]

    def problems(self) -> list[str]:
        found = [*self.retention().problems, *recording_probe(lambda: self.station.recording)().problems]
        return [problem.code for problem in found]

    def recorded(self) -> int:
        with reading(self.database) as conn:
            return register.records(conn).rows

    def reasons(self) -> set[str]:
        with reading(self.database) as conn:
            return {row["reason"] for row in conn.execute("SELECT DISTINCT reason FROM photos")}


def test_scans_go_on_when_not_a_byte_is_left_for_photos(tmp_path: Path) -> None:
    """Photos fail on their own full disk: each scan is recorded and says why it has no photo."""
    with small_disk(tmp_path / "photos", 1):
        fill(tmp_path / "photos")
        with Gate(tmp_path, photo_room=0, reserve=4096) as gate:
            outcomes = [gate.scan(student, b"x" * 60_000) for student in range(20)]
            assert all(outcome.scan_id for outcome in outcomes)
            assert gate.reasons() == {"The photo could not be written: the disk is full or failing."}


def test_photos_leave_the_last_room_to_the_ledger(tmp_path: Path) -> None:
    """On a disk that fills up with photos they stop first, and every scan after that is recorded."""
    with small_disk(tmp_path / "data", 16), Gate(tmp_path / "data", photo_room=8 * MB, reserve=MB) as gate:
        for student in range(STUDENTS):
            gate.retention.step()
            gate.scan(student, b"x" * 60_000)
        assert gate.recorded() == STUDENTS
        assert "The photo was not kept: the disk is full." in gate.reasons()
        assert gate.problems() == ["photos-not-kept"]
        assert os.statvfs(tmp_path / "data").f_bavail * 4096 > MB


def test_a_full_disk_is_told_and_passes(tmp_path: Path) -> None:
    """What cannot be recorded is shown as not recorded, nothing falls over, and with room again the next counts."""
    with small_disk(tmp_path / "data", 8), Gate(tmp_path / "data", photo_room=0, reserve=4096) as gate:
        assert gate.scan(0).scan_id
        filler = fill(tmp_path / "data")
        (tmp_path / "data/.reserve").unlink(missing_ok=True)
        outcomes = []
        for student in range(1, STUDENTS):
            outcomes.append(gate.scan(student, b"x" * 60_000))
            if not outcomes[-1].scan_id:
                break
        refused = outcomes[-1]
        assert refused.decision is None
        assert refused.sentence == "The gate cannot record now. Tell the office."
        assert gate.problems() == ["scans-not-recorded"]
        told = 1 + len(outcomes) - 1
        assert gate.recorded() == told
        filler.unlink()
        assert gate.scan(len(outcomes)).scan_id
        assert gate.problems() == []
        assert gate.recorded() == told + 1
        with reading(gate.database) as conn:
            assert faults(conn) == ""


def test_the_reserve_lets_the_ledger_go_on(tmp_path: Path) -> None:
    """When another program takes every byte, the room held in reserve is given up and scans are recorded again."""
    with small_disk(tmp_path / "data", 40), Gate(tmp_path / "data", photo_room=10 * MB, reserve=8 * MB) as gate:
        gate.retention.step()
        assert (tmp_path / "data/.reserve").exists()
        fill(tmp_path / "data")
        gate.retention.step()
        assert not (tmp_path / "data/.reserve").exists()
        outcomes = [gate.scan(student, b"x" * 60_000) for student in range(STUDENTS)]
        assert all(outcome.scan_id for outcome in outcomes)
        assert gate.reasons() == {"The photo was not kept: the disk is full."}


def test_a_gate_starts_on_a_full_disk(tmp_path: Path) -> None:
    """The reserve is given up before lock and database are opened, and the first scan is recorded."""
    room = {"photo_room": 10 * MB, "reserve": 8 * MB}
    with small_disk(tmp_path / "data", 40):
        with Gate(tmp_path / "data", **room) as gate:
            gate.retention.step()
        fill(tmp_path / "data")
        gate.retention.make_room()
        lock = InstanceLock(tmp_path / "data")
        lock.acquire()
        with Gate(tmp_path / "data", **room) as again:
            assert again.scan(0).scan_id
        lock.release()
