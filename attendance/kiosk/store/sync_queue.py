"""What waits for the centre. Rows come in by triggers of the schema; they leave by a signed answer only.

Functions that change something take a connection inside a write transaction.
"""

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from attendance.clock import Moment
from attendance.domain.wire import Result
from attendance.kiosk.store import sync_heads, sync_items
from attendance.kiosk.store.sync_items import Item, PhotoOfScan

LONGEST_WAIT_TRIES = 100
"""Times that the centre may say ``later`` of a record, about three days: what that one waits for does not come."""
MOST_COUNTED = 100_000
"""Counting so many takes a slow gate a tenth of a second; a person is told no more by a larger number."""
_SCHOOL = "centre.school_id"
_AT_ONCE = "tries = 0, reason = '', next_try_boot_id = NULL, next_try_boot_ns = NULL"
_ANEW = f"UPDATE sync_queue SET state = 'waiting', revision = revision + 1, {_AT_ONCE}"
_DUE = "(next_try_boot_id IS NULL OR next_try_boot_id <> :boot_id OR next_try_boot_ns <= :boot_ns)"


@dataclass(frozen=True, slots=True)
class Queued:
    """A row of the queue with the record that it is about.

    Attributes:
        revision: of the record; settles nothing once another one is there.
        record: ``None`` if it is gone.
    """

    position: int
    record_type: str
    record_id: str
    revision: int
    tries: int
    record: Item | PhotoOfScan | None


@dataclass(frozen=True, slots=True)
class Picture:
    """A photo that the centre knows of and whose picture it has yet to get; ``path``: relative to the data directory,
    ``None`` if it is gone."""

    position: int
    scan_id: str
    revision: int
    tries: int
    path: str | None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a row.

    Attributes:
        pause_s: before the next try, for ``later``.
    """

    position: int
    revision: int
    result: Result
    reason: str = ""
    pause_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Waiting:
    """How many rows there are of each kind, up to ``MOST_COUNTED``.

    Attributes:
        why_dead: the reason of the newest that the centre could not take.
    """

    items: int = 0
    pictures: int = 0
    dead: int = 0
    why_dead: str = ""


def take(conn: sqlite3.Connection, limit: int, now: Moment) -> list[Queued]:
    """What may be sent, the oldest first; reads only."""
    rows = conn.execute(
        "SELECT position, record_type, record_id, revision, tries FROM sync_queue"
        f" WHERE state = 'waiting' AND {_DUE} ORDER BY position LIMIT :limit",
        {"boot_id": now.boot_id, "boot_ns": now.boot_ns, "limit": limit},
    ).fetchall()
    return [Queued(**dict(row), record=sync_items.item(conn, row["record_type"], row["record_id"])) for row in rows]


def settle(conn: sqlite3.Connection, verdicts: Iterable[Verdict], now: Moment) -> list[tuple[str, str, str]]:
    """Mark rows by what the centre said of them, those whose record has changed since excepted.

    Returns:
        Type, key and reason of those that a person has to look at.
    """
    dead = []
    for verdict in verdicts:
        row = conn.execute(
            "SELECT record_type, record_id, tries FROM sync_queue"
            " WHERE position = ? AND revision = ? AND state = 'waiting'",
            (verdict.position, verdict.revision),
        ).fetchone()
        if row is None:
            continue
        if verdict.result in (Result.CREATED, Result.DUPLICATE):
            _taken(conn, verdict.position)
        elif verdict.result is Result.LATER and row["tries"] + 1 < LONGEST_WAIT_TRIES:
            _pause(conn, verdict.position, verdict.reason, verdict.pause_s, now)
        else:
            bury(conn, verdict.position, verdict.reason)
            dead.append((row["record_type"], row["record_id"], verdict.reason))
    return dead


def waiting(conn: sqlite3.Connection) -> Waiting:
    """How much is on its way; reads only."""
    newest = conn.execute(
        "SELECT reason FROM sync_queue WHERE state = 'dead' ORDER BY position DESC LIMIT 1"
    ).fetchone()
    return Waiting(
        _count(conn, "waiting"), _count(conn, "announced"), _count(conn, "dead"), newest["reason"] if newest else ""
    )


def has_due(conn: sqlite3.Connection, now: Moment) -> bool:
    """Whether anything but pictures may be sent; reads only."""
    found = conn.execute(
        f"SELECT 1 FROM sync_queue WHERE state = 'waiting' AND {_DUE} LIMIT 1",
        {"boot_id": now.boot_id, "boot_ns": now.boot_ns},
    )
    return found.fetchone() is not None


def next_picture(conn: sqlite3.Connection, now: Moment) -> Picture | None:
    """The oldest picture that may be sent; reads only."""
    row = conn.execute(
        "SELECT q.position, q.record_id AS scan_id, q.revision, q.tries, p.path FROM sync_queue q"
        " LEFT JOIN photos p ON p.scan_id = q.record_id"
        f" WHERE q.state = 'announced' AND {_DUE} ORDER BY q.position LIMIT 1",
        {"boot_id": now.boot_id, "boot_ns": now.boot_ns},
    ).fetchone()
    return Picture(**dict(row)) if row else None


def is_current(conn: sqlite3.Connection, picture: Picture) -> bool:
    """Whether a photo is still the one that was announced; reads only."""
    found = conn.execute(
        "SELECT 1 FROM sync_queue WHERE position = ? AND revision = ? AND state = 'announced'",
        (picture.position, picture.revision),
    )
    return found.fetchone() is not None


def picture_taken(conn: sqlite3.Connection, picture: Picture) -> None:
    """The centre has a picture, or there is none to have any more."""
    conn.execute(
        f"UPDATE sync_queue SET state = 'sent', {_AT_ONCE} WHERE position = ? AND revision = ? AND state = 'announced'",
        (picture.position, picture.revision),
    )


def announce_again(conn: sqlite3.Connection, picture: Picture, reason: str, pause_s: float, now: Moment) -> None:
    """The centre does not know of a picture, or not of this one: tell it anew before sending it.

    After ``LONGEST_WAIT_TRIES`` a person has to look.
    """
    if not is_current(conn, picture):
        return
    if picture.tries + 1 >= LONGEST_WAIT_TRIES:
        bury(conn, picture.position, reason)
        return
    conn.execute(
        "UPDATE sync_queue SET state = 'waiting', revision = revision + 1 WHERE position = ?", (picture.position,)
    )
    _pause(conn, picture.position, reason, pause_s, now)


def bury(conn: sqlite3.Connection, position: int, reason: str) -> None:
    """Leave a row for a person to look at."""
    conn.execute(
        "UPDATE sync_queue SET state = 'dead', reason = ?, tries = tries + 1 WHERE position = ?", (reason, position)
    )


def dead(conn: sqlite3.Connection) -> list[dict[str, Any]]:
    """What the centre could not take, with its reason, the oldest first; reads only."""
    rows = conn.execute(
        "SELECT position, record_type, record_id, reason FROM sync_queue WHERE state = 'dead' ORDER BY position"
    )
    return [dict(row) for row in rows]


def retry_dead(conn: sqlite3.Connection, positions: Sequence[int] = ()) -> int:
    """Send again what the centre could not take: all of it, or these rows; how many."""
    chosen = f" AND position IN ({','.join('?' * len(positions))})" if positions else ""
    return conn.execute(
        f"UPDATE sync_queue SET state = 'waiting', {_AT_ONCE} WHERE state = 'dead'{chosen}", positions
    ).rowcount


def end_pauses(conn: sqlite3.Connection) -> None:
    """Let everything that waits be tried at once."""
    conn.execute(
        f"UPDATE sync_queue SET {_AT_ONCE} WHERE state IN ('waiting', 'announced') AND next_try_boot_id IS NOT NULL"
    )


def queue_erasures(conn: sqlite3.Connection, student_keys: Iterable[str]) -> None:
    """Have the centre forget whoever stands behind the keys, unless it was asked before."""
    conn.executemany(
        "INSERT OR IGNORE INTO sync_queue (record_type, record_id) VALUES ('erasure', ?)",
        [(key,) for key in student_keys],
    )


def unqueued_erasures(conn: sqlite3.Connection, student_keys: Iterable[str]) -> list[str]:
    """Those keys whose erasure the centre was never told; reads only."""
    told = {row[0] for row in conn.execute("SELECT record_id FROM sync_queue WHERE record_type = 'erasure'")}
    return [key for key in student_keys if key not in told]


def school(conn: sqlite3.Connection) -> str:
    """The id of the school whose centre has what was sent; empty if nothing ever was. Reads only."""
    row = conn.execute("SELECT value FROM meta WHERE key = ?", (_SCHOOL,)).fetchone()
    return str(row["value"]) if row else ""


def belong_to(conn: sqlite3.Connection, school_id: str) -> bool:
    """Send to a school's centre from here on: everything, if another one had it before; whether that is so."""
    moved = school(conn) not in ("", school_id)
    if moved:
        conn.execute(_ANEW)
        sync_heads.forget(conn)
    conn.execute(
        "INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        (_SCHOOL, school_id),
    )
    return moved


def send_anew(conn: sqlite3.Connection, after: int, limit: int) -> int | None:
    """Send rows again that the centre once took, from the one behind a position on; the last of them, if any."""
    page = "SELECT position FROM sync_queue WHERE position > ? ORDER BY position LIMIT ?"
    last: int | None = conn.execute(f"SELECT max(position) FROM ({page})", (after, limit)).fetchone()[0]
    if last is not None:
        conn.execute(f"{_ANEW} WHERE position > ? AND position <= ?", (after, last))
    return last


def _count(conn: sqlite3.Connection, state: str) -> int:
    # the state is written into the statement: a bound one would not let SQLite use the index of that state alone
    rows = f"SELECT 1 FROM sync_queue WHERE state = '{state}' LIMIT {MOST_COUNTED}"
    return int(conn.execute(f"SELECT count(*) FROM ({rows})").fetchone()[0])


def _taken(conn: sqlite3.Connection, position: int) -> None:
    """A photo's picture follows, if there is one."""
    conn.execute(
        "UPDATE sync_queue SET state = CASE WHEN record_type = 'photo' AND EXISTS"
        " (SELECT 1 FROM photos p WHERE p.scan_id = sync_queue.record_id AND p.path IS NOT NULL)"
        " THEN 'announced' ELSE 'sent' END, reason = '', next_try_boot_id = NULL, next_try_boot_ns = NULL"
        " WHERE position = ?",
        (position,),
    )


def _pause(conn: sqlite3.Connection, position: int, reason: str, pause_s: float, now: Moment) -> None:
    conn.execute(
        "UPDATE sync_queue SET tries = tries + 1, reason = ?, next_try_boot_id = ?, next_try_boot_ns = ?"
        " WHERE position = ?",
        (reason, now.boot_id, now.boot_ns + round(pause_s * 1e9), position),
    )
