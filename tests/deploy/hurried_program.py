"""The real program, for which hours are seconds: ``python hurried_program.py BOARD VERB …``. The board is a folder.

BOARD holds what the firmware and the system of a Raspberry Pi would say: ``sys``, as /sys, and ``synchronized``, which
is there while the clock follows a time server. While ``BOARD/leak`` is there the program leaks.
"""

import sys
import threading
import time
from collections.abc import Mapping
from datetime import timedelta
from importlib import import_module
from pathlib import Path
from typing import Any

from attendance import cli
from attendance.ops.alerts import Policy

_LEAK_BYTES = 300_000
_LEAK_S = 0.1

_GATE: Mapping[str, Mapping[str, Any]] = {
    "attendance.kiosk.alerting": {"LOOK_S": 1.0},
    "attendance.kiosk.database_probe": {"SMS_LATE": timedelta(seconds=10), "SYNC_LATE": timedelta(seconds=30)},
    "attendance.kiosk.flow_probe": {
        "_LOOK_S": 1.0,
        "_SPAN": timedelta(seconds=20),
        "_HOUR": timedelta(seconds=30),
    },
    "attendance.kiosk.recording": {"_VISION_DEADLINE_S": 8.0},
    "attendance.kiosk.sms.breaker": {"FIRST_PAUSE_S": 2.0, "LONGEST_PAUSE_S": 4.0},
    "attendance.kiosk.sms.phone_health": {"PING_LATE_S": 10.0},
    "attendance.kiosk.sync.app": {"_ROSTER_OLD_DAYS": 30 / 86_400, "_IN_CONTACT_S": 15.0},
    "attendance.ops.escalation": {"_FIRST_DISTANCE_S": 0.2},
    "attendance.ops.growth": {"SAMPLE_S": 1.0, "SHORTEST_S": 8.0, "_MOST": 20},
    "attendance.ops.machine": {"_VOLTAGE_MEMORY_S": 3.0},
    "attendance.ops.memory": {"_LOOK_S": 0.5, "_FORESEEN_HOURS": 0.1},
    "attendance.ops.worker": {"_HEALTHY_AFTER_S": 3.0, "_LONGEST_PAUSE_S": 1.0},
}
_CENTRE: Mapping[str, Mapping[str, Any]] = {
    "attendance.fleet.alerting": {
        "LOOK_S": 1.0,
        "POLICY": Policy(
            lasts_s={"error": 2.0, "warning": 2.0}, again_s={"error": 3_600.0, "warning": 3_600.0}, calm_s=3.0
        ),
    },
    "attendance.fleet.sight": {"FRESH_S": 0.5},
    "attendance.fleet.watch": {"SILENT_S": 25.0},
}


def main(board: Path, words: list[str]) -> int:
    _hurry(_CENTRE if words[0] == "fleet" else _GATE)
    _be_on(board)
    threading.Thread(target=_leak, args=(board / "leak",), daemon=True).start()
    return cli.main(words)


def _hurry(values: Mapping[str, Mapping[str, Any]]) -> None:
    for module, named in values.items():
        for name, value in named.items():
            assert hasattr(import_module(module), name), f"{module} has no {name}"
            setattr(import_module(module), name, value)
    import_module("attendance.domain.backoff").pause_s.__defaults__ = (0.5, 2.0)


def _be_on(board: Path) -> None:
    """What is read of the machine comes from the folder, and from nowhere else."""
    clock, machine = import_module("attendance.clock"), import_module("attendance.ops.machine")
    clock._TIMESYNCD_FILE = board / "synchronized"
    clock._kernel_says_synchronised = lambda: False
    machine.MachineProbe.__init__.__kwdefaults__["sys"] = board / "sys"


def _leak(while_there: Path) -> None:
    leaked: list[bytes] = []
    while True:
        time.sleep(_LEAK_S)
        if while_there.exists():
            leaked.append(b"x" * _LEAK_BYTES)
        else:
            leaked.clear()


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2:]))
