"""What a guardian is told, and about whom; the words are made where it is sent."""

import re
from collections.abc import Mapping
from datetime import timedelta
from enum import IntEnum, StrEnum

from attendance.domain.scan import Accepted, Direction, Status

_PHONE = re.compile(r"\+[1-9][0-9]{7,14}")
_NUMBER = re.compile(r"(?<![\w.:/-])\+?\(?\d(?:[ ()-]?\d){6,}(?![\w-])")
"""A number as people write it; not an address, an id or a time."""
_SHOWN_FIRST, _SHOWN_LAST, _LEAST_HIDDEN = 6, 4, 3
"""Characters of a number that stay readable: enough for the office to tell two apart, too few to call."""


class MessageKind(StrEnum):
    CHECK_IN = "check_in"
    CHECK_OUT = "check_out"
    LATE_ARRIVAL = "late_arrival"
    LEFT_EARLY = "left_early"
    ABSENCE = "absence"
    NO_CHECKOUT = "no_checkout"
    WEEKLY_SUMMARY = "weekly_summary"
    MONTHLY_SUMMARY = "monthly_summary"
    ANSWER = "answer"
    """To what a guardian wrote."""
    NOTICE = "notice"
    """What somebody in the office wrote."""


class OutboxState(StrEnum):
    """Where a message stands at the gate; what the phone says of it is another matter."""

    WAITING = "waiting"
    CLAIMED = "claimed"
    SENT = "sent"
    """A gateway has it."""
    EXPIRED = "expired"
    REJECTED = "rejected"
    DROPPED = "dropped"
    UNKNOWN = "unknown"
    """A gateway may have it, and will not say."""
    CANCELLED = "cancelled"
    OPTED_OUT = "opted_out"


class Priority(IntEnum):
    """Higher leaves first."""

    ANSWER = 40
    ALARM = 30
    ARRIVAL = 20
    NOTICE = 15
    SUMMARY = 10


_PRIORITIES: Mapping[MessageKind, Priority] = {
    MessageKind.ANSWER: Priority.ANSWER,
    MessageKind.LATE_ARRIVAL: Priority.ALARM,
    MessageKind.ABSENCE: Priority.ALARM,
    MessageKind.NO_CHECKOUT: Priority.ALARM,
    MessageKind.NOTICE: Priority.NOTICE,
    MessageKind.WEEKLY_SUMMARY: Priority.SUMMARY,
    MessageKind.MONTHLY_SUMMARY: Priority.SUMMARY,
}
_LONG_LIVED = {Priority.NOTICE, Priority.SUMMARY}
_A_DAY = timedelta(days=1)
MERGED = frozenset(
    {
        MessageKind.CHECK_IN,
        MessageKind.CHECK_OUT,
        MessageKind.LATE_ARRIVAL,
        MessageKind.LEFT_EARLY,
        MessageKind.ABSENCE,
        MessageKind.NO_CHECKOUT,
    }
)
"""Kinds that one message can tell of several students."""


def kind_of(scan: Accepted) -> MessageKind:
    """The message an accepted scan calls for."""
    if scan.direction is Direction.OUT:
        return MessageKind.LEFT_EARLY if scan.status is Status.LEFT_EARLY else MessageKind.CHECK_OUT
    return MessageKind.LATE_ARRIVAL if scan.status is Status.LATE else MessageKind.CHECK_IN


def priority(kind: MessageKind) -> Priority:
    """How urgent a kind is."""
    return _PRIORITIES.get(kind, Priority.ARRIVAL)


def lifetime(urgency: int, configured: timedelta) -> timedelta:
    """After how long a waiting message is useless: summaries and notices live for a day at least.

    Args:
        urgency: the message's priority.
    """
    return max(configured, _A_DAY) if urgency in _LONG_LIVED else configured


def preference(kind: MessageKind) -> str:
    """The key of the preferences that speaks for a kind; empty for what somebody asked for one by one."""
    if kind in (MessageKind.ANSWER, MessageKind.NOTICE):
        return ""
    return MessageKind.CHECK_OUT if kind is MessageKind.LEFT_EARLY else kind


def wanted(kind: MessageKind, muted_kinds: str) -> bool:
    """Whether a guardian who muted some kinds (space separated) wants one."""
    return not {kind.value, preference(kind)} & set(muted_kinds.split())


def masked(phone: str) -> str:
    """A number as logs and lists show it: ``+63917•••4567``; of a short one the end only."""
    if len(phone) >= _SHOWN_FIRST + _SHOWN_LAST + _LEAST_HIDDEN:
        return f"{phone[:_SHOWN_FIRST]}•••{phone[-_SHOWN_LAST:]}"
    return f"•••{phone[-_SHOWN_LAST:]}" if len(phone) >= _SHOWN_LAST + _LEAST_HIDDEN else "•••" * bool(phone)


def masked_in(text: str) -> str:
    """A text with the numbers in it masked, however they are written."""
    return _NUMBER.sub(lambda found: masked(found[0]), text)


def is_phone(phone: str) -> bool:
    """Whether it is a number in E.164's form."""
    return _PHONE.fullmatch(phone) is not None
