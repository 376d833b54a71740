"""The school's directory in this gate's tables. What does not say that it only reads is called inside a transaction.

Students are matched by the school's number at first, and from then on by what the centre knows them by. A student keeps
the key that this gate gave them for life; who is new here gets the centre's.
"""

import json
import sqlite3
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from attendance.clock import Moment, rfc3339
from attendance.domain import wire
from attendance.domain.directory import Card, Closure
from attendance.domain.enrolment import Guardian
from attendance.errors import BadInput
from attendance.kiosk.store import roster

_COLUMNS = ("student_id", "name", "section", "grade", "sex", "lrn", "allowed_session")


@contextmanager
def attempt(conn: sqlite3.Connection) -> Iterator[None]:
    """Part of a transaction that is undone on its own when it raises."""
    conn.execute("SAVEPOINT attempt")
    try:
        yield
    except BaseException:
        conn.execute("ROLLBACK TO attempt")
        raise
    finally:
        conn.execute("RELEASE attempt")


def living(conn: sqlite3.Connection, keys: Iterable[str] | None = None) -> int:
    """How many students may pass, of all or of some keys; reads only."""
    if keys is None:
        return int(conn.execute("SELECT count(*) FROM students WHERE removed_at IS NULL").fetchone()[0])
    found = [_row_of(conn, key) for key in keys]
    return sum(row is not None and row["removed_at"] is None for row in found)


def of_the_centre(conn: sqlite3.Connection) -> int:
    """How many students of the centre's are known here; reads only."""
    return int(conn.execute("SELECT count(*) FROM centre_entries WHERE kind = 'student'").fetchone()[0])


def forget_strangers(conn: sqlite3.Connection, known: Collection[str]) -> None:
    """Of a centre that knows fewer students than it did, as after a restore: the others are this gate's own again.

    Args:
        known: what the centre knows its students by.
    """
    keys = [row["key"] for row in conn.execute("SELECT key FROM centre_entries WHERE kind = 'student'")]
    conn.executemany(
        "DELETE FROM centre_entries WHERE kind = 'student' AND key = ?", [(key,) for key in keys if key not in known]
    )


def take_students(
    conn: sqlite3.Connection, students: Mapping[str, wire.Student], gone: Collection[str], now: Moment
) -> int:
    """Bring students up to date, and take those off the roster who are gone.

    Args:
        students: by what the centre knows them by.
        gone: the same of those who are gone.

    Returns:
        How many could pass before and cannot any more.

    Raises:
        BadInput: two students would have the same number, or be the same one.
    """
    entries = {key: entry for key in (*students, *gone) if (entry := _entry_of(conn, key)) is not None}
    conn.executemany("DELETE FROM centre_entries WHERE kind = 'student' AND key = ?", [(key,) for key in gone])
    keys = _keys_here(conn, students, entries)
    _write_students(conn, {keys[key]: student for key, student in students.items()}, now)
    for key, student in students.items():
        named_before = entries[key]["guardians"] if key in entries else 0
        if student.guardians or named_before:
            guardians = [Guardian(each.phone, each.name) for each in student.guardians]
            if guardians != roster.guardians(conn, keys[key]):
                roster.set_guardians(conn, keys[key], guardians)
    conn.executemany(
        "INSERT INTO centre_entries (kind, key, ref, guardians) VALUES ('student', ?, ?, ?)"
        " ON CONFLICT (kind, key) DO UPDATE SET ref = excluded.ref, guardians = excluded.guardians"
        " WHERE ref <> excluded.ref OR guardians <> excluded.guardians",
        [(key, keys[key], len(student.guardians)) for key, student in students.items()],
    )
    left = {entries[key]["ref"] for key in gone if key in entries} - set(keys.values())
    return conn.executemany(
        "UPDATE students SET removed_at = ? WHERE student_key = ? AND removed_at IS NULL",
        [(rfc3339(now.at), key) for key in left],
    ).rowcount


def _keys_here(
    conn: sqlite3.Connection, students: Mapping[str, wire.Student], entries: Mapping[str, sqlite3.Row]
) -> dict[str, str]:
    """The key that each student has here, or gets.

    Raises:
        BadInput: two are the same one.
    """
    found: dict[str, str] = {}
    taken: dict[str, str] = {}
    for key, student in students.items():
        here = entries[key]["ref"] if key in entries else _key_of_stranger(conn, key, student)
        if taken.setdefault(here, key) != key:
            raise BadInput(f"students {key[:80]!r} and {taken[here][:80]!r} are one and the same at this gate")
        found[key] = here
    return found


def _key_of_stranger(conn: sqlite3.Connection, key: str, student: wire.Student) -> str:
    """Of whom the centre has not told before: of somebody here with that key or that number, else the centre's own.

    Raises:
        BadInput: the centre knows somebody else by that key.
    """
    if _row_of(conn, student.student_key) is not None:
        if _is_another(conn, student.student_key, key):
            raise BadInput(f"student {key[:80]!r} has the key of another one at this gate")
        return student.student_key
    row = conn.execute("SELECT student_key FROM students WHERE student_id = ?", (student.student_id,)).fetchone()
    return student.student_key if row is None or _is_another(conn, row["student_key"], key) else str(row["student_key"])


def _is_another(conn: sqlite3.Connection, student_key: str, key: str) -> bool:
    """Whether the centre knows a student of this gate by another name than ``key``."""
    found = conn.execute(
        "SELECT 1 FROM centre_entries WHERE kind = 'student' AND ref = ? AND key <> ?", (student_key, key)
    )
    return found.fetchone() is not None


def _entry_of(conn: sqlite3.Connection, key: str) -> sqlite3.Row | None:
    found: sqlite3.Row | None = conn.execute(
        "SELECT ref, guardians FROM centre_entries WHERE kind = 'student' AND key = ?", (key,)
    ).fetchone()
    return found


def _row_of(conn: sqlite3.Connection, student_key: str) -> sqlite3.Row | None:
    found: sqlite3.Row | None = conn.execute("SELECT * FROM students WHERE student_key = ?", (student_key,)).fetchone()
    return found


def _write_students(conn: sqlite3.Connection, students: Mapping[str, wire.Student], now: Moment) -> None:
    """Args:
        students: by their keys here.

    Raises:
        BadInput: two would have the same number.
    """
    changed, new = [], []
    for key, student in students.items():
        row = _row_of(conn, key)
        if row is None:
            new.append((key, student))
        elif row["removed_at"] is not None or _values(student) != tuple(row[name] for name in _COLUMNS):
            changed.append((key, student))
    # two students may have changed numbers with each other: first every number is given up, then taken
    conn.executemany(
        "UPDATE students SET student_id = char(1) || student_key WHERE student_key = ? AND student_id <> ?",
        [(key, student.student_id) for key, student in changed],
    )
    try:
        conn.executemany(
            f"UPDATE students SET ({', '.join(_COLUMNS)}) = (?, ?, ?, ?, ?, ?, ?),"
            " added_at = iif(removed_at IS NULL, added_at, ?), removed_at = NULL WHERE student_key = ?",
            [(*_values(student), rfc3339(now.at), key) for key, student in changed],
        )
        conn.executemany(
            f"INSERT INTO students ({', '.join(_COLUMNS)}, student_key, added_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [(*_values(student), key, rfc3339(now.at)) for key, student in new],
        )
    except sqlite3.IntegrityError as error:
        raise BadInput("two students would have the same number at this gate") from error
    # the centre needs not be told of whom it has told
    conn.executemany(
        "DELETE FROM sync_queue WHERE record_type = 'student' AND record_id = ? AND state = 'waiting'",
        [(key,) for key, student in new if key == student.student_key],
    )


def _values(student: wire.Student) -> tuple[str, ...]:
    return tuple(getattr(student, name) for name in _COLUMNS)


def take_cards(conn: sqlite3.Connection, cards: Mapping[str, Card], gone: Iterable[str]) -> None:
    """Bring cards up to date. A card that was called back here stays so, unless it was issued again since."""
    _drop(conn, "card", gone, "DELETE FROM cards WHERE kind = ? AND value = ? AND issue = ?")
    conn.executemany(
        "INSERT INTO cards (kind, value, issue, student_key, issued_at, revoked_at, reason)"
        " SELECT :kind, :value, :issue, (SELECT student_key FROM students WHERE student_id = :student_id), :issued_at,"
        " :revoked_at, :reason WHERE true"
        " ON CONFLICT (kind, value, issue) DO UPDATE SET student_key = excluded.student_key,"
        " issued_at = excluded.issued_at,"
        " reason = iif(excluded.revoked_at IS NULL AND revoked_at >= excluded.issued_at, reason, excluded.reason),"
        " revoked_at = iif(excluded.revoked_at IS NULL AND revoked_at >= excluded.issued_at, revoked_at,"
        " excluded.revoked_at)",
        [card.model_dump() for card in cards.values()],
    )
    _note(conn, "card", {key: [card.kind, card.value, card.issue] for key, card in cards.items()})


def take_closures(conn: sqlite3.Connection, closures: Mapping[str, Closure], gone: Iterable[str]) -> None:
    """Bring the calendar up to date; a closure that has moved leaves its old days."""
    _drop(
        conn,
        "closure",
        [*gone, *closures],
        "DELETE FROM closures WHERE first_day = ? AND last_day = ? AND session = ?",
    )
    conn.executemany(
        "INSERT INTO closures (first_day, last_day, kind, name, session)"
        " VALUES (:first_day, :last_day, :kind, :name, :session)"
        " ON CONFLICT (first_day, last_day, session) DO UPDATE SET kind = excluded.kind, name = excluded.name",
        [closure.model_dump() for closure in closures.values()],
    )
    _note(conn, "closure", {key: [each.first_day, each.last_day, each.session] for key, each in closures.items()})


def _drop(conn: sqlite3.Connection, kind: str, keys: Iterable[str], delete: str) -> None:
    """Delete entries, and with ``delete`` what they are here."""
    for key in keys:
        row = conn.execute(
            "DELETE FROM centre_entries WHERE kind = ? AND key = ? RETURNING ref", (kind, key)
        ).fetchone()
        if row is not None:
            conn.execute(delete, json.loads(row["ref"]))


def _note(conn: sqlite3.Connection, kind: str, refs: Mapping[str, Sequence[object]]) -> None:
    conn.executemany(
        "INSERT INTO centre_entries (kind, key, ref) VALUES (?, ?, ?)"
        " ON CONFLICT (kind, key) DO UPDATE SET ref = excluded.ref",
        [(kind, key, json.dumps(ref)) for key, ref in refs.items()],
    )


def keys_of_erased(conn: sqlite3.Connection, centre_keys: Iterable[str], student_id: str | None) -> list[str]:
    """The keys here of somebody to be forgotten, as far as they are known; reads only."""
    found: set[str] = set()
    for key in centre_keys:
        entry = _entry_of(conn, key)
        found.update(each for each in (entry["ref"] if entry else None, key) if each and _row_of(conn, each))
    if student_id is not None:
        rows = conn.execute("SELECT student_key FROM students WHERE student_id = ?", (student_id,))
        found.update(row["student_key"] for row in rows)
    return sorted(found)


def know_erased(conn: sqlite3.Connection, student_keys: Iterable[str]) -> None:
    """The centre has told of these erasures itself, and need not be told."""
    conn.executemany(
        "INSERT INTO sync_queue (record_type, record_id, state) VALUES ('erasure', ?, 'sent')"
        " ON CONFLICT (record_type, record_id) DO UPDATE SET state = 'sent'",
        [(key,) for key in student_keys],
    )


def settings(conn: sqlite3.Connection) -> dict[str, Any]:
    """What the centre has decided of the settings, by ``schedule``, ``texts`` and ``command``; reads only."""
    return {row["source"]: json.loads(row["body"]) for row in conn.execute("SELECT source, body FROM centre_settings")}


def set_settings(conn: sqlite3.Connection, source: str, body: Mapping[str, Any]) -> None:
    """Keep what the centre has decided; an empty body: nothing, what this gate's own file says holds."""
    conn.execute("DELETE FROM centre_settings WHERE source = ?", (source,))
    if body:
        conn.execute("INSERT INTO centre_settings (source, body) VALUES (?, ?)", (source, json.dumps(body)))
