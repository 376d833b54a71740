"""Records as a gate makes them, for the tests of the API."""

import random
import secrets
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from uuid6 import uuid7

from attendance.clock import Moment
from attendance.sim.gate_ledger import GateLedger


def ledger(device_id: str = "gate-1") -> GateLedger:
    """Of a gate in Manila."""
    return GateLedger(device_id, ZoneInfo("Asia/Manila"), random.Random(secrets.randbits(32)))


def scan(of: GateLedger, student_key: str = "") -> dict[str, Any]:
    """The next one, as it is sent."""
    seen = Moment(datetime.now(UTC), "boot-1", 5_000_000_000, True)
    return of.record(student_key or secrets.token_hex(16), seen).model_dump()


def student(**changes: Any) -> dict[str, Any]:
    key = secrets.token_hex(16)
    return {
        "type": "student",
        "student_key": key,
        "student_id": f"2026-{key[:8]}",
        "name": "Cruz, Ana",
        "section": "7-Rizal",
        "guardians": [{"phone": "+639171234567", "name": "Eva"}],
        **changes,
    }


def photo(scan_id: str, sha256: str, size: int) -> dict[str, Any]:
    return {"type": "photo", "scan_id": scan_id, "sha256": sha256, "size_bytes": size, "reason": "", "score": 0.9}


def unknown_id() -> str:
    return str(uuid7())
