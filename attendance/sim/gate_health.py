"""What a simulated gate says of its health: the parts of a real gate's ``/health`` that a centre looks at."""

from datetime import tzinfo
from typing import Any

from attendance.clock import Moment, timestamps

_FRAMES_A_SECOND = 30


def health(now: Moment, zone: tzinfo, *, up_s: float, scans: int, waiting: int) -> dict[str, Any]:
    """A gate that is well.

    Args:
        up_s: since its start.
    """
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
            "today_scans": scans,
            "size_mb": 3.2,
        },
        "components": {
            "camera": {
                "status": "healthy",
                "healthy": True,
                "state": "ok",
                "fps": float(_FRAMES_A_SECOND),
                "frames_captured": round(up_s * _FRAMES_A_SECOND),
            },
            "clock": {"status": "healthy", "trusted": now.trusted, "stepped_seconds": 0.0},
            "memory": {
                "status": "healthy",
                "core": {"budget_mb": 160, "used_mb": 85.5},
                "vision": {"budget_mb": 200, "used_mb": 86.9},
            },
        },
        "problems": [],
    }
