"""What is looked at to say how healthy a gate is, and every problem that can be found, with what to do about it."""

import sqlite3
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from attendance.clock import Clock
from attendance.errors import StorageError
from attendance.kiosk.camera_process import CameraProcess
from attendance.kiosk.store import register
from attendance.ops import sqlite
from attendance.ops.health import ProbeResult, Problem
from attendance.ops.service import Service

_STALE_FRAME_S = 10.0
_SERVICE_DEADLINE_S = 30.0
_MB = 1e6

_CAMERA_PROBLEMS = {
    "missing": Problem(
        "camera-missing",
        "error",
        "No camera gives pictures. {detail}",
        "Check the camera's cable; it is tried again by itself.",
    ),
    "unusable": Problem(
        "camera-unusable",
        "error",
        "The camera's source cannot be used. {detail}",
        "Correct camera.source in the configuration, or --source, and start the gate again.",
    ),
    "lost": Problem(
        "camera-lost",
        "error",
        "The camera has stopped. {detail}",
        "Check the camera's cable; it is tried again by itself.",
    ),
    "black": Problem(
        "camera-black",
        "warning",
        "The camera's pictures are black. {detail}",
        "Uncover the lens or switch on the light.",
    ),
    "frozen": Problem(
        "camera-frozen", "error", "The camera repeats one picture. {detail}", "Unplug the camera and plug it in again."
    ),
}
_CAMERA_SILENT = Problem(
    "camera-silent", "error", "The camera has given no picture for {seconds:.0f} s.", "Check the camera's cable."
)
_VISION_DOWN = Problem(
    "vision-down",
    "error",
    "The part that sees is not running (last reason: {reason}).",
    "It is restarted by itself. If this stays, run `attendance doctor` and read data/logs/vision.log.",
)
_FACES_SIMPLE = Problem(
    "face-models-missing",
    "warning",
    "The face models are missing; a simpler detector is used and photos are judged less well.",
    "Connect the gate to the internet once and start it with scripts/start_attendance.sh.",
)
_DATABASE_FAILED = Problem(
    "database-failed",
    "error",
    "The database cannot be read: {error}",
    "Run `attendance doctor`; restore a backup if it says so.",
)
_NO_STUDENTS = Problem(
    "no-students", "warning", "No students are known: every card is refused.", "Run `attendance students import FILE`."
)
_CLOCK_UNSURE = Problem(
    "clock-unsure",
    "warning",
    "The clock is not known to be right. Scans are kept and dated again when it is.",
    "Connect the gate to a network with a time server, or set clock.trust_rtc if its clock chip has a battery.",
)
_SERVICE_FAILING = Problem(
    "service-failing",
    "error",
    "A part of the gate keeps failing: {name} ({error}).",
    "Read the log; restart the gate if it stays.",
)
_SERVICE_DEAD = Problem(
    "service-dead",
    "error",
    "A part of the gate has stopped: {name}.",
    "Restart the gate and send the log to whoever looks after it.",
)


class CameraProbe:
    """The camera as the vision process sees it, and the process itself."""

    def __init__(self, process: CameraProcess, clock: Clock) -> None:
        self._process = process
        self._clock = clock

    def __call__(self) -> ProbeResult:
        state, status = self._process.state, self._process.status
        problems = []
        if state.pid is None:
            problems.append(_VISION_DOWN.said(reason=state.last_reason or "starting"))
        if self._process.face_engine == "haar":
            problems.append(_FACES_SIMPLE)
        values: dict[str, Any] = {
            "frames_captured": 0,
            "state": "starting",
            "fps": 0.0,
            "vision_restarts": state.replaced,
        }
        if status is not None:
            age_s = (self._clock.boot_ns() - status.last_frame_boot_ns) / 1e9
            values |= {
                "frames_captured": status.frames,
                "state": status.camera,
                "fps": round(status.fps, 1),
                "last_frame_seconds": round(age_s, 1) if status.last_frame_boot_ns else None,
                "face_engine": self._process.face_engine,
            }
            if status.camera in _CAMERA_PROBLEMS:
                problems.append(_CAMERA_PROBLEMS[status.camera].said(detail=status.detail))
            elif status.camera == "ok" and status.last_frame_boot_ns and age_s > _STALE_FRAME_S:
                problems.append(_CAMERA_SILENT.said(seconds=age_s))
        return ProbeResult("camera", values, problems)


class DatabaseProbe:
    """Counts of the ledger, asked again only when somebody has written.

    Args:
        has_centre: whether unsent sync rows are waiting for somebody.
    """

    def __init__(self, database: Path, clock: Clock, zone: ZoneInfo, has_centre: bool) -> None:
        self._database = database
        self._clock = clock
        self._zone = zone
        self._has_centre = has_centre
        self._conn: sqlite3.Connection | None = None
        self._seen: tuple[int, str] | None = None
        self._values: dict[str, Any] = {}

    def __call__(self) -> ProbeResult:
        try:
            problems = self._look()
        except (sqlite3.Error, StorageError) as error:
            self.close()
            values = {"connectivity": "failed", "error": str(error)}
            return ProbeResult("database", values, (_DATABASE_FAILED.said(error=error),))
        return ProbeResult("database", self._values, problems)

    def close(self) -> None:
        if self._conn is not None:
            self._conn.close()
        self._conn = self._seen = None

    def _look(self) -> list[Problem]:
        if self._conn is None:
            self._conn = sqlite.connect(self._database, read_only=True)
        today = self._clock.now().at.astimezone(self._zone).date()
        seen = (int(self._conn.execute("PRAGMA data_version").fetchone()[0]), today.isoformat())
        if seen != self._seen:
            totals = register.totals(self._conn, today)
            self._values = {
                "connectivity": "ok",
                "queue_size": totals.unsent_sms + (totals.unsent_sync if self._has_centre else 0),
                "total_records": totals.total_records,
                "today_scans": totals.today_scans,
                "students": totals.students,
                "size_mb": round(self._database.stat().st_size / _MB, 1),
            }
            self._seen = seen
        return [] if self._values["students"] else [_NO_STUDENTS]


def clock_probe(clock: Clock) -> Callable[[], ProbeResult]:
    """Whether wall time is known good."""

    def probe() -> ProbeResult:
        now = clock.now()
        plausible = now.at > datetime(2026, 1, 1, tzinfo=UTC)
        return ProbeResult("clock", {"trusted": now.trusted}, [] if now.trusted and plausible else [_CLOCK_UNSURE])

    return probe


def services_probe(services: Iterable[Service], clock: Clock) -> Callable[[], ProbeResult]:
    """Whether every thread of the core lives and does its work."""
    watched = list(services)

    def probe() -> ProbeResult:
        problems = []
        for service in watched:
            state = service.state
            stale_s = (clock.boot_ns() - state.beat_boot_ns) / 1e9
            if state.failing:
                problems.append(_SERVICE_FAILING.said(name=state.name, error=state.error))
            elif not state.running or stale_s > _SERVICE_DEADLINE_S:
                problems.append(_SERVICE_DEAD.said(name=state.name))
        return ProbeResult("services", {service.name: service.state.failures for service in watched}, problems)

    return probe
