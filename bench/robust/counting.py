"""What it costs to count something and to time something."""

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import UTC
from pathlib import Path

from prometheus_client import CollectorRegistry, Counter
from prometheus_client import Histogram as PrometheusHistogram

from attendance.ops.metrics import MetricsCollector
from robust.figures import Figure

_KEPT = 1000


class ListedTimings:
    """Timings as the earlier system kept them: a list under a lock, copied whenever it is full, which it then stays."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._timings: dict[str, list[float]] = defaultdict(list)
        self._counters: dict[str, int] = defaultdict(int)

    def increment(self, name: str, value: int = 1) -> None:
        with self._lock:
            self._counters[name] += value

    def record_timing(self, name: str, ms: float) -> None:
        with self._lock:
            self._timings[name].append(ms)
            if len(self._timings[name]) > _KEPT:
                self._timings[name] = self._timings[name][-_KEPT:]


def figures(calls: int) -> Iterator[Figure]:
    """The best of nine rounds of ``calls`` calls, all in turns; loop and call included."""
    ours = MetricsCollector(Path("unused"), 300, False, zone=UTC)
    naive = ListedTimings()
    registry = CollectorRegistry()
    counter = Counter("scans", "Cards read.", registry=registry)
    histogram = PrometheusHistogram("qr_scan_seconds", "Scans.", registry=registry)
    for _ in range(2 * _KEPT):
        naive.record_timing("qr_scan_ms", 45.2)
    us = _microseconds(
        {
            "increment": lambda: ours.increment("scans_total"),
            "Counter.inc": counter.inc,
            "naive increment": lambda: naive.increment("scans_total"),
            "record_timing": lambda: ours.record_timing("qr_scan_ms", 45.2),
            "Histogram.observe": lambda: histogram.observe(0.0452),
            "naive record_timing": lambda: naive.record_timing("qr_scan_ms", 45.2),
        },
        calls,
    )
    part, earlier = "counting", "0.30, from 1,000 samples on 1.5 µs"
    yield Figure(
        part, "increment", us["increment"], "µs", earlier="0.29 µs", peer="Counter.inc", peer_value=us["Counter.inc"]
    )
    yield Figure(
        part, "increment", us["increment"], "µs", peer="a dictionary and a lock", peer_value=us["naive increment"]
    )
    yield Figure(
        part,
        "record_timing",
        us["record_timing"],
        "µs",
        earlier=earlier,
        peer="Histogram.observe",
        peer_value=us["Histogram.observe"],
    )
    yield Figure(
        part,
        "record_timing",
        us["record_timing"],
        "µs",
        earlier=earlier,
        peer=f"the last {_KEPT:,} in a list",
        peer_value=us["naive record_timing"],
    )


def _microseconds(calls: dict[str, Callable[[], None]], count: int) -> dict[str, float]:
    best = dict.fromkeys(calls, float("inf"))
    for _ in range(9):
        for name, call in calls.items():
            begun = time.perf_counter()
            for _ in range(count):
                call()
            best[name] = min(best[name], (time.perf_counter() - begun) / count)
    return {name: 1e6 * seconds for name, seconds in best.items()}
