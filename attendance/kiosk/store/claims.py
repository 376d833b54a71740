"""What the courier does with the outbox: claim a message, mark what became of it, end what nobody needs any more.

Every function that does not say it only reads takes a connection inside a write transaction. A claim is a lease: only
the courier that holds it can mark the message. Leases have no end, because the process that holds the instance lock is
the only one with a courier: one that begins takes all leases over.
"""

import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from attendance.clock import Moment, age, rfc3339
from attendance.domain.message import MERGED, MessageKind, OutboxState, is_phone, lifetime, wanted
from attendance.domain.receipt import GatewayState
from attendance.kiosk.store import endings, notices, receipts, report_polls, sms_limits
from attendance.kiosk.store.endings import Ended
from attendance.kiosk.store.news import News, news_of, siblings

_CLOCK_GRACE = timedelta(minutes=3)
"""So long after boot a message whose time or age is doubtful waits for the clock to be set: it might say a wrong time,
or be yesterday's."""


@dataclass(frozen=True, slots=True)
class Written:
    """A text and how many parts it takes."""

    text: str
    parts: int


@dataclass(frozen=True, slots=True)
class Terms:
    """What may be claimed now.

    Attributes:
        lease: who claims.
        gateway: who will be asked; for a message that another one may have, that one.
        urgency: the lowest priority that may leave.
        parts_left: of the caps; ``None`` without any.
        expire_after: as configured; see ``domain.message.lifetime``.
        rest_s: how long a gateway must be left alone.
        write: makes the text about some news, in a guardian's language.
    """

    lease: str
    gateway: str
    urgency: int
    parts_left: int | None
    expire_after: timedelta
    cooldown: timedelta
    rest_s: Callable[[str], float]
    write: Callable[[News, str], Written]


@dataclass(frozen=True, slots=True)
class Claim:
    """A message to be sent, frozen.

    Attributes:
        gateway: who is asked first. With ``asked`` it may have the message already, and only it is asked.
        attempts: requests before this one.
        life_s: how long it is still news.
    """

    message_id: str
    kind: MessageKind
    phone: str
    text: str
    parts: int
    priority: int
    gateway: str
    asked: bool
    attempts: int
    life_s: float


@dataclass(frozen=True, slots=True)
class Found:
    """What a look for a message found.

    Attributes:
        capped: the next message has more parts than are left.
    """

    claim: Claim | None
    ended: Sequence[Ended]
    capped: bool = False


@dataclass(frozen=True, slots=True)
class Mark:
    """What became of a claim.

    Attributes:
        asked: the gateway may have it; only that one may be asked again.
        pause_s: before the next try, if it waits again.
        gateway_state: what the gateway says, if it took the message.
    """

    state: OutboxState
    gateway: str = ""
    reason: str = ""
    asked: bool = False
    pause_s: float = 0.0
    gateway_state: GatewayState | None = None


def busy(conn: sqlite3.Connection) -> bool:
    """Whether there is anything to claim or to take over; reads only."""
    row = conn.execute(
        "SELECT EXISTS (SELECT 1 FROM sms_outbox WHERE state = 'waiting' AND merged_into IS NULL)"
        " OR EXISTS (SELECT 1 FROM sms_outbox WHERE state = 'claimed')"
    )
    return bool(row.fetchone()[0])


def take_over(conn: sqlite3.Connection) -> int:
    """Take all leases: what was claimed waits again, committed to its gateway if one was named; how many."""
    return conn.execute(
        "UPDATE sms_outbox SET state = 'waiting', lease = '', asked = (gateway <> ''),"
        " reason = 'The gate was interrupted while it was sent.' WHERE state = 'claimed'"
    ).rowcount


def drop(conn: sqlite3.Connection, now: Moment, urgency: int, reason: str) -> list[Ended]:
    """End what would leave now; what a gateway may have stays."""
    ended: list[Ended] = []
    while len(ended) < endings.AT_ONCE and (row := _head(conn, now, urgency)) is not None:
        if row["asked"] or row["gateway_state"]:
            break
        ended.append(endings.end(conn, row, OutboxState.DROPPED, reason, now))
    return ended


def claim(conn: sqlite3.Connection, now: Moment, terms: Terms) -> Found:
    """Claim the most urgent message, the oldest of those; on the way messages end that nobody is to get.

    The slot for its request must be reserved in the same transaction.
    """
    ended: list[Ended] = []
    while len(ended) < endings.AT_ONCE and (row := _head(conn, now, terms.urgency)) is not None:
        if row["gateway_state"]:
            ended.append(endings.reported(conn, row, now))
        elif row["asked"] and (rest_s := terms.rest_s(row["gateway"])) > 0:
            _pause(conn, row["message_id"], now, rest_s)
        elif not row["asked"] and (obstacle := _obstacle(conn, row, now, terms)) is not None:
            ended.append(endings.end(conn, row, *obstacle, now))
        else:
            frozen = _frozen(conn, row, now, terms)
            if terms.parts_left is not None and frozen.parts > terms.parts_left and not frozen.asked:
                return Found(None, ended, capped=True)
            conn.execute(
                "UPDATE sms_outbox SET state = 'claimed', lease = ?, gateway = ?, next_try_at = NULL,"
                " next_try_boot_id = NULL, next_try_boot_ns = NULL WHERE message_id = ? AND state = 'waiting'",
                (terms.lease, frozen.gateway, frozen.message_id),
            )
            return Found(frozen, ended)
    return Found(None, ended)


def note_gateway(conn: sqlite3.Connection, message_id: str, gateway: str) -> None:
    """Another gateway is about to be asked, because it is proven that the one before has not the message."""
    conn.execute("UPDATE sms_outbox SET gateway = ? WHERE message_id = ? AND state = 'claimed'", (gateway, message_id))


def mark(conn: sqlite3.Connection, claim: Claim, lease: str, mark: Mark, now: Moment, report_after: timedelta) -> bool:
    """Write what became of a claim, for all messages that it stands for; whether it was still ours to mark."""
    waits = mark.state is OutboxState.WAITING
    ours = conn.execute(
        "UPDATE sms_outbox SET state = ?, lease = '', gateway = ?, asked = ?, reason = ?, attempts = attempts + 1"
        " WHERE message_id = ? AND state = 'claimed' AND lease = ?",
        (mark.state, mark.gateway, mark.asked, mark.reason, claim.message_id, lease),
    ).rowcount
    if not ours:
        return False
    if waits:
        _pause(conn, claim.message_id, now, mark.pause_s)
    if mark.state is OutboxState.SENT:
        endings.note_sent(conn, claim.message_id, mark.gateway_state, now)
        report_polls.schedule(conn, claim.message_id, now, report_after)
    endings.let_followers_follow(conn, claim.message_id, now, ended=not waits)
    return True


def _head(conn: sqlite3.Connection, now: Moment, urgency: int) -> sqlite3.Row | None:
    row: sqlite3.Row | None = conn.execute(
        "SELECT o.*, g.phone AS guardian_phone, g.student_key AS guardian_of, g.language, g.opted_out_at, g.muted_kinds"
        " FROM sms_outbox o LEFT JOIN guardians g USING (guardian_id)"
        " WHERE o.state = 'waiting' AND o.merged_into IS NULL AND o.priority >= :urgency"
        " AND (o.next_try_boot_ns IS NULL OR o.next_try_boot_id <> :boot_id OR o.next_try_boot_ns <= :boot_ns)"
        " AND (:boot_ns >= :grace_ns OR (o.made_trusted AND (o.made_boot_id = :boot_id OR :trusted)))"
        " ORDER BY o.priority DESC, o.rowid LIMIT 1",
        {
            "urgency": urgency,
            "boot_id": now.boot_id,
            "boot_ns": now.boot_ns,
            "trusted": now.trusted,
            "grace_ns": round(_CLOCK_GRACE.total_seconds() * 1e9),
        },
    ).fetchone()
    return row


def _obstacle(conn: sqlite3.Connection, row: sqlite3.Row, now: Moment, terms: Terms) -> tuple[OutboxState, str] | None:
    """Why a message is not sent at all, if so."""
    kind = MessageKind(row["kind"])
    if endings.is_old(row, terms.expire_after, now):
        return OutboxState.EXPIRED, endings.useless(row, terms.expire_after)
    if row["guardian_id"] and row["guardian_of"] != row["student_key"]:
        return OutboxState.CANCELLED, "The guardian is no longer on the roster."
    if kind is not MessageKind.ANSWER and row["opted_out_at"] is not None:
        return OutboxState.OPTED_OUT, "The guardian wants no messages."
    if not wanted(kind, row["muted_kinds"] or ""):
        return OutboxState.OPTED_OUT, "The guardian wants no messages of this kind."
    if kind is MessageKind.NOTICE and notices.unwanted(conn, _phone(row)):
        return OutboxState.OPTED_OUT, "The guardian wants no messages."
    if not is_phone(_phone(row)):
        return OutboxState.REJECTED, "The number is not in international form, as +639171234567."
    repeatable = row["retry_of"] is not None or kind in (MessageKind.ANSWER, MessageKind.NOTICE)
    if not repeatable and sms_limits.told_within(conn, row["guardian_id"], kind, terms.cooldown, now):
        minutes = terms.cooldown.total_seconds() / 60
        return OutboxState.DROPPED, f"The same news left less than {minutes:.0f} minutes ago."
    return None


def _frozen(conn: sqlite3.Connection, row: sqlite3.Row, now: Moment, terms: Terms) -> Claim:
    """Phone and text as every try has them; written when they are needed for the first time."""
    message_id, phone, text, parts = row["message_id"], _phone(row), row["text"], row["parts"]
    if text is None:
        written = terms.write(news_of(conn, [message_id, *_merge(conn, row, now, terms)]), row["language"] or "")
        text, parts = written.text, written.parts
        conn.execute(
            "UPDATE sms_outbox SET phone = ?, text = ?, parts = ? WHERE message_id = ?",
            (phone, text, parts, message_id),
        )
    life = lifetime(row["priority"], terms.expire_after) - age(receipts.made(row), now)
    return Claim(
        message_id=message_id,
        kind=MessageKind(row["kind"]),
        phone=phone,
        text=text,
        parts=parts,
        priority=row["priority"],
        gateway=row["gateway"] if row["asked"] else terms.gateway,
        asked=bool(row["asked"]),
        attempts=row["attempts"],
        life_s=life.total_seconds(),
    )


def _merge(conn: sqlite3.Connection, row: sqlite3.Row, now: Moment, terms: Terms) -> list[str]:
    """Let a message tell the news of siblings that wait; their ids, with those whose news it tells already."""
    if row["kind"] not in MERGED or row["retry_of"] is not None or row["body"] is not None:
        return []
    told = conn.execute("SELECT message_id FROM sms_outbox WHERE merged_into = ? ORDER BY rowid", (row["message_id"],))
    merged = [each["message_id"] for each in told]
    for sibling in siblings(conn, row):
        if _obstacle(conn, sibling, now, terms) is not None:
            continue  # it ends by itself when its turn comes
        merged.append(sibling["message_id"])
    conn.executemany(
        "UPDATE sms_outbox SET merged_into = ? WHERE message_id = ? AND state = 'waiting'",
        [(row["message_id"], each) for each in merged],
    )
    return merged


def _phone(row: sqlite3.Row) -> str:
    """Frozen with the first claim; before that the guardian's, or that of somebody who is on no roster."""
    return str(row["phone"] or row["guardian_phone"] or "")


def _pause(conn: sqlite3.Connection, message_id: str, now: Moment, seconds: float) -> None:
    conn.execute(
        "UPDATE sms_outbox SET next_try_at = ?, next_try_boot_id = ?, next_try_boot_ns = ? WHERE message_id = ?",
        (
            rfc3339(now.at + timedelta(seconds=seconds)),
            now.boot_id,
            now.boot_ns + round(seconds * 1e9),
            message_id,
        ),
    )
