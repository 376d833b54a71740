"""The benches run and print what their readers parse."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

BENCH = Path(__file__).parents[1] / "bench"


def lines_of(name: str, *words: str) -> list[dict[str, Any]]:
    command = [sys.executable, str(BENCH / name), "--quick", "--json", *words]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_engines_are_compared_on_the_same_pictures() -> None:
    """The schedule reads at least what zxing-cpp's defaults read, and raises no false alarm."""
    rows = {row["engine"]: row for row in lines_of("scan.py")}
    schedule, defaults = rows["schedule"], rows["zxing-cpp defaults"]
    assert schedule["of"] == defaults["of"] != 0
    assert int(str(schedule["found"])) >= int(str(defaults["found"]))
    assert schedule["wrong"] == schedule["false_alarms"] == 0
    assert {"ms_p50", "ms_p95", "ms_empty_p50", "ms_empty_p95"} <= schedule.keys()


def test_a_broken_picture_is_skipped(tmp_path: Path) -> None:
    """A folder with one good picture without a code and one broken file gives figures for the good one."""
    import cv2
    import numpy as np

    (tmp_path / "inner").mkdir()
    cv2.imwrite(str(tmp_path / "inner" / "wall.png"), np.full((48, 64, 3), 120, np.uint8))
    (tmp_path / "broken.jpg").write_bytes(b"no picture")
    rows = lines_of("scan.py", "--images", str(tmp_path))
    assert all(row["of"] == 0 and row["empty_pictures"] == 1 and row["false_alarms"] == 0 for row in rows)


@pytest.fixture(scope="module")
def robustness() -> list[dict[str, object]]:
    """The figures of a quick run."""
    return lines_of("robustness.py")


def test_every_part_of_robustness_gives_figures(robustness: list[dict[str, object]]) -> None:
    """Aims have verdicts, peers have ratios, and the five features take less memory than the document allows."""
    memory = {row["what"]: row["value"] for row in robustness if row["part"] == "memory"}
    assert {"memory", "stop()", "counting", "pages"} <= {row["part"] for row in robustness}
    assert 0 < float(str(memory["all five adds, RSS"])) < 40
    assert all((row["met"] is None) == (row["aim"] is None) for row in robustness)
    assert all(row["ratio"] for row in robustness if row["peer"])


def test_the_crowd_of_the_bench_is_one(robustness: list[dict[str, object]]) -> None:
    """500 half-open connections shut a server with common settings, which shows that they are there; not the gate."""
    (row,) = [row for row in robustness if "half-open" in str(row["part"])]
    assert float(str(row["value"])) < 1000 < float(str(row["peer_value"]))


@pytest.fixture(scope="module")
def sms() -> list[dict[str, Any]]:
    """The figures of a quick run."""
    return lines_of("sms.py")


def test_every_message_of_a_morning_is_accounted_for(sms: list[dict[str, Any]]) -> None:
    """Whatever the limits: told, or ended with a reason; none lost, none twice, none before a more urgent one, and
    the phone never sees more than the limit."""
    mornings = [row for row in sms if row["part"] == "morning"]
    assert len(mornings) == 5
    for row in mornings:
        assert row["told"] + sum(row["reasons"].values()) == row["messages"] > 0
        assert "" not in row["reasons"]
        assert row["lost"] == row["twice"] == row["out_of_turn"] == 0
        a_minute, an_hour = map(int, row["limits"].split(", "))
        assert 0 < row["most_a_minute"] <= a_minute
        assert row["most_a_minute"] <= row["most_an_hour"] <= an_hour


def test_waiting_tells_more_parents_than_dropping(sms: list[dict[str, Any]]) -> None:
    """Who was late first, all of them; ``when_full: drop`` tells as few as the earlier system."""
    row = {row["what"]: row for row in sms if row["part"] == "morning"}
    waits, drops = row["as documented"], row["when_full: drop"]
    assert waits["told"] > waits["earlier_told"] == drops["told"] == 60
    assert waits["late_told"] == waits["late"] > 0
    assert waits["expired"] == waits["messages"] - waits["told"] > 0


def test_what_the_doctor_advises_tells_every_parent(sms: list[dict[str, Any]]) -> None:
    """Played, not only calculated."""
    advised = next(row for row in sms if row["what"] == "limits as advised")
    assert advised["told"] == advised["messages"] > 100


def test_the_outbox_is_measured_beside_its_peers(sms: list[dict[str, Any]]) -> None:
    """Plain SQL beside every cost of a message, and the shortest outbox beside every longer one."""
    figures = [row for row in sms if row["part"] != "morning"]
    assert {row["peer"] for row in figures} == {"plain SQL", "100 wait", ""}
    assert all(row["value"] > 0 and (row["ratio"] or row["peer"] == "") for row in figures)
    assert [row["aim"] is None for row in figures] == [row["peer"] != "100 wait" for row in figures]


@pytest.mark.slow
def test_figures_of_a_year_are_those_of_a_recount() -> None:
    """Every table of the analytics, and what is downloaded; every page answers."""
    rows = lines_of("analytics.py")
    assert [row["value"] for row in rows if "differ" in row["what"] or "not the recount" in row["what"]] == [0] * 8
    assert len([row for row in rows if row["part"].startswith("a page")]) == 6
