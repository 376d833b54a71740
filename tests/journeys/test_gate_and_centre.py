"""A real gate and a real centre: enrolled while it runs, and what passes the gate stands in the centre's register."""

import json
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from centre_process import CentreOnAPort, on_a_port
from gate_process import GateProcess

Eventually = Callable[..., None]
OPEN = {
    "start_time": "00:00",
    "end_time": "23:59:59",
    "login_window_start": "00:00",
    "login_window_end": "23:59:59",
    "logout_window_start": "00:00",
    "logout_window_end": "23:59:59",
    "late_threshold_minutes": 1440,
}


centre = pytest.fixture(on_a_port)


@pytest.fixture
def gate(tmp_path: Path, assets_dir: Path) -> Iterator[GateProcess]:
    config = {
        "school_schedule": {"morning_class": None, "afternoon_class": None, "day_class": OPEN},
        "cloud": {"sync_interval": 10},
    }
    gate = GateProcess(tmp_path, assets_dir, config)
    for number in ("2026-0001", "2026-0002"):
        gate.command("students", "add", number, f"Student {number[-1]}")
    gate.start("--source", "v4l2:77")
    yield gate
    gate.kill()


def scan(gate: GateProcess, number: str) -> None:
    """Somebody's card is read."""
    body = json.dumps({"payload": number}).encode()
    url = f"http://127.0.0.1:{gate.port}/scan"
    with urllib.request.urlopen(urllib.request.Request(url, body, {"Content-Type": "application/json"})) as answer:
        assert answer.status == 202


def test_from_a_code_to_the_centre_s_register(gate: GateProcess, centre: CentreOnAPort, eventually: Eventually) -> None:
    """A scan of before the enrolment and one of after it, without a restart in between; then the gate is killed with a
    scan on its way, and the next run sends that."""
    scan(gate, "2026-0001")
    eventually(lambda: len(gate.register()) == 1)
    gate.command("sync", "enroll", centre.url, centre.invite("Main gate"))
    eventually(lambda: len(centre.register()) == 1, within_s=40)
    scan(gate, "2026-0002")
    eventually(lambda: len(centre.register()) == 2, within_s=20)
    eventually(lambda: gate.get("/health")["components"]["sync"]["waiting"] == 0, within_s=20)
    centre.kill()
    gate.command("students", "add", "2026-0003", "Student 3")
    scan(gate, "2026-0003")
    eventually(lambda: gate.get("/health/database")["total_records"] == 3)
    gate.kill()
    centre.start()
    gate.start("--source", "v4l2:77")
    eventually(lambda: len(centre.register()) == 3, within_s=40)
    assert sorted(row[0] for row in centre.register().values()) == ["2026-0001", "2026-0002", "2026-0003"]
    assert list(centre.heads().values()) == [3]
    eventually(lambda: gate.get("/health")["components"]["sync"]["waiting"] == 0, within_s=40)
    status = json.loads(gate.command("sync", "status", "--json").stdout)
    assert (status["answers"], status["gate"], status["waiting"]) == (True, "Main gate", 0)
    assert gate.stop() == 0
