"""Room on the disk: levels that do not flap, and the reserve."""

import shutil
from collections import namedtuple
from pathlib import Path

import pytest

from attendance.ops.disk import DiskWatch, Level, Reserve

Usage = namedtuple("Usage", "total used free")


class Disk:
    """A disk of 1,000 bytes."""

    def __init__(self) -> None:
        self.free = 500

    def __call__(self, _folder: Path) -> Usage:
        return Usage(1000, 1000 - self.free, self.free)


def levels(*free: int) -> list[Level]:
    """The levels that a watch of 10 % and 5 % sees one after the other, free space in thousandths."""
    disk = Disk()
    watch = DiskWatch(Path(), usage=disk)
    seen = []
    for disk.free in free:
        seen.append(watch.look().level)
    return seen


def test_each_threshold_has_its_level() -> None:
    """Below 10 % room is low, below 5 % it is short."""
    assert levels(100, 99, 50, 49, 0) == [Level.ENOUGH, Level.LOW, Level.LOW, Level.SHORT, Level.SHORT]


def test_a_level_is_left_only_with_a_margin() -> None:
    """A photo more or less around a threshold changes nothing; a percent more does."""
    assert levels(99, 101, 99, 109, 110) == [Level.LOW] * 4 + [Level.ENOUGH]
    assert levels(49, 51, 49, 59, 60, 105, 110) == [Level.SHORT] * 4 + [Level.LOW] * 2 + [Level.ENOUGH]


def test_a_threshold_of_nothing_never_holds() -> None:
    """0 percent switches a level off, even on a disk without a free byte."""
    disk = Disk()
    disk.free = 0
    assert DiskWatch(Path(), warn_percent=0, critical_percent=0, usage=disk).look().level is Level.ENOUGH


def test_the_problem_says_how_much_is_left(tmp_path: Path) -> None:
    """The office reads gigabytes and percent."""
    problem = DiskWatch(tmp_path, warn_percent=101, critical_percent=0).look().problem
    assert problem is not None
    assert problem.code == "disk-low"
    assert f"{shutil.disk_usage(tmp_path).free / 1e9:.1f} GB" in problem.text


@pytest.fixture
def reserve(tmp_path: Path) -> Path:
    return tmp_path / ".reserve"


def test_the_reserve_takes_up_room(reserve: Path) -> None:
    """The blocks are really allocated, not a hole in a file."""
    Reserve(reserve, 1_000_000).keep(free_bytes=10_000_000)
    assert reserve.stat().st_blocks * 512 >= 1_000_000


def test_the_reserve_is_given_up_on_a_full_disk_and_taken_again(reserve: Path) -> None:
    """It goes when hardly a byte is left, stays away while room is scarce, and comes back with plenty."""
    kept = Reserve(reserve, 1_000_000)
    seen = []
    for free in (10_000_000, 300_000, 200_000, 1_200_000, 3_900_000, 4_100_000):
        kept.keep(free)
        seen.append(reserve.exists())
    assert seen == [True, True, False, False, False, True]


def test_a_reserve_that_cannot_be_had_leaves_nothing(reserve: Path) -> None:
    """A file system that refuses (this one is far too small) is no fault, and no half reserve stays."""
    Reserve(reserve, 2**62).keep(free_bytes=2**63 + 2**62 * 4)
    assert not reserve.exists()
