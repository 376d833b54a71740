"""A real gate in processes of its own, on free ports, started as a user starts it."""

import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil

ROOT = Path(__file__).parents[1]
TOKEN = "bench"
"""Of delivery reports: the demo's own phone signs, and who does not must bring this."""
ASSETS = Path.home() / ".cache/attendance-tests/assets"


class Gate:
    """``attendance run`` in a directory of its own; constructing it starts it and waits until it runs.

    Args:
        words: of its command line, before the places of its files.
    """

    def __init__(self, folder: Path, assets: Path, *words: str) -> None:
        self.port, self.webhook_port = free_ports(2)
        config = folder / "config.json"
        config.write_text(json.dumps(_settings(self.port, self.webhook_port)))
        self.database = folder / "data" / "attendance.db"
        self.process = subprocess.Popen(
            [
                sys.executable,
                str(ROOT / "attendance_system.py"),
                *words,
                f"--config={config}",
                f"--data-dir={folder}/data",
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            cwd=folder,
            env={**os.environ, "ATTENDANCE_ASSETS": str(assets)},
        )
        assert self.process.stdout is not None
        if "runs" not in self.process.stdout.readline():
            self.stop()
            raise SystemExit("The gate did not start. Run `python attendance_system.py doctor`.")

    def processes(self) -> dict[str, psutil.Process]:
        """Core and, once it is there, vision."""
        core = psutil.Process(self.process.pid)
        vision = [child for child in core.children() if "attendance.vision.worker" in " ".join(child.cmdline())]
        return {"core": core, "vision": vision[0]} if vision else {"core": core}

    def stop(self) -> float:
        """Ask it to end; the seconds until both processes have."""
        begun = time.perf_counter()
        self.process.terminate()
        self.process.wait(10)
        return time.perf_counter() - begun


def free_ports(count: int) -> list[int]:
    """Ports that nobody has at this moment, all different."""
    probes = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [int(probe.getsockname()[1]) for probe in probes]
    for probe in probes:
        probe.close()
    return ports


def _settings(port: int, webhook_port: int) -> dict[str, Any]:
    return {
        "health_endpoint": {"port": port, "host": "127.0.0.1"},
        "sms_webhook": {"port": webhook_port, "host": "127.0.0.1", "auth_token": TOKEN},
        "watchdog": {"restart_command": ""},
    }
