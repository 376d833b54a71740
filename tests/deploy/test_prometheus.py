"""What Prometheus and Alertmanager are given: judged by their own tools, and complete."""

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from promtool import tool

ROOT = Path(__file__).parents[2]
PROMETHEUS = ROOT / "deploy/prometheus"


def read(name: str) -> Any:
    return yaml.safe_load((PROMETHEUS / name).read_text())


def rules() -> dict[str, Any]:
    return {rule["alert"]: rule for group in read("attendance.rules.yml")["groups"] for rule in group["rules"]}


@pytest.mark.parametrize(
    ("program", "words"),
    [
        ("promtool", ["check", "config", "--syntax-only", "prometheus.yml"]),
        ("promtool", ["test", "rules", "attendance.rules.test.yml"]),
        ("amtool", ["check-config", "../alertmanager/alertmanager.yml"]),
    ],
    ids=["config", "rules", "alertmanager"],
)
def test_their_own_tools_accept_it(program: str, words: list[str]) -> None:
    """Syntax, expressions, and every case of the rules."""
    done = subprocess.run(
        [tool(program), *words], cwd=PROMETHEUS, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_rule_is_seen_to_fire() -> None:
    """A case of the rules' test expects the alert, with its words."""
    expected = {
        case["alertname"]
        for test in read("attendance.rules.test.yml")["tests"]
        for case in test["alert_rule_test"]
        if case["exp_alerts"]
    }
    assert expected == set(rules())


def test_the_page_names_every_alert() -> None:
    """With the severity that the rule has."""
    rows = re.findall(r"^\| `(\w+)` \| (\w+) \|", (PROMETHEUS / "README.md").read_text(), re.M)
    assert dict(rows) == {name: rule["labels"]["severity"] for name, rule in rules().items()}


def test_every_alert_says_what_to_do() -> None:
    """Who is told at night needs no manual."""
    for rule in rules().values():
        assert rule["annotations"].keys() == {"summary", "action"}


def test_the_metrics_that_rules_ask_for_exist() -> None:
    """A rule about a metric that was renamed would never fire."""
    known = "".join((ROOT / f"docs/operations/{page}metrics.md").read_text() for page in ("", "fleet-"))
    asked = {name for rule in rules().values() for name in re.findall(r"\battendance_\w+", rule["expr"])}
    assert len(asked) >= 5
    for name in asked:
        assert re.search(rf"\b{name.removesuffix('_bucket')}\b", known), name
