"""How many messages may leave, as configured, and what health says when that is not enough."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from attendance.domain.capacity import Capacity
from attendance.domain.quiet import QuietHours
from attendance.domain.ratelimit import Window
from attendance.ops.health import Problem

NEAR_SHARE = 0.8
"""Of a cap: from here on somebody should know, because a day or a month is long."""

PARTS_NEAR = Problem(
    "sms-parts-near",
    "warning",
    "{sent} of {most} message parts of this {span} are used.",
    "Raise sms_notifications.{setting}, or send fewer kinds of messages.",
)
PARTS_USED = Problem(
    "sms-parts-used",
    "warning",
    "All {most} message parts of this {span} are used: messages to parents wait, and expire.",
    "Raise sms_notifications.{setting}, or send fewer kinds of messages.",
)
TOO_FEW = Problem(
    "sms-capacity",
    "warning",
    "{untold} of {messages} parents would not be told of a morning: the limits let {told} messages leave in time.",
    "Set sms_notifications.rate_limiting.max_per_hour to {per_hour} and max_per_minute to {per_minute} if the phone's"
    " contract allows that, or tell only of the late and the absent. `attendance doctor` says what fits.",
)


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of ``sms_notifications``.

    Attributes:
        windows: of requests; empty without rate limiting.
        drop: what finds no room is dropped; otherwise it waits.
        expire_after: age at which a waiting message is useless.
        cooldown: in which the same news is not sent to a guardian again.
        daily_parts, monthly_parts: caps; 0: none.
        quiet: hours in which only answers leave.
    """

    windows: Sequence[Window] = (Window(10, 60), Window(60, 3600))
    drop: bool = False
    expire_after: timedelta = timedelta(minutes=120)
    cooldown: timedelta = timedelta(minutes=5)
    daily_parts: int = 0
    monthly_parts: int = 0
    quiet: QuietHours | None = None

    def parts_left(self, today: int, month: int) -> int | None:
        """Parts that may still be sent; ``None`` without caps.

        Args:
            today, month: parts sent already.
        """
        caps = [(self.daily_parts, today), (self.monthly_parts, month)]
        return min((max(0, most - sent) for most, sent in caps if most), default=None)

    def parts_problems(self, today: int, month: int) -> list[Problem]:
        """What is wrong with the caps, given the parts sent already."""
        spans = [
            ("day", "daily_max_parts", self.daily_parts, today),
            ("month", "monthly_max_parts", self.monthly_parts, month),
        ]
        return [
            (PARTS_USED if sent >= most else PARTS_NEAR).said(sent=sent, most=most, span=span, setting=setting)
            for span, setting, most, sent in spans
            if most and sent >= NEAR_SHARE * most
        ]


def capacity_problems(found: Capacity) -> list[Problem]:
    """What health says of limits that cannot carry the school; nothing if they can."""
    if not found.untold:
        return []
    said = TOO_FEW.said(
        untold=found.untold,
        messages=found.messages,
        told=found.told,
        per_hour=found.needed_per_hour,
        per_minute=found.needed_per_minute,
    )
    return [said]
