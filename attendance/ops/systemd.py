"""The notify protocol of systemd: "ready", "still alive", "stopping". Without a supervisor every call does nothing.

Source: sd_notify(3), sd_watchdog_enabled(3).
"""

import os
import socket

READY = "READY=1"
ALIVE = "WATCHDOG=1"
HUNG = "WATCHDOG=trigger"
"""Asks the supervisor to do what it would do had it heard nothing: kill and start again."""
STOPPING = "STOPPING=1"


def supervised() -> bool:
    """Whether somebody (systemd, the guardian) listens."""
    return bool(os.environ.get("NOTIFY_SOCKET"))


def beat_s(longest_s: float) -> float:
    """How often to say ``ALIVE``: a third of what the supervisor waits for, at most ``longest_s``."""
    wanted = os.environ.get("WATCHDOG_USEC", "")
    ours = os.environ.get("WATCHDOG_PID", "") in ("", str(os.getpid()))
    if not (ours and wanted.isdecimal() and int(wanted) > 0):
        return longest_s
    return min(longest_s, int(wanted) / 1e6 / 3)


def notify(state: str) -> None:
    """Send ``READY``, ``ALIVE``, ``HUNG``, ``STOPPING`` or ``STATUS=…`` to whoever supervises this process."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sock:
        sock.setblocking(False)  # a supervisor that hangs must not hang what it supervises
        try:
            sock.connect("\0" + address[1:] if address.startswith("@") else address)
            sock.sendall(state.encode())
        except OSError:
            return
