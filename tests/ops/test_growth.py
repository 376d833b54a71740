"""A process that grows is foreseen hours before its budget is spent, and one that only works is not."""

import os
import random
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest

from attendance.clock import ManualClock
from attendance.ops.growth import SAMPLE_S, SHORTEST_S, Growth
from attendance.ops.memory import MemoryWatch, Watched, resident_mb

LOOK_S = 60.0
GROWING = """
held = []
for step in iter(input, ''):
    held.append(bytearray(b'x') * 1_000_000)
    print(len(held), flush=True)
"""


def followed(memory_mb: Callable[[float], float], hours: float, *, start_s: float = 0.0) -> Growth:
    """What is told of a process whose memory is a function of its age in hours."""
    growth = Growth()
    for look in range(round(hours * 3600 / LOOK_S) + 1):
        growth.see(1, memory_mb(look * LOOK_S / 3600), round((start_s + look * LOOK_S) * 1e9))
    return growth


def test_a_leak_is_told_by_its_rate() -> None:
    """Three megabytes an hour under the noise of work are three megabytes an hour."""
    noise = random.Random(5)
    growth = followed(lambda age_h: 80 + 3 * age_h + noise.choice((0, 0, 4, 15)), 6)
    assert growth.mb_per_hour == pytest.approx(3, rel=0.1)


@pytest.mark.parametrize(
    "memory_mb",
    [
        lambda age_h: 80,
        lambda age_h: 80 + 15 * (int(age_h * 60) % 7 == 0),
        lambda age_h: 80 + min(age_h, 0.5) * 40,
        lambda age_h: 80 + 30 * (age_h > 3),
        lambda age_h: 120 - 5 * age_h,
        lambda age_h: 80 + 20 * (age_h % 1.5),
    ],
    ids=["steady", "bursts", "warm-up", "one big step", "shrinking", "sawtooth"],
)
def test_what_is_no_leak_has_no_slope(memory_mb: Callable[[float], float]) -> None:
    """Work, a warm-up, one allocation and a cache that is emptied again are not foretold as the end of the memory."""
    assert followed(memory_mb, 6).mb_per_hour == 0


def test_hours_are_needed() -> None:
    """Nothing is said of a young process."""
    assert followed(lambda age_h: 80 + 3 * age_h, (SHORTEST_S - SAMPLE_S) / 3600).mb_per_hour is None
    assert followed(lambda age_h: 80 + 3 * age_h, SHORTEST_S / 3600).mb_per_hour == pytest.approx(3)


def test_a_new_process_begins_anew() -> None:
    """The growth of one that was replaced is not its successor's."""
    growth = followed(lambda age_h: 80 + 3 * age_h, 6)
    growth.see(2, 60, round(7 * 3.6e12))
    assert growth.mb_per_hour is None


@pytest.fixture
def growing() -> Iterator[subprocess.Popen[str]]:
    """A process that takes a megabyte for each line it is sent, and says so."""
    process = subprocess.Popen(
        [sys.executable, "-c", GROWING], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    yield process
    process.communicate("\n")


def test_a_real_leak_is_a_problem_before_the_budget_is_spent(growing: subprocess.Popen[str]) -> None:
    """A process that leaks 6 MB an hour is reported while it is far below the share at which it is relieved."""
    clock = ManualClock(datetime(2026, 6, 8, tzinfo=UTC))
    relieved: list[object] = []
    budget_mb = resident_mb(growing.pid) + 150
    memory = MemoryWatch(
        [Watched("vision", lambda: growing.pid, budget_mb, lambda use: not relieved.append(use))], clock.boot_ns
    )
    for _ in range(19):
        growing.stdin.write("1\n")
        growing.stdin.flush()
        growing.stdout.readline()
        memory.step()
        clock.advance(600)
    found = memory()
    assert [problem.code for problem in found.problems] == ["memory-grows"]
    assert "grows by 6.0 MB an hour" in found.problems[0].text
    assert found.values["vision"]["growth_mb_per_hour"] == pytest.approx(6, rel=0.05)
    assert relieved == []


def test_a_process_that_does_not_grow_is_no_problem() -> None:
    """This very process, looked at for ten hours in which it does nothing."""
    clock = ManualClock(datetime(2026, 6, 8, tzinfo=UTC))
    memory = MemoryWatch([Watched("core", os.getpid, 10_000, lambda use: True)], clock.boot_ns)
    for _ in range(60):
        memory.step()
        clock.advance(600)
    assert memory().problems == []
