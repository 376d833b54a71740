"""The probe of the machine, on a copy of what a Raspberry Pi's kernel shows."""

import os
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

from attendance.clock import ManualClock
from attendance.ops.machine import MachineProbe


@pytest.fixture
def sys(tmp_path: Path) -> Path:
    (tmp_path / "class/thermal/thermal_zone0").mkdir(parents=True)
    (tmp_path / "class/thermal/thermal_zone0/temp").write_text("48312\n")
    (tmp_path / "class/hwmon/hwmon1").mkdir(parents=True)
    (tmp_path / "class/hwmon/hwmon1/name").write_text("rpi_volt\n")
    (tmp_path / "class/hwmon/hwmon1/in0_lcrit_alarm").write_text("0\n")
    return tmp_path


def codes(probe: MachineProbe) -> list[str]:
    return [problem.code for problem in probe().problems]


def test_a_healthy_machine_has_no_problems(sys: Path) -> None:
    """Values are there, with the documented types, and nothing is wrong."""
    result = MachineProbe(sys, lambda: [os.getpid()], disk_warn_percent=0, disk_critical_percent=0, sys=sys)()
    assert result.problems == ()
    assert result.values["temperature_c"] == 48.3
    assert result.values["undervoltage"] is False
    assert type(result.values["uptime_seconds"]) is int
    assert result.values["memory_mb"] > 5
    assert set(result.values["disk_usage"]) == {"total_gb", "used_gb", "free_gb", "used_percent"}


def test_uptime_ignores_the_wall_clock(sys: Path) -> None:
    """Uptime runs in boot time from the probe's making."""
    clock = ManualClock(datetime(2026, 6, 8, tzinfo=UTC))
    probe = MachineProbe(sys, list, now_ns=clock.boot_ns, sys=sys)
    clock.step(86_400)
    clock.advance(5400)
    assert (probe().values["uptime_seconds"], probe().values["uptime_hours"]) == (5400, 1.5)


def test_room_is_told_to_the_megabyte(sys: Path) -> None:
    """What fills a disk within weeks does not do it in steps of a tenth of a gigabyte."""
    room = MachineProbe(sys, list, sys=sys)().values["disk_usage"]
    assert room["total_gb"] == round(shutil.disk_usage(sys).total / 1e9, 3)


@pytest.mark.parametrize(("warn", "critical", "found"), [(100.1, 0, ["disk-low"]), (100.1, 100.1, ["disk-full"])])
def test_little_space_is_a_problem(sys: Path, warn: float, critical: float, found: list[str]) -> None:
    """Below each threshold of free space its problem is named, with the numbers in it."""
    probe = MachineProbe(sys, list, disk_warn_percent=warn, disk_critical_percent=critical, sys=sys)
    assert codes(probe) == found
    assert "GB" in probe().problems[0].text


@pytest.mark.parametrize(("reading", "found"), [("76000", ["hot"]), ("83500", ["too-hot"]), ("nonsense", [])])
def test_heat_is_a_problem(sys: Path, reading: str, found: list[str]) -> None:
    """Hot, too hot, and a thermometer that says nothing."""
    (sys / "class/thermal/thermal_zone0/temp").write_text(reading)
    assert codes(MachineProbe(sys, list, disk_warn_percent=0, disk_critical_percent=0, sys=sys)) == found


def test_undervoltage_is_a_problem_for_an_hour(sys: Path) -> None:
    """A dip that lasts a moment is seen by whoever asks in the next hour; after that it is only remembered."""
    clock = ManualClock(datetime(2026, 6, 8, tzinfo=UTC))
    probe = MachineProbe(sys, list, disk_warn_percent=0, disk_critical_percent=0, now_ns=clock.boot_ns, sys=sys)
    (sys / "class/hwmon/hwmon1/in0_lcrit_alarm").write_text("1\n")
    assert codes(probe) == ["undervoltage"]
    assert probe().values["undervoltage"] is True
    (sys / "class/hwmon/hwmon1/in0_lcrit_alarm").write_text("0\n")
    assert probe().values["undervoltage"] is False
    clock.advance(3600)
    assert codes(probe) == ["undervoltage"]
    clock.advance(1)
    assert codes(probe) == ["undervoltage-earlier"]


@pytest.mark.parametrize(
    ("flags", "found"),
    [("0", []), ("50000", ["undervoltage-earlier"]), ("0x50005", ["undervoltage"]), ("nonsense", [])],
)
def test_the_firmware_remembers_undervoltage(sys: Path, flags: str, found: list[str]) -> None:
    """What happened before the gate was started is known to the board's firmware."""
    firmware = sys / "devices/platform/soc/soc:firmware/get_throttled"
    firmware.parent.mkdir(parents=True)
    firmware.write_text(flags + "\n")
    assert codes(MachineProbe(sys, list, disk_warn_percent=0, disk_critical_percent=0, sys=sys)) == found


def test_a_machine_without_sensors_is_healthy(tmp_path: Path) -> None:
    """A PC shows null for what it cannot measure."""
    result = MachineProbe(tmp_path, list, disk_warn_percent=0, disk_critical_percent=0, sys=tmp_path / "none")()
    assert (result.values["temperature_c"], result.values["undervoltage"], result.problems) == (None, None, ())


def test_memory_is_that_of_all_processes(sys: Path) -> None:
    """They count together; one that has just ended counts nothing."""
    ended = 2**22 + 1
    alone = MachineProbe(sys, lambda: [os.getpid()], sys=sys)().values["memory_mb"]
    twice = MachineProbe(sys, lambda: [os.getpid(), os.getpid(), ended], sys=sys)().values["memory_mb"]
    assert twice == pytest.approx(2 * alone, rel=0.05)
    assert alone > 5
