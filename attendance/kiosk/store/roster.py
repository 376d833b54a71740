"""Who is known: students, their guardians, their cards."""

import secrets
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from attendance.clock import Moment, rfc3339
from attendance.domain.enrolment import Enrolment, Guardian
from attendance.domain.student import Student
from attendance.errors import BadInput


@dataclass(frozen=True, slots=True)
class Card:
    """A row of the cards table."""

    student_key: str | None
    revoked: bool


_ENROLLED = "SELECT student_key, student_id, name, section, allowed_session FROM students WHERE removed_at IS NULL"


def by_number(conn: sqlite3.Connection, student_id: str) -> Student | None:
    return _one(conn.execute(f"{_ENROLLED} AND student_id = ?", (student_id,)))


def by_key(conn: sqlite3.Connection, student_key: str) -> Student | None:
    return _one(conn.execute(f"{_ENROLLED} AND student_key = ?", (student_key,)))


def enrolled(conn: sqlite3.Connection, section: str | None = None) -> list[sqlite3.Row]:
    """All enrolled students with the number of their guardians' phones, by section and name."""
    return conn.execute(
        "SELECT s.*, (SELECT count(*) FROM guardians g WHERE g.student_key = s.student_key) AS phones"
        " FROM students s WHERE removed_at IS NULL AND (? IS NULL OR section = ?) ORDER BY section, name, student_id",
        (section, section),
    ).fetchall()


def guardians(conn: sqlite3.Connection, student_key: str) -> list[Guardian]:
    rows = conn.execute("SELECT phone, name FROM guardians WHERE student_key = ? ORDER BY guardian_id", (student_key,))
    return [Guardian(r["phone"], r["name"]) for r in rows]


def told(conn: sqlite3.Connection) -> tuple[int, int]:
    """Enrolled students with a guardian who gets messages, and the numbers of those guardians."""
    row = conn.execute(
        "SELECT count(DISTINCT student_key), count(*) FROM guardians JOIN students USING (student_key)"
        " WHERE removed_at IS NULL AND opted_out_at IS NULL"
    ).fetchone()
    return int(row[0]), int(row[1])


def details(conn: sqlite3.Connection, student_id: str) -> dict[str, Any]:
    """All that is known of a student, for the office.

    Raises:
        BadInput: no such student.
    """
    key = key_of(conn, student_id)
    row = dict(conn.execute("SELECT * FROM students WHERE student_key = ?", (key,)).fetchone())
    del row["student_key"]
    people = [{"phone": g.phone, "name": g.name} for g in guardians(conn, key)]
    held = [
        {"kind": c["kind"], "value": c["value"], "issue": c["issue"], "revoked_at": c["revoked_at"]}
        for c in cards(conn, student_id)
    ]
    return {**row, "guardians": people, "cards": held}


def enrol(conn: sqlite3.Connection, enrolment: Enrolment, now: Moment) -> bool:
    """Add a student or bring the known one up to date; the random key stays for life. Who comes back is as new.

    Guardians are replaced when the enrolment names any; an enrolment without keeps those known.

    Returns:
        Whether the student is new.
    """
    known = conn.execute("SELECT student_key FROM students WHERE student_id = ?", (enrolment.student_id,)).fetchone()
    key = known["student_key"] if known else secrets.token_hex(16)
    values = (
        enrolment.name,
        enrolment.section,
        enrolment.grade,
        enrolment.sex,
        enrolment.lrn,
        enrolment.allowed_session,
    )
    if known:
        conn.execute(
            "UPDATE students SET name = ?, section = ?, grade = ?, sex = ?, lrn = ?, allowed_session = ?,"
            " added_at = iif(removed_at IS NULL, added_at, ?), removed_at = NULL WHERE student_key = ?",
            (*values, rfc3339(now.at), key),
        )
    else:
        conn.execute(
            "INSERT INTO students (name, section, grade, sex, lrn, allowed_session, student_key, student_id, added_at)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (*values, key, enrolment.student_id, rfc3339(now.at)),
        )
    if enrolment.guardians:
        set_guardians(conn, key, enrolment.guardians)
    return not known


def set_guardians(conn: sqlite3.Connection, student_key: str, guardians: Sequence[Guardian]) -> None:
    """Replace a student's guardians. Who stays keeps what they said about messages."""
    phones = [guardian.phone for guardian in guardians]
    marks = ",".join("?" * len(phones))
    conn.execute(f"DELETE FROM guardians WHERE student_key = ? AND phone NOT IN ({marks})", (student_key, *phones))
    conn.executemany(
        "INSERT INTO guardians (student_key, phone, name) VALUES (?, ?, ?)"
        " ON CONFLICT (student_key, phone) DO UPDATE SET name = excluded.name",
        [(student_key, guardian.phone, guardian.name) for guardian in guardians],
    )


def remove(conn: sqlite3.Connection, student_id: str, now: Moment) -> None:
    """Take a student off the roster; the past stays readable.

    Raises:
        BadInput: no such student.
    """
    key = key_of(conn, student_id)
    conn.execute("UPDATE students SET removed_at = ? WHERE student_key = ?", (rfc3339(now.at), key))


def key_of(conn: sqlite3.Connection, student_id: str) -> str:
    """The random key of a student on the roster, or off it.

    Raises:
        BadInput: no such student.
    """
    row = conn.execute("SELECT student_key FROM students WHERE student_id = ?", (student_id,)).fetchone()
    if row is None:
        raise BadInput(f"No student has the number {student_id!r}. `attendance students list` shows all.")
    return str(row["student_key"])


def erase(conn: sqlite3.Connection, student_keys: Iterable[str]) -> list[str]:
    """Forget the persons behind keys: students, guardians, cards, photos. Attendance rows stay as statistics.

    Returns:
        Paths (relative to the data directory) of the photo files, which the caller deletes after the commit.
    """
    paths: list[str] = []
    for key in student_keys:
        rows = conn.execute(
            "SELECT path FROM photos JOIN attendance USING (scan_id) WHERE student_key = ? AND path IS NOT NULL", (key,)
        )
        paths += [r["path"] for r in rows]
        conn.execute(
            "UPDATE photos SET path = NULL, reason = 'erased', checks = '[]'"
            " WHERE path IS NOT NULL AND scan_id IN (SELECT scan_id FROM attendance WHERE student_key = ?)",
            (key,),
        )
        conn.execute("DELETE FROM sms_outbox WHERE student_key = ?", (key,))
        conn.execute("UPDATE refusals SET student_key = NULL, payload = '' WHERE student_key = ?", (key,))
        conn.execute("DELETE FROM students WHERE student_key = ?", (key,))
    return paths


def personal_texts(conn: sqlite3.Connection) -> list[str]:
    """Names and numbers of students and guardians, for whoever must not let them out; reads only."""
    rows = conn.execute(
        "SELECT name FROM students UNION SELECT student_id FROM students UNION SELECT lrn FROM students"
        " UNION SELECT name FROM guardians UNION SELECT phone FROM guardians"
    )
    return [row[0] for row in rows if row[0]]


def known_keys(conn: sqlite3.Connection, keys: Sequence[str]) -> list[str]:
    """Those of ``keys`` that stand for a person here."""
    known = {row["student_key"] for row in conn.execute("SELECT student_key FROM students")}
    return [key for key in keys if key in known]


def card(conn: sqlite3.Connection, kind: str, value: str, issue: int = 0) -> Card | None:
    """The card registered under ``kind`` (``payload``, ``number`` or ``rfid``) and ``value``."""
    row = conn.execute(
        "SELECT student_key, revoked_at FROM cards WHERE kind = ? AND value = ? AND issue = ?", (kind, value, issue)
    ).fetchone()
    return Card(row["student_key"], row["revoked_at"] is not None) if row else None


def _one(rows: sqlite3.Cursor) -> Student | None:
    row = rows.fetchone()
    if row is None:
        return None
    return Student(row["student_key"], row["student_id"], row["name"], row["section"], row["allowed_session"])


def cards(conn: sqlite3.Connection, student_id: str | None = None) -> list[sqlite3.Row]:
    """The registered cards, of one student or of all."""
    return conn.execute(
        "SELECT c.kind, c.value, c.issue, s.student_id, c.issued_at, c.revoked_at, c.reason"
        " FROM cards c LEFT JOIN students s USING (student_key)"
        " WHERE ? IS NULL OR s.student_id = ? ORDER BY s.student_id, c.kind, c.issue",
        (student_id, student_id),
    ).fetchall()


def register_card(conn: sqlite3.Connection, kind: str, value: str, student_id: str, now: Moment) -> None:
    """Let a payload or an RFID UID stand for a student; registering it again moves it and revives it."""
    conn.execute(
        "INSERT INTO cards (kind, value, student_key, issued_at) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (kind, value, issue) DO UPDATE SET student_key = excluded.student_key,"
        " issued_at = excluded.issued_at, revoked_at = NULL, reason = ''",
        (kind, value, key_of(conn, student_id), rfc3339(now.at)),
    )


def current_issue(conn: sqlite3.Connection, student_id: str) -> int:
    """The issue that the next card of a student carries: one above the newest that was revoked, at first 1."""
    row = conn.execute(
        "SELECT max(issue) FROM cards WHERE kind = 'number' AND value = ? AND revoked_at IS NOT NULL", (student_id,)
    )
    return int(row.fetchone()[0] or 0) + 1


def revoke_number(conn: sqlite3.Connection, student_id: str, issue: int | None, reason: str, now: Moment) -> list[int]:
    """Call back a student's card: one issue, or the plain card and all issues up to the current one.

    Returns:
        The issues that are revoked now.
    """
    key = key_of(conn, student_id)
    issues = [issue] if issue is not None else list(range(current_issue(conn, student_id) + 1))
    conn.executemany(
        "INSERT INTO cards (kind, value, issue, student_key, issued_at, revoked_at, reason)"
        " VALUES ('number', ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (kind, value, issue) DO UPDATE SET revoked_at = coalesce(revoked_at, excluded.revoked_at),"
        " reason = excluded.reason",
        [(student_id, number, key, rfc3339(now.at), rfc3339(now.at), reason) for number in issues],
    )
    return issues


def revoke_card(conn: sqlite3.Connection, kind: str, value: str, reason: str, now: Moment) -> None:
    """Call back a registered payload or RFID card.

    Raises:
        BadInput: it is not registered.
    """
    changed = conn.execute(
        "UPDATE cards SET revoked_at = ?, reason = ? WHERE kind = ? AND value = ?",
        (rfc3339(now.at), reason, kind, value),
    ).rowcount
    if changed == 0:
        raise BadInput(f"No {kind} card {value!r} is registered. `attendance cards list` shows all.")
