"""docs/operations/alerts.md names the problem of every condition that people must hear of."""

import re
from pathlib import Path

import pytest
from alert_receiver import receiving
from alerting_gate import Gate

from attendance.ops.health import Problem

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/operations/alerts.md").read_text().split("## Which condition")[1]
CODES = re.findall(r"^\| [^|]+ \| `([\w-]+)` \|$", PAGE, re.M)


def known() -> dict[str, Problem]:
    """The problems that the program can find, as docs/operations/health.md lists them; a test compares that with it."""
    rows = re.findall(
        r"^\| `([\w-]+)` \| (error|warning|notice) \| (.+?) \| (.+?) \|$",
        (ROOT / "docs/operations/health.md").read_text(),
        re.M,
    )
    return {code: Problem(code, severity, text, remedy) for code, severity, text, remedy in rows}


@pytest.mark.parametrize("code", CODES)
def test_every_condition_is_told_and_called_off(code: str, tmp_path: Path) -> None:
    """Each is a problem of the program that is no mere notice; it reaches a receiver, and so does its end."""
    problem = known()[code]
    with receiving() as receiver:
        gate = Gate(tmp_path, receiver)
        said = [title for _, title in gate.minutes(62, problem)]
        assert said[0] == f"Main gate: {problem.text}"[: len(said[0]) - 1] + said[0][-1]
        gate.minutes(7)
        assert receiver.heard[-1][1].startswith("Main gate: Over: ")


def test_no_condition_is_left_out() -> None:
    """All that a person must be told of."""
    assert len(CODES) == len(set(CODES)) == 18
