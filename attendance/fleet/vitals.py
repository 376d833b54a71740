"""The few values of a gate's own health that the pages show of every gate, read once when the heartbeat comes.

A whole ``/health`` has several kilobytes. A page of a thousand gates cannot read a thousand of them each time.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from attendance.fleet.watch import told


@dataclass(frozen=True, slots=True)
class Vitals:
    """``None``: the gate did not say, or said nonsense.

    Attributes:
        address: name and port of the gate's pages in its own network.
    """

    disk_used_percent: float | None = None
    disk_free_gb: float | None = None
    temperature_c: float | None = None
    undervoltage: bool | None = None
    memory_mb: float | None = None
    uptime_s: float | None = None
    address: str | None = None


def vitals(health: Mapping[str, Any]) -> Vitals:
    """Of what a gate's ``/health`` says. Whatever another version of a gate writes, this does not fail."""
    system = _part(health, "system")
    disk = _part(system, "disk_usage")
    low = system.get("undervoltage")
    return Vitals(
        disk_used_percent=_number(disk.get("used_percent")),
        disk_free_gb=_number(disk.get("free_gb")),
        temperature_c=_number(system.get("temperature_c")),
        undervoltage=low if isinstance(low, bool) else None,
        memory_mb=_number(system.get("memory_mb")),
        uptime_s=_number(system.get("uptime_seconds")),
        address=_address(_part(_part(health, "components"), "health_endpoint").get("address")),
    )


def summary(health: Mapping[str, Any]) -> dict[str, Any]:
    """The vitals that are known, and the problems, as plain JSON: what is kept of each gate to be shown and told.

    All of its problems: people would take one that is left out for one that is over.
    """
    read = vitals(health)
    known = {name: value for name in Vitals.__slots__ if (value := getattr(read, name)) is not None}
    problems = [
        {"code": each.code, "severity": each.severity, "text": each.text, "remedy": each.remedy}
        for each in told(health)
    ]
    return {**known, "problems": problems}


def from_summary(kept: Mapping[str, Any]) -> Vitals:
    """The vitals that ``summary`` kept."""
    return Vitals(**{name: kept.get(name) for name in Vitals.__slots__})


def _part(document: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    part = document.get(name)
    return part if isinstance(part, dict) else {}


def _address(value: Any) -> str | None:
    return value if isinstance(value, str) and re.fullmatch(r"[A-Za-z0-9.-]{1,253}:[0-9]{1,5}", value) else None


def _number(value: Any) -> float | None:
    fits = isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e12
    return float(value) if fits else None
