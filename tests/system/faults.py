"""Put beside the gate's packages: a thread in the core that fails in the ways a file in its data directory asks for."""

import ctypes
import gc
import os
import pathlib
import signal
import sys
import threading
import time

DATA = pathlib.Path("/opt/attendance/data")


def asked(name: str) -> str:
    """What stands in the file of a fault, which is gone afterwards."""
    file = DATA / f"fault-{name}"
    try:
        text = file.read_text()
        file.unlink()
    except FileNotFoundError:
        return ""
    return text


def obey() -> None:
    while True:
        if asked("hold"):
            ctypes.PyDLL(None).sleep(1000)  # PyDLL keeps the interpreter's lock: no thread of this process runs
        if runs() and (lives := asked("crash")):
            if int(lives) > 1:
                (DATA / "fault-crash").write_text(str(int(lives) - 1))
            os.kill(os.getpid(), signal.SIGSEGV)
        if name := asked("stall"):
            stall(name)
        time.sleep(0.05)


def runs() -> bool:
    """The gate has begun: a crash before that is no crash of the gate."""
    marker = DATA / ".running"
    return marker.exists() and f'"pid": {os.getpid()},' in marker.read_text()


def stall(name: str) -> None:
    """The next step of this service never ends."""
    from attendance.ops.service import Service

    for service in gc.get_objects():
        if isinstance(service, Service) and service.name == name:
            service._stepper.step = lambda: time.sleep(10_000)


if any(word.endswith("attendance_system.py") for word in sys.orig_argv):
    threading.Thread(target=obey, daemon=True).start()
