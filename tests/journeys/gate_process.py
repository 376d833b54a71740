"""A real gate in processes of its own, started as a user starts it."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class GateProcess:
    """``attendance run`` on a data directory, on a free port."""

    def __init__(self, folder: Path, assets: Path, config: dict[str, Any] | None = None) -> None:
        self.folder = folder
        self.data = folder / "data"
        self.port = free_port()
        settings = {
            "health_endpoint": {"port": self.port, "host": "127.0.0.1"},
            "sms_webhook": {"port": free_port(), "host": "127.0.0.1"},
            **(config or {}),
        }
        self.config = folder / "config.json"
        self.config.write_text(json.dumps(settings))
        self.where = ["--config", str(self.config), "--data-dir", str(self.data)]
        self.environment = {**os.environ, "ATTENDANCE_ASSETS": str(assets), "PYTHONPATH": str(ROOT)}
        self.process: subprocess.Popen[str] | None = None

    def command(self, *words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a verb to its end."""
        done = subprocess.run(
            [sys.executable, "-m", "attendance", *words, *self.where],
            capture_output=True,
            text=True,
            cwd=self.folder,
            env=self.environment,
            timeout=120,
            check=False,
        )
        assert not check or done.returncode == 0, done.stdout + done.stderr
        return done

    def start(self, *words: str) -> "GateProcess":
        self.process = subprocess.Popen(
            [sys.executable, str(ROOT / "attendance_system.py"), *words, *self.where],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            cwd=self.folder,
            env=self.environment,
        )
        assert self.process.stdout is not None
        self.first_line = self.process.stdout.readline()
        return self

    def stop(self, number: int = signal.SIGTERM) -> int:
        assert self.process is not None
        self.process.send_signal(number)
        code = self.process.wait(20)
        assert self.process.stdout is not None
        self.process.stdout.close()
        return code

    def get(self, path: str) -> Any:
        """The JSON of a page; what a 503 says is an answer too."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=5) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            return json.load(error)

    def register(self, *words: str) -> list[dict[str, Any]]:
        return list(json.loads(self.command("report", "day", "--json", *words).stdout))

    def kill(self) -> None:
        if self.process is not None and self.process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                self.process.kill()
            self.process.wait(10)
        if self.process is not None and self.process.stdout is not None:
            self.process.stdout.close()
