"""The collected metrics in the text format of Prometheus, by its rules of naming: base units, ``_total``, ``_seconds``.

Source: https://prometheus.io/docs/practices/naming/ and https://prometheus.io/docs/instrumenting/exposition_formats/

Counters count from the start of the process, which Prometheus expects: it takes a counter that has fallen for one that
began again at 0. One that went on from a slightly old file would look like thousands of new events after every kill.
"""

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.registry import Collector

from attendance.ops.health import Problem
from attendance.ops.histogram import Histogram
from attendance.ops.metric import Metric
from attendance.ops.metrics import MetricsCollector, Reading

log = logging.getLogger(__name__)

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_PREFIX = "attendance_"
_BASE_UNITS = {
    "_ms": ("_seconds", 1e-3),
    "_minutes": ("_seconds", 60.0),
    "_hours": ("_seconds", 3600.0),
    "_kb": ("_bytes", 1e3),
    "_mb": ("_bytes", 1e6),
    "_gb": ("_bytes", 1e9),
    "_percent": ("_ratio", 1e-2),
}
"""The last word of a name, what it becomes, and what its values are multiplied by. MB and GB are decimal."""
_BOUNDS_MS = range(17)
"""Powers of two: from 1 ms to 65.5 s."""
_UNDESCRIBED = "Not in the catalogue: {name} of the export."


def prometheus_name(name: str, kind: str) -> str:
    """What a metric of the export is called here."""
    base = _in_base_unit(f"{name.removesuffix('_ms')}_ms" if kind == "timing" else name)[0]
    return f"{base.removesuffix('_total')}_total" if kind == "counter" else base


@dataclass(frozen=True, slots=True)
class Labelled:
    """A gauge of many things.

    Attributes:
        name: whole, in base units.
        labels: their names.
        values: of each thing its labels' values, in the order of ``labels``, and its number.
    """

    name: str
    help: str
    labels: Sequence[str]
    values: Sequence[tuple[Sequence[str], float]]


def labelled_text(gauges: Sequence[Labelled]) -> bytes:
    """Gauges in the text format of Prometheus, UTF-8."""
    registry = CollectorRegistry()
    registry.register(_Gauges(gauges))
    return generate_latest(registry)


class _Gauges(Collector):
    def __init__(self, gauges: Sequence[Labelled]) -> None:
        self._gauges = gauges

    def collect(self) -> Iterator[Family]:
        return map(_labelled, self._gauges)


def _labelled(gauge: Labelled) -> Family:
    family = GaugeMetricFamily(gauge.name, gauge.help, labels=gauge.labels)
    for labels, value in gauge.values:
        family.add_metric(labels, value)
    return family


def by_problem(problems: Iterable[Problem]) -> list[tuple[list[str], float]]:
    """Values of a gauge with the labels ``code`` and ``severity``: how many there are of each."""
    counts = Counter((each.code, each.severity) for each in problems)
    return [([code, severity], count) for (code, severity), count in counts.items()]


class Exposition(Collector):
    """Writes what a collector has.

    Args:
        version: of the program.
        problems: what is wrong now, as health says: a monitor alerts on the same conditions.
    """

    def __init__(
        self, metrics: MetricsCollector, version: str, problems: Callable[[], Sequence[Problem]] = tuple
    ) -> None:
        self._metrics = metrics
        self._version = version
        self._problems = problems
        self._known = {(each.kind, each.name): each for each in metrics.catalogue}
        self._clashes: set[str] = set()
        self._registry = CollectorRegistry()
        self._registry.register(self)
        ProcessCollector(registry=self._registry)

    def text(self) -> bytes:
        """All metrics, with those of the process; UTF-8."""
        return generate_latest(self._registry)

    def collect(self) -> Iterator[Family]:
        """The families, each name once: of two that would be called the same, the catalogue's or the first is told."""
        told: set[str] = set()
        for family in self._families(self._metrics.reading()):
            names = {sample.name for sample in family.samples}
            if told.isdisjoint(names):
                told |= names
                yield family
            elif family.name not in self._clashes:
                self._clashes.add(family.name)
                log.warning("metric %s is not shown: another one has its name", family.name)

    def _families(self, reading: Reading) -> Iterator[Family]:
        yield GaugeMetricFamily(f"{_PREFIX}uptime_seconds", "Time since the gate's program started.", reading.uptime_s)
        version = [([self._version], 1)]
        yield _labelled(Labelled(f"{_PREFIX}build_info", "The version that runs; always 1.", ["version"], version))
        found = by_problem(self._problems())
        yield _labelled(
            Labelled(f"{_PREFIX}problem", "What is wrong now, by the codes of health.", ["code", "severity"], found)
        )
        families = [*self._counters(reading), *self._timings(reading), *self._gauges(reading)]
        yield from (family for family, known in families if known)
        yield from (family for family, known in families if not known)

    def _counters(self, reading: Reading) -> Iterator[tuple[Family, bool]]:
        labelled: dict[str, CounterMetricFamily] = {}
        for name, count in reading.counters.items():
            known = self._known.get(("counter", name))
            if known is None or known.label is None:
                yield (
                    CounterMetricFamily(prometheus_name(name, "counter"), _help(known, name), count),
                    known is not None,
                )
                continue
            label = known.label
            if label.family not in labelled:
                called = prometheus_name(label.family, "counter")
                labelled[label.family] = CounterMetricFamily(called, label.help, labels=[label.key])
            labelled[label.family].add_metric([label.value], count)
        yield from ((family, True) for family in labelled.values())

    def _timings(self, reading: Reading) -> Iterator[tuple[Family, bool]]:
        for name, timing in reading.timings.items():
            known = self._known.get(("timing", name))
            called = prometheus_name(name, "timing")
            buckets = _buckets(timing)
            yield HistogramMetricFamily(called, _help(known, name), buckets, timing.total / 1e3), known is not None

    def _gauges(self, reading: Reading) -> Iterator[tuple[Family, bool]]:
        for name, value in reading.gauges.items():
            known = self._known.get(("gauge", name))
            called, factor = _in_base_unit(name)
            yield GaugeMetricFamily(called, _help(known, name), value * factor), known is not None


def _in_base_unit(name: str) -> tuple[str, float]:
    """The name with its prefix and base unit, and what its values are multiplied by."""
    for suffix, (unit, factor) in _BASE_UNITS.items():
        if name.endswith(suffix):
            return f"{_PREFIX}{name.removesuffix(suffix)}{unit}", factor
    return f"{_PREFIX}{name}", 1.0


def _buckets(timing: Histogram) -> list[tuple[str, float]]:
    bounds = [str(2**exponent / 1e3) for exponent in _BOUNDS_MS]
    return [*zip(bounds, map(float, timing.up_to(_BOUNDS_MS)), strict=True), ("+Inf", float(timing.count))]


def _help(metric: Metric | None, name: str) -> str:
    return metric.help if metric else _UNDESCRIBED.format(name=name)
