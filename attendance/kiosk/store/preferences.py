"""What guardians want: whether they get messages, which, and in which language.

Whether and in which language belongs to the number, in every enrolment; which kinds belongs to the student.
"""

import sqlite3
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from attendance.clock import Moment, rfc3339
from attendance.domain.answer import Wish
from attendance.domain.message import MessageKind, wanted
from attendance.errors import BadInput
from attendance.kiosk.store import roster


@dataclass(frozen=True, slots=True)
class Preferences:
    """One guardian of one student.

    Attributes:
        language: empty: the school's.
        opted_out_at: RFC 3339; ``None``: gets messages.
        muted: kinds that are not sent.
    """

    guardian_id: int
    student_key: str
    phone: str
    name: str
    language: str
    opted_out_at: str | None
    muted: frozenset[str]

    def wants(self, kind: MessageKind) -> bool:
        """Whether this guardian gets messages of a kind."""
        return self.opted_out_at is None and wanted(kind, " ".join(self.muted))


_COLUMNS = "SELECT guardian_id, student_key, phone, name, language, opted_out_at, muted_kinds FROM guardians"


def of_student(conn: sqlite3.Connection, student_id: str) -> list[Preferences]:
    """The preferences of a student's guardians; reads only.

    Raises:
        BadInput: no such student.
    """
    return of_key(conn, roster.key_of(conn, student_id))


def of_key(conn: sqlite3.Connection, student_key: str) -> list[Preferences]:
    """The preferences of a student's guardians, by the student's key; reads only."""
    rows = conn.execute(f"{_COLUMNS} WHERE student_key = ? ORDER BY guardian_id", (student_key,))
    return [_preferences(row) for row in rows]


def of_number(conn: sqlite3.Connection, phone: str) -> list[Preferences]:
    """The preferences of a number in all its enrolments; reads only."""
    return [_preferences(row) for row in conn.execute(f"{_COLUMNS} WHERE phone = ? ORDER BY guardian_id", (phone,))]


def mute(conn: sqlite3.Connection, student_id: str, phone: str, kinds: Collection[MessageKind]) -> None:
    """Set the kinds that a guardian does not get about a student; none: gets all.

    Raises:
        BadInput: no such student, or no such guardian of theirs.
    """
    guardian = _guardian(conn, student_id, phone)
    muted = " ".join(sorted(kinds))
    conn.execute("UPDATE guardians SET muted_kinds = ? WHERE guardian_id = ?", (muted, guardian.guardian_id))


def speak(conn: sqlite3.Connection, student_id: str, phone: str, language: str) -> None:
    """Set the language of a number; empty: the school's.

    Raises:
        BadInput: no such student, or no such guardian of theirs.
    """
    _guardian(conn, student_id, phone)
    conn.execute("UPDATE guardians SET language = ? WHERE phone = ?", (language, phone))


def opt(conn: sqlite3.Connection, student_id: str, phone: str, wish: Wish, now: Moment) -> None:
    """Enter in the office what a guardian said; no confirmation is sent.

    Raises:
        BadInput: no such student, or no such guardian of theirs.
    """
    _guardian(conn, student_id, phone)
    _opt(conn, phone, wish, now.at if now.trusted else None, now)


def answer(conn: sqlite3.Connection, phone: str, wish: Wish, said_at: datetime, now: Moment) -> Preferences | None:
    """Do what a guardian wrote.

    Args:
        said_at: when it was written. The phone reports late and in any order: an older wish than the last changes
            nothing.

    Returns:
        An enrolment of the number to confirm the change to; ``None`` if there was none.
    """
    newer = conn.execute(
        "SELECT 1 FROM guardians WHERE phone = ? AND answered_at >= ? LIMIT 1", (phone, rfc3339(said_at))
    ).fetchone()
    if newer is not None:
        return None
    before = of_number(conn, phone)
    _opt(conn, phone, wish, said_at, now)
    changed = [each for each in before if (each.opted_out_at is None) == (wish is Wish.OUT)]
    return changed[0] if changed else None


def _opt(conn: sqlite3.Connection, phone: str, wish: Wish, said_at: datetime | None, now: Moment) -> None:
    """Args:
    said_at: ``None`` if nobody knows: a time in the future would outlive what the guardian says later.
    """
    conn.execute(
        "UPDATE guardians SET answered_at = coalesce(:said, answered_at), opted_out_at = CASE :wish WHEN 'out'"
        " THEN coalesce(opted_out_at, :now) END WHERE phone = :phone",
        {"said": rfc3339(said_at) if said_at else None, "wish": wish, "now": rfc3339(now.at), "phone": phone},
    )


def _guardian(conn: sqlite3.Connection, student_id: str, phone: str) -> Preferences:
    found = next((each for each in of_student(conn, student_id) if each.phone == phone), None)
    if found is None:
        raise BadInput(
            f"Student {student_id!r} has no guardian with that number. `attendance students show {student_id}` shows"
            " them."
        )
    return found


def _preferences(row: sqlite3.Row) -> Preferences:
    return Preferences(
        row["guardian_id"],
        row["student_key"],
        row["phone"],
        row["name"],
        row["language"],
        row["opted_out_at"],
        frozenset(row["muted_kinds"].split()),
    )
