"""The calendar of holidays and suspensions."""

import sqlite3
from datetime import date

from attendance.domain.calendar import Closure, ClosureKind
from attendance.errors import BadInput


def all_closures(conn: sqlite3.Connection) -> list[tuple[int, Closure]]:
    """Every closure with its number, by date."""
    rows = conn.execute("SELECT * FROM closures ORDER BY first_day, closure_id")
    return [(row["closure_id"], _closure(row)) for row in rows]


def around(conn: sqlite3.Connection, day: date) -> list[Closure]:
    """The closures that can matter on ``day`` or the days beside it."""
    rows = conn.execute(
        "SELECT * FROM closures WHERE first_day <= date(?, '+1 day') AND last_day >= date(?, '-1 day')",
        (day.isoformat(), day.isoformat()),
    )
    return [_closure(row) for row in rows]


def add(conn: sqlite3.Connection, closure: Closure) -> int:
    """Enter a closure; its number. The same span again replaces its kind and name."""
    row = conn.execute(
        "INSERT INTO closures (first_day, last_day, kind, name, session) VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT (first_day, last_day, session) DO UPDATE SET kind = excluded.kind, name = excluded.name"
        " RETURNING closure_id",
        (closure.first_day.isoformat(), closure.last_day.isoformat(), closure.kind, closure.name, closure.session),
    ).fetchone()
    return int(row["closure_id"])


def remove(conn: sqlite3.Connection, closure_id: int) -> None:
    """Take a closure out.

    Raises:
        BadInput: no such number.
    """
    if conn.execute("DELETE FROM closures WHERE closure_id = ?", (closure_id,)).rowcount == 0:
        raise BadInput(f"No closure has the number {closure_id}. `attendance calendar list` shows all.")


def _closure(row: sqlite3.Row) -> Closure:
    return Closure(
        date.fromisoformat(row["first_day"]),
        date.fromisoformat(row["last_day"]),
        ClosureKind(row["kind"]),
        row["name"],
        row["session"],
    )
