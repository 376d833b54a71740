"""Real Prometheus and Alertmanager with the delivered files, in a hurry, and somebody whom they tell."""

import json
import re
import socket
import subprocess
import threading
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import yaml
from promtool import tool

DEPLOY = Path(__file__).parents[2] / "deploy"
RULES = (DEPLOY / "prometheus/attendance.rules.yml").read_text()
SEVERITY: Mapping[str, str] = {
    rule["alert"]: rule["labels"]["severity"] for group in yaml.safe_load(RULES)["groups"] for rule in group["rules"]
}
RECEIVER = {"error": "on-duty", "warning": "office"}


@dataclass(frozen=True, slots=True)
class Hurry:
    """What stands in the rules for the times that are delivered; expressions and labels stay as they are.

    Attributes:
        window_s: that an expression looks back.
        lasts_s: that a condition holds before it is told.
        day_s: seconds of a day, by which slopes are judged.
    """

    window_s: int = 6
    lasts_s: int = 1
    day_s: int = 86_400


@dataclass(frozen=True, slots=True)
class Page:
    """What Prometheus scrapes, by which of the delivered jobs.

    Attributes:
        token_file: holds the secret that opens it; ``None``: it needs none.
    """

    job: str
    labels: Mapping[str, str]
    port: int
    path: str = "/metrics"
    token_file: Path | None = None

    def read(self) -> str:
        """What it says now.

        Raises:
            OSError: it does not answer.
        """
        headers = {"Authorization": f"Bearer {self.token_file.read_text()}"} if self.token_file else {}
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{self.path}", headers=headers)
        with urllib.request.urlopen(request, timeout=10) as answer:
            return str(answer.read().decode())


@dataclass
class Listener:
    """Everything that was posted, in order: the path, without slashes, and the JSON."""

    port: int = 0
    posts: list[tuple[str, Any]] = field(default_factory=list)

    def alerts(self) -> list[tuple[str, Mapping[str, str], str]]:
        """What Alertmanager has said: its receiver, the alert's labels, and whether it fires or is resolved."""
        return [
            (path, alert["labels"], alert["status"])
            for path, said in list(self.posts)
            for alert in said.get("alerts", ())
        ]


@contextmanager
def listening() -> Iterator[Listener]:
    """On a free port."""
    listener = Listener()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            said = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            listener.posts.append((self.path.strip("/"), said))
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            pass

    with serving(Handler) as listener.port:
        yield listener


@contextmanager
def serving(handler: type[BaseHTTPRequestHandler]) -> Iterator[int]:
    """Serves on a free port, which it gives."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield int(server.server_port)
    server.shutdown()
    server.server_close()


@contextmanager
def monitoring(folder: Path, pages: Sequence[Page], listener: Listener, hurry: Hurry) -> Iterator[None]:
    """Prometheus scrapes the pages every second and has Alertmanager tell of what it finds."""
    port = free_port()
    _write_files(folder, pages, listener.port, port, hurry)
    alertmanager = ("--config.file=alertmanager.yml", "--storage.path=am", "--cluster.listen-address=")
    prometheus = ("--config.file=prometheus.yml", "--storage.tsdb.path=tsdb")
    with ExitStack() as running:
        running.enter_context(
            _program(folder, "prometheus-alertmanager", *alertmanager, f"--web.listen-address=127.0.0.1:{port}")
        )
        running.enter_context(
            _program(folder, "prometheus", *prometheus, f"--web.listen-address=127.0.0.1:{free_port()}")
        )
        yield


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


@contextmanager
def _program(folder: Path, name: str, *words: str) -> Iterator[None]:
    with (folder / f"{name}.log").open("wb") as log:
        process = subprocess.Popen([tool(name), *words], cwd=folder, stdout=log, stderr=log)
    try:
        yield
    finally:
        process.kill()
        process.wait()


def _write_files(folder: Path, pages: Sequence[Page], told: int, alertmanager: int, hurry: Hurry) -> None:
    rules = re.sub(r"for: \w+", f"for: {hurry.lasts_s}s", RULES)
    rules = re.sub(r"\[\w+\]", f"[{hurry.window_s}s]", rules).replace("86400", str(hurry.day_s))
    (folder / "attendance.rules.yml").write_text(rules)
    prometheus = yaml.safe_load((DEPLOY / "prometheus/prometheus.yml").read_text())
    prometheus["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
    prometheus["alerting"]["alertmanagers"][0]["static_configs"][0]["targets"] = [f"127.0.0.1:{alertmanager}"]
    jobs = {job["job_name"]: job for job in prometheus["scrape_configs"]}
    prometheus["scrape_configs"] = [_scrape(jobs[page.job], page, number) for number, page in enumerate(pages)]
    (folder / "prometheus.yml").write_text(yaml.safe_dump(prometheus))
    routes = (DEPLOY / "alertmanager/alertmanager.yml").read_text().replace("localhost:9099", f"127.0.0.1:{told}")
    alerts = yaml.safe_load(re.sub(r"(group_wait|group_interval): \w+", r"\1: 1s", routes))
    alerts["time_intervals"][0]["time_intervals"][0]["years"] = ["1999"]  # no night now, whatever the clock says
    (folder / "alertmanager.yml").write_text(yaml.safe_dump(alerts))


def _scrape(job: Mapping[str, Any], page: Page, number: int) -> dict[str, Any]:
    """The delivered job, of one page."""
    named = {"job_name": f"{page.job}-{number}", "metrics_path": page.path}
    target = {"targets": [f"127.0.0.1:{page.port}"], "labels": dict(page.labels)}
    secret = {"authorization": {"credentials_file": str(page.token_file)}} if page.token_file else {}
    renamed = {"target_label": "job", "replacement": page.job}
    rest = {key: value for key, value in job.items() if key != "authorization"}
    return {**rest, **named, **secret, "static_configs": [target], "relabel_configs": [renamed]}
