"""The probe of the machine: uptime, memory, disk, temperature, voltage."""

import shutil
from collections.abc import Callable, Iterable
from pathlib import Path

import psutil

from attendance.clock import boot_ns
from attendance.ops.health import ProbeResult, Problem

HOT_C = 75.0
TOO_HOT_C = 82.0
"""A Raspberry Pi slows itself down from 80 °C and much more from 85 °C."""

DISK_LOW = Problem(
    "disk-low",
    "warning",
    "The disk is getting full: {free_gb} GB ({free_percent} %) left.",
    "Delete what does not belong on this device, or put in a larger card.",
)
DISK_FULL = Problem(
    "disk-full",
    "error",
    "The disk is almost full: {free_gb} GB ({free_percent} %) left. Photos may soon not be kept.",
    "Delete what does not belong on this device today, or put in a larger card.",
)
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
    "The power supply is too weak; the device may switch off or damage its card.",
    "Use the power supply made for this board, with its own short cable.",
)
MEMORY_HIGH = Problem(
    "memory-high",
    "warning",
    "The program uses {memory_mb} MB of memory, more than its {budget_mb:.0f} MB.",
    "If this stays for an hour, restart the gate and tell whoever looks after it.",
)


class MachineProbe:
    """Made when the process starts: its uptime counts from then, in boot time.

    Units: MB and GB are decimal, as on the label of the card.

    Args:
        data_dir: its file system is watched.
        processes: the ids of all processes of the gate; those that have ended are skipped.
        disk_warn_percent, disk_critical_percent: of free space.
        memory_budget_mb: for all processes together.
        sys: where sysfs is mounted.
    """

    def __init__(
        self,
        data_dir: Path,
        processes: Callable[[], Iterable[int]],
        *,
        disk_warn_percent: float = 10.0,
        disk_critical_percent: float = 5.0,
        memory_budget_mb: float = 400.0,
        now_ns: Callable[[], int] = boot_ns,
        sys: Path = Path("/sys"),
    ) -> None:
        self._data_dir = data_dir
        self._processes = processes
        self._disk_percent = (disk_warn_percent, disk_critical_percent)
        self._memory_budget_mb = memory_budget_mb
        self._now_ns = now_ns
        self._started_ns = now_ns()
        self._thermometer = sys / "class/thermal/thermal_zone0/temp"
        self._low_voltage_alarms = [
            folder / "in0_lcrit_alarm"
            for folder in sorted(sys.glob("class/hwmon/hwmon*"))
            if _text(folder / "name") == "rpi_volt"
        ]

    def __call__(self) -> ProbeResult:
        uptime_s = (self._now_ns() - self._started_ns) / 1e9
        memory_mb = round(sum(_resident_bytes(pid) for pid in self._processes()) / 1e6, 1)
        disk, disk_problems = self._disk()
        temperature_c = _celsius(self._thermometer)
        undervoltage = any(_text(alarm) == "1" for alarm in self._low_voltage_alarms)
        problems = disk_problems + _heat(temperature_c)
        if undervoltage:
            problems.append(UNDERVOLTAGE)
        if memory_mb > self._memory_budget_mb:
            problems.append(MEMORY_HIGH.said(memory_mb=memory_mb, budget_mb=self._memory_budget_mb))
        values = {
            "uptime_seconds": int(uptime_s),
            "uptime_hours": round(uptime_s / 3600, 2),
            "memory_mb": memory_mb,
            "disk_usage": disk,
            "temperature_c": temperature_c,
            "undervoltage": undervoltage if self._low_voltage_alarms else None,
        }
        return ProbeResult("system", values, tuple(problems))

    def _disk(self) -> tuple[dict[str, float], list[Problem]]:
        usage = shutil.disk_usage(self._data_dir)
        free_percent = round(100 * usage.free / usage.total, 1)
        free_gb = round(usage.free / 1e9, 1)
        values = {
            "total_gb": round(usage.total / 1e9, 1),
            "used_gb": round(usage.used / 1e9, 1),
            "free_gb": free_gb,
            "used_percent": round(100 * usage.used / usage.total, 1),
        }
        warn, critical = self._disk_percent
        if free_percent >= warn:
            return values, []
        problem = DISK_FULL if free_percent < critical else DISK_LOW
        return values, [problem.said(free_gb=free_gb, free_percent=free_percent)]


def _heat(temperature_c: float | None) -> list[Problem]:
    if temperature_c is None or temperature_c < HOT_C:
        return []
    return [(TOO_HOT if temperature_c >= TOO_HOT_C else HOT).said(temperature_c=temperature_c)]


def _resident_bytes(pid: int) -> int:
    try:
        return int(psutil.Process(pid).memory_info().rss)
    except psutil.Error:
        return 0


def _celsius(thermometer: Path) -> float | None:
    try:
        return round(int(_text(thermometer)) / 1000, 1)
    except ValueError:
        return None


def _text(path: Path) -> str:
    try:
        return path.read_text().strip()
    except (OSError, UnicodeDecodeError):
        return ""
