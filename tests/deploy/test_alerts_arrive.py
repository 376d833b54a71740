"""Real Prometheus and Alertmanager between what goes wrong and whoever is told: every rule fires there, and resolves.

In copies of the delivered files half hours are made seconds; expressions, labels and routes stay as they are.
"""

from collections.abc import Callable
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
from monitoring import RECEIVER, SEVERITY, Hurry, Page, listening, monitoring, serving

from attendance.clock import boot_ns
from attendance.ops.exposition import Exposition, Labelled, labelled_text
from attendance.ops.health import Problem
from attendance.ops.metrics import MetricsCollector

PROBLEMS = (Problem("camera-lost", "error", "…", "…"), Problem("hot", "warning", "…", "…"))


_CENTRE = ("attendance_centre_gate_problem", "…", ["school", "gate", "code", "severity"])
_OF_E = [(["S", "E", problem.code, problem.severity], 1.0) for problem in PROBLEMS]


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


def pages_at(port: int) -> list[Page]:
    """As Prometheus knows them."""
    gates = [Page("attendance", {"school": "S", "gate": each}, port, f"/{each}") for each in "abcd"]
    centres = ("centre", "centre-down")
    return gates + [Page("attendance-centre", {"instance": each}, port, f"/{each}") for each in centres]


@pytest.mark.slow
def test_every_alert_arrives_and_is_called_off(tmp_path: Path, eventually: Callable[..., None]) -> None:
    """Errors reach who is on duty, warnings the office; when the trouble is over, the same people hear that."""
    gates = Gates(tmp_path)

    class Pages(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            said = gates.say(self.path)
            self.send_response(200 if said is not None else 500)
            self.end_headers()
            self.wfile.write(said or b"")

        def log_message(self, format: str, *args: Any) -> None:
            pass

    with ExitStack() as running:
        listener = running.enter_context(listening())
        pages = pages_at(running.enter_context(serving(Pages)))
        running.enter_context(monitoring(tmp_path, pages, listener, Hurry()))
        for trouble, status in ((True, "firing"), (False, "resolved")):
            gates.trouble = trouble
            expected = {(RECEIVER[severity], name, status) for name, severity in SEVERITY.items()}
            eventually(
                lambda expected=expected: (
                    expected <= {(path, labels["alertname"], said) for path, labels, said in listener.alerts()}
                ),
                within_s=60.0,
            )
