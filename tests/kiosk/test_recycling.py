"""The vision process that grows is replaced between two sightings, and no scan is lost."""

import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from attendance.clock import ManualClock, Moment, SystemClock, boot_ns
from attendance.config import Settings
from attendance.kiosk.album import Album
from attendance.kiosk.plan import gate_rules
from attendance.kiosk.recycling import QUIET_S, VisionRelief
from attendance.kiosk.station import Station
from attendance.kiosk.store import roster
from attendance.kiosk.store.database import create_or_migrate, reading, writing
from attendance.ops import sqlite
from attendance.ops.memory import MemoryWatch, Use, Watched
from attendance.ops.sqlite import Writer
from attendance.ops.worker import Worker
from attendance.vision.messages import Ended, Portrait, Sighting, Stop, Verdict, decode, encode

STUDENTS = 15
BUDGET_MB = 70.0
SCRIPT = Path(__file__).with_name("leaking_vision.py")


@pytest.mark.parametrize(
    ("quiet_s", "used_mb", "replaced"),
    [(QUIET_S, 180, True), (QUIET_S - 0.1, 180, False), (0.5, 201, True), (0.4, 201, False), (0, 500, False)],
)
def test_only_a_quiet_moment_is_taken(quiet_s: float, used_mb: float, replaced: bool) -> None:
    """Above 85 % a lull of seconds is waited for, over the budget half a second; never while a photo is awaited."""
    reasons: list[str] = []
    assert VisionRelief(lambda: quiet_s, reasons.append)(Use(used_mb, 200)) is replaced
    assert reasons == [f"memory: {used_mb} MB of 200 MB"] * replaced


class Morning(SystemClock):
    """The machine's boot time, which the vision process has too; the wall clock says 06:40 in Manila at the start."""

    def __init__(self) -> None:
        super().__init__(trust_rtc=True)
        self._start_ns = boot_ns()

    def moment(self, at_boot_ns: int) -> Moment:
        at = datetime(2026, 6, 7, 22, 40, tzinfo=UTC) + timedelta(microseconds=(at_boot_ns - self._start_ns) / 1000)
        return Moment(at, self.boot_id, at_boot_ns, True)


class Gate:
    """Station and ledger of a gate whose vision process leaks."""

    def __init__(self, folder: Path) -> None:
        self.database = folder / "attendance.db"
        clock = Morning()
        create_or_migrate(self.database, clock.now())
        with writing(self.database) as conn:
            for number in range(STUDENTS):
                roster.enrol(conn, roster.Enrolment(str(number), "Ana"), clock.now())
        (folder / "served").write_text("0")
        self.writer = Writer(lambda: sqlite.connect(self.database))
        self.album = Album(folder, self.writer, lambda _: None)
        self.station = Station(
            gate_rules(Settings(), {}), clock, self.writer, self.album, answer=self.answer, show=_ignore, ended=_nothing
        )
        self.replaced: list[str] = []
        self.vision = Worker(
            "vision",
            lambda fd: [sys.executable, str(SCRIPT), str(fd), str(folder), str(STUDENTS)],
            on_message=self.hear,
            on_replaced=self.interrupted,
            timeout_s=10,
            start_timeout_s=10,
            stop_message=encode(Stop()),
            log_file=folder / "vision.log",
        )
        relief = VisionRelief(lambda: self.station.quiet_s, self.vision.replace)
        self.memory = MemoryWatch([Watched("vision", lambda: self.vision.state.pid, BUDGET_MB, relief)])

    def answer(self, verdict: Verdict) -> None:
        self.vision.send(encode(verdict))

    def hear(self, data: bytes) -> None:
        message = decode(data)
        if isinstance(message, Sighting | Portrait | Ended):
            self.station.receive(message)

    def interrupted(self, reason: str) -> None:
        self.replaced.append(reason)
        self.station.interrupted(reason)

    def rows(self) -> list[tuple[str, str | None]]:
        with reading(self.database) as conn:
            found = conn.execute(
                "SELECT s.student_id, p.path FROM attendance JOIN students s USING (student_key)"
                " LEFT JOIN photos p USING (scan_id) ORDER BY s.rowid"
            )
            return [(row[0], row[1]) for row in found]


def _ignore(_outcome: object) -> None: ...


def _nothing() -> None: ...


def test_a_leaking_process_is_replaced_and_no_scan_is_lost(tmp_path: Path, eventually: Callable[..., None]) -> None:
    """It is recycled for its memory, more than once; every student is recorded once and has a photo."""
    gate = Gate(tmp_path)
    parts = [gate.writer, gate.album.service, gate.station.service, gate.vision]
    for part in parts:
        part.start()
    try:

        def all_served() -> bool:
            gate.memory.step()
            return len(gate.rows()) == STUDENTS and all(path for _, path in gate.rows())

        eventually(all_served, 30)
    finally:
        for part in reversed(parts):
            assert part.stop()
    assert [student for student, _ in gate.rows()] == [str(number) for number in range(STUDENTS)]
    assert len(gate.replaced) >= 2
    assert all(reason.startswith("memory: ") for reason in gate.replaced)


def test_a_station_is_not_quiet_while_a_photo_is_awaited(tmp_path: Path) -> None:
    """From the card until its last portrait the vision process is at work, however long that takes."""
    clock = ManualClock(datetime(2026, 6, 7, 22, 40, tzinfo=UTC))
    database = tmp_path / "attendance.db"
    create_or_migrate(database, clock.now())
    with writing(database) as conn:
        roster.enrol(conn, roster.Enrolment("1", "Ana"), clock.now())
    writer = Writer(lambda: sqlite.connect(database))
    album = Album(tmp_path, writer, lambda _: None)
    station = Station(gate_rules(Settings(), {}), clock, writer, album, answer=_ignore, show=_ignore, ended=_nothing)
    writer.start()
    try:
        clock.advance(100)
        assert station.quiet_s == 100
        now = clock.boot_ns()
        station.receive(Sighting("s1", now, None, now, (), b"1"))
        assert station.quiet_s == 0
        station.step()
        clock.advance(60)
        assert station.quiet_s == 0
        station.receive(Portrait("s1", True, "No face.", 0.0, now))
        station.step()
        assert station.quiet_s == 60
    finally:
        writer.stop()
