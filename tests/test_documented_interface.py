"""What docs/reference/robustness.md promises, word for word, against a gate in a checkout of its own."""

import json
import os
import re
import shutil
import socket
import sqlite3
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from school_hours import ZONE

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs/reference/robustness.md").read_text()
NEEDS_A_SERVICE = ("sudo ", "journalctl ")
"""Commands for a gate under systemd, which tests/system tries."""
STARTS_A_GATE = ("bash scripts/start_attendance.sh", "python attendance_system.py")
EXPECTED_OUTPUT = """\
============================================================
Phase 3 Robustness Test Suite
============================================================
Watchdog Module......................... ✅ PASS
SMS Webhook Module...................... ✅ PASS
Database Backup Module.................. ✅ PASS
Health Endpoint Module.................. ✅ PASS
Metrics Collector Module................ ✅ PASS
SMS Rate Limiting....................... ✅ PASS
Config Updates.......................... ✅ PASS
Database Tables......................... ✅ PASS
Main System Imports..................... ✅ PASS
============================================================
Summary: 9 passed, 0 failed, 0 skipped
============================================================
✅ All tests passed!
"""


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.M | re.S)


def commands() -> list[str]:
    return [line for block in blocks("bash") for line in block.splitlines()]


def samples() -> dict[str, Any]:
    """Every JSON example, by the address or file that was named last before it."""
    found = {}
    for match in re.finditer(r"^```json\n(.*?)^```", PAGE, re.M | re.S):
        named = re.findall(r"`((?:GET|POST) /[\w/-]+|data/metrics\.json)`", PAGE[: match.start()])[-1]
        found[named] = json.loads(match[1])
    return found


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Checkout:
    """A copy of the program in a directory of its own, as a clone would be, with free ports in its configuration."""

    def __init__(self, home: Path, assets: Path) -> None:
        self.home = home
        for folder in ("attendance", "src", "config", "scripts"):
            shutil.copytree(ROOT / folder, home / folder, ignore=shutil.ignore_patterns("__pycache__"))
        for script in ("attendance_system.py", "integrate_phase3.py", "test_phase3.py"):
            shutil.copy(ROOT / script, home)
        self.ports = {"8080": free_port(), "8081": free_port()}
        config = json.loads((home / "config/config.json").read_text())
        config["health_endpoint"]["port"], config["sms_webhook"]["port"] = self.ports.values()
        config["watchdog"]["restart_command"] = ""
        config["school"]["timezone"] = ZONE.key
        (home / "config/config.json").write_text(json.dumps(config))
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        unwanted = ("PYTHONPATH", "NOTIFY_SOCKET", "ATTENDANCE_HOME")
        kept = {name: value for name, value in os.environ.items() if name not in unwanted}
        self.environment = {**kept, "ATTENDANCE_ASSETS": str(assets), "PATH": path}

    def run(self, command: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
        for documented, port in self.ports.items():
            command = command.replace(f":{documented}", f":{port}")
        return subprocess.run(
            ["bash", "-o", "pipefail", "-c", command],
            cwd=cwd or self.home,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def python(self, code: str) -> Any:
        """What a snippet prints, read as JSON."""
        done = subprocess.run(
            [sys.executable, "-c", code],
            cwd=self.home,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def ask(self, request: str, body: Any = None) -> Any:
        path = request.split()[1]
        port = self.ports["8081" if path.startswith("/sms-webhook") else "8080"]
        data = None if body is None else json.dumps(body).encode()
        asked = urllib.request.Request(f"http://127.0.0.1:{port}{path}", data, {"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(asked, timeout=5) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            return json.load(error)


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory, assets_dir: Path) -> Checkout:
    return Checkout(tmp_path_factory.mktemp("school") / "attendance-system", assets_dir)


@pytest.fixture(scope="module")
def gate(checkout: Checkout) -> Iterator[Checkout]:
    """The checkout with a gate that runs, started from elsewhere, with scans and photos."""
    process = subprocess.Popen(
        [sys.executable, str(checkout.home / "attendance_system.py"), "--headless", "--source", "demo"],
        cwd="/",
        env=checkout.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert process.stdout is not None
        assert "The gate runs" in process.stdout.readline()
        yield checkout
        process.terminate()
        assert process.wait(20) == 0
    finally:
        process.kill()
        process.wait()


def same_shape(sample: Any, answer: Any, where: str = "") -> None:
    """Every documented field is there, under its name and with its type; further ones are no fault."""
    kind = (int, float) if isinstance(sample, float) else type(sample)
    assert isinstance(answer, kind), f"{where}: {answer!r} is no {type(sample).__name__}"
    assert isinstance(sample, bool) or not isinstance(answer, bool), where
    if isinstance(sample, dict):
        for name, value in sample.items():
            assert name in answer, f"{where}.{name} is missing"
            same_shape(value, answer[name], f"{where}.{name}")


@pytest.mark.parametrize("request_", [name for name in samples() if name.startswith("GET")])
def test_an_answer_has_the_documented_fields(gate: Checkout, eventually: Callable[..., None], request_: str) -> None:
    """Name by name and type by type, for every page."""
    eventually(lambda: gate.ask("GET /health/database")["total_records"] > 0, within_s=60)
    same_shape(samples()[request_], gate.ask(request_), request_)


def test_documented_times_are_local_whole_seconds(gate: Checkout) -> None:
    """In the school's zone, without offset, with the same moment in UTC beside it."""
    for request_ in ("GET /health", "GET /ping"):
        answer = gate.ask(request_)
        local = datetime.strptime(answer["timestamp"], "%Y-%m-%dT%H:%M:%S").replace(tzinfo=ZONE)
        assert local == datetime.fromisoformat(answer["timestamp_utc"])


def test_the_export_has_the_documented_fields(gate: Checkout, eventually: Callable[..., None]) -> None:
    """What the running gate has counted, in the documented shape."""
    eventually(lambda: gate.ask("GET /health/database")["total_records"] > 0, within_s=60)
    collected = (
        "import json; from src.utils.metrics_collector import MetricsCollector as C; m = C('/dev/shm/none.json');"
    )
    collected += "m.increment('scans_total'); m.record_timing('qr_scan_ms', 45.2); m.set_gauge('queue_size', 12);"
    same_shape({"counters": {"scans_total": 1}}, gate.python(f"{collected} print(json.dumps(m.get_metrics()))"))
    sample = samples()["data/metrics.json"]
    exported = json.loads((gate.home / "data/metrics.json").read_text())
    sample["timings"] = {}
    same_shape(sample, exported, "metrics.json")


def test_a_report_is_answered_as_documented(gate: Checkout) -> None:
    """The documented body, then what becomes of it."""
    body = {"id": "msg_123", "state": "Delivered", "phoneNumber": "+639755269146", "deviceId": "zmmfTkL3"}
    before = gate.ask("GET /health/components")["sms_webhook"]["total_received"]
    same_shape(samples()["POST /sms-webhook"], gate.ask("POST /sms-webhook", body))
    with sqlite3.connect(f"file:{gate.home}/data/attendance.db?mode=ro", uri=True) as conn:
        row = conn.execute("SELECT phone_number, status FROM sms_delivery_log WHERE message_id = 'msg_123'").fetchone()
    assert row == ("+639755269146", "Delivered")
    assert isinstance(before, int)


def test_the_delivery_log_has_the_documented_columns(gate: Checkout) -> None:
    """Names, types, keys and defaults, literally."""
    with sqlite3.connect(f"file:{gate.home}/data/attendance.db?mode=ro", uri=True) as conn:
        columns = conn.execute(
            "SELECT name, type, \"notnull\", dflt_value, pk FROM pragma_table_info('sms_delivery_log')"
        )
        assert columns.fetchall() == [
            ("message_id", "TEXT", 0, None, 1),
            ("phone_number", "TEXT", 1, None, 0),
            ("status", "TEXT", 1, None, 0),
            ("student_id", "TEXT", 0, None, 0),
            ("error_message", "TEXT", 0, None, 0),
            ("timestamp", "TEXT", 0, None, 0),
            ("created_at", "TIMESTAMP", 0, "CURRENT_TIMESTAMP", 0),
            ("updated_at", "TIMESTAMP", 0, None, 0),
        ]


@pytest.mark.parametrize("command", [c for c in commands() if not c.startswith((*NEEDS_A_SERVICE, *STARTS_A_GATE))])
def test_a_documented_command_works(gate: Checkout, command: str) -> None:
    """Beside a running gate; what follows a file for ever is given a second."""
    if command == "python integrate_phase3.py":
        done = gate.run(command)
        assert done.returncode == 1
        assert "Stop it first" in done.stderr
        return
    done = gate.run(f"timeout 1 {command} || [ $? = 124 ]" if command.startswith("tail -f") else command)
    assert done.returncode == 0, done.stdout + done.stderr
    assert command.startswith("tail") or done.stdout


@pytest.mark.parametrize("snippet", blocks("python"))
def test_a_documented_snippet_works(gate: Checkout, snippet: str) -> None:
    """In the checkout, with the configuration's defaults, beside a running gate."""
    done = gate.run(f"python -c '{snippet}'")
    assert done.returncode == 0, done.stderr
    assert "None" not in done.stdout
    assert "False" not in done.stdout


def test_the_nine_lines_are_as_documented_from_anywhere(gate: Checkout) -> None:
    """Beside a running gate, started from another directory."""
    done = gate.run(f"python {gate.home}/test_phase3.py", cwd=Path("/"))
    assert done.stdout == EXPECTED_OUTPUT, done.stderr


BREAKAGES = {
    "Watchdog Module": (
        "ops/watchdog.py",
        "def step(self) -> float:\n",
        "def step(self) -> float:\n        return 1.0\n",
    ),
    "SMS Webhook Module": ("domain/receipt.py", '"Delivered"', '"Deliverd"'),
    "Database Backup Module": ("ops/backup.py", "sha256", "md5"),
    "Health Endpoint Module": ("kiosk/database_probe.py", '"connectivity": "ok"', '"connectivity": "fine"'),
    "Metrics Collector Module": ("ops/metrics_file.py", "counters", "counter"),
    "SMS Rate Limiting": ("kiosk/store/sms_limits.py", "window.limit - 1", "window.limit"),
    "Config Updates": ("config/upkeep.py", "setting(8081,", "setting(8082,"),
    "Database Tables": (
        "kiosk/store/001_ledger.sql",
        "UNIQUE (student_key, day, session, direction, passage)",
        "CHECK (1)",
    ),
    "Main System Imports": (
        "kiosk/app.py",
        "def start(self) -> None:\n",
        "def start(self) -> None:\n        raise OSError\n",
    ),
}


@pytest.mark.parametrize("check", BREAKAGES)
def test_a_line_fails_when_its_behaviour_breaks(checkout: Checkout, tmp_path: Path, check: str) -> None:
    """No line passes on a broken program."""
    broken = tmp_path / "broken"
    shutil.copytree(checkout.home / "attendance", broken / "attendance", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "test_phase3.py", broken)
    name, whole, spoiled = BREAKAGES[check]
    file = broken / "attendance" / name
    text = file.read_text()
    assert whole in text
    file.write_text(text.replace(whole, spoiled))
    done = checkout.run(f"python {broken}/test_phase3.py '{check}'", cwd=tmp_path)
    assert done.returncode == 1, done.stdout + done.stderr
    assert f"{check}{'.' * (40 - len(check))} ❌ FAIL" in done.stdout
    assert "0 passed, 1 failed, 0 skipped" in done.stdout


CLASSES = {
    "src.utils.watchdog": "WatchdogTimer",
    "src.utils.database_backup": "DatabaseBackupManager",
    "src.utils.health_endpoint": "HealthEndpoint",
    "src.utils.metrics_collector": "MetricsCollector",
    "src.notifications.sms_webhook_receiver": "SMSWebhookReceiver",
}


@pytest.mark.parametrize("module", CLASSES)
def test_a_class_made_without_arguments_starts_nothing(tmp_path: Path, assets_dir: Path, module: str) -> None:
    """No thread, no file, no port; it can be stopped all the same."""
    checkout = Checkout(tmp_path / "fresh", assets_dir)
    before = sorted(checkout.home.rglob("*"))
    code = f"import json, threading; from {module} import {CLASSES[module]} as C; c = C();"
    assert checkout.python(f"{code} print(json.dumps([threading.active_count(), c.stop() is not False]))") == [1, True]
    assert [path for path in sorted(checkout.home.rglob("*")) if "__pycache__" not in path.parts] == before


@pytest.mark.parametrize(
    ("module", "call", "result"),
    [
        ("src.utils.database_backup", "create_backup()", None),
        ("src.utils.database_backup", "check_integrity()", False),
        ("src.utils.database_backup", "list_backups()", []),
        ("src.utils.database_backup", "restore_backup('typo.db')", False),
        (
            "src.notifications.sms_webhook_receiver",
            "get_delivery_stats()",
            {"status_counts": {}, "recent_failures_24h": 0, "delivery_rate_percent": 0.0, "total_tracked": 0},
        ),
    ],
)
def test_without_a_database_a_method_says_so_and_makes_none(
    tmp_path: Path, assets_dir: Path, module: str, call: str, result: Any
) -> None:
    """The documented result of a failure, no exception, and no empty file that looks like a database."""
    checkout = Checkout(tmp_path / "fresh", assets_dir)
    code = f"import json; from {module} import {CLASSES[module]} as C; print(json.dumps(C().{call}))"
    assert checkout.python(code) == result
    assert list(checkout.home.rglob("*.db")) == []


def test_integrate_says_when_everything_is_up_to_date(tmp_path: Path, assets_dir: Path) -> None:
    """The configuration in the repository lacks nothing."""
    checkout = Checkout(tmp_path / "fresh", assets_dir)
    done = checkout.run("python integrate_phase3.py")
    assert done.returncode == 0
    assert "is up to date" in done.stdout
