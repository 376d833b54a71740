"""From what happens at the gate to its metrics."""

import threading
from collections.abc import Callable, Mapping
from typing import Any

from attendance.domain.scan import Accepted
from attendance.kiosk import metric_catalogue as names
from attendance.kiosk.station import Outcome
from attendance.ops.health import Snapshot
from attendance.ops.metrics import MetricsCollector


def outcome(metrics: MetricsCollector, what: Outcome) -> None:
    """Count what became of a card."""
    metrics.increment(names.SCANS_TOTAL)
    if isinstance(what.decision, Accepted):
        metrics.increment(names.SCANS_SUCCESS)
    else:
        metrics.increment(names.SCANS_FAILED)
        metrics.increment(names.refused(what.decision.refusal) if what.decision else names.SCANS_NOT_RECORDED)
    _took(metrics, names.QR_SCAN_MS, what.latency_s)


def photo(metrics: MetricsCollector, kept: bool, waited_s: float) -> None:
    """Count a scan's first photo, or one that could not be written.

    Args:
        waited_s: since the frame that shows the card.
    """
    metrics.increment(names.PHOTOS_KEPT if kept else names.PHOTOS_FAILED)
    if kept:
        _took(metrics, names.FACE_CAPTURE_MS, waited_s)


def backup(metrics: MetricsCollector, ms: float) -> None:
    """Count a backup that took ``ms`` milliseconds."""
    metrics.increment(names.BACKUPS_MADE)
    metrics.record_timing(names.BACKUP_DURATION_MS, ms)


def gauges(metrics: MetricsCollector, values: Mapping[str, Any]) -> None:
    """Set gauges; what is ``None`` or no number is unknown, and shown nowhere."""
    for name, value in values.items():
        if isinstance(value, int | float):
            metrics.set_gauge(name, value)
        else:
            metrics.clear_gauge(name)


class SnapshotMeasures:
    """A source of the collector: takes gauges, and totals that grow elsewhere, from the last health snapshot."""

    def __init__(self, metrics: MetricsCollector, snapshot: Callable[[], Snapshot]) -> None:
        self._metrics = metrics
        self._snapshot = snapshot
        self._lock = threading.Lock()
        self._totals: dict[str, int] = {}

    def __call__(self) -> None:
        snapshot = self._snapshot()
        gauges(self._metrics, {name: _value(snapshot, *keys) for name, keys in names.SHOWN.items()})
        severities = [problem.severity for problem in snapshot.problems]
        camera = snapshot.components.get("camera")
        gauges(
            self._metrics,
            {
                names.HEALTHY: snapshot.overall == "healthy",
                names.PROBLEMS_ERROR: severities.count("error"),
                names.PROBLEMS_WARNING: severities.count("warning"),
                names.CAMERA_HEALTHY: camera is not None and camera.status == "healthy",
            },
        )
        with self._lock:
            self._follow(names.FRAMES_PROCESSED, _value(snapshot, "camera", "frames_captured"))
            self._follow(names.VISION_RESTARTS, _value(snapshot, "camera", "vision_restarts"))

    def _follow(self, name: str, total: object) -> None:
        """Count by how much a total has grown that begins at 0 in this process, and again whenever it falls."""
        if not isinstance(total, int):
            return
        earlier = self._totals.get(name, 0)
        self._metrics.increment(name, total - earlier if total >= earlier else total)
        self._totals[name] = total


def _took(metrics: MetricsCollector, name: str, seconds: float) -> None:
    """A film that is played fast has frames of the future: they took no time that could be told."""
    if seconds >= 0:
        metrics.record_timing(name, seconds * 1e3)


def _value(snapshot: Snapshot, component: str, *keys: str) -> Any:
    """One value of a snapshot; ``None`` when it is not there."""
    known = snapshot.components.get(component)
    value: Any = known.values if known else None
    for key in keys:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value
