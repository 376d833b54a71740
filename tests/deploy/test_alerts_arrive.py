"""Real Prometheus and Alertmanager between what goes wrong and whoever is told: every rule fires there, and resolves.

In copies of the delivered files half hours are made seconds; expressions, labels and routes stay as they are.
"""

import json
import re
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml
from promtool import tool

from attendance.clock import boot_ns
from attendance.ops.exposition import Exposition, Labelled, labelled_text
from attendance.ops.health import Problem
from attendance.ops.metrics import MetricsCollector

DEPLOY = Path(__file__).parents[2] / "deploy"
RULES = (DEPLOY / "prometheus/attendance.rules.yml").read_text()
SEVERITY = {
    rule["alert"]: rule["labels"]["severity"] for group in yaml.safe_load(RULES)["groups"] for rule in group["rules"]
}
RECEIVER = {"error": "on-duty", "warning": "office"}
PROBLEMS = (Problem("camera-lost", "error", "…", "…"), Problem("hot", "warning", "…", "…"))


_CENTRE = ("attendance_centre_gate_problem", "…", ["school", "gate", "code", "severity"])
_OF_E = [(["S", "E", problem.code, problem.severity], 1.0) for problem in PROBLEMS]


class Handler(BaseHTTPRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        pass


class Gates:
    """What four gates of one school say at /a to /d, and the centre of a fifth at /centre.

    While there is trouble, A has all that a gate cannot know of itself, B answers nothing, and C, a real gate's page,
    has problems that it knows. D is always well and busy.
    """

    def __init__(self, data: Path) -> None:
        self.trouble = True
        self.began_ns = boot_ns()
        metrics = MetricsCollector(data / "metrics.json", 300, False)
        self.page = Exposition(metrics, "1.0", lambda: PROBLEMS if self.trouble else ())

    def say(self, path: str) -> bytes | None:
        if path in ("/b", "/centre-down") and self.trouble:
            return None
        if path == "/centre":
            return labelled_text([Labelled(*_CENTRE, _OF_E if self.trouble else [])])
        return self.page.text() if path == "/c" else self._numbers(in_trouble=path == "/a" and self.trouble)

    def _numbers(self, *, in_trouble: bool) -> bytes:
        passed_s = (boot_ns() - self.began_ns) / 1e9
        scans = round(passed_s * 20)
        values = {
            "attendance_scans_total": 7 if in_trouble else scans,
            "process_start_time_seconds": round(passed_s) if in_trouble else 1,
            "attendance_disk_free_bytes": 1e9 - passed_s * 1e6 if in_trouble else 1e9,
            "attendance_core_memory_bytes": 6e7 + passed_s * 1e6 if in_trouble else 6e7,
            'attendance_qr_scan_seconds_bucket{le="0.256"}': 0 if in_trouble else scans,
            'attendance_qr_scan_seconds_bucket{le="1.024"}': scans,
            'attendance_qr_scan_seconds_bucket{le="+Inf"}': scans,
        }
        return "".join(f"{name} {value}\n" for name, value in values.items()).encode()


@pytest.fixture
def serve() -> Iterator[Callable[[type[BaseHTTPRequestHandler]], int]]:
    """Serves on a free port, until the test ends."""
    servers: list[ThreadingHTTPServer] = []

    def start(handler: type[BaseHTTPRequestHandler]) -> int:
        server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        return int(server.server_port)

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Callable[..., None]]:
    """Starts a program in the test's folder and ends it with the test."""
    running: list[subprocess.Popen[bytes]] = []

    def start(name: str, *words: str) -> None:
        with (tmp_path / f"{name}.log").open("wb") as log:
            running.append(subprocess.Popen([tool(name), *words], cwd=tmp_path, stdout=log, stderr=log))

    yield start
    for process in running:
        process.kill()
        process.wait()


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def write_files(folder: Path, gates: int, told: int, alertmanager: int) -> None:
    """The delivered files, with these ports and in a hurry."""
    hurried = re.sub(r"\[\w+\]", "[6s]", re.sub(r"for: \w+", "for: 1s", RULES))
    (folder / "attendance.rules.yml").write_text(hurried)
    prometheus = yaml.safe_load((DEPLOY / "prometheus/prometheus.yml").read_text())
    prometheus["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
    prometheus["alerting"]["alertmanagers"][0]["static_configs"][0]["targets"] = [f"127.0.0.1:{alertmanager}"]
    jobs = {job["job_name"]: job for job in prometheus["scrape_configs"]}
    del jobs["attendance-centre"]["authorization"]
    pages = dict.fromkeys("abcd", "attendance") | dict.fromkeys(("centre", "centre-down"), "attendance-centre")
    prometheus["scrape_configs"] = [
        jobs[job]
        | {"job_name": page, "metrics_path": f"/{page}"}
        | {"static_configs": [{"targets": [f"127.0.0.1:{gates}"], "labels": _labels(page)}]}
        | {"relabel_configs": [{"target_label": "job", "replacement": job}]}
        for page, job in pages.items()
    ]
    (folder / "prometheus.yml").write_text(yaml.safe_dump(prometheus))
    routes = (DEPLOY / "alertmanager/alertmanager.yml").read_text().replace("localhost:9099", f"127.0.0.1:{told}")
    alerts = yaml.safe_load(re.sub(r"(group_wait|group_interval): \w+", r"\1: 1s", routes))
    alerts["time_intervals"][0]["time_intervals"][0]["years"] = ["1999"]  # no night now, whatever the clock says
    (folder / "alertmanager.yml").write_text(yaml.safe_dump(alerts))


def _labels(page: str) -> dict[str, str]:
    return {"instance": page} if page.startswith("centre") else {"school": "S", "gate": page}


@pytest.mark.slow
def test_every_alert_arrives_and_is_called_off(
    tmp_path: Path,
    serve: Callable[[type[BaseHTTPRequestHandler]], int],
    run: Callable[..., None],
    eventually: Callable[..., None],
) -> None:
    """Errors reach who is on duty, warnings the office; when the trouble is over, the same people hear that."""
    gates = Gates(tmp_path)
    heard: set[tuple[str, str, str]] = set()

    class Pages(Handler):
        def do_GET(self) -> None:
            said = gates.say(self.path)
            self.send_response(200 if said is not None else 500)
            self.end_headers()
            self.wfile.write(said or b"")

    class Told(Handler):
        def do_POST(self) -> None:
            said = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            heard.update((self.path.strip("/"), each["labels"]["alertname"], each["status"]) for each in said["alerts"])
            self.send_response(200)
            self.end_headers()

    alertmanager = free_port()
    write_files(tmp_path, serve(Pages), serve(Told), alertmanager)
    run(
        "prometheus-alertmanager",
        *("--config.file=alertmanager.yml", "--storage.path=am", "--cluster.listen-address="),
        f"--web.listen-address=127.0.0.1:{alertmanager}",
    )
    run(
        "prometheus",
        *("--config.file=prometheus.yml", "--storage.tsdb.path=tsdb"),
        f"--web.listen-address=127.0.0.1:{free_port()}",
    )
    for trouble, status in ((True, "firing"), (False, "resolved")):
        gates.trouble = trouble
        expected = {(RECEIVER[severity], name, status) for name, severity in SEVERITY.items()}
        eventually(lambda expected=expected: expected <= heard, within_s=60.0)
