"""The bench of the centre runs and prints what its readers parse."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow  # tests/journeys and tests/fleet hold what the figures are about
BENCH = Path(__file__).parents[1] / "bench" / "fleet.py"


def figures_of(kind: str, *parts: str) -> list[dict[str, Any]]:
    """Of a quick run; it ends badly by itself if an answer is wrong, unsigned or missing, or a chain has a hole."""
    command = [sys.executable, str(BENCH), "--quick", "--json", "--database", kind, "--only", *parts]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_ingest_is_measured_beside_raw_upserts() -> None:
    """Through the whole API on a real PostgreSQL, with the share of the peer that is wanted."""
    [ingest] = figures_of("PostgreSQL", "ingest")
    assert ingest["peer"] == "raw upserts"
    assert ingest["ratio"] > 0
    assert ingest["met"] == (ingest["ratio"] >= ingest["ratio_floor"] == 0.6)


def test_gates_their_page_and_a_backlog_are_measured() -> None:
    """Each with its aim; the page while the gates are busy, and after it."""
    figures = figures_of("SQLite", "crowd", "backlog")
    assert [figure["aim"] for figure in figures if figure["what"].startswith("heartbeat")] == [200.0]
    assert [figure["aim"] for figure in figures if "page" in figure["part"] + figure["what"]] == [300.0] * 3
    assert [figure["unit"] for figure in figures if "backlog" in figure["part"]] == ["s", "scans/s", "ms"]
    assert all(figure["value"] > 0 for figure in figures)
