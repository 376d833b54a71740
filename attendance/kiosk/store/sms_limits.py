"""What limits messages, so that it outlives the process: requests made, parts sent, news told a moment ago.

Every function that does not say it only reads takes a connection inside a write transaction.
"""

import sqlite3
from collections.abc import Iterable
from datetime import date, timedelta, tzinfo

from attendance.clock import Moment, age, from_rfc3339, rfc3339
from attendance.domain.ratelimit import Window, free_in_s

_KEPT = timedelta(hours=1)
"""The longest window."""
_FORGOTTEN_AT_ONCE = 20


def slot_wait_s(conn: sqlite3.Connection, now: Moment, windows: Iterable[Window]) -> float:
    """How long until a request may be made; reads only.

    A request under way counts as one that ends now. One of an earlier boot whose age is not known counts as made when
    this boot began.
    """
    now_s = now.boot_ns / 1e9
    waits = [0.0]
    for window in windows:
        nth_newest = "SELECT * FROM sms_slots ORDER BY slot_id DESC LIMIT 1 OFFSET ?"
        row = conn.execute(nth_newest, (window.limit - 1,)).fetchone()
        if row is not None:
            left_at = now_s - _age(row, now).total_seconds() if row["ended"] else now_s
            waits.append(free_in_s(left_at, now_s, window))
    return max(waits)


def reserve_slot(conn: sqlite3.Connection, message_id: str, now: Moment) -> int:
    """Note that a request is about to be made; the slot's number. Call when ``slot_wait_s`` is 0."""
    old = conn.execute("SELECT * FROM sms_slots WHERE ended = 1 ORDER BY slot_id LIMIT ?", (_FORGOTTEN_AT_ONCE,))
    gone = [(row["slot_id"],) for row in old if _age(row, now) > _KEPT]
    conn.executemany("DELETE FROM sms_slots WHERE slot_id = ?", gone)
    added = conn.execute(
        "INSERT INTO sms_slots (message_id, at, boot_id, boot_ns, clock_trusted) VALUES (?, ?, ?, ?, ?)",
        (message_id, *_stamp(now)),
    )
    return int(added.lastrowid or 0)


def end_slot(conn: sqlite3.Connection, slot_id: int, now: Moment) -> None:
    """The request ended: its slot frees a whole window from now."""
    conn.execute(
        "UPDATE sms_slots SET ended = 1, at = ?, boot_id = ?, boot_ns = ?, clock_trusted = ? WHERE slot_id = ?",
        (*_stamp(now), slot_id),
    )


def end_all_slots(conn: sqlite3.Connection, now: Moment) -> None:
    """Requests of a process that is gone: none is under way any more, and when they ended is not known."""
    for row in conn.execute("SELECT slot_id FROM sms_slots WHERE ended = 0").fetchall():
        end_slot(conn, row["slot_id"], now)


def release_slot(conn: sqlite3.Connection, slot_id: int) -> None:
    """No request was made after all."""
    conn.execute("DELETE FROM sms_slots WHERE slot_id = ?", (slot_id,))


def local_day(conn: sqlite3.Connection, now: Moment, zone: tzinfo) -> date:
    """The day that parts are counted under; while the clock is not trusted, the last one known. Reads only."""
    if not now.trusted:
        last = conn.execute("SELECT max(day) FROM sms_parts").fetchone()[0]
        if last is not None:
            return date.fromisoformat(last)
    return now.at.astimezone(zone).date()


def parts_sent(conn: sqlite3.Connection, day: date) -> tuple[int, int]:
    """Message parts that gateways took on a day, and in its month; reads only."""
    row = conn.execute(
        "SELECT sum(parts) FILTER (WHERE day = :day), sum(parts) FROM sms_parts WHERE day BETWEEN :first AND :last",
        {"day": day.isoformat(), "first": f"{day:%Y-%m}-01", "last": f"{day:%Y-%m}-31"},
    ).fetchone()
    return int(row[0] or 0), int(row[1] or 0)


def count_parts(conn: sqlite3.Connection, day: date, parts: int) -> None:
    """A gateway took a message, or may have taken it for good."""
    conn.execute(
        "INSERT INTO sms_parts (day, parts) VALUES (?, ?)"
        " ON CONFLICT (day) DO UPDATE SET parts = parts + excluded.parts",
        (day.isoformat(), parts),
    )


def told_within(conn: sqlite3.Connection, guardian_id: int, kind: str, cooldown: timedelta, now: Moment) -> bool:
    """Whether a gateway took a message of this kind for this guardian a moment ago; reads only.

    After a reboot it is not known without a trusted clock, and what is not known drops no message.
    """
    row = conn.execute(
        "SELECT * FROM sms_last_taken WHERE guardian_id = ? AND kind = ?", (guardian_id, kind)
    ).fetchone()
    if row is None or (row["boot_id"] != now.boot_id and not (row["clock_trusted"] and now.trusted)):
        return False
    return _age(row, now) < cooldown


def note_told(conn: sqlite3.Connection, guardian_id: int, kind: str, now: Moment) -> None:
    """A gateway took a message; nothing is noted for guardians who are no longer on the roster."""
    conn.execute(
        "INSERT OR REPLACE INTO sms_last_taken (guardian_id, kind, at, boot_id, boot_ns, clock_trusted)"
        " SELECT guardian_id, ?, ?, ?, ?, ? FROM guardians WHERE guardian_id = ?",
        (kind, *_stamp(now), guardian_id),
    )


def _stamp(now: Moment) -> tuple[str, str, int, bool]:
    return rfc3339(now.at), now.boot_id, now.boot_ns, now.trusted


def _age(row: sqlite3.Row, now: Moment) -> timedelta:
    made = Moment(from_rfc3339(row["at"]), row["boot_id"], row["boot_ns"], bool(row["clock_trusted"]))
    return age(made, now)
