"""Many rows in one statement: arrays with ``unnest`` for PostgreSQL, one prepared statement for SQLite."""

from collections.abc import Sequence
from functools import cached_property
from typing import Any

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql

from attendance.fleet.store import dialect

_POSTGRESQL = postgresql.dialect()  # type: ignore[no-untyped-call]


class Insert:
    """An INSERT of many rows of a table.

    Args:
        columns: in the order in which the rows have them.
        conflict: what stands after ON CONFLICT.
    """

    def __init__(self, table: Table, columns: Sequence[str], conflict: str = "DO NOTHING") -> None:
        self._table = table
        self._columns = columns
        self._conflict = conflict

    def run(self, conn: Connection, rows: Sequence[Sequence[Any]]) -> int:
        """How many were put in or, if the conflict says so, changed."""
        if not rows:
            return 0
        if dialect.is_postgresql(conn):
            arrays = tuple(dialect.array_literal(values) for values in zip(*rows, strict=True))
            return conn.exec_driver_sql(self._unnest, arrays).rowcount
        return conn.exec_driver_sql(self._values, [tuple(row) for row in rows]).rowcount

    @cached_property
    def _unnest(self) -> str:
        types = [self._table.c[name].type.compile(_POSTGRESQL) for name in self._columns]
        arrays = ", ".join(f"%s::{each}[]" for each in types)
        return f"{self._into} SELECT * FROM unnest({arrays}) ON CONFLICT {self._conflict}"

    @cached_property
    def _values(self) -> str:
        places = ", ".join("?" for _ in self._columns)
        return f"{self._into} VALUES ({places}) ON CONFLICT {self._conflict}"

    @property
    def _into(self) -> str:
        return f"INSERT INTO {self._table.name} ({', '.join(self._columns)})"
