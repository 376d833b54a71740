"""What a gate measures, and the page that shows it."""

import json
import re
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.request import urlopen
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from prometheus_client.parser import text_string_to_metric_families
from promtool import complaints
from test_station import Bench

from attendance.clock import ManualClock
from attendance.domain.scan import Refusal
from attendance.kiosk import measures
from attendance.kiosk.album import Album, Entry
from attendance.kiosk.metric_catalogue import CATALOGUE, SHOWN, refused
from attendance.kiosk.station import Station
from attendance.kiosk.web.access import Access
from attendance.kiosk.web.health import HealthPages
from attendance.kiosk.web.metrics import metrics_blueprint
from attendance.kiosk.web.pages import gate_app
from attendance.ops.exposition import Exposition, prometheus_name
from attendance.ops.health import HealthBoard, Problem
from attendance.ops.machine import MachineProbe
from attendance.ops.metrics import MetricsCollector
from attendance.ops.webserver import Streams, WebServer
from attendance.vision.messages import Portrait

PAGE = Path(__file__).parents[2] / "docs/operations/metrics.md"
MANILA = ZoneInfo("Asia/Manila")


@pytest.fixture
def metrics(tmp_path: Path) -> MetricsCollector:
    clock = ManualClock(datetime(2025, 12, 10, tzinfo=UTC))
    return MetricsCollector(tmp_path / "metrics.json", 300, True, catalogue=CATALOGUE, clock=clock, zone=MANILA)


@pytest.fixture
def bench(tmp_path: Path, metrics: MetricsCollector) -> Iterator[Bench]:
    """A station and an album that tell the collector, wired as the gate wires them."""
    bench = Bench(tmp_path)

    def measure(entry: Entry, kept: bool) -> None:
        measures.photo(metrics, kept, (bench.clock.boot_ns() - entry.read_boot_ns) / 1e9)

    def show(outcome: Any) -> None:
        bench.outcomes.append(outcome)
        measures.outcome(metrics, outcome)

    bench.album = Album(tmp_path, bench.writer, bench.kept.append, measure=measure)
    bench.station = Station(
        bench.rules,
        bench.clock,
        bench.writer,
        bench.album,
        answer=bench.verdicts.append,
        show=show,
        ended=lambda: None,
    )
    yield bench
    bench.writer.stop()


def counters(metrics: MetricsCollector) -> dict[str, float]:
    """Those that have counted something."""
    return {name: count for name, count in metrics.get_metrics()["counters"].items() if count}


def app(metrics: MetricsCollector) -> Flask:
    access = Access(health_token="s3cret")
    clock = ManualClock(datetime(2025, 12, 10, tzinfo=UTC))
    health = HealthPages(HealthBoard().snapshot, clock, MANILA, started=lambda: True, ready=lambda: True)
    blueprint = metrics_blueprint(Exposition(metrics, "1.2.3").text, access)
    return gate_app(access=access, health=health, screen=None, blueprints=[blueprint])


def test_each_scan_is_counted_by_what_became_of_it(bench: Bench, metrics: MetricsCollector) -> None:
    """An accepted one, a second one within the cooldown, a stranger, and one the database refused."""
    bench.sight(b"1")
    bench.sight(b"1", "s2")
    bench.sight(b"stranger", "s3")
    bench.writer.stop()
    bench.sight(b"1", "s4")
    assert counters(metrics) == {
        "scans_total": 4,
        "scans_success": 1,
        "scans_failed": 3,
        "scans_refused_duplicate": 1,
        "scans_refused_unknown_card": 1,
        "scans_not_recorded": 1,
    }
    assert metrics.get_metrics()["timings"]["qr_scan_ms"]["count"] == 4


def test_every_refusal_has_its_counter(metrics: MetricsCollector) -> None:
    """A new reason cannot be forgotten."""
    assert {refused(refusal) for refusal in Refusal} <= set(metrics.get_metrics()["counters"])


def test_a_photo_is_counted_once_and_timed_from_the_frame_with_the_card(
    bench: Bench, metrics: MetricsCollector
) -> None:
    """A better picture of the same scan is not another photo."""
    bench.clock.advance(100)
    bench.sight(b"1")
    for final, seconds in ((False, 1.25), (True, 2.0)):
        bench.clock.advance(seconds)
        bench.station.receive(Portrait("s1", final, "", 50, bench.clock.boot_ns(), (), b"\xff\xd8"))
        bench.station.step()
        bench.album.step()
    timing = metrics.get_metrics()["timings"]["face_capture_ms"]
    assert (timing["count"], timing["avg_ms"]) == (1, 1250)
    assert counters(metrics)["photos_kept"] == 1


def test_a_photo_that_cannot_be_written_is_counted_as_that(bench: Bench, metrics: MetricsCollector) -> None:
    """A full disk moves its own counter, and no timing."""
    bench.folder.joinpath("photos").write_text("in the way")
    bench.sight(b"1")
    bench.station.receive(Portrait("s1", True, "", 50, 0, (), b"\xff\xd8"))
    bench.station.step()
    bench.album.step()
    assert counters(metrics)["photos_failed"] == 1
    assert "face_capture_ms" not in metrics.get_metrics()["timings"]


def test_a_scan_without_a_face_is_no_failed_photo(bench: Bench, metrics: MetricsCollector) -> None:
    """Nothing was there to be written."""
    bench.sight(b"1")
    bench.station.receive(Portrait("s1", True, "Look at the camera.", 0, 0))
    bench.station.step()
    bench.album.step()
    assert not {"photos_kept", "photos_failed"} & counters(metrics).keys()


def test_frames_of_the_future_are_not_timed(
    bench: Bench, metrics: MetricsCollector, caplog: pytest.LogCaptureFixture
) -> None:
    """A film that is played fast is ahead of the clock: it is counted, without a duration and without complaint."""
    measures.photo(metrics, True, -3.0)
    assert counters(metrics) == {"photos_kept": 1}
    assert metrics.get_metrics()["timings"] == {}
    assert caplog.records == []


def board_of(*problems: Problem, frames: int = 0, restarts: int = 0, temperature: float | None = 51.5) -> HealthBoard:
    board = HealthBoard()
    board.report("camera", {"frames_captured": frames, "vision_restarts": restarts, "fps": 29.9})
    board.report("system", {"temperature_c": temperature, "disk_usage": {"free_gb": 19.5}}, problems)
    board.step()
    return board


def test_gauges_come_from_the_last_snapshot(metrics: MetricsCollector) -> None:
    """Nested values and verdicts; what a component does not say is not there."""
    worn = Problem("worn", "warning", "It is worn.", "Mend it.")
    metrics.add_source(measures.SnapshotMeasures(metrics, board_of(worn).snapshot))
    assert metrics.get_metrics()["gauges"] == {
        "camera_fps": 29.9,
        "temperature_celsius": 51.5,
        "disk_free_gb": 19.5,
        "healthy": False,
        "camera_healthy": True,
        "problems_error": 0,
        "problems_warning": 1,
    }


def test_a_value_that_became_unknown_goes(metrics: MetricsCollector) -> None:
    """A thermometer that cannot be read does not go on telling the last temperature."""
    boards = [board_of(temperature=None), board_of()]
    source = measures.SnapshotMeasures(metrics, lambda: boards[-1].snapshot())
    source()
    assert metrics.get_metrics()["gauges"]["temperature_celsius"] == 51.5
    boards.pop()
    source()
    assert "temperature_celsius" not in metrics.get_metrics()["gauges"]


def test_frames_are_counted_across_vision_processes(metrics: MetricsCollector) -> None:
    """Each process counts its frames from 0; the gate's counter only grows, whoever asks and how often."""
    boards = [board_of(frames=frames, restarts=restarts) for frames, restarts in ((30, 1), (250, 0), (100, 0))]
    source = measures.SnapshotMeasures(metrics, lambda: boards[-1].snapshot())
    for _ in range(3):
        askers = [threading.Thread(target=source) for _ in range(4)]
        for asker in askers:
            asker.start()
        for asker in askers:
            asker.join()
        boards.pop()
    assert counters(metrics) == {"frames_processed": 280, "vision_restarts": 1}


def test_what_the_machine_tells_is_found(metrics: MetricsCollector, tmp_path: Path) -> None:
    """The gauges name the values of the real probe, not of one that we imagine."""
    zone = tmp_path / "class/thermal/thermal_zone0"
    zone.mkdir(parents=True)
    (zone / "temp").write_text("51500\n")
    board = HealthBoard()
    board.add_probe("system", MachineProbe(tmp_path, lambda: [1], sys=tmp_path))
    board.step()
    measures.SnapshotMeasures(metrics, board.snapshot)()
    of_the_machine = {name for name, (component, *_) in SHOWN.items() if component == "system"}
    assert of_the_machine - metrics.get_metrics()["gauges"].keys() == {"undervoltage"}


def test_the_page_is_prometheus_text(metrics: MetricsCollector) -> None:
    """Over a real connection, with a real name, complete and without a complaint of Prometheus' own judge."""
    measures.backup(metrics, 180.5)
    metrics.record_timing("qr_scan_ms", 45.2)
    metrics.add_source(measures.SnapshotMeasures(metrics, board_of().snapshot))
    server = WebServer(app(metrics), "127.0.0.1", 0, streams=Streams(1))
    server.start()
    try:
        with urlopen(f"http://localhost:{server.port}/metrics", timeout=10) as answer:
            text, kind = answer.read(), answer.headers["Content-Type"]
    finally:
        server.stop()
    assert kind == "text/plain; version=0.0.4; charset=utf-8"
    assert complaints(text) == ""
    shown = {family.name for family in text_string_to_metric_families(text.decode())}
    always = [each for each in CATALOGUE if each.kind != "gauge"]
    wanted = {prometheus_name(each.label.family if each.label else each.name, each.kind) for each in always}
    assert {name.removesuffix("_total") for name in wanted} <= shown


@pytest.mark.parametrize(
    ("peer", "headers", "status"),
    [
        ("127.0.0.1", {}, 200),
        ("192.168.1.9", {}, 200),
        ("8.8.8.8", {}, 403),
        ("8.8.8.8", {"Authorization": "Bearer wrong"}, 403),
        ("8.8.8.8", {"Authorization": "Bearer s3cret"}, 200),
        ("127.0.0.1", {"X-Forwarded-For": "8.8.8.8"}, 403),
        ("127.0.0.1", {"Host": "evil.example"}, 421),
    ],
)
def test_the_page_is_for_those_who_get_healths_details(
    metrics: MetricsCollector, peer: str, headers: dict[str, str], status: int
) -> None:
    """Private peers and the token; nobody behind an unknown proxy or under a foreign name."""
    client = app(metrics).test_client()
    answer = client.get("/metrics", headers=headers, environ_base={"REMOTE_ADDR": peer})
    assert answer.status_code == status
    assert (b"attendance_scans_total" in answer.data) == (status == 200)


def test_no_label_is_personal(metrics: MetricsCollector) -> None:
    """Labels are the version, a reason, or a bound: nothing that came with a card."""
    keys = {each.label.key for each in CATALOGUE if each.label}
    text = Exposition(metrics, "1.2.3").text().decode()
    assert set(re.findall(r'[{,](\w+)="', text)) == {*keys, "version", "le"} == {"reason", "version", "le"}


def test_the_guide_has_every_metric() -> None:
    """docs/operations/metrics.md says of each what the catalogue says, and what to do; and of no other."""
    rows = [[cell.strip(" `") for cell in line.split("|")[1:-1]] for line in PAGE.read_text().splitlines()]
    listed = {row[0]: row[1:5] for row in rows if len(row) == 6 and re.fullmatch(r"\w+", row[0]) and row[5]}
    expected = {}
    for each in CATALOGUE:
        called = prometheus_name(each.label.family if each.label else each.name, each.kind)
        if each.label:
            called += f'{{{each.label.key}="{each.label.value}"}}'
        expected[each.name] = [called, each.kind, each.unit, each.help]
    assert listed == expected


def test_names_of_the_catalogue_are_unique() -> None:
    """Each name stands once, and each gauge from health is one of them."""
    names = [each.name for each in CATALOGUE]
    assert len(set(names)) == len(names)
    assert set(SHOWN) <= {each.name for each in CATALOGUE if each.kind == "gauge"}


def test_the_documents_names_are_there(metrics: MetricsCollector, tmp_path: Path) -> None:
    """The counters of the documented export, from the first moment on."""
    metrics.export_metrics()
    exported = json.loads((tmp_path / "metrics.json").read_text())
    documented = {"scans_total", "scans_success", "scans_failed", "sms_sent", "cloud_sync_success"}
    assert documented <= exported["counters"].keys()
