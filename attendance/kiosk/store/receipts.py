"""Where delivery reports are kept, and what they make of the outbox. The way back of ``ledger``.

Every function that does not say it only reads takes a connection inside a write transaction.
"""

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta, tzinfo

from uuid6 import uuid7

from attendance.clock import Moment, age, from_rfc3339, rfc3339
from attendance.domain.message import lifetime
from attendance.domain.receipt import GatewayState, PhoneHealth, Report, follows
from attendance.kiosk.store import delivery_log, report_polls

KEPT_REPORTS = 20_000
"""Reports remembered. A school of 1,000 students makes some 4,000 a day; the gateway repeats one for two days."""
KEPT_FOR = timedelta(days=90)
KEPT_PHONES = 8
_PRUNE_EVERY = 250
"""Reports between two cuts by number: rare enough to cost nothing, small enough not to hold up a scan."""
_RECEIVED = "received"
_PART_DELIVERED = "sms:delivered"
_ENDS = {GatewayState.CANCELLED, GatewayState.DELIVERED, GatewayState.FAILED}


@dataclass(frozen=True, slots=True)
class Rules:
    """How reports are kept, as configured.

    Attributes:
        log_deliveries: whether ``sms_delivery_log`` is written.
        retry_failed: whether a failed message is sent once more.
        expire_after: from when on news is too old to be sent again.
        zone: of the log's ``timestamp``, which is local time without offset.
    """

    log_deliveries: bool
    retry_failed: bool
    expire_after: timedelta
    zone: tzinfo


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a report did.

    Attributes:
        repeated: it had been here before; nothing was done.
        known: its message is one of ours.
        moved: its message came into a new state.
        retry: id of the message that repeats the failed one; empty: none.
    """

    repeated: bool = False
    known: bool = False
    moved: bool = False
    retry: str = ""


def record(conn: sqlite3.Connection, report: Report, now: Moment, rules: Rules) -> Outcome:
    """Keep a report, and move its message on if it is news."""
    message = _message(conn, report.message_id)
    position = _remember(conn, report, now, known=message is not None)
    if position is None:
        return Outcome(repeated=True, known=message is not None)
    if position % _PRUNE_EVERY == 0:
        _forget_through(conn, position - KEPT_REPORTS)
    if report.health is not None:
        _keep_phone(conn, report.device_id, report.health, now)
    if report.state is None:
        return Outcome()
    _count(conn, _RECEIVED)
    state = _counted_state(conn, report, report.state, message)
    news = True
    if rules.log_deliveries:
        student_id = message["student_id"] if message is not None else None
        news = delivery_log.update(conn, replace(report, state=state), student_id, now, rules.zone)
    moved = _move(conn, message, state, report.reason, now) if message is not None else news
    if moved:
        _count(conn, state)
    retry = ""
    if message is not None and moved and state is GatewayState.FAILED and rules.retry_failed:
        retry = _retry(conn, message, now, rules.expire_after)
    return Outcome(known=message is not None, moved=moved, retry=retry)


def forget_old(conn: sqlite3.Connection, now: Moment) -> None:
    """Drop reports past ``KEPT_FOR``. What was received by an untrusted clock goes with the next that was not, and an
    untrusted clock drops nothing."""
    if not now.trusted:
        return
    row = conn.execute(
        "SELECT max(position) FROM sms_reports WHERE clock_trusted = 1 AND received_at < ?",
        (rfc3339(now.at - KEPT_FOR),),
    )
    _forget_through(conn, row.fetchone()[0] or 0)


def totals(conn: sqlite3.Connection) -> Mapping[str, int]:
    """Reports received (``received``), and messages by the state they came into, since the database was made; reads
    only."""
    rows = conn.execute("SELECT what, total FROM sms_report_totals")
    return {_RECEIVED: 0, **{row["what"]: row["total"] for row in rows}}


def last_ping(conn: sqlite3.Connection) -> sqlite3.Row | None:
    """The newest ping of any phone; reads only."""
    row: sqlite3.Row | None = conn.execute("SELECT * FROM sms_phones ORDER BY rowid DESC LIMIT 1").fetchone()
    return row


def _message(conn: sqlite3.Connection, message_id: str) -> sqlite3.Row | None:
    if not message_id:
        return None
    row: sqlite3.Row | None = conn.execute(
        "SELECT o.*, s.student_id FROM sms_outbox o LEFT JOIN students s USING (student_key) WHERE message_id = ?",
        (message_id,),
    ).fetchone()
    return row


def _remember(conn: sqlite3.Connection, report: Report, now: Moment, *, known: bool) -> int | None:
    """The report's place in the evidence; ``None`` when it is there already."""
    added = conn.execute(
        "INSERT INTO sms_reports (event_id, event, message_id, state, reason, device_id, known, happened_at,"
        " received_at, boot_id, boot_ns, clock_trusted) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (event_id) DO NOTHING",
        (
            report.event_id,
            report.event,
            report.message_id,
            report.state or "",
            report.reason,
            report.device_id,
            known,
            rfc3339(report.happened_at) if report.happened_at else None,
            rfc3339(now.at),
            now.boot_id,
            now.boot_ns,
            now.trusted,
        ),
    )
    return added.lastrowid if added.rowcount else None


def _counted_state(
    conn: sqlite3.Connection, report: Report, state: GatewayState, message: sqlite3.Row | None
) -> GatewayState:
    """What a report makes of its message: all parts of a long one must be delivered.

    The phone reports each part, and calls the message delivered from the first one on, also when it is asked
    (``processStateIntent`` of capcom6/android-sms-gateway).
    """
    if message is None or state is not GatewayState.DELIVERED or message["parts"] < 2:
        return state
    delivered = conn.execute(
        "SELECT count(*) FROM sms_reports WHERE message_id = ? AND event = ?", (report.message_id, _PART_DELIVERED)
    ).fetchone()[0]
    return state if delivered >= message["parts"] else GatewayState.SENT


def _move(conn: sqlite3.Connection, message: sqlite3.Row, state: GatewayState, reason: str, now: Moment) -> bool:
    """Bring a message, and those whose news it told too, into a new state."""
    if not follows(message["gateway_state"], state):
        return False
    conn.execute(
        "UPDATE sms_outbox SET gateway_state = ?, gateway_state_at = ?, gateway_error = ?"
        " WHERE message_id = ? OR merged_into = ?",
        (state, rfc3339(now.at), reason, message["message_id"], message["message_id"]),
    )
    if state in _ENDS:
        report_polls.forget(conn, message["message_id"])
    return True


def _retry(conn: sqlite3.Connection, message: sqlite3.Row, now: Moment, expire_after: timedelta) -> str:
    """Queue a failed message once more, under a new id and as old as it is; a retry is not retried, and nothing that a
    person has sent again."""
    if message["retry_of"] is not None or age(made(message), now) >= lifetime(message["priority"], expire_after):
        return ""
    retry = str(uuid7())
    added = conn.execute(
        "INSERT INTO sms_outbox"
        " (message_id, scan_id, student_key, guardian_id, kind, priority, day, session, body, phone, text, parts,"
        " made_at, made_boot_id, made_boot_ns, made_trusted, retry_of)"
        " SELECT ?, scan_id, student_key, guardian_id, kind, priority, day, session, body, phone, text, parts, made_at,"
        " made_boot_id, made_boot_ns, made_trusted, message_id FROM sms_outbox WHERE message_id = ?"
        " ON CONFLICT DO NOTHING",
        (retry, message["message_id"]),
    )
    return retry if added.rowcount else ""


def made(message: sqlite3.Row) -> Moment:
    """When a message was made: with its scan, whose clock may have been corrected since."""
    return Moment(
        from_rfc3339(message["made_at"]),
        message["made_boot_id"],
        message["made_boot_ns"],
        bool(message["made_trusted"]),
    )


def _keep_phone(conn: sqlite3.Connection, device_id: str, health: PhoneHealth, now: Moment) -> None:
    conn.execute(
        "INSERT OR REPLACE INTO sms_phones (device_id, battery_percent, charging, connected, heard_at, heard_boot_id,"
        " heard_boot_ns, clock_trusted) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            device_id,
            health.battery_percent,
            health.charging,
            health.connected,
            rfc3339(now.at),
            now.boot_id,
            now.boot_ns,
            now.trusted,
        ),
    )
    conn.execute(
        "DELETE FROM sms_phones WHERE rowid NOT IN (SELECT rowid FROM sms_phones ORDER BY rowid DESC LIMIT ?)",
        (KEPT_PHONES,),
    )


def _count(conn: sqlite3.Connection, what: str) -> None:
    conn.execute(
        "INSERT INTO sms_report_totals (what, total) VALUES (?, 1) ON CONFLICT (what) DO UPDATE SET total = total + 1",
        (what,),
    )


def _forget_through(conn: sqlite3.Connection, position: int) -> None:
    """Drop the evidence up to ``position``, and the log's rows of strangers that no newer report speaks of.

    The log's rows of our own messages stay as long as the messages.
    """
    delivery_log.forget_strangers(conn, position)
    conn.execute("DELETE FROM sms_reports WHERE position <= ?", (position,))
