"""The gate starts, ends and repairs itself as promised."""

import json
import os
import signal
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from gate_process import GateProcess


@pytest.fixture
def gate(tmp_path: Path, assets_dir: Path) -> Iterator[GateProcess]:
    gate = GateProcess(tmp_path, assets_dir, {"watchdog": {"vision_timeout_seconds": 2}})
    yield gate
    gate.kill()


def _vision(gate: GateProcess) -> psutil.Process | None:
    assert gate.process is not None
    children = psutil.Process(gate.process.pid).children()
    return children[0] if children else None


def _sees(gate: GateProcess) -> bool:
    camera = gate.get("/health/components")["camera"]
    return bool(camera["frames_captured"] > 5 and camera["state"] == "ok")


def test_the_demo_records_scans_and_says_where_its_page_is(gate: GateProcess, eventually: Callable[..., None]) -> None:
    """A newcomer's first command leads to scans in the ledger, with photos."""
    gate.start("--demo")
    assert f"http://localhost:{gate.port}/" in gate.first_line
    eventually(lambda: gate.get("/health/database").get("total_records", 0) >= 1, within_s=30)
    eventually(lambda: any(row["photo"] for row in gate.register()), within_s=10)
    assert gate.stop() == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_everything(gate: GateProcess, eventually: Callable[..., None], number: int) -> None:
    """Ctrl-C and SIGTERM end both processes with code 0 in a few seconds at most, even on a busy machine."""
    gate.start("--demo")
    eventually(lambda: _sees(gate), within_s=30)
    vision = _vision(gate)
    assert vision is not None
    began = time.monotonic()
    assert gate.stop(number) == 0
    assert time.monotonic() - began < 6
    assert not vision.is_running() or vision.status() == psutil.STATUS_ZOMBIE


def test_a_second_gate_on_the_same_data_is_refused(gate: GateProcess) -> None:
    """The second one says which process holds the directory, and the first goes on."""
    gate.start("--demo", "--headless")
    second = gate.command("run", "--demo", "--headless", check=False)
    assert second.returncode == 1
    assert f"process {gate.process.pid}" in second.stderr if gate.process else False
    assert gate.get("/ping")["status"] == "ok"


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP])
def test_a_dead_or_hanging_vision_process_is_replaced(
    gate: GateProcess, eventually: Callable[..., None], number: int
) -> None:
    """Whether it dies or hangs so hard that it cannot even be asked, another one sees again."""
    gate.start("--demo", "--headless")
    eventually(lambda: _sees(gate), within_s=30)
    first = _vision(gate)
    assert first is not None
    os.kill(first.pid, number)
    eventually(lambda: (now := _vision(gate)) is not None and now.pid != first.pid, within_s=20)
    eventually(lambda: gate.get("/health/components")["camera"]["vision_restarts"] == 1 and _sees(gate), within_s=20)
    assert "vision replaced" in (gate.data / "logs" / "watchdog_restarts.log").read_text()


def test_the_vision_process_never_outlives_the_core(gate: GateProcess, eventually: Callable[..., None]) -> None:
    """After ``kill -9`` of the core nothing of the gate is left."""
    gate.start("--demo", "--headless")
    eventually(lambda: _sees(gate), within_s=30)
    vision = _vision(gate)
    assert vision is not None
    gate.stop(signal.SIGKILL)
    eventually(lambda: not vision.is_running() or vision.status() == psutil.STATUS_ZOMBIE)


def test_a_gate_without_a_camera_waits_for_one(gate: GateProcess, eventually: Callable[..., None]) -> None:
    """A camera that is not there is a problem with a remedy, not an end, and causes no restart."""
    gate.start("--source", "v4l2:77", "--headless")
    eventually(lambda: gate.get("/health/components")["camera"]["state"] == "missing", within_s=20)
    problems = {problem["code"]: problem for problem in gate.get("/health")["problems"]}
    assert problems["camera-missing"]["remedy"]
    assert gate.get("/health/components")["camera"]["vision_restarts"] == 0


HOLDS_THE_GIL = """
import ctypes, pathlib, sys, threading, time
if "attendance.vision.worker" in sys.orig_argv:
    def hang(trigger=pathlib.Path(__file__).with_name("hang")):
        while not trigger.exists():
            time.sleep(0.05)
        trigger.unlink()
        ctypes.PyDLL(None).sleep(1000)
    threading.Thread(target=hang, daemon=True).start()
"""


def test_a_call_that_holds_the_interpreter_is_noticed_and_repaired(
    gate: GateProcess, tmp_path: Path, eventually: Callable[..., None]
) -> None:
    """No thread of the hanging process could see it: native code that never lets go of the interpreter's lock."""
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "sitecustomize.py").write_text(HOLDS_THE_GIL)
    gate.environment["PYTHONPATH"] += f"{os.pathsep}{tmp_path / 'site'}"
    gate.start("--demo", "--headless")
    eventually(lambda: _sees(gate), within_s=30)
    (tmp_path / "site" / "hang").touch()
    eventually(lambda: gate.get("/health/components")["camera"]["vision_restarts"] == 1 and _sees(gate), within_s=20)
    assert "silent for" in (gate.data / "logs" / "watchdog_restarts.log").read_text()


@pytest.mark.parametrize("after_s", [0.0, 0.05, 0.4])
def test_a_scan_shown_as_accepted_is_in_the_register_whenever_the_core_dies(gate: GateProcess, after_s: float) -> None:
    """Killed at the very moment of showing or later: what a student has read is in the ledger."""
    gate.start("--demo")
    shown = []
    with urllib.request.urlopen(f"http://127.0.0.1:{gate.port}/events", timeout=30) as stream:
        for line in stream:
            event = json.loads(line[6:]) if line.startswith(b"data: ") else {}
            if event.get("kind") == "scan" and event["scan_id"]:
                shown.append(event["scan_id"])
                break
        time.sleep(after_s)
        gate.stop(signal.SIGKILL)
    assert shown
    assert set(shown) <= {row["scan_id"] for row in gate.register()}


def test_a_database_that_turns_out_damaged_restarts_the_gate_and_is_repaired(
    tmp_path: Path, assets_dir: Path, eventually: Callable[..., None]
) -> None:
    """Nobody has to come: the restart command runs, and the next start repairs from the backup and says so."""
    restarted = tmp_path / "restarted"
    watchdog = {"timeout_seconds": 3, "restart_command": f"touch {restarted}"}
    gate = GateProcess(tmp_path, assets_dir, {"watchdog": watchdog})
    try:
        gate.start("--demo", "--headless")
        eventually(lambda: gate.get("/health/database").get("total_records", 0) >= 1, within_s=30)
        assert not restarted.exists()
        gate.command("backup", "create")
        database = gate.data / "attendance.db"
        gate.stop(signal.SIGKILL)
        content = bytearray(database.read_bytes())
        content[100:] = bytes(len(content) - 100)
        database.write_bytes(content)
        (gate.data / "attendance.db-wal").unlink(missing_ok=True)
        (gate.data / "attendance.db.suspect").write_text("malformed\n")
        gate.start("--source", "v4l2:77", "--headless")
        codes = {problem["code"] for problem in gate.get("/health")["problems"]}
        assert "database-repaired" in codes, codes
        assert gate.get("/health/database")["total_records"] >= 1
        (gate.data / "attendance.db.suspect").write_text("malformed\n")
        eventually(restarted.exists, within_s=20)
    finally:
        gate.kill()
