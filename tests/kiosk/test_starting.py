"""A gate that starts calls none of its parts missing: one that starts again and again would tell people each time."""

import json
import socket
import urllib.error
import urllib.request
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from attendance.clock import ManualClock, SystemClock
from attendance.config import Paths, Settings
from attendance.kiosk.app import Gate
from attendance.kiosk.plan import RunOptions
from attendance.kiosk.probes import CameraProbe
from attendance.ops.worker import WorkerState


@dataclass
class NoVision:
    """There is no vision process; ``reason``: why the last one was replaced."""

    reason: str = ""
    status: None = None
    face_engine: str = ""

    @property
    def state(self) -> WorkerState:
        return WorkerState(None, 0, self.reason, 0, 0)


def test_what_sees_may_start_for_a_while() -> None:
    """It is down when it has gone, or when it has not come in time."""
    clock, vision = ManualClock(datetime(2026, 6, 8, tzinfo=UTC)), NoVision()
    probe = CameraProbe(vision, clock)
    assert probe().problems == []
    clock.advance(46)
    assert [problem.code for problem in probe().problems] == ["vision-down", "camera-silent"]
    assert [problem.code for problem in CameraProbe(NoVision("silent"), clock)().problems] == ["vision-down"]


def test_the_first_look_finds_nothing_missing(tmp_path: Path) -> None:
    """It is made before the last parts are started, and told until the next one."""
    port = free_port()
    settings = Settings.model_validate(
        {
            "health_endpoint": {"port": port, "host": "127.0.0.1"},
            "sms_webhook": {"enabled": False},
            "watchdog": {"restart_command": ""},
        }
    )
    paths = Paths(tmp_path, tmp_path / "data", tmp_path / "config.json")
    gate = Gate(settings, paths, SystemClock(), RunOptions(source="v4l2:77"))
    try:
        gate.start()
        codes = {problem["code"] for problem in told(port)["problems"]}
    finally:
        gate.stop()
    assert "no-students" in codes  # it has looked
    assert not codes & {"service-dead", "part-stopped", "vision-down"}


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def told(port: int) -> dict[str, list[dict[str, str]]]:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5) as answer:
            return dict(json.load(answer))
    except urllib.error.HTTPError as error:
        return dict(json.load(error))
