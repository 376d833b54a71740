"""How old a stored moment is, by the one rule for all stored deadlines."""

from datetime import timedelta

from attendance.clock import Moment


def age(made: Moment, now: Moment) -> timedelta:
    """How long ago ``made`` was, at least.

    In the same boot, boot time decides. After a reboot wall times are compared if both were trusted; otherwise only
    this boot counts, so that a clock that jumps never makes anything old.
    """
    if made.boot_id == now.boot_id:
        return timedelta(microseconds=(now.boot_ns - made.boot_ns) / 1000)
    if made.trusted and now.trusted:
        return now.at - made.at
    return timedelta(microseconds=now.boot_ns / 1000)
