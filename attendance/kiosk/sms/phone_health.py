"""What is wrong with the phone itself, by its last ping."""

from collections.abc import Mapping
from typing import Any

from attendance.ops.health import Problem

PING_LATE_S = 3600.0
"""Phones ping every few minutes, if they are told to. One that never did is not missed."""
BATTERY_LOW_PERCENT = 20.0

PHONE_SILENT = Problem(
    "sms-phone-silent",
    "warning",
    "The phone that sends the messages has not been heard from for {hours:.0f} h.",
    "See that it is on, charged and on the network, and that SMS Gateway runs on it.",
)
BATTERY_LOW = Problem(
    "sms-phone-battery",
    "warning",
    "The phone that sends the messages has {percent:.0f} % of its battery left and is not being charged.",
    "Plug its charger in.",
)


def phone_problems(ping: Mapping[str, Any] | None) -> list[Problem]:
    """Problems by the phone's last ping.

    Args:
        ping: what ``report_intake.ping_values`` says of it; ``None``: there never was one.
    """
    if ping is None:
        return []
    if ping["seconds_ago"] > PING_LATE_S:
        return [PHONE_SILENT.said(hours=ping["seconds_ago"] / 3600)]
    percent = ping["battery_percent"]
    if percent is not None and percent <= BATTERY_LOW_PERCENT and not ping["charging"]:
        return [BATTERY_LOW.said(percent=percent)]
    return []
