"""Memory against its budget: real processes that grow, and the relief they get."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest

from attendance.clock import ManualClock
from attendance.ops.memory import MemoryWatch, Use, Watched, release_own_memory, resident_mb

HOLD_50_MB = "held = bytearray(b'x') * 50_000_000; print('held', flush=True); input()"


@pytest.fixture
def fat() -> Iterator[int]:
    """A process of more than 50 MB; its id."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD_50_MB], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "held\n"
    yield process.pid
    process.communicate("\n")


class Relief:
    """Remembers what it was asked; gives relief when told so."""

    def __init__(self) -> None:
        self.asked: list[Use] = []
        self.possible = True

    def __call__(self, use: Use) -> bool:
        self.asked.append(use)
        return self.possible


def watch(pid: Callable[[], int | None], budget_mb: float, relief: Relief, clock: ManualClock) -> MemoryWatch:
    return MemoryWatch([Watched("vision", pid, budget_mb, relief)], clock.boot_ns)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(datetime(2026, 6, 8, tzinfo=UTC))


def test_relief_comes_at_85_percent(fat: int, clock: ManualClock) -> None:
    """A process below 85 % of its budget is left alone, one above it is relieved and named."""
    used = resident_mb(fat)
    for budget, relieved in ((used / 0.84, False), (used / 0.86, True)):
        relief = Relief()
        memory = watch(lambda: fat, budget, relief, clock)
        memory.step()
        assert bool(relief.asked) is relieved
        assert [problem.code for problem in memory().problems] == ["memory-high"] * relieved
        assert memory().values["vision"]["used_mb"] == pytest.approx(used, rel=0.01)


def test_relief_that_was_not_possible_is_asked_for_again(fat: int, clock: ManualClock) -> None:
    """A gate in use is asked at each look; once relieved, that process is left alone for ten minutes."""
    relief = Relief()
    relief.possible = False
    memory = watch(lambda: fat, 1, relief, clock)
    memory.step()
    memory.step()
    assert len(relief.asked) == 2
    relief.possible = True
    memory.step()
    memory.step()
    clock.advance(599)
    memory.step()
    assert len(relief.asked) == 3
    clock.advance(2)
    memory.step()
    assert len(relief.asked) == 4


def test_a_new_process_has_no_part_in_the_pause(fat: int, clock: ManualClock) -> None:
    """What takes the place of a relieved process is judged for itself."""
    relief = Relief()
    pid = fat
    memory = watch(lambda: pid, 1, relief, clock)
    memory.step()
    pid = os.getpid()
    memory.step()
    assert len(relief.asked) == 2


@pytest.mark.parametrize("pid", [None, 2**22 + 1])
def test_no_process_uses_nothing(pid: int | None, clock: ManualClock) -> None:
    """One that is just being replaced, or has just ended, is no problem."""
    relief = Relief()
    memory = watch(lambda: pid, 1, relief, clock)
    memory.step()
    assert relief.asked == []
    assert memory().problems == []


def test_own_memory_goes_back_to_the_kernel() -> None:
    """Freed blocks that the C library keeps are given back: in a process of its own, for a clean count."""
    script = """
import os
from attendance.ops.memory import Use, release_own_memory, resident_mb
held = [bytes(4000) for _ in range(25_000)]  # 100 MB in small blocks
pinned = held[::1000]
del held
before = resident_mb(os.getpid())
assert release_own_memory(Use(0, 0))
print(before - resident_mb(os.getpid()))
"""
    freed = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    assert float(freed) > 30


def test_a_use_says_itself() -> None:
    """The reason in the log of restarts is for people."""
    assert str(Use(171.6, 200)) == "172 MB of 200 MB"
    assert release_own_memory(Use(171.6, 200))


def test_a_process_that_has_ended_uses_nothing() -> None:
    """What was known of a process while it lived is forgotten with it."""
    command = [sys.executable, "-c", HOLD_50_MB]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "held\n"
    assert resident_mb(process.pid) > 50
    process.communicate("\n")
    assert resident_mb(process.pid) == 0
