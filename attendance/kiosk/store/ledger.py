"""Where a scan is recorded: one transaction for the attendance row, its SMS rows and its sync row.

The sync row is written by the schema, as every record's is (``005_sync.sql``).

Every function that does not say it only reads takes a connection inside a write transaction
(``ops.sqlite.Writer.run`` or ``database.writing``).
"""

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from uuid6 import uuid7

from attendance.clock import Moment, from_rfc3339, rfc3339
from attendance.domain.message import MessageKind, priority
from attendance.domain.scan import Accepted, Direction, PastScan, Refusal
from attendance.kiosk.store import sync_items
from attendance.vision.messages import Check

_LONGEST_STORED_PAYLOAD = 200
"""Characters of an unknown payload kept for the office; more would let anybody fill the disk with a big code."""
_LONGEST_SESSION = timedelta(days=2)
"""A session that runs past midnight lies within two days; earlier scans cannot matter to a decision."""
_HISTORY = """
SELECT coalesce(c.scanned_at, a.scanned_at) AS scanned_at, a.day, a.session, a.direction
FROM attendance a LEFT JOIN clock_corrections c USING (scan_id)
WHERE a.student_key = :key AND coalesce(c.scanned_at, a.scanned_at) BETWEEN :first AND :last
UNION ALL
SELECT f.scanned_at, f.day, f.session, f.direction
FROM students s CROSS JOIN foreign_scans f USING (student_id)
WHERE s.student_key = :key AND f.scanned_at BETWEEN :first AND :last
"""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a sighting came from: ``source`` is ``camera`` or ``reader``."""

    device_id: str
    source: str


@dataclass(frozen=True, slots=True)
class CardUsed:
    issue: int
    signed: bool


@dataclass(frozen=True, slots=True)
class Recorded:
    """What the ledger made of an accepted scan."""

    scan_id: str
    epoch: str
    seq: int


def history(conn: sqlite3.Connection, student_key: str, at: datetime, zone: ZoneInfo) -> list[PastScan]:
    """The student's accepted scans around ``at``, those of the other gates too, as the rules want them; reads only."""
    rows = conn.execute(
        _HISTORY,
        {"key": student_key, "first": rfc3339(at - _LONGEST_SESSION), "last": rfc3339(at + _LONGEST_SESSION)},
    )
    return [
        PastScan(
            local(from_rfc3339(r["scanned_at"]), zone),
            date.fromisoformat(r["day"]),
            r["session"],
            Direction(r["direction"]),
        )
        for r in rows
    ]


def free_passage(conn: sqlite3.Connection, student_key: str, scan: Accepted) -> int:
    """The number of a scan's passage, or the first higher one that is free at this gate; reads only.

    Scans that were counted once may count no more since they were dated afresh, here or at another gate.
    """
    last = conn.execute(
        "SELECT max(passage) FROM attendance WHERE student_key = ? AND day = ? AND session = ? AND direction = ?",
        (student_key, scan.day.isoformat(), scan.session, scan.direction),
    ).fetchone()[0]
    return max(scan.passage, int(last or 0) + 1)


def local(at: datetime, zone: ZoneInfo) -> datetime:
    """Naive local time of the school."""
    return at.astimezone(zone).replace(tzinfo=None)


def record(
    conn: sqlite3.Connection,
    student_key: str,
    scan: Accepted,
    seen: Moment,
    origin: Origin,
    card: CardUsed,
    message: MessageKind | None,
) -> Recorded:
    """Write an accepted scan with everything that must leave because of it.

    Args:
        message: what guardians with a number are told; ``None`` when SMS is off or this kind is.
    """
    epoch = current_epoch(conn)
    last = _last(conn, origin.device_id, epoch)
    scan_id = str(uuid7())
    row = {
        "scan_id": scan_id,
        "device_id": origin.device_id,
        "epoch": epoch,
        "seq": last.seq + 1,
        "student_key": student_key,
        "day": scan.day.isoformat(),
        "session": scan.session,
        "direction": scan.direction,
        "status": scan.status,
        "passage": scan.passage,
        "minutes_late": scan.minutes_late,
        "scanned_at": rfc3339(seen.at),
        "boot_id": seen.boot_id,
        "boot_ns": seen.boot_ns,
        "clock_trusted": seen.trusted,
        "source": origin.source,
        "card_issue": card.issue,
        "card_signed": card.signed,
    }
    conn.execute(
        "INSERT INTO attendance (scan_id, device_id, epoch, seq, student_key, day, session, direction, status, passage,"
        " minutes_late, scanned_at, boot_id, boot_ns, clock_trusted, source, card_issue, card_signed, chain)"
        " VALUES (:scan_id, :device_id, :epoch, :seq, :student_key, :day, :session, :direction, :status, :passage,"
        " :minutes_late, :scanned_at, :boot_id, :boot_ns, :clock_trusted, :source, :card_issue, :card_signed, :chain)",
        row | {"chain": sync_items.link(row, last.chain)},
    )
    if message is not None:
        _queue_messages(conn, scan_id, student_key, message, seen)
    return Recorded(scan_id, epoch, last.seq + 1)


def _queue_messages(conn: sqlite3.Connection, scan_id: str, student_key: str, kind: MessageKind, seen: Moment) -> None:
    guardians = conn.execute("SELECT guardian_id FROM guardians WHERE student_key = ?", (student_key,)).fetchall()
    made = (rfc3339(seen.at), seen.boot_id, seen.boot_ns, seen.trusted)
    conn.executemany(
        "INSERT INTO sms_outbox"
        " (message_id, scan_id, student_key, guardian_id, kind, priority, made_at, made_boot_id, made_boot_ns,"
        " made_trusted) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (str(uuid7()), scan_id, student_key, guardian["guardian_id"], kind, priority(kind), *made)
            for guardian in guardians
        ],
    )


def refuse(
    conn: sqlite3.Connection,
    refusal: Refusal,
    student_key: str | None,
    payload: str,
    seen: Moment,
    day: date,
    origin: Origin,
) -> str:
    """Keep a refused sighting for the office; its id.

    A known student's payload is not kept: the key says enough.
    """
    refusal_id = str(uuid7())
    shown = "" if student_key else payload.encode("utf-8", "backslashreplace").decode()[:_LONGEST_STORED_PAYLOAD]
    conn.execute(
        "INSERT INTO refusals (refusal_id, device_id, refusal, student_key, payload, day, seen_at, boot_id, boot_ns,"
        " clock_trusted, source) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            refusal_id,
            origin.device_id,
            refusal,
            student_key,
            shown,
            day.isoformat(),
            rfc3339(seen.at),
            seen.boot_id,
            seen.boot_ns,
            seen.trusted,
            origin.source,
        ),
    )
    return refusal_id


def attach_photo(
    conn: sqlite3.Connection, scan_id: str, path: str | None, reason: str, score: float, checks: Sequence[Check]
) -> str | None:
    """Attach a scan's photo (path relative to the data directory), or the reason why there is none.

    A better photo replaces an earlier one, a reason never does.

    Returns:
        The path of the photo that was replaced and may go, if any.
    """
    before = conn.execute("SELECT path FROM photos WHERE scan_id = ?", (scan_id,)).fetchone()
    replaced = before["path"] if before else None
    if path is None and replaced is not None:
        return None
    conn.execute(
        "INSERT INTO photos (scan_id, path, reason, score, checks) VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT (scan_id) DO UPDATE SET path = excluded.path, reason = excluded.reason, score = excluded.score,"
        " checks = excluded.checks",
        (scan_id, path, reason, score, json.dumps([asdict(check) for check in checks])),
    )
    return replaced if replaced != path else None


def close_photos(conn: sqlite3.Connection, reason: str) -> int:
    """Give every scan whose photo never came, because a process ended before it, the reason; how many."""
    return conn.execute(
        "INSERT INTO photos (scan_id, path, reason, score, checks) SELECT scan_id, NULL, ?, 0, '[]'"
        " FROM attendance LEFT JOIN photos USING (scan_id) WHERE photos.scan_id IS NULL",
        (reason,),
    ).rowcount


def undated(conn: sqlite3.Connection, boot_id: str) -> list[sqlite3.Row]:
    """Scans of this boot that were recorded before the clock was known good and are not corrected yet; reads only."""
    return conn.execute(
        "SELECT a.scan_id, a.student_key, a.boot_ns, a.day, a.session, a.direction, a.status FROM attendance a"
        " LEFT JOIN clock_corrections c USING (scan_id)"
        " WHERE a.boot_id = ? AND a.clock_trusted = 0 AND c.scan_id IS NULL ORDER BY a.boot_ns",
        (boot_id,),
    ).fetchall()


def correct_clock(
    conn: sqlite3.Connection, scan_id: str, at: datetime, day: date, status: str, minutes_late: int, now: Moment
) -> None:
    """Date a scan afresh, and its messages; the row itself and its keys stay as they are."""
    conn.execute(
        "INSERT OR IGNORE INTO clock_corrections (scan_id, scanned_at, day, status, minutes_late, corrected_at)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        (scan_id, rfc3339(at), day.isoformat(), status, minutes_late, rfc3339(now.at)),
    )
    conn.execute(
        "UPDATE sms_outbox SET made_at = ?, made_trusted = 1 WHERE scan_id = ? AND retry_of IS NULL",
        (rfc3339(at), scan_id),
    )


def current_epoch(conn: sqlite3.Connection) -> str:
    return str(conn.execute("SELECT epoch FROM epochs ORDER BY position DESC LIMIT 1").fetchone()["epoch"])


@dataclass(frozen=True, slots=True)
class _Last:
    """The last number given out, 0 before the first, and the link of the chain that belongs to it."""

    seq: int
    chain: str


def _last(conn: sqlite3.Connection, device_id: str, epoch: str) -> _Last:
    row = conn.execute(
        "SELECT seq, chain FROM attendance WHERE device_id = ? AND epoch = ? ORDER BY seq DESC LIMIT 1",
        (device_id, epoch),
    ).fetchone()
    return _Last(row["seq"], row["chain"]) if row else _Last(0, "")
