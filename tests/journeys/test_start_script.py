"""The start script: the gate under a supervisor, whichever there is."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from gate_process import ROOT, GateProcess

PREPARED = """
root={root}
venv={root}/venv
say() {{ printf '%s\\n' "$*" >&2; }}
prepare_environment() {{ :; }}
"""


class ScriptedGate(GateProcess):
    """``scripts/start_attendance.sh`` in a checkout whose Python environment is prepared already."""

    def start(self, *words: str) -> "ScriptedGate":
        checkout = self.folder / "checkout"
        (checkout / "scripts").mkdir(parents=True)
        (checkout / "venv/bin").mkdir(parents=True)
        (checkout / "scripts/environment.sh").write_text(PREPARED.format(root=checkout))
        for name in ("attendance", "attendance_system.py", "scripts/start_attendance.sh"):
            (checkout / name).symlink_to(ROOT / name)
        python = checkout / "venv/bin/python"
        python.write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
        python.chmod(0o755)
        self.process = subprocess.Popen(
            ["bash", str(checkout / "scripts/start_attendance.sh"), *words, *self.where],
            stdout=subprocess.PIPE,
            stderr=(self.folder / "errors").open("wb"),
            text=True,
            cwd=self.folder,
            env=self.environment,
            start_new_session=True,
        )
        assert self.process.stdout is not None
        self.first_line = self.process.stdout.readline()
        return self

    def core(self) -> int:
        """The process id of the gate itself, from its lock."""
        return int((self.data / ".lock").read_text() or 0)


@pytest.fixture
def gate(tmp_path: Path, assets_dir: Path) -> Iterator[ScriptedGate]:
    gate = ScriptedGate(tmp_path, assets_dir)
    gate.environment.pop("NOTIFY_SOCKET", None)
    yield gate
    gate.kill()


@pytest.mark.parametrize("whom", ["one", "all"])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_gate_and_its_guardian(gate: ScriptedGate, number: int, whom: str) -> None:
    """``kill`` reaches one process, Ctrl-C in a terminal all: either way it ends in two seconds, with code 0."""
    gate.start("--demo", "--headless")
    assert f"http://localhost:{gate.port}/" in gate.first_line
    assert gate.process is not None
    core = gate.core()
    assert core != gate.process.pid
    began = time.monotonic()
    (os.kill if whom == "one" else os.killpg)(gate.process.pid, number)
    assert gate.process.wait(10) == 0
    assert time.monotonic() - began < 2
    assert not psutil.pid_exists(core)


def test_a_gate_that_is_killed_comes_back(gate: ScriptedGate, eventually: Callable[..., None]) -> None:
    """Nobody has to start it again, and nothing of its former life is in the way."""
    gate.start("--demo", "--headless")
    first = gate.core()
    os.kill(first, signal.SIGKILL)
    eventually(lambda: gate.core() not in (0, first), within_s=15)
    assert gate.process is not None
    assert gate.process.stdout is not None
    assert "What parents receive" in gate.process.stdout.readline()  # of its former life
    assert "http://localhost" in gate.process.stdout.readline()
    assert gate.get("/ping")["status"] == "ok"
    assert gate.stop() == 0


def test_under_another_supervisor_there_is_no_guardian(gate: ScriptedGate, tmp_path: Path) -> None:
    """systemd started the script: it hears the gate itself, from the process that it started."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as supervisor:
        supervisor.bind(str(tmp_path / "notify"))
        supervisor.settimeout(10)
        gate.environment["NOTIFY_SOCKET"] = str(tmp_path / "notify")
        gate.start("--demo", "--headless")
        assert supervisor.recv(100) == b"READY=1"
    assert gate.process is not None
    assert gate.core() == gate.process.pid
    assert gate.stop() == 0


def test_a_faulty_configuration_is_said_and_not_started_again(gate: ScriptedGate) -> None:
    """A person has to mend it; restarting would only repeat the message."""
    gate.config.write_text('{"camera": {"fps": "many"}}')
    gate.start("--demo", "--headless")
    assert gate.process is not None
    assert gate.process.wait(10) == 2
    errors = (gate.folder / "errors").read_text()
    assert errors.count("camera.fps") == 1
    assert "guardian" not in errors
