"""The same numbers in Prometheus' text format."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families
from promtool import complaints

from attendance.clock import ManualClock
from attendance.ops.exposition import Exposition
from attendance.ops.health import Problem
from attendance.ops.metric import Label, Metric
from attendance.ops.metrics import MetricsCollector

REFUSED = ("scans_refused", "Cards refused, by reason.", "reason")
CATALOGUE = (
    Metric("scans_total", "counter", "scans", "Cards read."),
    Metric("sms_sent", "counter", "messages", "Messages sent."),
    *(
        Metric(f"scans_refused_{reason}", "counter", "scans", "…", Label(*REFUSED, reason))
        for reason in ("late", "forged")
    ),
    Metric("qr_scan_ms", "timing", "ms", "From frame to commit."),
    Metric("memory_mb", "gauge", "MB", "Memory."),
    Metric("camera_healthy", "gauge", "yes/no", "Whether it is."),
)


@pytest.fixture
def metrics(tmp_path: Path) -> MetricsCollector:
    clock = ManualClock(datetime(2025, 12, 10, tzinfo=UTC))
    return MetricsCollector(tmp_path / "metrics.json", 300, True, catalogue=CATALOGUE, clock=clock, zone=UTC)


def samples(shown: MetricsCollector | Exposition) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    """Name and labels to value, as a reader of the format finds them; every name once."""
    exposition = shown if isinstance(shown, Exposition) else Exposition(shown, "1.2.3")
    families = list(text_string_to_metric_families(exposition.text().decode()))
    assert len({family.name for family in families}) == len(families)
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in families
        for sample in family.samples
    }


def test_counters_end_in_total(metrics: MetricsCollector) -> None:
    """Whether their own name does or not; what has not happened is 0."""
    metrics.increment("scans_total", 3)
    found = samples(metrics)
    assert found["attendance_scans_total", ()] == 3
    assert found["attendance_sms_sent_total", ()] == 0


def test_counters_of_one_family_have_a_label(metrics: MetricsCollector) -> None:
    """Each reason is a value of the label, with those that have not occurred at 0."""
    metrics.increment("scans_refused_forged")
    found = samples(metrics)
    assert found["attendance_scans_refused_total", (("reason", "forged"),)] == 1
    assert found["attendance_scans_refused_total", (("reason", "late"),)] == 0


def test_counters_begin_at_0_with_the_process(metrics: MetricsCollector, tmp_path: Path) -> None:
    """After a kill an older total would look like a reset, and all of it like new events."""
    metrics.increment("scans_total", 5)
    metrics.export_metrics()
    again = MetricsCollector(tmp_path / "metrics.json", 300, True, catalogue=CATALOGUE, zone=UTC)
    again.increment("scans_total")
    assert again.get_metrics()["counters"]["scans_total"] == 6
    assert samples(again)["attendance_scans_total", ()] == 1


def test_timings_are_histograms_in_seconds(metrics: MetricsCollector) -> None:
    """Buckets grow by doubling, count what is at most their bound, and end with all."""
    for ms in (1, 2, 2.5, 200_000):
        metrics.record_timing("qr_scan_ms", ms)
    found = samples(metrics)
    bucket = "attendance_qr_scan_seconds_bucket"
    counts = [found[bucket, (("le", bound),)] for bound in ("0.001", "0.002", "0.004", "65.536", "+Inf")]
    assert counts == [1, 2, 3, 3, 4]
    assert found["attendance_qr_scan_seconds_count", ()] == 4
    assert found["attendance_qr_scan_seconds_sum", ()] == pytest.approx(200.0055)


def test_gauges_are_in_base_units_and_booleans_are_0_or_1(metrics: MetricsCollector) -> None:
    """Decimal megabytes become bytes, hours become seconds, percents become ratios."""
    for name, value in {"memory_mb": 245.3, "camera_healthy": True, "up_hours": 2, "full_percent": 39.1}.items():
        metrics.set_gauge(name, value)
    found = samples(metrics)
    assert found["attendance_memory_bytes", ()] == pytest.approx(245_300_000)
    assert found["attendance_camera_healthy", ()] == 1
    assert found["attendance_up_seconds", ()] == 7200
    assert found["attendance_full_ratio", ()] == pytest.approx(0.391)


def test_the_process_says_what_it_is(metrics: MetricsCollector) -> None:
    """Version, start and memory of the process itself."""
    found = samples(metrics)
    assert found["attendance_build_info", (("version", "1.2.3"),)] == 1
    assert found["process_start_time_seconds", ()] > 1e9
    assert found["process_resident_memory_bytes", ()] > 1e6


def test_names_that_would_clash_are_told_once(metrics: MetricsCollector, caplog: pytest.LogCaptureFixture) -> None:
    """A caller's name never breaks the page nor takes the place of a known one; the export has both."""
    metrics.set_gauge("memory_bytes", 1)
    metrics.set_gauge("memory_mb", 2)
    metrics.increment("qr_scan_seconds_count")
    metrics.set_gauge("qr_scan_seconds_count", 9)
    metrics.increment("scans", 9)
    metrics.set_gauge("build_info", 9)
    exposition = Exposition(metrics, "1.2.3")
    exposition.text()
    found = samples(exposition)
    assert found["attendance_memory_bytes", ()] == 2e6
    assert found["attendance_scans_total", ()] == 0
    assert found["attendance_qr_scan_seconds_count", ()] == 0
    assert ("attendance_build_info", ()) not in found
    assert len([record for record in caplog.records if "attendance_memory_bytes" in record.message]) == 1


def test_promtool_has_nothing_to_say(metrics: MetricsCollector) -> None:
    """Names, units, HELP and TYPE by Prometheus' own rules, with and without values."""
    assert complaints(Exposition(metrics, "1.2.3").text()) == ""
    metrics.increment("scans_total")
    metrics.record_timing("qr_scan_ms", 45.2)
    metrics.set_gauge("memory_mb", 245.3)
    metrics.set_gauge("camera_healthy", False)
    assert complaints(Exposition(metrics, '1.2.3"\\\n').text()) == ""


@pytest.mark.parametrize(
    "text", [b"attendance_scans{le=0.5,,} 1\n", b"# TYPE attendance_scans counter\nattendance_scans 1\n"]
)
def test_promtool_would_say_something(text: bytes) -> None:
    """The judge sees what is wrong: unquoted labels; a counter without help and `_total`."""
    assert complaints(text) != ""


def test_every_problem_is_a_series(metrics: MetricsCollector) -> None:
    """A monitor sees what health sees: by code, how many there are; what has passed is not there."""
    hot = Problem("hot", "warning", "The device is hot.", "Shade it.")
    problems = [hot, Problem("camera-lost", "error", "…", "…"), hot]
    exposition = Exposition(metrics, "1.2.3", lambda: problems)
    found = samples(exposition)
    assert found["attendance_problem", (("code", "hot"), ("severity", "warning"))] == 2
    assert found["attendance_problem", (("code", "camera-lost"), ("severity", "error"))] == 1
    problems.clear()
    assert not [name for name, _ in samples(exposition) if name == "attendance_problem"]
    assert complaints(exposition.text()) == ""
