"""A copy of the directory in memory, to try on it what must not be tried here."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager

_COPIED = ("students", "guardians", "cards", "centre_entries")


@contextmanager
def directory_copy(conn: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    """All tables, with the students, guardians and cards in them, and nothing else; within a transaction.

    Args:
        conn: in no transaction; only read.
    """
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as copy:
        copy.row_factory = sqlite3.Row
        conn.execute("BEGIN")  # so that all of it is of one moment
        try:
            made = conn.execute("SELECT type, sql FROM sqlite_schema WHERE sql IS NOT NULL").fetchall()
            _make(copy, [row["sql"] for row in made if row["type"] == "table"])
            for table in _COPIED:
                rows = conn.execute(f"SELECT * FROM {table}")
                copy.executemany(f"INSERT INTO {table} VALUES ({','.join('?' * len(rows.description))})", rows)
        finally:
            conn.execute("ROLLBACK")
        _make(copy, [row["sql"] for row in made if row["type"] != "table"])
        copy.execute("PRAGMA foreign_keys=ON")
        copy.execute("BEGIN")
        yield copy


def _make(conn: sqlite3.Connection, statements: list[str]) -> None:
    for statement in statements:
        conn.execute(statement)
