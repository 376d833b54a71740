"""What a simulated gate says of its health: a whole ``/health`` of a gate on a Raspberry Pi that is well."""

from collections.abc import Mapping
from datetime import timedelta, tzinfo
from typing import Any

from attendance.clock import Moment, timestamps

_FRAMES_A_SECOND = 30
_BACKUP_S, _BACKUPS_KEPT = 3600, 24
_RECORD_MB = 0.0006
_EMPTY_MB = 0.4
_NO_SCANS: Mapping[str, Any] = {"run": "", "count": 0}
_SERVICES = (
    *("writer", "album", "station", "backup", "retention", "redating", "logs", "memory", "orderly restart", "display"),
    *("sync courier", "sync photos", "sync directory", "sync other gates", "sync heartbeat", "sync commands"),
    *("proof of work", "SMS webhook", "alerts"),
)


def health(
    now: Moment,
    zone: tzinfo,
    *,
    up_s: float,
    scans: int,
    waiting: int,
    today: int = 0,
    students: int = 0,
    oldest_s: float = 0.0,
    taken: Mapping[str, Any] = _NO_SCANS,
    school: str = "",
) -> dict[str, Any]:
    """A gate that is well.

    Args:
        up_s: since its start.
        scans, today: that it has, and those of this day.
        waiting, oldest_s: records that wait to be sent, and how long the oldest has waited.
        taken: how long its scans took, as ``ScanTimes`` tells it.
        school: to which it belongs.
    """
    size_mb = round(_EMPTY_MB + scans * _RECORD_MB, 1)
    return {
        "overall_status": "healthy",
        **timestamps(now.at, zone),
        "system": {
            "status": "healthy",
            "uptime_seconds": round(up_s),
            "uptime_hours": round(up_s / 3600, 1),
            "memory_mb": 172.4,
            "disk_usage": {"total_gb": 29.1, "used_gb": 9.4, "free_gb": 19.7, "used_percent": 32.3},
            "temperature_c": 51.5,
            "undervoltage": False,
        },
        "database": {
            "status": "healthy",
            "connectivity": "ok",
            "queue_size": waiting,
            "total_records": scans,
            "today_scans": today,
            "students": students,
            "size_mb": size_mb,
            "oldest_unsent_seconds": round(oldest_s, 1),
        },
        "components": {
            **_seeing(now, zone, up_s),
            **_kept(now, zone, up_s, size_mb),
            **_connected(waiting, school),
            "clock": {"status": "healthy", "trusted": now.trusted, "stepped_seconds": 0.0},
            "memory": {
                "status": "healthy",
                "core": {"used_mb": 85.5, "budget_mb": 160, "growth_mb_per_hour": 0.0},
                "vision": {"used_mb": 86.9, "budget_mb": 200, "growth_mb_per_hour": 0.0},
            },
            "metrics": {"status": "healthy", "export_file": "metrics.json"},
            "alerts": {"status": "healthy", "waiting": 0},
            "scans": {"status": "healthy", **taken},
            "services": {"status": "healthy", **dict.fromkeys(_SERVICES, 0)},
        },
        "problems": [],
    }


def _seeing(now: Moment, zone: tzinfo, up_s: float) -> dict[str, Any]:
    local = timestamps(now.at, zone)["timestamp"]
    return {
        "camera": {
            "status": "healthy",
            "healthy": True,
            "last_refresh": local,
            "frames_captured": round(up_s * _FRAMES_A_SECOND),
            "last_error": None,
            "state": "ok",
            "fps": float(_FRAMES_A_SECOND),
            "vision_restarts": 0,
            "last_frame_seconds": 0.0,
            "face_engine": "blazeface+mesh",
        },
        "watchdog": {
            "status": "healthy",
            "enabled": True,
            "running": True,
            "timeout_seconds": 30.0,
            "elapsed_since_heartbeat": 1.0,
            "timeout_percentage": 3.3,
            "last_heartbeat": local,
            "total_restarts": 0,
            "stale": [],
            "supervised": True,
        },
        "recording": {"status": "healthy", "last_scan_recorded": True},
        "flow": {"status": "healthy"},
        "photos": {"status": "healthy", "kept": True, "expired": 0},
    }


def _kept(now: Moment, zone: tzinfo, up_s: float, size_mb: float) -> dict[str, Any]:
    """A backup is made at the start, and each hour."""
    made = min(_BACKUPS_KEPT, 1 + int(up_s // _BACKUP_S))
    newest = (now.at - timedelta(seconds=up_s % _BACKUP_S)).astimezone(zone)
    return {
        "backup": {
            "status": "healthy",
            "enabled": True,
            "running": True,
            "backup_interval_seconds": _BACKUP_S,
            "keep_backups": _BACKUPS_KEPT,
            "backup_dir": "/opt/attendance/data/backups",
            "total_backups": made,
            "total_size_mb": round(made * size_mb, 1),
            "latest_backup": f"attendance_{newest:%Y%m%d_%H%M%S}.db",
            "database_integrity": "ok",
        }
    }


def _connected(waiting: int, school: str) -> dict[str, Any]:
    """It serves no pages of its own."""
    return {
        "health_endpoint": {"status": "stopped", "serving": False},
        "sms_webhook": {
            "status": "stopped",
            "running": False,
            "total_received": 0,
            "delivered_count": 0,
            "failed_count": 0,
        },
        "sync": {
            "status": "healthy",
            "enrolled": True,
            "school": school,
            "heard_seconds_ago": 0.0,
            "waiting": waiting,
            "pictures_waiting": 0,
            "not_taken": 0,
        },
        "centre_directory": {"status": "healthy", "version": 0},
    }
