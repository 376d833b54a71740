"""What an absence is found from, and what was decided about each session: rounds, and the orders of persons."""

import sqlite3
from dataclasses import dataclass
from datetime import date, datetime

from attendance.clock import Moment, rfc3339
from attendance.domain.absence import Enrolled, Order, Passage, Plan, Reason
from attendance.domain.message import MessageKind
from attendance.domain.scan import Direction
from attendance.domain.student import Student

_AT_THE_GATE = (
    "o.state = 'waiting' AND o.asked = 0 AND o.retry_of IS NULL"
    " AND NOT EXISTS (SELECT 1 FROM sms_outbox h WHERE h.message_id = o.merged_into"
    " AND (h.state <> 'waiting' OR h.asked = 1))"
)
"""No gateway may have it, nor the message that tells it too, and no person has asked for it by itself."""
_SHOWN_HOLES = 5
"""Enough to see that a gate comes and goes."""


@dataclass(frozen=True, slots=True)
class Round:
    """What was decided about one session.

    Attributes:
        told: final; otherwise ``reasons`` say why nothing was sent.
        detail: when the gate did not provably work, in words.
        named: how many students did not come, or did not leave.
        messages: how many were queued.
    """

    day: date
    session: str
    kind: MessageKind
    told: bool
    reasons: tuple[Reason, ...]
    detail: str
    expected: int
    named: int
    messages: int


def roster(conn: sqlite3.Connection, day_begins: datetime) -> list[Enrolled]:
    """Who may pass on a day that begins at ``day_begins``, aware; reads only."""
    rows = conn.execute(
        "SELECT student_key, student_id, name, section, allowed_session, added_at < ? AS settled"
        " FROM students WHERE removed_at IS NULL ORDER BY section, name, student_id",
        (rfc3339(day_begins),),
    )
    return [
        Enrolled(
            Student(row["student_key"], row["student_id"], row["name"], row["section"], row["allowed_session"]),
            bool(row["settled"]),
        )
        for row in rows
    ]


_SCANS = """
SELECT a.student_key, a.day, a.session, a.direction, a.status, a.scanned_at, a.seq
FROM attendance a LEFT JOIN clock_corrections c USING (scan_id)
WHERE a.day BETWEEN :first AND :last AND c.scan_id IS NULL
UNION ALL
SELECT a.student_key, c.day, a.session, NULL, c.status, c.scanned_at, a.seq
FROM clock_corrections c CROSS JOIN attendance a USING (scan_id)
WHERE c.day BETWEEN :first AND :last
UNION ALL
SELECT s.student_key, f.day, f.session, f.direction, f.status, f.scanned_at, 0
FROM foreign_scans f JOIN students s USING (student_id)
WHERE f.day BETWEEN :first AND :last
UNION ALL
SELECT s.student_key, f.day, '', NULL, iif(f.late, 'late', ''), '', 0
FROM foreign_days f JOIN students s USING (student_id)
WHERE f.day BETWEEN :first AND :last
"""
"""This gate's, and those of the school's others as far as they are here. In halves: no index serves the corrected
day of a row that may be corrected or not. The direction of a corrected one is unknown: the time that decided it was
wrong. Of older ones at other gates only the day is here."""
_REFUSED = """
SELECT coalesce(r.student_key, s.student_key) AS student_key, '' AS session, NULL AS direction, r.seen_at, 0 AS seq
FROM refusals r LEFT JOIN students s ON s.student_id = r.payload
WHERE r.day = :first AND r.refusal <> 'duplicate' AND coalesce(r.student_key, s.student_key) IS NOT NULL
"""
"""Whoever shows a card that is not taken is here. A duplicate says nothing new: most are one card held for too long."""


def passages(conn: sqlite3.Connection, day: date) -> dict[str, list[Passage]]:
    """The cards shown for a day's sessions in the order of time, by student; reads only."""
    rows = conn.execute(
        f"SELECT student_key, session, direction, scanned_at, seq FROM ({_SCANS}) UNION ALL {_REFUSED}"
        " ORDER BY scanned_at, seq",
        {"first": day.isoformat(), "last": day.isoformat()},
    )
    found: dict[str, list[Passage]] = {}
    for row in rows:
        direction = Direction(row["direction"]) if row["direction"] else None
        found.setdefault(row["student_key"], []).append(Passage(row["session"], direction))
    return found


def days_present(conn: sqlite3.Connection, first: date, last: date) -> dict[str, dict[date, bool]]:
    """By student the days with a scan, and whether the arrival was late; reads only."""
    rows = conn.execute(
        f"SELECT student_key, day, max(status = 'late') AS late FROM ({_SCANS}) GROUP BY student_key, day",
        {"first": first.isoformat(), "last": last.isoformat()},
    )
    found: dict[str, dict[date, bool]] = {}
    for row in rows:
        found.setdefault(row["student_key"], {})[date.fromisoformat(row["day"])] = bool(row["late"])
    return found


def round_of(conn: sqlite3.Connection, day: date, session: str, kind: MessageKind) -> Round | None:
    """What was decided about a session; reads only."""
    row = conn.execute(
        "SELECT * FROM absence_rounds WHERE day = ? AND session = ? AND kind = ?", (day.isoformat(), session, kind)
    ).fetchone()
    return _round(row) if row is not None else None


def rounds_since(conn: sqlite3.Connection, day: date) -> list[Round]:
    """Every decision about ``day`` and later ones; reads only."""
    rows = conn.execute(
        "SELECT * FROM absence_rounds WHERE day >= ? ORDER BY day, decided_at, session, kind", (day.isoformat(),)
    )
    return [_round(row) for row in rows]


def as_round(plan: Plan, messages: int = 0) -> Round:
    """A plan as it is kept."""
    holes = ", ".join(f"{start:%H:%M}-{end:%H:%M}" for start, end in plan.holes[:_SHOWN_HOLES])
    holes += f" and {more} times more" if (more := len(plan.holes) - _SHOWN_HOLES) > 0 else ""
    named = len(plan.named)
    return Round(
        plan.day, plan.session, plan.kind, not plan.reasons, plan.reasons, holes, plan.expected, named, messages
    )


def keep_round(conn: sqlite3.Connection, made: Round, now: Moment) -> None:
    """Enter what was decided, inside a write transaction; a round that was told stays as it is."""
    conn.execute(
        "INSERT INTO absence_rounds"
        " (day, session, kind, decision, reasons, detail, expected, named, messages, decided_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (day, session, kind) DO UPDATE SET"
        " decision = excluded.decision, reasons = excluded.reasons, detail = excluded.detail,"
        " expected = excluded.expected, named = excluded.named, messages = excluded.messages,"
        " decided_at = excluded.decided_at WHERE decision <> 'told'",
        (
            made.day.isoformat(),
            made.session,
            made.kind,
            "told" if made.told else "held",
            " ".join(made.reasons),
            made.detail,
            made.expected,
            made.named,
            made.messages,
            rfc3339(now.at),
        ),
    )


def order_for(conn: sqlite3.Connection, day: date, session: str, due: datetime) -> Order | None:
    """What a person said about a session; who switched off a day or a session has the last word; reads only.

    Args:
        due: when the session is judged, aware. A confirmation from before is none: nobody knew how many there would be.
    """
    rows = conn.execute(
        "SELECT wish FROM absence_orders WHERE day = ? AND session IN (?, '') AND (wish = 'off' OR given_at >= ?)",
        (day.isoformat(), session, rfc3339(due)),
    )
    wishes = {row["wish"] for row in rows}
    return next((order for order in (Order.OFF, Order.CONFIRM) if order in wishes), None)


def is_off(conn: sqlite3.Connection, day: date, session: str) -> bool:
    """Whether a person has switched off just this: one session, or a day (``session`` empty); reads only."""
    found = conn.execute(
        "SELECT 1 FROM absence_orders WHERE day = ? AND session = ? AND wish = 'off'", (day.isoformat(), session)
    )
    return found.fetchone() is not None


def give_order(conn: sqlite3.Connection, day: date, session: str, order: Order, now: Moment) -> None:
    """Keep what a person says about a day (``session`` empty) or one session, inside a write transaction."""
    conn.execute(
        "INSERT INTO absence_orders (day, session, wish, given_at) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (day, session) DO UPDATE SET wish = excluded.wish, given_at = excluded.given_at",
        (day.isoformat(), session, order, rfc3339(now.at)),
    )


def take_order_back(conn: sqlite3.Connection, day: date, session: str) -> None:
    """Forget what was said about one session, or about a day and all its sessions; inside a write transaction."""
    conn.execute("DELETE FROM absence_orders WHERE day = ? AND ? IN (session, '')", (day.isoformat(), session))


def waiting(conn: sqlite3.Connection) -> list[tuple[date, str, MessageKind]]:
    """Day, session and kind of the rounds that were told, and of which messages still wait; reads only."""
    rows = conn.execute(
        f"SELECT DISTINCT o.day, o.session, o.kind FROM sms_outbox o WHERE {_AT_THE_GATE}"
        " AND o.kind IN ('absence', 'no_checkout') AND o.day IS NOT NULL ORDER BY 1, 2, 3"
    )
    return [(date.fromisoformat(row["day"]), row["session"], MessageKind(row["kind"])) for row in rows]


def withdraw(conn: sqlite3.Connection, day: date, session: str, kind: MessageKind, reason: str, now: Moment) -> int:
    """Cancel what still waits of a round, inside a write transaction; how many messages. What a gateway may have
    stays."""
    return conn.execute(
        "UPDATE sms_outbox AS o SET state = 'cancelled', reason = ?, ended_at = ?"
        f" WHERE {_AT_THE_GATE} AND o.day = ? AND o.session = ? AND o.kind = ?",
        (reason, rfc3339(now.at), day.isoformat(), session, kind),
    ).rowcount


def _round(row: sqlite3.Row) -> Round:
    return Round(
        date.fromisoformat(row["day"]),
        row["session"],
        MessageKind(row["kind"]),
        row["decision"] == "told",
        tuple(Reason(code) for code in row["reasons"].split()),
        row["detail"],
        row["expected"],
        row["named"],
        row["messages"],
    )
