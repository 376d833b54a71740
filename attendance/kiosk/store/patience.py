"""Asking for time before work that reads or writes a whole database."""

from attendance.ops import systemd

_LONGEST_S = 1800
"""What the supervisor is asked for, on a slow card; each asking begins it anew."""


def ask_for_time() -> None:
    """Tell the supervisor that this start takes longer than most; without one nothing happens."""
    systemd.notify(f"EXTEND_TIMEOUT_USEC={_LONGEST_S * 1_000_000}")
