"""How far this gate has what the centre sends down."""

import sqlite3
from enum import StrEnum


class Feed(StrEnum):
    """What is numbered on its own. A roster that is refused holds up no closure and no erasure.

    ``ROSTER``: students and cards. ``RULES``: closures, schedule, texts, erasures. ``SCANS``: those of the other gates.
    """

    ROSTER = "roster"
    RULES = "rules"
    SCANS = "scans"


def version(conn: sqlite3.Connection, feed: Feed) -> int:
    """The centre's number of the last that is here; 0: nothing. Reads only."""
    return int(conn.execute("SELECT version FROM centre_cursors WHERE feed = ?", (feed,)).fetchone()[0])


def move(conn: sqlite3.Connection, feed: Feed, to: int) -> None:
    """All up to ``to`` is here; call it inside the transaction that entered it."""
    conn.execute("UPDATE centre_cursors SET version = ? WHERE feed = ?", (to, feed))
