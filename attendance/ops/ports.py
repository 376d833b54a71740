"""Who listens on a TCP port of this machine."""

import psutil


def holder(port: int) -> str:
    """The program that listens on ``port``, for the person who must free it; empty if there is none to be seen."""
    try:
        listening = [
            each
            for each in psutil.net_connections(kind="tcp")
            if each.status == psutil.CONN_LISTEN and each.laddr and each.laddr.port == port
        ]
        pids = [each.pid for each in listening if each.pid is not None]
        if pids:
            return f"{psutil.Process(pids[0]).name()!r} (process {pids[0]})"
    except (psutil.Error, OSError):
        return ""
    return "another user's program" if listening else ""
