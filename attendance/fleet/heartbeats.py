"""A gate's call: how it is, what it has done, and what the centre tells it in return."""

import math
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from attendance.clock import from_rfc3339, rfc3339
from attendance.domain import contact
from attendance.fleet import commands, devices
from attendance.fleet.store import gates, health, scan_times, schools
from attendance.fleet.store.chains import Chain
from attendance.fleet.store.gates import Gate
from attendance.fleet.vitals import summary
from attendance.fleet.watch import SILENT_S

_STATUSES = ("healthy", "degraded", "unhealthy")


def take(conn: Connection, gate: Gate, beat: contact.Heartbeat, now: datetime) -> contact.HeartbeatAnswer:
    """Keep what the gate tells, and answer."""
    gates.touch(conn, gate.school_id, gate.gate_id, beat.version, now)
    commands.settle(conn, gate, beat.results, now)
    here = devices.claim(conn, gate, [head.model_dump() for head in beat.heads], now)
    _keep(conn, gate, beat, _all_here(here, beat), now)
    versions = schools.versions(conn, gate.school_id)
    return contact.HeartbeatAnswer(
        now=rfc3339(now),
        commands=commands.outstanding(conn, gate, now),
        versions=contact.Versions.model_validate(versions),
        siblings=[
            contact.Sibling.model_validate(sibling)
            for sibling in health.siblings(conn, gate.school_id, gate.gate_id, now, SILENT_S)
        ],
    )


def _keep(conn: Connection, gate: Gate, beat: contact.Heartbeat, all_here: bool, now: datetime) -> None:
    told: dict[str, Any] = storable(beat.health)
    status = told.get("overall_status")
    scan_times.record(conn, gate, told, now)
    applied = beat.applied or contact.Versions(changes=0, scans=0)
    sent_at = from_rfc3339(beat.sent_at)
    health.record(
        conn,
        gate,
        {**beat.model_dump(exclude={"results", "health"}), "health": told},
        status=status if status in _STATUSES else "degraded",
        queue_items=beat.queue.items,
        oldest_seconds=beat.queue.oldest_seconds,
        photos_waiting=beat.queue.photos,
        changes_applied=applied.changes,
        scans_applied=applied.scans,
        clock_trusted=beat.clock_trusted,
        sent_at=sent_at,
        synced_to=min(sent_at, now) if all_here else None,
        facts=summary(told) | {"queue_items": beat.queue.items},
        now=now,
    )


def _all_here(here: Mapping[tuple[str, str], Chain], beat: contact.Heartbeat) -> bool:
    """Whether the centre has every scan that the gate made up to the heartbeat, and can tell when that was."""
    if beat.queue.items or not beat.clock_trusted:
        return False
    return all(_reached(here[head.device_id, head.epoch]) >= head.last_seq for head in beat.heads)


def _reached(chain: Chain) -> int:
    """Up to which number the scans are here. Behind a broken link nobody counts any more, so that the newest must do:
    that a scan was altered is another question than whether somebody came."""
    return chain.complete_to if chain.broken_at is None else chain.highest


def storable(value: Any) -> Any:
    """JSON without what databases refuse: NUL in texts, and numbers that are none."""
    if isinstance(value, str):
        return value.replace("\x00", "")
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {storable(key): storable(each) for key, each in value.items()}
    if isinstance(value, list):
        return [storable(each) for each in value]
    return value
