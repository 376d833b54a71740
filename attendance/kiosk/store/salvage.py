"""Taking what can still be read out of a damaged database into a whole one, row by row."""

import errno
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from attendance.errors import StorageError
from attendance.kiosk.store import contents
from attendance.kiosk.store.patience import ask_for_time
from attendance.ops import sqlite

_APPEND_ONLY = {"attendance", "epochs", "refusals", "clock_corrections"}
"""A row of these never changes, so one that is there is right. Of any other the damaged database has the later one."""
_TAKEN_ANEW = {"sync_queue": ("record_type", "record_id")}
"""Tables whose rows have another number here, and of which only this much holds: what was sent is sent again, which
does no harm, because the centre knows it by its key."""
_PARENTS_FIRST = ("meta", "epochs", "students", "attendance")
_LAST_ROW = 1 << 62
_FAILURES_ALLOWED = 50_000
"""Failed looks without a row between, before the rest of a table is given up: a second or two, and more than any one
page can cause."""

_STEP_BYTES = 1 << 20
_FIRST_STEP = 64
"""Row numbers that one page may have, which the first step over an unreadable one leaves behind."""
_STEP_GROWTH_BITS = 3
"""Each further step is eight times as long: twenty reach the end of any table."""

Row = tuple[object, ...]


@dataclass(slots=True)
class Salvaged:
    """What came out.

    Attributes:
        scans: ids of attendance rows that were missing and are there again.
        rows: how many rows of each table were added or brought up to date.
        incomplete: tables of which something could not be read.
    """

    scans: list[str] = field(default_factory=list)
    rows: dict[str, int] = field(default_factory=dict)
    incomplete: list[str] = field(default_factory=list)


def salvage(damaged: Path, conn: sqlite3.Connection) -> Salvaged:
    """Enter what ``damaged`` has and the database of ``conn`` has not. Runs in a write transaction of ``conn``."""
    found = Salvaged()
    ask_for_time()
    try:
        gently = refused_by_the_disk(damaged)
        with closing(sqlite.connect(damaged, read_only=True)) as source:
            known = contents.tables(source)
            for table in _order(contents.tables(conn) & known):
                _take_table(source, conn, table, found, gently=gently)
    except (sqlite3.DatabaseError, StorageError, OSError):
        found.incomplete.append("all")
    return found


def _order(tables: set[str]) -> list[str]:
    return [*(name for name in _PARENTS_FIRST if name in tables), *sorted(tables.difference(_PARENTS_FIRST))]


def _take_table(
    source: sqlite3.Connection, target: sqlite3.Connection, table: str, found: Salvaged, *, gently: bool
) -> None:
    """Copy the columns that both know."""
    ask_for_time()
    theirs = {row["name"] for row in source.execute(f'PRAGMA table_info("{table}")')}
    theirs &= set(_TAKEN_ANEW.get(table, theirs))
    ours = [row for row in target.execute(f'PRAGMA table_info("{table}")') if row["name"] in theirs]
    names = [row["name"] for row in ours]
    keys = [row["name"] for row in ours if row["pk"]]
    insert = _insert(table, names, keys)
    walk = Walk(source, table, names, gently=gently)
    changed = 0
    for row in walk.rows():
        try:
            added = target.execute(insert, row).rowcount
        except sqlite3.IntegrityError:
            continue  # a row that the schema refuses was damaged, or is there under another key
        changed += added
        if added and table == "attendance":
            found.scans.append(str(row[names.index("scan_id")]))
    if changed:
        found.rows[table] = changed
    if walk.incomplete:
        found.incomplete.append(table)


def _insert(table: str, names: list[str], keys: list[str]) -> str:
    columns = ", ".join(f'"{name}"' for name in names)
    marks = ", ".join("?" * len(names))
    others = [name for name in names if name not in keys]
    insert = f'INTO "{table}" ({columns}) VALUES ({marks})'
    if table in _APPEND_ONLY or not keys or not others:
        return f"INSERT OR IGNORE {insert}"
    news = ", ".join(f'"{name}" = excluded."{name}"' for name in others)
    differs = " OR ".join(f'"{name}" IS NOT excluded."{name}"' for name in others)
    return f"INSERT {insert} ON CONFLICT ({', '.join(keys)}) DO UPDATE SET {news} WHERE {differs}"


class Walk:
    """Reads a table by its row numbers and goes around pages that cannot be read.

    What is only damaged is looked at row by row. What the disk refuses is not asked for again and again, because a
    dying card may take half a minute for each refusal: the rows before and behind it are taken, and a step over it
    grows with each refusal.

    Args:
        gently: the disk refuses parts of the file.
    """

    def __init__(self, conn: sqlite3.Connection, table: str, names: list[str], *, gently: bool) -> None:
        columns = ", ".join(f'"{name}"' for name in names)
        self._conn = conn
        self._query = f'SELECT rowid, {columns} FROM "{table}" WHERE rowid BETWEEN ? AND ? ORDER BY rowid'
        self._gently = gently
        self.incomplete = False

    def rows(self) -> Iterator[Row]:
        """Every row that can be read, once."""
        failures = 0
        ranges = [(1, _LAST_ROW)]
        while ranges and failures <= _FAILURES_ALLOWED:
            low, high = ranges.pop()
            try:
                for rowid, *row in self._conn.execute(self._query, (low, high)):
                    yield tuple(row)
                    low, failures = rowid + 1, 0
            except sqlite3.DatabaseError:
                self.incomplete = True
                failures += 1
                if self._gently:
                    top = min(high, low + _step_over(failures) - 1)
                    for found in self._from_above(low, top):
                        yield found
                        failures = 0
                    if top < high:
                        ranges.append((top + 1, high))
                elif low < high:
                    middle = (low + high) // 2  # what is left is halved, until only bad rows fail
                    ranges += [(middle + 1, high), (low, middle)]

    def _from_above(self, low: int, high: int) -> Iterator[Row]:
        """The rows of a range, the last first, as far down as they can be read."""
        try:
            for _, *row in self._conn.execute(f"{self._query} DESC", (low, high)):
                yield tuple(row)
        except sqlite3.DatabaseError:
            return


def refused_by_the_disk(path: Path) -> bool:
    """Whether some part of a file cannot be read at all; SQLite calls that damage like any other."""
    with path.open("rb") as file:
        try:
            for at in _written(file.fileno()):
                os.pread(file.fileno(), _STEP_BYTES, at)
        except OSError:
            return True
    return False


def _written(descriptor: int) -> Iterator[int]:
    """Where to read a file, step by step; holes are on no disk."""
    at = 0
    while True:
        try:
            at = os.lseek(descriptor, at, os.SEEK_DATA)
        except OSError as error:
            if error.errno == errno.ENXIO:  # nothing but a hole, or the end
                return
            raise
        yield at
        at += _STEP_BYTES


def _step_over(failures: int) -> int:
    """How many row numbers to step over after so many refusals in a row."""
    return min(_LAST_ROW, _FIRST_STEP << _STEP_GROWTH_BITS * (failures - 1))
