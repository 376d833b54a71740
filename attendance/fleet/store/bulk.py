"""Many rows in one statement: arrays with ``unnest`` for PostgreSQL, one prepared statement for SQLite.

The arrays are written out here: half the cost of the driver's lists (docs/decisions/0053-centre-store.md).
"""

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
            arrays = tuple(array_literal(values) for values in zip(*rows, strict=True))
            return conn.exec_driver_sql(self._unnest, arrays).rowcount
        return conn.exec_driver_sql(self._values, [tuple(row) for row in rows]).rowcount

    @cached_property
    def _unnest(self) -> str:
        types = [self._table.c[name].type.dialect_impl(_POSTGRESQL).compile(_POSTGRESQL) for name in self._columns]
        arrays = ", ".join(f"%s::{each}[]" for each in types)
        return f"{self._into} SELECT * FROM unnest({arrays}) ON CONFLICT {self._conflict}"

    @cached_property
    def _values(self) -> str:
        places = ", ".join("?" for _ in self._columns)
        return f"{self._into} VALUES ({places}) ON CONFLICT {self._conflict}"

    @property
    def _into(self) -> str:
        return f"INSERT INTO {self._table.name} ({', '.join(self._columns)})"


def array_literal(values: Sequence[Any]) -> str:
    """Texts, numbers, truths or ``None``, as PostgreSQL writes an array of them."""
    if None in values:
        return "{" + ",".join(map(_element, values)) + "}"
    if isinstance(values[0], str):
        return _array_of_texts(values)
    return "{" + ",".join(map(str, values)) + "}"


def _array_of_texts(values: Sequence[str]) -> str:
    joined = '","'.join(values)
    if "\\" in joined or joined.count('"') != 2 * (len(values) - 1):
        joined = '","'.join(map(_escaped, values))
    return f'{{"{joined}"}}'


def _element(value: Any) -> str:
    if value is None:
        return "NULL"
    return f'"{_escaped(value)}"' if isinstance(value, str) else str(value)


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"')
