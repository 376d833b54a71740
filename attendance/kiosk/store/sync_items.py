"""What the gate's records look like on their way to the centre. Every function only reads."""

import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from attendance.domain import wire
from attendance.kiosk.store import roster

Item = dict[str, Any]
"""A record in the words of ``domain.wire``, as plain JSON values. It may break the rules there; the centre judges."""
_TRUTHS = ("clock_trusted", "card_signed")


@dataclass(frozen=True, slots=True)
class PhotoOfScan:
    """What the ledger knows of a scan's photo; ``path`` is relative to the data directory, ``None`` for a reason."""

    scan_id: str
    path: str | None
    reason: str
    score: float


def item(conn: sqlite3.Connection, record_type: str, record_id: str) -> Item | PhotoOfScan | None:
    """A record as it is at the moment; ``None`` if it is gone, or of a type that nobody sends.

    A photo's item wants its file; whoever sends it makes that.
    """
    made = _ITEMS.get(record_type)
    return made(conn, record_id) if made is not None else None


def link(row: Mapping[str, Any], previous: str) -> str:
    """The link of the chain of a scan that is being recorded.

    Args:
        row: the columns of ``attendance``.
        previous: the link of the scan before in this epoch; empty without one.
    """
    return wire.chain(previous, wire.Scan.model_construct(**row))  # nothing is judged: a scan is never refused for it


def _scan(conn: sqlite3.Connection, scan_id: str) -> Item | None:
    row = conn.execute("SELECT * FROM attendance WHERE scan_id = ?", (scan_id,)).fetchone()
    return {"type": "scan", **_plain(row)} if row else None


def _correction(conn: sqlite3.Connection, scan_id: str) -> Item | None:
    row = conn.execute("SELECT * FROM clock_corrections WHERE scan_id = ?", (scan_id,)).fetchone()
    return {"type": "correction", **_plain(row)} if row else None


def _refusal(conn: sqlite3.Connection, refusal_id: str) -> Item | None:
    row = conn.execute(
        "SELECT refusal_id, device_id, refusal, student_key, day, seen_at, clock_trusted, source FROM refusals"
        " WHERE refusal_id = ?",
        (refusal_id,),
    ).fetchone()
    return {"type": "refusal", **_plain(row)} if row else None


def _photo(conn: sqlite3.Connection, scan_id: str) -> PhotoOfScan | None:
    row = conn.execute("SELECT scan_id, path, reason, score FROM photos WHERE scan_id = ?", (scan_id,)).fetchone()
    return PhotoOfScan(**dict(row)) if row else None


def _student(conn: sqlite3.Connection, student_key: str) -> Item | None:
    row = conn.execute(
        "SELECT student_key, student_id, name, section, grade, sex, lrn, allowed_session, removed_at FROM students"
        " WHERE student_key = ?",
        (student_key,),
    ).fetchone()
    if row is None:
        return None
    found = dict(row)
    removed = found.pop("removed_at") is not None
    people = [{"phone": each.phone, "name": each.name} for each in roster.guardians(conn, student_key)]
    return {"type": "student", **found, "guardians": people, "removed": removed}


def _erasure(_conn: sqlite3.Connection, student_key: str) -> Item:
    return {"type": "erasure", "student_key": student_key}


_ITEMS: Mapping[str, Callable[[sqlite3.Connection, str], Item | PhotoOfScan | None]] = {
    "scan": _scan,
    "correction": _correction,
    "refusal": _refusal,
    "photo": _photo,
    "student": _student,
    "erasure": _erasure,
}


def _plain(row: sqlite3.Row) -> Item:
    """A row with its truths as such."""
    found = dict(row)
    return found | {name: bool(found[name]) for name in _TRUTHS if name in found}
