"""What the centre has told this gate to do, and what became of it. A command is never forgotten, so it is done once."""

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from attendance.clock import Moment, rfc3339
from attendance.domain.contact import CommandResult
from attendance.domain.wire import Command

_LONGEST_DETAIL = 1000


@dataclass(frozen=True, slots=True)
class Order:
    """A command that is to be done."""

    command_id: str
    kind: str
    arguments: dict[str, Any]


def known(conn: sqlite3.Connection, command_id: str) -> bool:
    """Whether a command was received before; reads only."""
    found = conn.execute("SELECT 1 FROM centre_commands WHERE command_id = ?", (command_id,))
    return found.fetchone() is not None


def take(conn: sqlite3.Connection, command: Command, refused: str, run: str, now: Moment) -> None:
    """Enter a new command, inside a write transaction.

    Args:
        refused: why it must not be done; empty: it is to be done.
        run: which run of the gate took it.
    """
    state = "refused" if refused else "taken"
    conn.execute(
        "INSERT OR IGNORE INTO centre_commands (command_id, kind, arguments, state, detail, run, taken_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        (command.command_id, command.kind, json.dumps(command.arguments), state, refused, run, rfc3339(now.at)),
    )


def next_one(conn: sqlite3.Connection) -> Order | None:
    """The oldest that is to be done; reads only."""
    row = conn.execute(
        "SELECT command_id, kind, arguments FROM centre_commands WHERE state = 'taken' ORDER BY rowid LIMIT 1"
    ).fetchone()
    return Order(row["command_id"], row["kind"], json.loads(row["arguments"])) if row else None


def begin(conn: sqlite3.Connection, command_id: str, run: str, *, restarting: bool = False) -> None:
    """It is in hand from here on, inside a write transaction.

    Args:
        restarting: it is done once the gate runs again.
    """
    conn.execute(
        "UPDATE centre_commands SET state = ?, run = ? WHERE command_id = ?",
        ("restarting" if restarting else "doing", run, command_id),
    )


def end(conn: sqlite3.Connection, command_id: str, state: str, detail: str) -> None:
    """What became of it: ``done``, ``failed`` or ``refused``; inside a write transaction."""
    conn.execute(
        "UPDATE centre_commands SET state = ?, detail = ?, reported = 0 WHERE command_id = ?",
        (state, detail[:_LONGEST_DETAIL], command_id),
    )


def end_of_earlier_runs(conn: sqlite3.Connection, run: str) -> int:
    """Settle what an earlier run of the gate had in hand, inside a write transaction; how many.

    A restart has happened; whatever else was being done may have been done half and is not begun again.
    """
    return conn.execute(
        "UPDATE centre_commands SET detail = iif(state = 'restarting', 'The gate runs again.',"
        " 'The gate ended while it did this.'), state = iif(state = 'restarting', 'done', 'failed')"
        " WHERE state IN ('doing', 'restarting') AND run <> ?",
        (run,),
    ).rowcount


def results(conn: sqlite3.Connection, limit: int) -> list[CommandResult]:
    """What became of commands and the centre does not know yet, the oldest first; reads only."""
    rows = conn.execute(
        "SELECT command_id, state, detail FROM centre_commands"
        " WHERE reported = 0 AND state IN ('done', 'failed', 'refused') ORDER BY rowid LIMIT ?",
        (limit,),
    )
    return [CommandResult.model_validate(dict(row)) for row in rows]


def reported(conn: sqlite3.Connection, told: Sequence[CommandResult]) -> None:
    """The centre knows, inside a write transaction."""
    conn.executemany(
        "UPDATE centre_commands SET reported = 1 WHERE command_id = ? AND state = ?",
        [(each.command_id, each.state) for each in told],
    )
