"""What a database of ours holds, in numbers: to tell whether a copy is whole and whether data has gone."""

import sqlite3
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from attendance.errors import StorageError

_OURS = {"meta", "epochs", "students", "attendance"}
_NEVER_FEWER = ("epochs", "attendance", "clock_corrections")
"""Tables from which nothing is ever deleted."""
_GONE_BACK = {"restored", "repaired"}
"""Reasons of an epoch that say that the database is an earlier one, on purpose."""


@dataclass(frozen=True, slots=True)
class Contents:
    """The numbers of one database.

    Attributes:
        schema: ``PRAGMA user_version``.
        epochs: ids, the oldest first.
        begun_by: why the newest epoch began.
        last_seq: the highest number given out in each epoch that has any.
        newest_scan_at: RFC 3339, ``None`` without scans.
        rows: row count of every table.
    """

    schema: int
    epochs: tuple[str, ...]
    begun_by: str
    last_seq: Mapping[str, int]
    newest_scan_at: str | None
    rows: Mapping[str, int]

    def facts(self) -> dict[str, Any]:
        """As plain JSON values."""
        return {**asdict(self), "epochs": list(self.epochs)}


def read(conn: sqlite3.Connection) -> Contents:
    """Count everything; some tables are read to their end.

    Raises:
        StorageError: the database is not ours, or has nothing in it.
    """
    names = tables(conn)
    schema = int(conn.execute("PRAGMA user_version").fetchone()[0])
    if schema < 1 or not names.issuperset(_OURS):
        raise StorageError("It is not a database of this program.")
    epochs = conn.execute("SELECT epoch, reason FROM epochs ORDER BY position").fetchall()
    begun_by = epochs[-1]["reason"] if epochs else ""
    last = conn.execute("SELECT epoch, max(seq) FROM attendance GROUP BY epoch ORDER BY epoch")
    last_seq = {row[0]: int(row[1]) for row in last}
    newest = conn.execute("SELECT max(scanned_at) FROM attendance").fetchone()[0]
    rows = {name: int(conn.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0]) for name in sorted(names)}
    return Contents(schema, tuple(row["epoch"] for row in epochs), begun_by, last_seq, newest, rows)


def scans(conn: sqlite3.Connection) -> int:
    """How many scans there are."""
    return int(conn.execute("SELECT count(*) FROM attendance").fetchone()[0])


def tables(conn: sqlite3.Connection) -> set[str]:
    """The names of all tables but SQLite's own."""
    found = conn.execute("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%'")
    return {row[0] for row in found}


def from_facts(facts: Mapping[str, Any]) -> Contents:
    """The numbers that ``facts`` wrote.

    Raises:
        StorageError: they are not there.
    """
    try:
        return Contents(
            schema=int(facts["schema"]),
            epochs=tuple(facts["epochs"]),
            begun_by=str(facts["begun_by"]),
            last_seq=dict(facts["last_seq"]),
            newest_scan_at=facts["newest_scan_at"],
            rows=dict(facts["rows"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise StorageError("It is a backup of something else.") from error


def shrinkage(before: Contents, now: Contents, erased_since: int) -> str:
    """What has gone between two states of the database, in words; empty when nothing has.

    A restore or a repair begins a new epoch, which says that it is known; only then may scans be fewer, and epochs that
    came since the restored backup be gone.

    Args:
        erased_since: how many persons were erased in between.
    """
    epoch = before.epochs[-1] if before.epochs else ""
    newest = now.epochs[-1] if now.epochs else ""
    if newest not in before.epochs and now.begun_by in _GONE_BACK:
        return ""
    if epoch not in now.epochs:
        return "it does not continue the database of the newest backup"
    if newest != epoch:
        return ""
    gone = [
        f"{table} has {now.rows.get(table, 0)} rows instead of at least {before.rows[table]}"
        for table in _NEVER_FEWER
        if now.rows.get(table, 0) < before.rows.get(table, 0)
    ]
    if now.last_seq.get(epoch, 0) < before.last_seq.get(epoch, 0):
        gone.append(f"the last scan has number {now.last_seq.get(epoch, 0)} instead of {before.last_seq[epoch]}")
    fewer = before.rows.get("students", 0) - now.rows.get("students", 0)
    if fewer > erased_since:
        gone.append(f"{fewer} students have gone and only {erased_since} were erased")
    return "; ".join(gone)


def faults(conn: sqlite3.Connection, *, quick: bool = False) -> str:
    """What SQLite finds wrong with the file; empty when it is whole.

    Args:
        quick: leave out whether indexes and tables agree; about eight times as fast.
    """
    check = "PRAGMA quick_check(1)" if quick else "PRAGMA integrity_check(1)"
    try:
        found = str(conn.execute(check).fetchone()[0])
    except sqlite3.DatabaseError as error:
        if isinstance(error, sqlite3.OperationalError):
            raise
        return str(error)
    return "" if found == "ok" else found
