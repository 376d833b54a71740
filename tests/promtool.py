"""Prometheus' own judge of metrics."""

import shutil
import subprocess
from pathlib import Path

TOOLS = Path(__file__).parents[1] / ".venv/tools"


def complaints(exposition: bytes) -> str:
    """What ``promtool check metrics`` says against a text; empty when it is right."""
    promtool = shutil.which("promtool", path=TOOLS) or shutil.which("promtool")
    assert promtool, "promtool is missing: start the tests with `bash scripts/run_tests.sh`, which fetches it"
    done = subprocess.run(
        [promtool, "check", "metrics"], input=exposition, capture_output=True, timeout=30, check=False
    )
    said = (done.stdout + done.stderr).decode()
    return said if done.returncode == 0 else f"exit {done.returncode}: {said}"
