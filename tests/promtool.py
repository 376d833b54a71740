"""Programs out of Debian's packages of Prometheus, and its own judge of metrics."""

import shutil
import subprocess
from pathlib import Path

TOOLS = Path(__file__).parents[1] / ".venv/tools"


def tool(name: str) -> str:
    """Where a program is that ``scripts/run_tests.sh`` has fetched, or that is installed."""
    found = shutil.which(name, path=TOOLS) or shutil.which(name)
    assert found, f"{name} is missing: start the tests with `bash scripts/run_tests.sh`, which fetches it"
    return found


def complaints(exposition: bytes) -> str:
    """What ``promtool check metrics`` says against a text; empty when it is right."""
    done = subprocess.run(
        [tool("promtool"), "check", "metrics"], input=exposition, capture_output=True, timeout=30, check=False
    )
    said = (done.stdout + done.stderr).decode()
    return said if done.returncode == 0 else f"exit {done.returncode}: {said}"
