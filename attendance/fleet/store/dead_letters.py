"""Items that could not be taken, kept until a person has looked at them."""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, func, select, update

from attendance.domain.wire import ItemResult
from attendance.fleet.store import dialect
from attendance.fleet.store.gates import Gate
from attendance.fleet.store.tables import dead_letters

_LONGEST_ITEM = 4000
_LONGEST_NAME = 64


@dataclass(frozen=True, slots=True)
class Letter:
    """
    Attributes:
        result: ``conflict`` or ``rejected``.
        item: JSON as it came, cut if it is long; may hold personal data.
        times: how often it came.
    """

    letter_id: int
    gate_id: str
    result: str
    reason: str
    type: str
    item_id: str
    item: str
    times: int
    first_at: datetime
    last_at: datetime
    settled_at: datetime | None
    settled_by: str | None


_COLUMNS = tuple(dead_letters.c[name] for name in Letter.__slots__)


def add(conn: Connection, gate: Gate, refused: Sequence[tuple[Any, ItemResult]], now: datetime) -> None:
    """Keep items as they came, each with what was answered. One that comes again is counted, and is open again."""
    for raw, result in refused:
        row = _row(gate, raw, result)
        statement = dialect.insert(conn, dead_letters).values(**row, times=1, first_at=now, last_at=now)
        again = {
            "times": dead_letters.c.times + 1,
            "last_at": now,
            "reason": result.reason,
            "settled_at": None,
            "settled_by": None,
        }
        conn.execute(statement.on_conflict_do_update(index_elements=["gate_id", "item_hash"], set_=again))


def of_school(conn: Connection, school_id: str, limit: int, *, settled: bool = False) -> list[Letter]:
    """Newest first; those that a person has settled only if asked."""
    query = select(*_COLUMNS).where(dead_letters.c.school_id == school_id)
    if not settled:
        query = query.where(dead_letters.c.settled_at.is_(None))
    query = query.order_by(dead_letters.c.last_at.desc(), dead_letters.c.letter_id.desc()).limit(limit)
    return [Letter(*row) for row in conn.execute(query)]


def count(conn: Connection, school_id: str) -> int:
    """How many a person has still to look at."""
    query = select(func.count()).where(dead_letters.c.school_id == school_id, dead_letters.c.settled_at.is_(None))
    return int(conn.execute(query).scalar_one())


def settle(conn: Connection, school_id: str, letter_id: int, who: str, now: datetime) -> bool:
    """Note that a person has dealt with one; whether it was open."""
    statement = update(dead_letters).where(
        dead_letters.c.school_id == school_id,
        dead_letters.c.letter_id == letter_id,
        dead_letters.c.settled_at.is_(None),
    )
    return bool(conn.execute(statement.values(settled_at=now, settled_by=who)).rowcount)


def forget(conn: Connection, school_id: str, keys: Iterable[str]) -> None:
    """Delete what is about the owner of these keys."""
    named = dialect.among(conn, dead_letters.c.student_key, list(keys))
    conn.execute(delete(dead_letters).where(dead_letters.c.school_id == school_id, named))


def forget_settled(conn: Connection, before: datetime) -> int:
    """Delete what was settled before then, of all schools; how many that were."""
    return conn.execute(delete(dead_letters).where(dead_letters.c.settled_at < before)).rowcount


def _row(gate: Gate, raw: Any, result: ItemResult) -> dict[str, Any]:
    text = _text(raw)
    fields = raw if isinstance(raw, dict) else {}
    named = (fields.get(name) for name in ("scan_id", "refusal_id", "student_key"))
    return {
        "school_id": gate.school_id,
        "gate_id": gate.gate_id,
        "result": result.result.value,
        "reason": result.reason,
        "type": _word(fields.get("type")),
        "item_id": next((_word(each) for each in named if each), ""),
        "student_key": _word(fields.get("student_key")) or None,
        "item": text[:_LONGEST_ITEM],
        "item_hash": hashlib.sha256(text.encode()).hexdigest(),
    }


def _text(raw: Any) -> str:
    """ASCII: what databases refuse in texts stays escaped."""
    try:
        return json.dumps(raw, sort_keys=True)
    except RecursionError:
        return '"nested too deeply to be shown"'


def _word(value: Any) -> str:
    """Part of a text that may be anything, as every database takes it."""
    return ascii(value)[1:-1][:_LONGEST_NAME] if isinstance(value, str) else ""
