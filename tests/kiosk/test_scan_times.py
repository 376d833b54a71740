"""What a gate tells of its scan times can be read by the centre, and says what was measured."""

from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from attendance.domain import scan_time
from attendance.kiosk.metric_catalogue import CATALOGUE, QR_SCAN_MS
from attendance.kiosk.scan_times import ScanTimesProbe
from attendance.ops.metrics import MetricsCollector


@pytest.fixture
def metrics(tmp_path: Path) -> MetricsCollector:
    return MetricsCollector(tmp_path / "metrics.json", 300, True, catalogue=CATALOGUE, zone=ZoneInfo("Asia/Manila"))


def test_the_centre_reads_what_the_gate_measured(metrics: MetricsCollector) -> None:
    """Half and 95 of 100 to a fifth, at the gate and from the counts alike."""
    probe = ScanTimesProbe(metrics)
    for ms in range(1, 201):
        metrics.record_timing(QR_SCAN_MS, ms)
    told = probe().values
    up_to = scan_time.read(told["up_to"])
    assert up_to is not None
    assert up_to[-1] == told["count"] == 200
    for fraction, ms in ((0.5, told["p50_ms"]), (0.95, told["p95_ms"])):
        assert (
            scan_time.percentile_ms(up_to, fraction)
            == pytest.approx(ms, rel=0.2)
            == pytest.approx(200 * fraction, rel=0.2)
        )


def test_without_scans_nothing_is_told(metrics: MetricsCollector) -> None:
    """Not a time of 0."""
    assert "p50_ms" not in ScanTimesProbe(metrics)().values


@pytest.mark.parametrize(
    "told", [None, [], [1] * 3, [-1] * 49, [True] * 49, [2, *[1] * 48], [1.0] * 49, ["1"] * 49, [2**60] * 49]
)
def test_nonsense_of_a_gate_is_not_read(told: object) -> None:
    """Whatever a gate sends."""
    assert scan_time.read(told) is None


def test_what_lies_above_all_bounds_has_no_time() -> None:
    """Rather than a wrong one."""
    assert scan_time.percentile_ms([*[0] * 48, 10], 0.5) is None
    assert scan_time.percentile_ms([0] * 49, 0.5) is None
