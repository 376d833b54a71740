"""Which entries of a pull can be entered by themselves, because nothing else in it decides what they become here."""

import sqlite3
from collections import Counter
from collections.abc import Collection, Iterator, Mapping

from attendance.domain import wire


def students(conn: sqlite3.Connection, pulled: Mapping[str, wire.Student]) -> Iterator[str]:
    """Who is new here, or is here under the same number and as nobody else of the centre's; reads only.

    Args:
        pulled: by what the centre knows them by; so are those who are found.
    """
    told = Counter(student.student_key for student in pulled.values())
    for key, student in pulled.items():
        ref = _ref(conn, "student", key)
        rows = conn.execute(
            "SELECT student_key, student_id, EXISTS (SELECT 1 FROM centre_entries"
            " WHERE kind = 'student' AND ref = students.student_key AND key <> ?) AS claimed"
            " FROM students WHERE student_key = ? OR student_id = ?",
            (key, ref or student.student_key, student.student_id),
        ).fetchall()
        is_new = not rows and ref is None
        if told[student.student_key] == 1 and (is_new or (len(rows) == 1 and _stays(rows[0], student, ref))):
            yield key


def _stays(row: sqlite3.Row, student: wire.Student, ref: str | None) -> bool:
    return not row["claimed"] and row["student_id"] == student.student_id and ref in (None, row["student_key"])


def any_known_card(conn: sqlite3.Connection, keys: Collection[str]) -> bool:
    """Whether one of the centre's cards is here; reads only."""
    return any(_ref(conn, "card", key) is not None for key in keys)


def _ref(conn: sqlite3.Connection, kind: str, key: str) -> str | None:
    """What an entry of the centre is here."""
    row = conn.execute("SELECT ref FROM centre_entries WHERE kind = ? AND key = ?", (kind, key)).fetchone()
    return None if row is None else str(row["ref"])
