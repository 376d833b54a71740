"""A small centre with a directory, other gates and commands; and the downward half of a gate, a step at a time."""

import gzip
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from gate_data import DAY, MANILA, SCHEDULE, GateData
from small_centre import GATE, SmallCentre, Told
from uuid6 import uuid7

from attendance.clock import rfc3339
from attendance.config import check_decided
from attendance.domain import wire
from attendance.domain.absence import Limits as AbsenceLimits
from attendance.domain.message import MessageKind
from attendance.domain.scan import GateDirection
from attendance.errors import AttendanceError
from attendance.kiosk.sms.absence import AbsenceRules
from attendance.kiosk.store import centre_refusals, roster
from attendance.kiosk.store.database import reading
from attendance.kiosk.sync import credentials
from attendance.kiosk.sync.applying import Limits
from attendance.kiosk.sync.client import CentreClient
from attendance.kiosk.sync.credentials import Credentials
from attendance.kiosk.sync.down import Down, DownPlan, Seams
from attendance.ops import sqlite
from attendance.ops.health import HealthBoard
from attendance.ops.sqlite import Writer

TOKEN = "a token that only this gate has"


def student(
    number: str, name: str = "", *, key: str = "", phones: Sequence[str] = ("+639171234567",)
) -> dict[str, Any]:
    """The body of a student's entry."""
    return {
        "student_key": key or f"{int(number):032x}",
        "student_id": number,
        "name": name or f"Student {number}",
        "guardians": [{"phone": phone, "name": "Ma"} for phone in phones],
    }


@dataclass
class CentreSchool(SmallCentre):
    """One school.

    Attributes:
        entries: of the directory, by kind and key.
        students: how many it says there are; ``None``: the truth.
        scans: of the other gates.
        siblings: the other gates, as heartbeats are told.
        commands: that every heartbeat is told, until there is a result.
        page: how many entries an answer has at most.
        beats, results, logs: what the gate has told.
        now: by the centre's clock.
    """

    entries: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    students: int | None = None
    scans: list[dict[str, Any]] = field(default_factory=list)
    siblings: list[dict[str, Any]] = field(default_factory=list)
    commands: list[dict[str, Any]] = field(default_factory=list)
    page: int = 1000
    version: int = 0
    beats: list[dict[str, Any]] = field(default_factory=list)
    results: dict[str, dict[str, Any]] = field(default_factory=dict)
    logs: dict[str, str] = field(default_factory=dict)
    now: datetime = datetime(2026, 6, 8, 8, 0, tzinfo=MANILA)

    def put(self, kind: str, key: str, body: dict[str, Any] | None) -> None:
        """Enter something in the directory, or delete it (``None``)."""
        self.version += 1
        entry = {"kind": kind, "key": key, "version": self.version, "deleted": body is None, "body": body or {}}
        self.entries[kind, key] = entry

    def enrol_students(self, *numbers: str) -> None:
        for number in numbers:
            body = student(number)
            self.put("student", body["student_key"], body)

    def scan(self, number: str, at: datetime, direction: str = "in", scan_id: str = "", day: str = "") -> str:
        """A scan at the other gate; the same id again corrects it."""
        scan_id = scan_id or str(uuid7())
        self.scans = [each for each in self.scans if each["scan_id"] != scan_id]
        self.received = getattr(self, "received", 0) + 1
        self.scans.append(
            {
                "student_id": number,
                "scan_id": scan_id,
                "device_id": "gate-2",
                "day": day or at.date().isoformat(),
                "session": "morning",
                "direction": direction,
                "status": "on_time",
                "scanned_at": rfc3339(at),
                "received": self.received,
            }
        )
        return scan_id

    def sibling(
        self,
        synced_to: datetime | None,
        name: str = "gate-2",
        *,
        live: bool = True,
        worked: dict[tuple[str, str], bool] | None = None,
    ) -> None:
        """Another gate of the school, or another word about it.

        Args:
            worked: by day and kind, whether it provably worked through the morning; by default through all.
        """
        self.siblings = [each for each in self.siblings if each["device_id"] != name]
        told = rfc3339(synced_to) if synced_to else None
        if worked is None:
            days = [(self.now - timedelta(days=back)).date().isoformat() for back in (1, 0)]
            worked = {(day, kind): True for day in days for kind in ("arrival", "departure")}
        windows = [
            {"day": day, "session": "morning", "kind": kind, "complete": complete}
            for (day, kind), complete in worked.items()
        ]
        said = {"device_id": name, "name": name, "synced_to": told, "live": live, "windows": windows}
        self.siblings.append(said)

    def command(self, kind: str, arguments: dict[str, Any] | None = None, **changed: Any) -> str:
        """Tell the gate to do something; the command's id."""
        said: dict[str, Any] = {
            "command_id": str(uuid7()),
            "gate_id": GATE,
            "kind": kind,
            "arguments": arguments or {},
            "issued_at": rfc3339(self.now),
            "expires_at": rfc3339(self.now + timedelta(days=7)),
        } | changed
        if "signature" not in said:
            values = (said[name] for name in ("command_id", "gate_id", "kind", "arguments", "issued_at", "expires_at"))
            said["signature"] = wire.signature_of_command(wire.key_hash(TOKEN), *values)
        self.commands.append(said)
        return str(said["command_id"])

    def _answer(self, told: Told) -> tuple[str, int, Any]:
        key = wire.key_hash(told.headers.get("authorization", "").removeprefix("Bearer "))
        if key not in self.keys or told.path in ("/enrol", "/sync"):
            return super()._answer(told)
        if told.path == "/heartbeat":
            return key, 200, self._heartbeat(told.json)
        if told.path == "/changes":
            return key, 200, self._changes(int(told.query["after"]), int(told.query["limit"]))
        if told.path == "/scans":
            return key, 200, self._scans(int(told.query["after"]), int(told.query["limit"]))
        if told.path.startswith("/logs/"):
            self.logs[told.path.removeprefix("/logs/")] = gzip.decompress(told.body).decode()
            return key, 200, {"received": len(told.body)}
        return super()._answer(told)

    def _heartbeat(self, beat: dict[str, Any]) -> dict[str, Any]:
        self.beats.append(beat)
        self.results |= {each["command_id"]: each for each in beat["results"]}
        open_ones = [each for each in self.commands if each["command_id"] not in self.results]
        versions = {"changes": self.version, "scans": getattr(self, "received", 0)}
        return {"now": rfc3339(self.now), "commands": open_ones, "versions": versions, "siblings": self.siblings}

    def _changes(self, after: int, limit: int) -> dict[str, Any]:
        new = sorted((e for e in self.entries.values() if e["version"] > after), key=lambda e: e["version"])
        page = new[: min(limit, self.page)]
        more = len(page) < len(new)
        alive = sum(kind == "student" and not e["deleted"] for (kind, _), e in self.entries.items())
        students = alive if self.students is None else self.students
        version = page[-1]["version"] if more else self.version
        return {"version": version, "more": more, "items": page, "counts": {"students": students}}

    def _scans(self, after: int, limit: int) -> dict[str, Any]:
        new = sorted((e for e in self.scans if e["received"] > after), key=lambda e: e["received"])
        page = new[: min(limit, self.page)]
        more = len(page) < len(new)
        newest = getattr(self, "received", 0)
        return {"version": page[-1]["received"] if more else newest, "more": more, "items": page}


class DownDesk:
    """A gate's data and the parts that bring down what the centre decides. Nothing runs but what a test steps.

    Attributes:
        restarts: the reasons for which a restart was asked for.
        fault: what a backup fails with.
    """

    def __init__(self, gate: GateData, *, gates: int = 2, limits: Limits | None = None) -> None:
        self.gate, self.clock, self.database = gate, gate.clock, gate.database
        self.writer = Writer(lambda: sqlite.connect(self.database))
        self.client = CentreClient(gate.data, gate.clock)
        self.board = HealthBoard(self.clock.boot_ns)
        self.restarts: list[str] = []
        self.looks = 0
        self.fault = ""
        self.rules = AbsenceRules(
            zone=MANILA,
            schedule=SCHEDULE,
            kinds=frozenset({MessageKind.ABSENCE, MessageKind.NO_CHECKOUT}),
            limits=AbsenceLimits(timedelta(minutes=30), 100),
            gates=gates,
            direction=GateDirection.BOTH,
        )
        plan = DownPlan(
            database=self.database,
            data_dir=gate.data,
            rules=self.rules,
            limits=limits or Limits(wanted=True, smallest_percent=50),
            interval_s=60.0,
            timeout_s=5.0,
            logs=[gate.data / "logs/attendance.log", gate.data / "logs/none.log"],
            secrets=["hunter2hunter2"],
        )
        self._plan = plan
        self.down = self.another()
        self.down.add_probes(self.board)

    def another(self, works: Callable[[], bool] | None = None) -> Down:
        """The same parts again, of a gate that sends no messages if it is to say whether it works."""
        seams = Seams(self.board.snapshot, self.restarts.append, self._back_up, self._check, works)
        return Down(self._plan, seams, self.writer, self.client, self.clock, self._look)

    def enrol(self, centre: CentreSchool) -> None:
        centre.keys.add(wire.key_hash(TOKEN))
        place = Credentials(centre.url, GATE, "Main gate", centre.school_id, "Mabini", "Asia/Manila", TOKEN)
        credentials.save(self.gate.data, place)

    def work(self, minutes: int = 1) -> None:
        """Let so many minutes pass, with all that the services do in them."""
        for _ in range(minutes):
            self.clock.advance(61)
            self.beat()
            for service in self.down.services:
                if service.name != "sync heartbeat":
                    self.step(service)

    def beat(self) -> None:
        """Call the centre."""
        self.down._heartbeat.step()

    def step(self, service: Any) -> None:
        """Let one service work until it wants to rest."""
        for _ in range(1000):
            if service._stepper.step() > 0:
                return
        raise AssertionError(f"{service.name} does not end")

    @property
    def problems(self) -> list[str]:
        self.board.step()
        return [problem.code for problem in self.board.snapshot().problems]

    def numbers(self) -> list[str]:
        """The school's numbers of who may pass."""
        with reading(self.database) as conn:
            return [row["student_id"] for row in roster.enrolled(conn)]

    def refusals(self) -> list[centre_refusals.Refusal]:
        with reading(self.database) as conn:
            return centre_refusals.known(conn)

    def others(self, day: date = DAY, session: str = "morning", kind: MessageKind = MessageKind.ABSENCE) -> str:
        """What is known of the other gates."""
        return self.down.others_confirmed(day, session, kind).value

    def _look(self) -> None:
        self.looks += 1

    def _back_up(self) -> str:
        if self.fault:
            raise AttendanceError(self.fault)
        return "attendance_20260608.db"

    def _check(self, layer: Any) -> None:
        check_decided(self.gate.paths, layer, {})


@contextmanager
def opened(folder: Path, centre: CentreSchool, *, students: int = 3, **options: Any) -> Iterator[DownDesk]:
    """A new gate that is enrolled, and a desk whose writer runs meanwhile."""
    desk = DownDesk(GateData(folder).create(students), **options)
    desk.enrol(centre)
    desk.writer.start()
    try:
        yield desk
    finally:
        desk.writer.stop()


def a_school() -> Iterator[CentreSchool]:
    """A fixture: a centre with one school."""
    with CentreSchool() as centre:
        yield centre


def at_the_desk(tmp_path: Path, centre: CentreSchool) -> Iterator[DownDesk]:
    """A fixture: a gate of the ``centre``."""
    with opened(tmp_path, centre) as desk:
        yield desk
