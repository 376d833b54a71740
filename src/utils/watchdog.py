"""Documented import path of ``WatchdogTimer``."""

from attendance.ops.watchdog import WatchdogTimer

__all__ = ["WatchdogTimer"]
