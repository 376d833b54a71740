"""When a backup and a drill are due. Pure rules; boot time decides where it can, see ``clock.py``."""

from datetime import time, timedelta
from zoneinfo import ZoneInfo

from attendance.clock import Moment

_DAY = timedelta(days=1)
_MISSED_WAIT = timedelta(hours=1)
"""A drill that was missed, because the gate was off, waits until the rush after its start is over."""


def age_s(then: Moment, now: Moment) -> float | None:
    """How long ago something was; ``None`` if the clock cannot tell."""
    if then.boot_id == now.boot_id:
        return (now.boot_ns - then.boot_ns) / 1e9
    if then.trusted and now.trusted and now.at >= then.at:
        return (now.at - then.at).total_seconds()
    return None


def least_age_s(then: Moment, now: Moment) -> float:
    """How long ago something was at least: what cannot be told counts from this boot."""
    age = age_s(then, now)
    return now.boot_ns / 1e9 if age is None else age


def drill_due(last: Moment | None, now: Moment, drill_at: time, zone: ZoneInfo, running: timedelta) -> bool:
    """Whether the nightly drill has its time: after ``drill_at`` in the school's zone, or without a true clock every 24
    hours of uptime.

    Args:
        running: how long the program has been at work.
    """
    if not now.trusted:
        since = least_age_s(last, now) if last is not None else now.boot_ns / 1e9
        return since >= _DAY.total_seconds()
    local = now.at.astimezone(zone)
    due = local.replace(hour=drill_at.hour, minute=drill_at.minute, second=0, microsecond=0)
    if due > local:
        due -= _DAY
    age = age_s(last, now) if last is not None else None
    if age is not None and local - timedelta(seconds=age) >= due:
        return False
    return local - due < _MISSED_WAIT or running >= _MISSED_WAIT
