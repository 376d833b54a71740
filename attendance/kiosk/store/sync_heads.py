"""How far the centre has this gate's scans, as it last said. It falls back only if the centre lost what it had.

Functions that change something take a connection inside a write transaction.
"""

import json
import sqlite3
from collections.abc import Iterable

from attendance.domain.wire import Head

_KEY = "centre.heads"


def fell_back(conn: sqlite3.Connection, heads: Iterable[Head]) -> bool:
    """Whether the centre has less of any series of scans than it has said before; reads only."""
    said = _said(conn)
    return any(head.complete_to < said.get(_name(head), 0) for head in heads)


def note(conn: sqlite3.Connection, heads: Iterable[Head]) -> None:
    """Keep what the centre says."""
    said = _said(conn) | {_name(head): head.complete_to for head in heads}
    conn.execute(
        "INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        (_KEY, json.dumps(said)),
    )


def forget(conn: sqlite3.Connection) -> None:
    """It is another centre from here on."""
    conn.execute("DELETE FROM meta WHERE key = ?", (_KEY,))


def _said(conn: sqlite3.Connection) -> dict[str, int]:
    row = conn.execute("SELECT value FROM meta WHERE key = ?", (_KEY,)).fetchone()
    return dict(json.loads(row["value"])) if row else {}


def _name(head: Head) -> str:
    return f"{head.epoch} {head.device_id}"
