"""What the centre finds wrong with a gate."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from attendance.fleet.watch import GateFacts, Neighbours, newest, problems, told

NOW = datetime(2026, 6, 8, 23, 40, tzinfo=UTC)
WELL = GateFacts(called_at=NOW - timedelta(seconds=40), version="1.4.0", scans=30, usual_scans=28.0)
BUSY = Neighbours(calling=2, busiest_scans=60, busiest_usual=55.0)


def codes(gate: GateFacts, newest_version: str = "") -> list[str]:
    return [problem.code for problem in problems(gate, NOW, newest_version)]


def test_a_gate_that_is_well_has_no_problem() -> None:
    """Nor while its neighbours are busier."""
    assert codes(replace(WELL, neighbours=BUSY)) == []


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"called_at": None}, "gate-never-heard"),
        ({"called_at": NOW - timedelta(minutes=6)}, "gate-unheard"),
        ({"called_at": NOW - timedelta(minutes=6), "neighbours": BUSY}, "gate-unheard-alone"),
        ({"scans": 0, "neighbours": BUSY}, "gate-idle"),
        ({"scans": 0, "usual_scans": None, "neighbours": BUSY}, "gate-idle"),
        ({"queue_items": 5, "oldest_s": 1000.0}, "gate-queue-old"),
        ({"queue_items": 5, "oldest_s": 90_000.0}, "gate-queue-stuck"),
        ({"clock_off_s": -45.0}, "gate-clock-off"),
        ({"broken_at": 17}, "gate-chain-broken"),
        ({"missing": 3}, "gate-scans-missing"),
        ({"refused": 1}, "gate-items-refused"),
    ],
)
def test_each_fault_is_found(changes: dict[str, Any], code: str) -> None:
    """Alone, with the right words filled in."""
    (problem,) = problems(replace(WELL, **changes), NOW)
    assert problem.code == code
    assert "{" not in problem.text + problem.remedy


@pytest.mark.parametrize(
    "changes",
    [
        {"called_at": NOW - timedelta(seconds=290)},
        {"scans": 0, "usual_scans": 1.0, "neighbours": BUSY},
        {"scans": 0, "neighbours": replace(BUSY, busiest_scans=19)},
        {"scans": 1, "neighbours": BUSY},
        {"queue_items": 0, "oldest_s": 90_000.0},
        {"queue_items": 500, "oldest_s": 60.0},
        {"clock_off_s": 12.0},
        {"clock_off_s": 9e8, "clock_trusted": False},
        {"missing": 3, "queue_items": 3},
    ],
)
def test_what_is_no_fault_is_not_told(changes: dict[str, Any]) -> None:
    """A missed call, a back door that few pass, a full queue that moves, a clock that the gate itself doubts."""
    assert codes(replace(WELL, **changes)) == []


def test_of_a_silent_gate_only_its_silence_counts() -> None:
    """What it said last may no longer hold; what is recorded still does."""
    health = {"problems": [{"code": "hot", "severity": "warning", "text": "Hot.", "remedy": "Cool it."}]}
    silent = replace(
        WELL,
        called_at=NOW - timedelta(hours=1),
        health=health,
        queue_items=9,
        oldest_s=9e5,
        clock_off_s=99.0,
        refused=2,
    )
    assert codes(silent) == ["gate-unheard", "gate-items-refused"]


def test_the_gates_own_problems_come_along_the_gravest_first() -> None:
    """Disk, heat, voltage, camera: whatever the gate finds, with its own remedy."""
    health = {
        "problems": [
            {"code": "undervoltage", "severity": "warning", "text": "Weak.", "remedy": "Another supply."},
            {"code": "disk-full", "severity": "error", "text": "Full.", "remedy": "Make room."},
        ]
    }
    assert codes(replace(WELL, health=health), "1.5.0") == ["disk-full", "undervoltage", "gate-version-behind"]


@pytest.mark.parametrize(
    "listed",
    [
        None,
        "many",
        {"a": 1},
        [1, None, "x", []],
        [{"code": "x"}],
        [{"code": "x", "severity": "fatal", "text": "X"}],
        [[]],
    ],
)
def test_nonsense_in_a_health_is_passed_over(listed: object) -> None:
    """Another version of the gate, or a broken one, may write anything."""
    assert list(told({"problems": listed})) == []


def test_versions_are_compared_as_numbers() -> None:
    """1.10 is newer than 1.9, and what is no version is older than all."""
    assert newest(["1.9.3", "1.10.0", "x", ""]) == "1.10.0"
    assert codes(replace(WELL, version="1.9.3"), "1.10.0") == ["gate-version-behind"]
    assert codes(replace(WELL, version="1.10.0"), "1.10.0") == []
    assert codes(replace(WELL, version="9" * 50), "1.10.0") == ["gate-version-behind"]
