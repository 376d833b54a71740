"""The documented collector: what it counts, what it exports, what it survives."""

import json
import logging
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from attendance.clock import ManualClock
from attendance.ops.metric import Metric
from attendance.ops.metrics import MOST_NAMES, MetricsCollector

MANILA = ZoneInfo("Asia/Manila")
COUNTED = Metric("scans_total", "counter", "scans", "Cards read.")


def collector(path: Path, **words: Any) -> MetricsCollector:
    clock = words.pop("clock", None) or ManualClock(datetime(2025, 12, 10, 7, 30, tzinfo=UTC))
    return MetricsCollector(path, 300, True, clock=clock, zone=MANILA, **words)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "data/metrics.json"


def test_the_export_is_as_documented(file: Path) -> None:
    """Every field of the document's example, with its type; the additions stand beside."""
    clock = ManualClock(datetime(2025, 12, 10, 6, 30, 0, 999_999, tzinfo=UTC))
    metrics = collector(file, clock=clock)
    clock.advance(3600)
    metrics.increment("scans_total")
    metrics.increment("scans_total", 41)
    for ms in (12.1, 89.7, 34.1):
        metrics.record_timing("qr_scan_ms", ms)
    metrics.set_gauge("queue_size", 3)
    metrics.set_gauge("memory_mb", 245.3)
    metrics.set_gauge("camera_healthy", True)
    assert metrics.export_metrics() is True
    export = json.loads(file.read_text())
    timing = export["timings"]["qr_scan_ms"]
    percentiles = [timing.pop(name) for name in ("p50_ms", "p95_ms", "p99_ms")]
    assert export == {
        "timestamp": "2025-12-10T15:30:00",
        "timestamp_utc": "2025-12-10T07:30:00Z",
        "uptime_seconds": 3600,
        "uptime_hours": 1.0,
        "counters": {"scans_total": 42},
        "timings": {"qr_scan_ms": {"count": 3, "avg_ms": 45.3, "min_ms": 12.1, "max_ms": 89.7}},
        "gauges": {"queue_size": 3, "memory_mb": 245.3, "camera_healthy": True},
    }
    assert percentiles == pytest.approx([34.1, 89.7, 89.7], rel=0.011)


def test_get_metrics_is_what_would_be_exported(file: Path) -> None:
    """One shape for both."""
    metrics = collector(file)
    metrics.increment("scans_total")
    metrics.record_timing("qr_scan_ms", 45.2)
    metrics.export_metrics()
    assert metrics.get_metrics() == json.loads(file.read_text())


def test_the_catalogue_is_there_before_anything_happens(file: Path) -> None:
    """Who reads the file finds a counter that has counted nothing at 0."""
    assert collector(file, catalogue=[COUNTED]).get_metrics()["counters"] == {"scans_total": 0}


def test_no_argument_takes_the_configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As the document's snippets make it; constructing writes nothing."""
    monkeypatch.setenv("ATTENDANCE_HOME", str(tmp_path))
    metrics = MetricsCollector()
    assert list(tmp_path.iterdir()) == []
    metrics.increment("scans_total")
    assert metrics.export_metrics() is True
    assert json.loads((tmp_path / "data/metrics.json").read_text())["counters"] == {"scans_total": 1}


def test_counters_go_on_after_a_restart_and_timings_begin_anew(file: Path) -> None:
    """A stop exports; the next process adds to what was counted."""
    for expected in (2, 4):
        metrics = collector(file)
        metrics.start()
        metrics.increment("scans_total", 2)
        metrics.record_timing("qr_scan_ms", 5)
        assert metrics.stop() is True
        export = json.loads(file.read_text())
        assert (export["counters"]["scans_total"], export["timings"]["qr_scan_ms"]["count"]) == (expected, 1)


def test_a_counter_that_is_full_stays_so(file: Path) -> None:
    """Up to 2^53 every reader is exact; more is not told, and the file still is one of ours."""
    for _ in range(2):
        metrics = collector(file)
        metrics.increment("bytes_read", 2**53)
        metrics.increment("bytes_read", 0.5)
        metrics.export_metrics()
    assert collector(file).get_metrics()["counters"] == {"bytes_read": 2**53}


KILLED = """
import os, signal, sys
from datetime import UTC
from attendance.ops.metrics import MetricsCollector
metrics = MetricsCollector(sys.argv[1], 300, True, zone=UTC)
metrics.increment("scans_total", 7)
metrics.export_metrics()
metrics.increment("scans_total", 5)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_kill_loses_at_most_what_came_after_the_last_export(file: Path) -> None:
    """The file stays whole and the next process goes on from it."""
    done = subprocess.run([sys.executable, "-c", KILLED, str(file)], check=False, timeout=60)
    assert done.returncode == -signal.SIGKILL
    metrics = collector(file)
    metrics.increment("scans_total")
    assert metrics.get_metrics()["counters"] == {"scans_total": 8}


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b"[]",
        b'{"counters": 3}',
        b'{"counters": {"a": "1"}}',
        b'{"counters": {"a": true}}',
        b'{"counters": {"a": -1}}',
        b'{"counters": {"a": NaN}}',
        b'{"counters": {"a": 1e400}}',
        b'{"counters": {"a b": 1}}',
        b"[" * 100_000,
        b" " * 2_000_000,
    ],
)
def test_a_damaged_or_foreign_file_is_set_aside(file: Path, content: bytes, caplog: pytest.LogCaptureFixture) -> None:
    """Counters begin at 0 with one log line, and what was there is kept."""
    file.parent.mkdir()
    file.write_bytes(content)
    metrics = collector(file)
    metrics.increment("scans_total")
    assert metrics.export_metrics() is True
    assert json.loads(file.read_text())["counters"] == {"scans_total": 1}
    assert file.with_name("metrics.json.damaged").read_bytes() == content
    assert len(caplog.records) == 1


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -1, -0.5, None, True, "1", 10**400, [], 1j])
def test_what_is_no_amount_is_refused(file: Path, value: Any, caplog: pytest.LogCaptureFixture) -> None:
    """Neither counted nor raised, but said."""
    metrics = collector(file)
    metrics.increment("scans_total", value)
    metrics.record_timing("qr_scan_ms", value)
    export = metrics.get_metrics()
    assert (export["counters"], export["timings"]) == ({}, {})
    assert len(caplog.records) == 2


@pytest.mark.parametrize("value", [float("nan"), float("-inf"), None, "1", 10**400, {}])
def test_what_is_no_gauge_is_refused(file: Path, value: Any, caplog: pytest.LogCaptureFixture) -> None:
    """The gauge keeps what it was; a later export is valid JSON."""
    metrics = collector(file)
    metrics.set_gauge("queue_size", -3)
    metrics.set_gauge("queue_size", value)
    assert metrics.get_metrics()["gauges"] == {"queue_size": -3}
    assert len(caplog.records) == 1


@pytest.mark.parametrize("name", [None, 3, [], "", "a b", "ä", "1st", "x" * 101, "\ud800", "a\n", 'a"b'])
def test_a_name_that_cannot_be_one_is_refused(file: Path, name: Any, caplog: pytest.LogCaptureFixture) -> None:
    """Whatever a caller gives, the export stays whole."""
    metrics = collector(file)
    metrics.set_gauge("queue_size", 1)
    metrics.increment(name)
    metrics.record_timing(name, 1.0)
    metrics.set_gauge(name, 1)
    metrics.clear_gauge(name)
    assert metrics.export_metrics() is True
    export = json.loads(file.read_text())
    assert (export["counters"], export["timings"], export["gauges"]) == ({}, {}, {"queue_size": 1})
    assert len(caplog.records) == 3


def test_names_and_log_lines_are_bounded(file: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A caller that makes up names fills neither the memory nor the log; known names go on."""
    clock = ManualClock(datetime(2025, 12, 10, tzinfo=UTC))
    metrics = collector(file, clock=clock, catalogue=[COUNTED])
    for number in range(1000):
        metrics.set_gauge(f"made_up_{number}", number)
    metrics.increment("scans_total")
    export = metrics.get_metrics()
    assert len(export["gauges"]) + len(export["counters"]) == MOST_NAMES
    assert export["counters"] == {"scans_total": 1}
    assert len(caplog.records) == 10
    clock.advance(60)
    metrics.set_gauge("one_more", 1)
    assert len(caplog.records) == 11


@pytest.fixture
def restless_threads() -> Iterator[None]:
    """The interpreter changes threads as often as it can."""
    usual = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(usual)


@pytest.mark.usefixtures("restless_threads")
def test_threads_lose_nothing(file: Path) -> None:
    """Eight at once, with somebody reading all the while."""
    metrics = collector(file)
    done = threading.Event()
    averages: set[float] = set()

    def work() -> None:
        for _ in range(5000):
            metrics.increment("scans_total")
            metrics.record_timing("qr_scan_ms", 5.0)

    def read() -> None:
        while not done.is_set():
            averages.update(timing["avg_ms"] for timing in metrics.get_metrics()["timings"].values())

    reader = threading.Thread(target=read)
    workers = [threading.Thread(target=work) for _ in range(8)]
    for thread in (reader, *workers):
        thread.start()
    for thread in workers:
        thread.join()
    done.set()
    reader.join()
    assert averages == {5.0}
    export = metrics.get_metrics()
    assert (export["counters"]["scans_total"], export["timings"]["qr_scan_ms"]["count"]) == (40_000, 40_000)


def test_a_reader_never_sees_half_an_export(file: Path) -> None:
    """`watch cat data/metrics.json | jq` works at any moment."""
    metrics = collector(file)
    for number in range(100):
        metrics.set_gauge(f"gauge_{number}", number)
    metrics.export_metrics()
    done = threading.Event()

    def write() -> None:
        while not done.is_set():
            metrics.export_metrics()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        assert all(len(json.loads(file.read_text())["gauges"]) == 100 for _ in range(200))
    finally:
        done.set()
        writer.join()


def test_it_exports_when_started_and_every_interval(file: Path, eventually: Callable[..., None]) -> None:
    """The file is there at once, and new again after the interval."""
    metrics = MetricsCollector(file, 1, True, zone=MANILA)
    metrics.start()
    metrics.start()
    try:
        eventually(file.exists)
        metrics.increment("scans_total")
        eventually(lambda: json.loads(file.read_text())["counters"] == {"scans_total": 1})
    finally:
        assert metrics.stop() is True
    assert metrics.stop() is True


def test_an_interval_of_nothing_does_not_wear_out_the_disk(file: Path) -> None:
    """Whoever asks for exports without a pause gets one a second."""
    assert MetricsCollector(file, 0, True, zone=MANILA).step() >= 1


def test_it_can_be_started_again(file: Path, eventually: Callable[..., None]) -> None:
    """After a stop it works as before."""
    metrics = collector(file)
    metrics.start()
    metrics.stop()
    file.unlink()
    metrics.start()
    eventually(file.exists)
    assert metrics.stop() is True


def test_switched_off_it_counts_and_writes_only_when_asked(file: Path) -> None:
    """No thread, no file; the page has its numbers all the same."""
    metrics = MetricsCollector(file, 300, False, zone=MANILA)
    metrics.start()
    metrics.increment("scans_total")
    assert metrics.stop() is True
    assert not file.exists()
    assert metrics.get_metrics()["counters"] == {"scans_total": 1}
    assert metrics.probe().status == "stopped"
    assert metrics.export_metrics() is True


def test_a_disk_that_refuses_is_a_problem_until_it_does_not(file: Path, caplog: pytest.LogCaptureFixture) -> None:
    """False, one log line however often, a health problem with a remedy; then it is over."""
    file.parent.write_text("in the way")
    metrics = collector(file)
    metrics.increment("scans_total")
    assert [metrics.export_metrics(), metrics.export_metrics()] == [False, False]
    assert [problem.code for problem in metrics.probe().problems] == ["metrics-not-exported"]
    assert len([record for record in caplog.records if record.levelno == logging.ERROR]) == 1
    file.parent.unlink()
    assert metrics.export_metrics() is True
    assert list(metrics.probe().problems) == []


def test_a_file_that_cannot_be_read_does_not_stop_it(file: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A folder of that name, say: counters begin at 0."""
    file.mkdir(parents=True)
    metrics = collector(file)
    metrics.increment("scans_total")
    assert metrics.get_metrics()["counters"] == {"scans_total": 1}
    assert metrics.export_metrics() is False
    assert "cannot be read" in caplog.text


def test_a_reading_stands_still(file: Path) -> None:
    """What was read does not change while it is written out."""
    metrics = collector(file)
    metrics.increment("scans_total")
    metrics.record_timing("qr_scan_ms", 1)
    reading = metrics.reading()
    metrics.increment("scans_total")
    metrics.record_timing("qr_scan_ms", 1)
    assert (reading.counters["scans_total"], reading.timings["qr_scan_ms"].count) == (1, 1)


def test_sources_are_asked_before_every_look(file: Path) -> None:
    """Values that nobody reports are as new as the question."""
    metrics = collector(file)
    asked: list[int] = []

    def source() -> None:
        asked.append(1)
        metrics.set_gauge("asked", len(asked))

    metrics.add_source(source)
    assert [metrics.get_metrics()["gauges"]["asked"] for _ in range(2)] == [1, 2]


def test_a_cleared_gauge_is_not_shown(file: Path) -> None:
    """What is unknown now is not told with its old value."""
    metrics = collector(file)
    metrics.set_gauge("temperature_celsius", 51.5)
    metrics.clear_gauge("temperature_celsius")
    metrics.clear_gauge("temperature_celsius")
    assert metrics.get_metrics()["gauges"] == {}


def test_reset_forgets_everything_for_good(file: Path) -> None:
    """The catalogue stays, at 0, in the file too."""
    metrics = collector(file, catalogue=[COUNTED])
    metrics.increment("scans_total", 5)
    metrics.record_timing("qr_scan_ms", 1)
    metrics.set_gauge("queue_size", 1)
    metrics.export_metrics()
    again = collector(file, catalogue=[COUNTED])
    again.reset()
    again.export_metrics()
    export = collector(file, catalogue=[COUNTED]).get_metrics()
    assert (export["counters"], export["timings"], export["gauges"]) == ({"scans_total": 0}, {}, {})


def test_the_thread_ends_at_once(file: Path, eventually: Callable[..., None]) -> None:
    """Stopping does not wait for the interval."""
    metrics = collector(file)
    metrics.start()
    eventually(file.exists)
    ended = threading.Event()
    stopper = threading.Thread(target=lambda: metrics.stop() and ended.set())
    stopper.start()
    assert ended.wait(1.0)
    stopper.join()


def test_the_export_can_be_read_by_others(file: Path) -> None:
    """The document's `cat data/metrics.json` needs no root."""
    umask = os.umask(0o022)
    try:
        collector(file).export_metrics()
    finally:
        os.umask(umask)
    assert file.stat().st_mode & 0o777 == 0o644
