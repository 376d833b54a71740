"""Numbers about a process: counters, timings and gauges, exported to a small JSON file every few minutes."""

import json
import logging
import os
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import tzinfo
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from attendance.clock import Clock, SystemClock, timestamps
from attendance.errors import StorageError
from attendance.ops.files import write_atomically
from attendance.ops.health import ProbeResult, Problem
from attendance.ops.histogram import Histogram
from attendance.ops.metric import LARGEST, NAME, Metric, is_amount, is_number
from attendance.ops.metrics_file import counters_of
from attendance.ops.service import Service

log = logging.getLogger(__name__)

MOST_NAMES = 256
"""Names that are kept, of all kinds together: a caller that makes up names must not fill the memory."""
_SHORTEST_INTERVAL_S = 1.0
_LOG_LINES = 10
"""Log lines a minute about values that cannot be counted: a flood of them must not become a flood of lines."""
_MINUTE_NS = 60_000_000_000
_QUANTILES = {"p50_ms": 0.5, "p95_ms": 0.95, "p99_ms": 0.99}

EXPORT_FAILED = Problem(
    "metrics-not-exported",
    "warning",
    "The gate's numbers are not exported: {error}",
    "Make room on the disk, or correct metrics.export_file and the owner of its folder.",
)


@dataclass(frozen=True, slots=True)
class Reading:
    """What was measured since this process began; ``counters`` too, without what earlier ones counted."""

    uptime_s: float
    counters: dict[str, float]
    timings: dict[str, Histogram]
    gauges: dict[str, float | bool]


class MetricsCollector:
    """Keeps the numbers and exports them. Every method may be called from any thread, and none raises.

    Counters outlive the process: they go on from the last export, so that a kill loses at most one interval. Timings
    and gauges are of this process. The file belongs to one running collector; without ``start`` it is read at the first
    look and written only when asked.

    Args:
        export_path, export_interval, enabled: the file, the seconds between two exports and whether they are made;
            ``None`` takes the configuration's.
        catalogue: metrics that are present from the start, counters at 0.
        zone: of the exported ``timestamp``, which is local time without offset; ``None`` takes the school's.

    Raises:
        FaultyConfig: an argument is missing and the configuration has faults.
    """

    def __init__(
        self,
        export_path: str | os.PathLike[str] | None = None,
        export_interval: float | None = None,
        enabled: bool | None = None,
        *,
        catalogue: Iterable[Metric] = (),
        clock: Clock | None = None,
        zone: tzinfo | None = None,
    ) -> None:
        if export_path is None or export_interval is None or enabled is None or zone is None:
            from attendance.config import configured

            settings, paths = configured()
            export_path = paths.resolve(settings.metrics.export_file) if export_path is None else export_path
            export_interval = settings.metrics.export_interval_seconds if export_interval is None else export_interval
            enabled = settings.metrics.enabled if enabled is None else enabled
            zone = ZoneInfo(settings.school.timezone) if zone is None else zone
        self.catalogue = tuple(catalogue)
        self._path = Path(export_path).absolute()
        self._interval_s = max(float(export_interval), _SHORTEST_INTERVAL_S)
        self._enabled = enabled
        self._zone = zone
        self._clock = clock or SystemClock()
        self._born_ns = self._clock.boot_ns()
        self._sources: list[Callable[[], None]] = []
        self._service: Service | None = None
        self._file_lock = threading.Lock()
        self._loaded = False
        self._failure = ""
        self._lock = threading.Lock()
        self._log_minute, self._log_lines = -1, 0
        self._forget()

    def increment(self, name: str, value: float = 1) -> None:
        """Add ``value`` ≥ 0 to a counter; anything else is logged and ignored."""
        if not is_amount(value):
            self._refuse(name, "a counter grows by a number from 0 to 2^53")
            return
        try:
            with self._lock:
                self._counters[name] += value
        except (KeyError, TypeError):
            if self._admits(name, self._counters, 0):
                self.increment(name, value)

    def record_timing(self, name: str, ms: float) -> None:
        """Count something that took ``ms`` milliseconds, ≥ 0; anything else is logged and ignored."""
        if not is_amount(ms):
            self._refuse(name, "a duration is a number of milliseconds from 0 to 2^53")
            return
        try:
            with self._lock:
                self._timings[name].add(ms)
        except (KeyError, TypeError):
            if self._admits(name, self._timings, Histogram()):
                self.record_timing(name, ms)

    def set_gauge(self, name: str, value: float | bool) -> None:
        """Say what something is now: a finite number or a boolean; anything else is logged and ignored."""
        if not (is_number(value) or isinstance(value, bool)):
            self._refuse(name, "a gauge is a finite number up to 2^53 or a boolean")
        elif self._admits(name, self._gauges, value):
            with self._lock:
                self._gauges[name] = value

    def clear_gauge(self, name: str) -> None:
        """Say that something is unknown now: an old value would be taken for a new one."""
        if isinstance(name, str):
            with self._lock:
                self._gauges.pop(name, None)

    def add_source(self, source: Callable[[], None]) -> None:
        """Call ``source`` before every look at the numbers; it brings those up to date that nobody reports."""
        self._sources.append(source)

    def reset(self) -> None:
        """Forget everything counted so far, by earlier processes too."""
        self._loaded = True
        with self._lock:
            self._forget()

    def get_metrics(self) -> dict[str, Any]:
        """The export as it would be written now."""
        reading = self.reading()
        return {
            **timestamps(self._clock.now().at, self._zone),
            "uptime_seconds": int(reading.uptime_s),
            "uptime_hours": round(reading.uptime_s / 3600, 2),
            "counters": {
                name: min(self._earlier.get(name, 0) + count, LARGEST) for name, count in reading.counters.items()
            },
            "timings": {name: _exported(timing) for name, timing in reading.timings.items() if timing.count},
            "gauges": reading.gauges,
        }

    def reading(self) -> Reading:
        """A copy of everything measured by this process."""
        self._load()
        for source in self._sources:
            source()
        with self._lock:
            return Reading(
                uptime_s=(self._clock.boot_ns() - self._born_ns) / 1e9,
                counters=self._counters.copy(),
                timings={name: timing.copy() for name, timing in self._timings.items()},
                gauges=self._gauges.copy(),
            )

    def export_metrics(self) -> bool:
        """Write the export, whole or not at all; whether it was written."""
        content = json.dumps(self.get_metrics(), indent=2).encode()
        try:
            with self._file_lock:
                write_atomically(self._path, content + b"\n")
        except StorageError as error:
            if not self._failure:
                log.error("metrics not exported: %s", error)
            self._failure = str(error)
            return False
        if self._failure:
            log.info("metrics are exported again")
        self._failure = ""
        return True

    def start(self) -> None:
        """Go on from the last export and export from now on. May be called twice."""
        if self._service is None and self._enabled:
            self._load()
            self._service = Service("metrics", self)
            self._service.start()

    def stop(self, timeout_s: float = 2.0) -> bool:
        """Export a last time and end; whether the thread ended. May be called twice."""
        service, self._service = self._service, None
        if service is None:
            return True
        ended = service.stop(timeout_s)
        if ended:  # else the thread hangs in the disk, and so would we
            self.export_metrics()
        return ended

    @property
    def beat_boot_ns(self) -> int:
        """When the thread that exports was last at work, in boot time; 0 if there is none."""
        service = self._service
        return service.state.beat_boot_ns if service else 0

    def probe(self) -> ProbeResult:
        """For the health board."""
        service = self._service
        fault = self._failure or (service.state.error if service else "")
        problems = [EXPORT_FAILED.said(error=fault)] if fault else []
        return ProbeResult("metrics", {"export_file": self._path.name}, problems, "" if self._enabled else "stopped")

    def step(self) -> float:
        self.export_metrics()
        return self._interval_s

    def _forget(self) -> None:
        self._earlier: dict[str, float] = {}
        self._counters: dict[str, float] = {each.name: 0 for each in self.catalogue if each.kind == "counter"}
        self._timings = {each.name: Histogram() for each in self.catalogue if each.kind == "timing"}
        self._gauges: dict[str, float | bool] = {}

    def _load(self) -> None:
        if self._loaded:
            return
        with self._file_lock:
            if not self._loaded:
                earlier = counters_of(self._path)
                self._earlier = {name: n for name, n in earlier.items() if self._admits(name, self._counters, 0)}
                self._loaded = True

    def _admits(self, name: object, table: dict[str, Any], first: Any) -> bool:
        """Whether a metric of this name is kept in ``table``, where it is put if it is new."""
        if isinstance(name, str) and name in table:
            return True
        if not isinstance(name, str) or not NAME.fullmatch(name):
            self._refuse(name, "a name is up to 100 letters, digits and underscores, a letter first")
            return False
        with self._lock:
            if len(self._counters) + len(self._timings) + len(self._gauges) < MOST_NAMES:
                table.setdefault(name, first)
                return True
        self._refuse(name, f"there are {MOST_NAMES} names already")
        return False

    def _refuse(self, name: object, why: str) -> None:
        minute = self._clock.boot_ns() // _MINUTE_NS
        with self._lock:
            self._log_lines = self._log_lines + 1 if minute == self._log_minute else 1
            self._log_minute = minute
            if self._log_lines > _LOG_LINES:
                return
        shown = name[:100] if isinstance(name, str) else f"a {type(name).__name__}"
        log.warning("metric %r ignored: %s", shown, why)


def _exported(timing: Histogram) -> dict[str, float]:
    return {
        "count": timing.count,
        "avg_ms": round(timing.total / timing.count, 3),
        "min_ms": round(timing.lowest, 3),
        "max_ms": round(timing.highest, 3),
        **{
            name: round(value, 3) for name, value in zip(_QUANTILES, timing.quantiles(_QUANTILES.values()), strict=True)
        },
    }
