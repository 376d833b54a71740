"""The probe of the machine: uptime, memory, disk, temperature, voltage."""

import platform
from collections.abc import Callable, Iterable
from pathlib import Path

from attendance.clock import boot_ns
from attendance.ops.disk import DiskWatch
from attendance.ops.health import ProbeResult, Problem
from attendance.ops.memory import resident_mb

HOT_C = 75.0
TOO_HOT_C = 82.0
"""A Raspberry Pi slows itself down from 80 °C and much more from 85 °C."""

HOT = Problem(
    "hot",
    "warning",
    "The device is hot: {temperature_c} °C.",
    "Keep it out of the sun and its openings free; clean or add a fan.",
)
TOO_HOT = Problem(
    "too-hot",
    "error",
    "The device is so hot that it slows down: {temperature_c} °C.",
    "Take it out of the sun now; clean or add a fan.",
)
UNDERVOLTAGE = Problem(
    "undervoltage",
    "warning",
    "The power supply is too weak, at least now and then; the device may switch off or damage its card.",
    "Use the power supply made for this board, with its own short cable.",
)
UNDERVOLTAGE_EARLIER = Problem(
    "undervoltage-earlier",
    "notice",
    "The power supply was too weak at least once since the device was switched on.",
    "If it comes again, use the power supply made for this board, with its own short cable.",
)
_VOLTAGE_MEMORY_S = 3600.0
"""A dip lasts moments, and whoever asks once a minute would miss it: for so long it counts as present."""
_LOW_NOW, _LOW_EARLIER = 1 << 0, 1 << 16
"""Bits of the firmware's ``get_throttled``. Source: Raspberry Pi documentation, ``vcgencmd get_throttled``."""


def board_model(file: Path = Path("/proc/device-tree/model")) -> str:
    """What the board is, as ``Raspberry Pi 4 Model B Rev 1.5``; the processor's kind where no firmware says more."""
    try:
        return file.read_text(errors="replace").strip("\x00\n ")
    except OSError:
        return platform.machine()


class MachineProbe:
    """Made when the process starts: its uptime counts from then, in boot time.

    Units: MB and GB are decimal, as on the label of the card.

    Args:
        data_dir: its file system is watched.
        processes: the ids of all processes of the gate; those that have ended are skipped.
        disk_warn_percent, disk_critical_percent: of free space.
        sys: where sysfs is mounted.
    """

    def __init__(
        self,
        data_dir: Path,
        processes: Callable[[], Iterable[int]],
        *,
        disk_warn_percent: float = 10.0,
        disk_critical_percent: float = 5.0,
        now_ns: Callable[[], int] = boot_ns,
        sys: Path = Path("/sys"),
    ) -> None:
        self._disk = DiskWatch(data_dir, warn_percent=disk_warn_percent, critical_percent=disk_critical_percent)
        self._processes = processes
        self._now_ns = now_ns
        self._started_ns = now_ns()
        self._thermometer = sys / "class/thermal/thermal_zone0/temp"
        self._voltage = _Voltage(sys, now_ns)

    def __call__(self) -> ProbeResult:
        uptime_s = (self._now_ns() - self._started_ns) / 1e9
        memory_mb = round(sum(resident_mb(pid) for pid in self._processes()), 1)
        room = self._disk.look()
        temperature_c = _celsius(self._thermometer)
        low_voltage, problems = self._voltage.look()
        problems += _heat(temperature_c)
        if room.problem is not None:
            problems.append(room.problem)
        values = {
            "uptime_seconds": int(uptime_s),
            "uptime_hours": round(uptime_s / 3600, 2),
            "memory_mb": memory_mb,
            "disk_usage": {
                "total_gb": round(room.total_bytes / 1e9, 3),
                "used_gb": round(room.used_bytes / 1e9, 3),
                "free_gb": round(room.free_bytes / 1e9, 3),
                "used_percent": round(100 * room.used_bytes / room.total_bytes, 1) if room.total_bytes else 0.0,
            },
            "temperature_c": temperature_c,
            "undervoltage": low_voltage,
        }
        return ProbeResult("system", values, tuple(problems))


class _Voltage:
    """Whether the board's supply is, or was, too weak: by the kernel's alarm and the firmware's own memory of it."""

    def __init__(self, sys: Path, now_ns: Callable[[], int]) -> None:
        self._now_ns = now_ns
        self._low_ns: int | None = None
        self._alarms = [
            folder / "in0_lcrit_alarm"
            for folder in sorted(sys.glob("class/hwmon/hwmon*"))
            if _text(folder / "name") == "rpi_volt"
        ]
        self._firmware = sorted(sys.glob("devices/platform/*/*firmware/get_throttled"))

    def look(self) -> tuple[bool | None, list[Problem]]:
        """Whether it is too low now (``None``: this machine cannot tell), and what a person must know."""
        if not self._alarms and not self._firmware:
            return None, []
        flags = [_hexadecimal(file) for file in self._firmware]
        low = any(_text(alarm) == "1" for alarm in self._alarms) or any(each & _LOW_NOW for each in flags)
        if low:
            self._low_ns = self._now_ns()
        if self._low_ns is not None and self._now_ns() - self._low_ns <= _VOLTAGE_MEMORY_S * 1e9:
            return low, [UNDERVOLTAGE]
        earlier = self._low_ns is not None or any(each & _LOW_EARLIER for each in flags)
        return low, [UNDERVOLTAGE_EARLIER] if earlier else []


def _heat(temperature_c: float | None) -> list[Problem]:
    if temperature_c is None or temperature_c < HOT_C:
        return []
    return [(TOO_HOT if temperature_c >= TOO_HOT_C else HOT).said(temperature_c=temperature_c)]


def _celsius(thermometer: Path) -> float | None:
    try:
        return round(int(_text(thermometer)) / 1000, 1)
    except ValueError:
        return None


def _hexadecimal(file: Path) -> int:
    try:
        return int(_text(file), 16)
    except ValueError:
        return 0


def _text(path: Path) -> str:
    try:
        return path.read_text().strip()
    except (OSError, UnicodeDecodeError):
        return ""
