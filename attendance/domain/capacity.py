"""Whether the limits can carry the school: how many parents would not be told of a morning, and what would fit."""

import math
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from attendance.domain.message import MessageKind
from attendance.domain.ratelimit import Window

_LATE_SHARE = 0.1
"""Students who are late or absent on an ordinary day; a school that has more has other worries than its messages."""
_HOUR_S = 3600.0
_REQUEST_S = 1.0
"""A slot frees a window's length after its request ended, and a request takes about so long."""
_SUMMARY_HOURS = 16
"""Of a day that are not quiet."""


@dataclass(frozen=True, slots=True)
class Capacity:
    """What a morning comes to, if every student arrives in the login window.

    Attributes:
        messages: that the arrivals make.
        told: that leave before they are useless.
        untold: parents who are not told.
        needed_per_minute, needed_per_hour: limits that together would carry them all.
        sentences: for a person: what is wrong, and each thing that would fit. Empty if nothing is wrong.
    """

    messages: int
    told: int
    untold: int
    needed_per_minute: int
    needed_per_hour: int
    sentences: tuple[str, ...]


def most_in(seconds: float, windows: Iterable[Window]) -> float:
    """How many messages can leave in so many seconds; infinite without a limit.

    Within each window of the longest limit the shorter ones hold as well. A limit leaves at once when its window
    begins, so one that has just begun counts whole.
    """
    longest_first = sorted(windows, key=lambda window: window.seconds, reverse=True)
    if not longest_first:
        return math.inf
    longest, *shorter = longest_first
    full, rest_s = divmod(seconds, longest.seconds + _REQUEST_S)
    last = min(longest.limit, most_in(rest_s, shorter)) if rest_s > 0 else 0
    return full * min(longest.limit, most_in(longest.seconds, shorter)) + last


def capacity(
    windows: Collection[Window],
    students: int,
    kinds: Collection[MessageKind],
    *,
    login_minutes: float,
    expire_after_minutes: float,
    guardians_per_student: float = 1.0,
) -> Capacity:
    """Whether the messages of one login window leave in time.

    Args:
        windows: the limits; none: no limit.
        students: who may come in that window.
        kinds: what is sent.
        guardians_per_student: numbers that are told of one student.
    """
    arrivals = MessageKind.CHECK_IN in kinds
    late = MessageKind.LATE_ARRIVAL in kinds or MessageKind.ABSENCE in kinds
    everybody = math.ceil(students * guardians_per_student)
    few = math.ceil(everybody * _LATE_SHARE)
    messages = everybody if arrivals else few if late else 0
    seconds = (login_minutes + expire_after_minutes) * 60
    most = most_in(seconds, windows)
    told = messages if messages <= most else int(most)
    needed = _needed(messages, seconds)
    if told == messages:
        return Capacity(messages, told, 0, *needed, ())
    sentences = [
        f"Of {messages} messages about a morning's arrivals {told} can leave before they are useless:"
        f" {messages - told} parents would not be told.",
        f"sms_notifications.rate_limiting.max_per_hour of {needed[1]} and max_per_minute of {needed[0]} would carry"
        " them all, if the phone's contract and the network allow that.",
    ]
    if arrivals and few <= most:
        sentences.append(
            f"Telling only of the late and the absent, some {few} messages, would fit: switch"
            " sms_notifications.notification_preferences.check_in off."
        )
    if messages <= most_in(_SUMMARY_HOURS * _HOUR_S, windows):
        sentences.append("One summary a day for each student would fit, spread over the day.")
    return Capacity(messages, told, messages - told, *needed, tuple(sentences))


def _needed(messages: int, seconds: float) -> tuple[int, int]:
    """The smallest limits a minute and an hour, in step with each other, with which so many messages leave."""
    per_minute = max(1, math.ceil(messages * 60 / seconds))
    while most_in(seconds, (Window(per_minute, 60.0), Window(60 * per_minute, _HOUR_S))) < messages:
        per_minute += 1
    return per_minute, 60 * per_minute
