"""What the centre sent and this gate did not take, with the word of a person who wants it taken all the same."""

import sqlite3
from dataclasses import dataclass

from attendance.clock import Moment, rfc3339


@dataclass(frozen=True, slots=True)
class Refusal:
    """One kind of thing that was not taken.

    Attributes:
        what: ``roster``, ``rules``, ``schedule`` or ``texts``.
        version: the centre's, of what was refused.
        students: of what would take too many off the roster, or erase them: how many were known; otherwise 0.
        remaining: how many of them it would leave.
        accepted: a person means it.
    """

    what: str
    version: int
    reason: str
    students: int = 0
    remaining: int = 0
    accepted: bool = False

    @property
    def too_small(self) -> bool:
        return self.students > 0


def known(conn: sqlite3.Connection) -> list[Refusal]:
    """Everything that is refused at present; reads only."""
    rows = conn.execute(
        "SELECT what, version, reason, students, remaining, accepted FROM centre_refusals ORDER BY what"
    )
    return [
        Refusal(
            row["what"],
            row["version"],
            row["reason"],
            row["students"],
            row["remaining"],
            accepted=bool(row["accepted"]),
        )
        for row in rows
    ]


def keep(conn: sqlite3.Connection, refusal: Refusal, now: Moment) -> None:
    """Enter a refusal, inside a write transaction; what a person said of an earlier one does not count for it."""
    conn.execute(
        "INSERT INTO centre_refusals (what, version, reason, students, remaining, refused_at)"
        " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (what) DO UPDATE SET version = excluded.version,"
        " reason = excluded.reason, students = excluded.students, remaining = excluded.remaining, accepted = 0,"
        " refused_at = excluded.refused_at",
        (
            refusal.what,
            refusal.version,
            refusal.reason,
            refusal.students,
            refusal.remaining,
            rfc3339(now.at),
        ),
    )


def settle(conn: sqlite3.Connection, what: str) -> None:
    """It was taken, or replaced by what was taken; inside a write transaction."""
    conn.execute("DELETE FROM centre_refusals WHERE what = ?", (what,))


def accept(conn: sqlite3.Connection) -> list[Refusal]:
    """A person wants what is too small all the same; what that is. Inside a write transaction."""
    found = [each for each in known(conn) if each.too_small]
    conn.execute("UPDATE centre_refusals SET accepted = 1 WHERE students > 0")
    return found
