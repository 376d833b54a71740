"""The two dashboards: as they are made, and every question in them understood by Prometheus."""

import json
import re
import runpy
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from promtool import tool

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "deploy/grafana"
NAMES = ("gate.json", "fleet.json")


def panels(name: str) -> list[dict[str, Any]]:
    shown = json.loads((FOLDER / name).read_text())["panels"]
    return [panel for panel in shown if panel["type"] != "row"]


def questions(name: str) -> list[str]:
    return [target["expr"] for panel in panels(name) for target in panel["targets"]]


@pytest.mark.filterwarnings("ignore:Prefer using dashboardv2:DeprecationWarning")  # which Grafana 11 does not read
def test_the_files_are_what_the_generator_makes() -> None:
    """Nobody edits them by hand: `python deploy/grafana/dashboards.py` writes them."""
    assert runpy.run_path(str(FOLDER / "dashboards.py"))["made"]() == {
        name: (FOLDER / name).read_text() for name in NAMES
    }


@pytest.mark.parametrize("name", NAMES)
def test_prometheus_understands_every_question(name: str, tmp_path: Path) -> None:
    """Each is put to promtool as a recording rule, with the dashboard's choices filled in."""
    rules = [
        {"record": f"asked:{number}", "expr": question.replace("$school", "S").replace("$gate", "A")}
        for number, question in enumerate(questions(name))
    ]
    file = tmp_path / "rules.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "asked", "rules": rules}]}))
    done = subprocess.run(
        [tool("promtool"), "check", "rules", str(file)], capture_output=True, text=True, timeout=60, check=False
    )
    assert f"SUCCESS: {len(rules)} rules found" in done.stdout, done.stdout + done.stderr


@pytest.mark.parametrize("name", NAMES)
def test_the_metrics_that_are_shown_exist(name: str) -> None:
    """A panel about a metric that was renamed would be empty for ever."""
    known = (ROOT / "docs/operations/metrics.md").read_text()
    asked = {metric for question in questions(name) for metric in re.findall(r"\battendance_\w+", question)}
    assert len(asked) > 5
    for metric in asked:
        assert re.search(rf"\b{metric.removesuffix('_bucket')}\b", known), metric


@pytest.mark.parametrize("name", NAMES)
def test_panels_do_not_overlap(name: str) -> None:
    """Each has its own place and number, within the 24 columns of a dashboard."""
    taken: set[tuple[int, int]] = set()
    for panel in panels(name):
        place = panel["gridPos"]
        cells = {(place["x"] + x, place["y"] + y) for x in range(place["w"]) for y in range(place["h"])}
        assert taken.isdisjoint(cells), panel["title"]
        assert place["x"] + place["w"] <= 24
        taken |= cells
    numbers = [panel["id"] for panel in panels(name)]
    assert len(set(numbers)) == len(numbers)
