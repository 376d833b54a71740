"""What is looked at to say how healthy a gate is, and every problem that can be found, with what to do about it."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any

from attendance.clock import Clock, Moment
from attendance.kiosk import statuses
from attendance.kiosk.camera_process import CameraProcess
from attendance.ops.health import ProbeResult, Problem
from attendance.ops.service import Service
from attendance.vision.messages import Status

_STALE_FRAME_S = 10.0
_FIRST_STATUS_S = 45.0
"""Loading OpenCV and the face models from a slow card takes up to half of it."""
_STEP_S = 5.0
"""NTP slews smaller differences away; a larger one is a jump."""
_STEP_MEMORY_S = 600.0
_EARLIEST = datetime(2026, 1, 1, tzinfo=UTC)
"""This program did not exist before."""

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
_CLOCK_UNSURE = Problem(
    "clock-unsure",
    "warning",
    "The clock is not known to be right. Scans are kept and dated again when it is.",
    "Connect the gate to a network with a time server, or set clock.trust_rtc if its clock chip has a battery.",
)
_CLOCK_WRONG = Problem(
    "clock-wrong",
    "error",
    "The clock cannot be right: it says {at:%Y-%m-%d %H:%M}. Scans are dated wrongly.",
    "Set the clock, or connect the gate to a network with a time server.",
)
_CLOCK_STEPPED = Problem(
    "clock-stepped",
    "warning",
    "The clock jumped by {seconds:.0f} s although it was thought to be right.",
    "If nobody set it, check the network's time server. Look at the times of the last scans.",
)
_NOT_RECORDED = Problem(
    "scans-not-recorded",
    "error",
    "The last scan could not be recorded.",
    "Write down who passes. Make room on the disk; then run `attendance doctor`.",
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
    """The camera as the vision process sees it, and the process itself.

    Args:
        zone: of the documented ``last_refresh``.
    """

    def __init__(self, process: CameraProcess, clock: Clock, zone: tzinfo = UTC) -> None:
        self._process = process
        self._clock = clock
        self._zone = zone
        self._silent_since_ns: int | None = None

    def __call__(self) -> ProbeResult:
        status = self._process.status
        if status is not None:
            self._silent_since_ns = None
        problems = [*self._of_process(), *(self._of_camera(status) if status else self._of_silence())]
        return statuses.camera(self._values(status, problems), problems)

    def _of_process(self) -> list[Problem]:
        state, problems = self._process.state, []
        if state.pid is None and (state.last_reason or self._silent_s() > _FIRST_STATUS_S):
            problems.append(_VISION_DOWN.said(reason=state.last_reason or "starting"))
        if self._process.face_engine == "haar":
            problems.append(_FACES_SIMPLE)
        return problems

    def _of_camera(self, status: Status) -> list[Problem]:
        if status.camera in _CAMERA_PROBLEMS:
            return [_CAMERA_PROBLEMS[status.camera].said(detail=status.detail)]
        age_s = self._age_s(status.last_frame_boot_ns)
        if status.camera == "ok" and age_s is not None and age_s > _STALE_FRAME_S:
            return [_CAMERA_SILENT.said(seconds=age_s)]
        return []

    def _of_silence(self) -> list[Problem]:
        """A process that has said nothing of its camera yet: normal for a while."""
        silent_s = self._silent_s()
        return [_CAMERA_SILENT.said(seconds=silent_s)] if silent_s > _FIRST_STATUS_S else []

    def _silent_s(self) -> float:
        """How long looks have found no status."""
        if self._silent_since_ns is None:
            self._silent_since_ns = self._clock.boot_ns()
        return (self._clock.boot_ns() - self._silent_since_ns) / 1e9

    def _values(self, status: Status | None, problems: list[Problem]) -> dict[str, Any]:
        error = next((problem.text for problem in problems if problem.severity == "error"), None)
        values: dict[str, Any] = {
            "healthy": error is None,
            "last_refresh": None,
            "frames_captured": 0,
            "last_error": error,
            "state": "starting",
            "fps": 0.0,
            "vision_restarts": self._process.state.replaced,
        }
        if status is None:
            return values
        age_s = self._age_s(status.last_frame_boot_ns)
        return values | {
            "last_refresh": self._local(status.last_frame_boot_ns),
            "frames_captured": status.frames,
            "state": status.camera,
            "fps": round(status.fps, 1),
            "last_frame_seconds": None if age_s is None else round(age_s, 1),
            "face_engine": self._process.face_engine,
        }

    def _age_s(self, frame_boot_ns: int) -> float | None:
        return (self._clock.boot_ns() - frame_boot_ns) / 1e9 if frame_boot_ns else None

    def _local(self, frame_boot_ns: int) -> str | None:
        if not frame_boot_ns:
            return None
        at = self._clock.moment(frame_boot_ns).at.astimezone(self._zone)
        return at.strftime("%Y-%m-%dT%H:%M:%S")


class ClockProbe:
    """Whether wall time is known good, possible at all, and runs as steadily as boot time does."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._before: Moment | None = None
        self._stepped_s = 0.0
        self._stepped_ns: int | None = None

    def __call__(self) -> ProbeResult:
        now = self._clock.now()
        self._notice_step(now)
        values = {"trusted": now.trusted, "stepped_seconds": round(self._stepped_s, 1)}
        return ProbeResult("clock", values, self._problems(now))

    def _problems(self, now: Moment) -> list[Problem]:
        if not now.trusted:
            return [_CLOCK_UNSURE]
        if now.at < _EARLIEST:
            return [_CLOCK_WRONG.said(at=now.at)]
        recent = self._stepped_ns is not None and now.boot_ns - self._stepped_ns <= _STEP_MEMORY_S * 1e9
        return [_CLOCK_STEPPED.said(seconds=self._stepped_s)] if recent else []

    def _notice_step(self, now: Moment) -> None:
        """A jump of a clock that was not trusted yet is a correction, and no fault."""
        before, self._before = self._before, now
        if before is None or not before.trusted:
            return
        steady = timedelta(microseconds=(now.boot_ns - before.boot_ns) / 1000)
        step_s = (now.at - before.at - steady).total_seconds()
        if abs(step_s) > _STEP_S:
            self._stepped_s, self._stepped_ns = step_s, now.boot_ns


def recording_probe(recording: Callable[[], bool]) -> Callable[[], ProbeResult]:
    """Whether the last scan could be recorded."""

    def probe() -> ProbeResult:
        good = recording()
        return ProbeResult("recording", {"last_scan_recorded": good}, [] if good else [_NOT_RECORDED])

    return probe


def services_probe(services: Mapping[Service, float], clock: Clock) -> Callable[[], ProbeResult]:
    """Whether every thread of the core lives and does its work.

    Args:
        services: each with the seconds that one step may take.
    """
    watched = dict(services)

    def probe() -> ProbeResult:
        problems = []
        for service, deadline_s in watched.items():
            state = service.state
            stale_s = (clock.boot_ns() - state.beat_boot_ns) / 1e9
            if state.failing:
                problems.append(_SERVICE_FAILING.said(name=state.name, error=state.error))
            elif not state.running or stale_s > deadline_s:
                problems.append(_SERVICE_DEAD.said(name=state.name))
        return ProbeResult("services", {service.name: service.state.failures for service in watched}, problems)

    return probe
