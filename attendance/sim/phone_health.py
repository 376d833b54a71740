"""How the simulated phone says it is, as SMS-Gate does it.

Source: ``docs/features/health.md`` of android-sms-gateway/docs-web.
"""

from dataclasses import dataclass
from typing import Any

VERSION = "1.60.0"
RELEASE = 160
_WARN_PERCENT, _FAIL_PERCENT = 25, 10
_WIFI = 4
_USB = 4 + 1
_WORST = ("pass", "warn", "fail")


@dataclass(frozen=True, slots=True)
class Battery:
    percent: int
    charging: bool


def health(battery: Battery, failed: int, processed: int) -> dict[str, Any]:
    """The health report.

    Args:
        failed, processed: messages of the last hour.
    """
    messages = "pass" if not failed else "warn" if processed else "fail"
    level = "fail" if battery.percent < _FAIL_PERCENT else "warn" if battery.percent < _WARN_PERCENT else "pass"
    checks = {
        "messages:failed": _check("Failed messages for last hour", "messages", failed, messages),
        "connection:status": _check("Internet connection status", "boolean", 1),
        "connection:transport": _check("Network transport type", "flags", _WIFI),
        "connection:cellular": _check("Cellular network type", "index", 0),
        "battery:level": _check("Battery level in percent", "percent", battery.percent, level),
        "battery:charging": _check("Is the phone charging?", "flags", _USB if battery.charging else 0),
    }
    status = max((check["status"] for check in checks.values()), key=_WORST.index)
    return {"status": status, "version": VERSION, "releaseId": RELEASE, "checks": checks}


def server_health() -> dict[str, Any]:
    """What a server between gate and phone answers: it knows nothing of the phone."""
    return {
        "status": "pass",
        "version": VERSION,
        "releaseId": RELEASE,
        "checks": {"db:ping": {"description": "Failed sequential pings count", "observedValue": 0, "status": "pass"}},
    }


def _check(description: str, unit: str, value: int, status: str = "pass") -> dict[str, Any]:
    return {"description": description, "observedUnit": unit, "observedValue": value, "status": status}
