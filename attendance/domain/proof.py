"""In which windows a gate must have worked, so that what it did not see did not happen."""

from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime, timedelta
from typing import Literal

from attendance.domain.absence import KINDS, Span, watched
from attendance.domain.contact import Window
from attendance.domain.message import MessageKind
from attendance.domain.schedule import Schedule

RECORDED: Mapping[MessageKind, Literal["arrival", "departure"]] = {
    MessageKind.ABSENCE: "arrival",
    MessageKind.NO_CHECKOUT: "departure",
}
"""What a gate must have been able to record, that something is missing without it."""
_DAY = timedelta(days=1)
_DAYS = 2


def ended_windows(
    schedule: Schedule, after: timedelta, now: datetime, worked: Callable[[date, Span], bool]
) -> Iterator[Window]:
    """The windows of the last days that are over, oldest day first.

    Args:
        after: from the end of a window until guardians are told.
        now: naive local time.
        worked: whether the gate provably worked throughout a span (naive local time) that belongs to a day.
    """
    for day in (now.date() - _DAY * back for back in reversed(range(_DAYS))):
        for session in schedule.sessions:
            for kind in KINDS:
                span = watched(schedule, session, day, kind, after)
                if span is not None and span[1] <= now:
                    yield Window(
                        day=day.isoformat(), session=session.name, kind=RECORDED[kind], complete=worked(day, span)
                    )
