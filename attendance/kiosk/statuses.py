"""The documented components of the health pages, from the status that each part gives of itself.

The same functions serve the gate's own probes and the documented ``HealthEndpoint.update_…_status``: what a part says
passes through unchanged, the documented fields are always there with their types, and a bad state is a problem.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

from attendance.ops.health import ProbeResult, Problem

Status = Mapping[str, Any]
"""What a part says of itself: documented keys and whatever else it finds worth telling."""

CAMERA_UNHEALTHY = Problem(
    "camera-unhealthy", "error", "The camera gives no usable pictures. {error}", "Check the camera and its cable."
)
PART_STOPPED = Problem(
    "part-stopped",
    "warning",
    "A part that should run does not: {part}.",
    "Restart the gate. If it stays, read the log and run `attendance doctor`.",
)
HEARTBEAT_OVERDUE = Problem(
    "heartbeat-overdue",
    "error",
    "The gate's main loop has given no sign of life for {seconds:.0f} s.",
    "It is restarted by itself. If it is not, restart the gate and send the log to whoever looks after it.",
)
INTEGRITY_FAILED = Problem(
    "integrity-failed",
    "error",
    "The database has failed its integrity check.",
    "Restart the gate: it repairs the database from its newest good backup and says which scans are missing.",
)


def camera(status: Status, problems: Sequence[Problem] = ()) -> ProbeResult:
    """Documented keys: ``healthy``, ``last_refresh``, ``frames_captured``, ``last_error``."""
    found = list(problems)
    if not found and status.get("healthy") is False:
        found.append(CAMERA_UNHEALTHY.said(error=status.get("last_error") or ""))
    return ProbeResult("camera", _values(status, frames_captured=0), found)


def watchdog(status: Status, problems: Sequence[Problem] = ()) -> ProbeResult:
    """Documented keys: those of ``WatchdogTimer.get_status``, with ``running`` and ``total_restarts``."""
    result = _part("watchdog", status, problems, total_restarts=0)
    overdue = _number(status.get("timeout_percentage")) >= 100 and result.status != "stopped"
    if not overdue or problems:
        return result
    late = HEARTBEAT_OVERDUE.said(seconds=_number(status.get("elapsed_since_heartbeat")))
    return ProbeResult(result.component, result.values, [*result.problems, late])


def backup(status: Status, problems: Sequence[Problem] = ()) -> ProbeResult:
    """Documented keys: ``running``, ``total_backups``, ``latest_backup``, ``database_integrity``."""
    found = list(problems)
    if status.get("database_integrity") == "corrupted" and not found:
        found.append(INTEGRITY_FAILED)
    return _part("backup", status, found, total_backups=0)


def sms_webhook(status: Status, problems: Sequence[Problem] = ()) -> ProbeResult:
    """Documented keys: ``running``, ``total_received``, ``delivered_count``, ``failed_count``."""
    return _part("sms_webhook", status, problems, total_received=0)


BY_COMPONENT: Mapping[str, Callable[[Status], ProbeResult]] = {
    "camera": camera,
    "watchdog": watchdog,
    "backup": backup,
    "sms_webhook": sms_webhook,
}


def _part(component: str, status: Status, problems: Sequence[Problem], **counts: int) -> ProbeResult:
    """A part that runs, does not although it should (a problem), or is switched off (none)."""
    found, verdict = list(problems), _verdict(status)
    if verdict == "stopped" and status.get("enabled") is not False:
        found.append(PART_STOPPED.said(part=component))
    return ProbeResult(component, _values(status, **counts), found, verdict)


def _verdict(status: Status) -> Literal["", "stopped"]:
    return "stopped" if status.get("enabled") is False or status.get("running") is False else ""


def _values(status: Status, **counts: int) -> dict[str, Any]:
    """Everything that was said, as JSON can say it; the documented ``counts`` as whole numbers in any case."""
    values = {str(key): _plain(value) for key, value in status.items() if key != "status"}
    return values | {key: int(_number(status.get(key, default))) for key, default in counts.items()}


def _plain(value: object) -> object:
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError, RecursionError):
        return str(value)
    return value


def _number(value: object) -> float:
    """0 for what is no finite number."""
    if isinstance(value, int | float) and abs(value) < 1e300:
        return float(value)
    return 0.0
