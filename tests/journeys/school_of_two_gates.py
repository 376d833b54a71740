"""A real centre and two gates of one school, each with its real exchange and station; one clock, which stands still."""

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from attendance import __version__
from attendance.clock import ManualClock, rfc3339
from attendance.config import Paths, Settings, check_decided
from attendance.fleet import commands, invitations
from attendance.fleet.app import CentreProcess, prepare
from attendance.fleet.plan import CentrePlan
from attendance.fleet.store import gates, schools
from attendance.fleet.store.engine import open_engine, transaction
from attendance.kiosk import plan
from attendance.kiosk.album import Album
from attendance.kiosk.sms import plan as sms_plan
from attendance.kiosk.sms.absence import Absences
from attendance.kiosk.station import Outcome, Station
from attendance.kiosk.store import roster
from attendance.kiosk.store.database import create_or_migrate, reading, writing
from attendance.kiosk.sync import enrolment
from attendance.kiosk.sync.app import Sync
from attendance.kiosk.sync.down import Seams
from attendance.kiosk.sync.enrolment import Machine
from attendance.ops import sqlite
from attendance.ops.health import HealthBoard
from attendance.ops.service import Service
from attendance.ops.sqlite import Writer
from attendance.ops.webserver import Streams, WebServer
from attendance.vision.messages import Sighting

MANILA = ZoneInfo("Asia/Manila")
MORNING = datetime(2026, 6, 8, 6, 40, tzinfo=MANILA)
TOLD = {"enabled": True, "notification_preferences": {"absence": True}, "absence": {"max_share_percent": 100}}


class SchoolOfTwoGates:
    """The centre serves meanwhile ``with``; ``one`` and ``two`` are its gates, enrolled."""

    def __init__(self, folder: Path) -> None:
        self.clock = ManualClock(MORNING.astimezone(UTC))
        self._plan = CentrePlan(f"sqlite:///{folder}/centre.db", folder / "centre")
        prepare(self._plan)
        self._engine = open_engine(self._plan.database)
        self._process = CentreProcess(self._plan, self.clock)
        self._server = WebServer(self._process.app, "127.0.0.1", 0, streams=Streams(1))
        with transaction(self._engine) as conn:
            self.school = schools.add(conn, "Rizal", "Asia/Manila", self.clock.now().at)
        self._ending = ExitStack()
        self.one, self.two = (OneGate(folder / name, name, self.clock) for name in ("gate-1", "gate-2"))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.port}"

    def __enter__(self) -> "SchoolOfTwoGates":
        self._server.start()
        self._ending.callback(self._server.stop)
        self._ending.callback(self._process.stop)
        self._ending.callback(self._engine.dispose)
        for gate in (self.one, self.two):
            gate.writer.start()
            self._ending.callback(gate.writer.stop)
            gate.enrol(self.url, self._invite(gate.name))
        return self

    def __exit__(self, *_: object) -> None:
        self._ending.close()

    def minutes(self, count: int = 1, *, without: "OneGate | None" = None) -> None:
        """Let minutes pass in which both gates exchange; or one has no network."""
        for _ in range(count):
            self.clock.advance(61)
            for gate in (self.one, self.two):
                if gate is not without:
                    gate.exchange()

    def at_the_centre(self, work: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
        """Have somebody do something there, in one transaction."""
        with transaction(self._engine) as conn:
            return work(conn, *arguments, **named)

    def order(self, gate: "OneGate", kind: Any, arguments: Mapping[str, Any] | None = None) -> str:
        """Give a gate a command; its id."""
        with transaction(self._engine) as conn:
            known = next(each for each in gates.of_school(conn, self.school.school_id) if each.device_id == gate.name)
            return commands.order(conn, known, kind, arguments or {}, "ana", self.clock.now().at)

    def _invite(self, name: str) -> str:
        with transaction(self._engine) as conn:
            return invitations.invite(conn, self.school, name, None, "ana", self.clock.now().at)


class OneGate:
    """One gate: its data, its exchange, its station and its absences. A step of everything is a step here.

    Attributes:
        restarts: the reasons for which it was to restart.
    """

    def __init__(self, folder: Path, name: str, clock: ManualClock) -> None:
        self.name = name
        self.clock = clock
        self.settings = Settings.model_validate(
            {"device": {"device_id": name}, "school": {"gates": 2}, "sms_notifications": TOLD}
        )
        self.paths = Paths(folder, folder / "data", folder / "config.json")
        create_or_migrate(self.paths.database, clock.now())
        with writing(self.paths.database) as conn:
            for number in ("1", "2", "3"):
                guardian = roster.Guardian(f"+63917000000{number}")
                roster.enrol(conn, roster.Enrolment(number, f"Student {number}", guardians=[guardian]), clock.now())
            conn.execute("UPDATE students SET added_at = ?", (rfc3339(clock.now().at - timedelta(days=30)),))
            conn.execute(
                "INSERT INTO proof_of_work (began_at, ended_at, after_jump) VALUES (?, ?, 0)",
                (rfc3339(MORNING - timedelta(hours=4)), rfc3339(MORNING + timedelta(hours=12))),
            )
        self.writer = Writer(lambda: sqlite.connect(self.paths.database))
        self.board = HealthBoard(clock.boot_ns)
        self.restarts: list[str] = []
        self.sync = self.start()
        self.absences = Absences(
            self.paths.database,
            self.writer,
            clock,
            sms_plan.absence_rules(self.settings),
            self.sync.others_confirmed,
        )

    def start(self) -> Sync:
        """The exchange of another run."""
        seams = Seams(
            self.board.snapshot,
            self.restarts.append,
            lambda: "a backup",
            lambda layer: check_decided(self.paths, dict(layer), {}) and None,
        )
        return Sync(self.settings, self.paths, self.writer, self.clock, seams=seams)

    def enrol(self, url: str, code: str) -> None:
        machine = Machine(self.name, self.name, __version__, "a board", None, 5.0)
        enrolment.enrol(self.paths.database, self.paths.data_dir, url, code, machine)

    def exchange(self) -> None:
        """What its services do in a minute, one after the other."""
        for service in (*self.sync.services, *self.sync.services[2:]):
            _work(service)

    def show(self, number: str, at: datetime) -> Outcome:
        """Hold a card up at a time."""
        shown: list[Outcome] = []
        station = Station(
            plan.gate_rules(self.settings, {}),
            self.clock,
            self.writer,
            Album(self.paths.data_dir, self.writer, lambda scan_id: None),
            answer=lambda _: None,
            show=shown.append,
            ended=lambda: None,
        )
        now, wall = self.clock.boot_ns(), at.astimezone(UTC).isoformat().replace("+00:00", "Z")
        station.receive(Sighting("s1", now, wall, now, (), number.encode()))
        station.step()
        return shown[0]

    def known(self) -> dict[str, str]:
        with reading(self.paths.database) as conn:
            return {row["student_id"]: row["student_key"] for row in roster.enrolled(conn)}


def _work(service: Service) -> None:
    for _ in range(200):
        if service._stepper.step() > 0:
            return
    raise AssertionError(f"{service.name} does not end")
