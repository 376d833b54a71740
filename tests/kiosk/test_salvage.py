"""What a dying disk still gives is taken, without asking it again and again for what it refuses."""

import os
import sqlite3
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from attendance.kiosk.store.salvage import Walk, refused_by_the_disk

PAGE_ROWS = 30


class BadDisk(sqlite3.Connection):
    """A table of 3,000 rows, some of whose pages the disk refuses; it counts how often it is asked for those."""

    bad: Collection[int] = ()
    refusals = 0

    def execute(self, sql: str, parameters: Sequence[Any] = ()) -> Any:  # type: ignore[override]
        return self._rows(super().execute(sql, parameters))

    def _rows(self, found: sqlite3.Cursor) -> Iterator[tuple[Any, ...]]:
        for row in found:
            if (row[0] - 1) // PAGE_ROWS in self.bad:
                self.refusals += 1
                raise sqlite3.DatabaseError("database disk image is malformed")  # what SQLite makes of EIO
            yield row


@pytest.fixture(scope="module")
def disk() -> Iterator[BadDisk]:
    conn = sqlite3.connect(":memory:", factory=BadDisk)
    sqlite3.Connection.execute(conn, "CREATE TABLE t (x INTEGER PRIMARY KEY)")
    conn.executemany("INSERT INTO t VALUES (?)", [(number,) for number in range(1, 3001)])
    yield conn
    conn.close()


def taken(disk: BadDisk, bad: Collection[int]) -> list[int]:
    disk.bad, disk.refusals = bad, 0
    walk = Walk(disk, "t", ["x"], gently=True)
    found = [int(str(row[0])) for row in walk.rows()]
    assert walk.incomplete is bool(bad)
    assert len(found) == len(set(found))
    return found


@pytest.mark.parametrize("bad", [{0}, {50}, {50, 60}, {98}])
def test_a_page_that_the_disk_refuses_is_asked_for_a_few_times(disk: BadDisk, bad: set[int]) -> None:
    """Each refusal may take half a minute; and every other row is there."""
    found = taken(disk, bad)
    assert len(found) == 3000 - PAGE_ROWS * len(bad)
    assert disk.refusals <= 3 * len(bad)


@pytest.mark.parametrize("bad", [range(99, 100), range(50, 100), range(100), range(20, 90)])
def test_many_pages_that_the_disk_refuses_end_soon(disk: BadDisk, bad: range) -> None:
    """Whatever is before and behind them is there, and the walk comes to its end."""
    assert len(taken(disk, bad)) == PAGE_ROWS * (100 - len(bad))
    assert disk.refusals <= 50


@given(bad=st.sets(st.integers(0, 99)))
def test_no_row_is_taken_twice_and_none_is_invented(disk: BadDisk, bad: set[int]) -> None:
    """Whichever pages are refused."""
    found = taken(disk, bad)
    assert set(found) <= {number for number in range(1, 3001) if (number - 1) // PAGE_ROWS not in bad}


def test_a_file_that_cannot_be_read_everywhere_is_told_from_one_that_can(tmp_path: Path) -> None:
    """The kernel answers reading the first page of a process's memory as a disk does that gives up on a block."""
    whole = tmp_path / "whole"
    whole.write_bytes(b"page")
    os.truncate(whole, 1 << 40)
    assert not refused_by_the_disk(whole)
    assert refused_by_the_disk(Path("/proc/self/mem"))
