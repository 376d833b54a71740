"""What ``attendance selftest`` tries, each on real parts in a directory of its own and on free ports."""

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

_ENDS_WITHIN_S = 20.0

Check = Callable[[Path], None]


class Failed(Exception):
    """A check found something that does not work; the message says what."""


def _expect(true: object, otherwise: str) -> None:
    if not true:
        raise Failed(otherwise)


def _eventually(condition: Callable[[], object], otherwise: str, within_s: float = 5.0) -> None:
    import threading

    from attendance.clock import boot_ns

    pause, end_ns = threading.Event(), boot_ns() + int(within_s * 1e9)
    while not condition():
        _expect(boot_ns() < end_ns, otherwise)
        pause.wait(0.02)


def _free_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _ask(url: str, body: Any = None, token: str = "") -> tuple[int, Any]:
    """Status and JSON of an answer."""
    import urllib.error
    import urllib.request

    headers = {"Content-Type": "application/json", **({"Authorization": f"Bearer {token}"} if token else {})}
    data = None if body is None else json.dumps(body).encode()
    try:
        with urllib.request.urlopen(urllib.request.Request(url, data, headers), timeout=5) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


def _database(folder: Path) -> Path:
    """A database with one student and one guardian."""
    from attendance.clock import SystemClock
    from attendance.domain.enrolment import Enrolment
    from attendance.kiosk.store import roster
    from attendance.kiosk.store.database import create_or_migrate, writing

    path, now = folder / "attendance.db", SystemClock().now()
    create_or_migrate(path, now)
    with writing(path) as conn:
        roster.enrol(conn, Enrolment("2026-0001", "Test, Student"), now)
    return path


def _students(path: Path) -> int:
    from attendance.kiosk.store import roster
    from attendance.kiosk.store.database import reading

    with reading(path) as conn:
        return len(roster.enrolled(conn))


@contextmanager
def _running(part: Any) -> Iterator[None]:
    _expect(part.start() is not False, "it does not start")
    try:
        yield
    finally:
        _expect(part.stop() is not False, "it does not stop")


def watchdog(folder: Path) -> None:
    """While it is fed nothing happens; when the food stops, the command runs and the log has the reason."""
    from attendance.ops.watchdog import WatchdogTimer

    restarted, log_file = folder / "restarted", folder / "watchdog_restarts.log"
    timer = WatchdogTimer(0.5, f"touch {restarted}", True, log_file=log_file)
    timer.heartbeat()
    with _running(timer):
        for _ in range(10):
            timer.heartbeat()
            _eventually(lambda: timer.get_status()["elapsed_since_heartbeat"] > 0.1, "its clock stands still")
        _expect(not restarted.exists(), "it restarts a system that is well")
        _eventually(restarted.exists, "a hang is not noticed")
    _expect(log_file.read_text().strip(), "a restart leaves no trace in its log")


def sms_webhook(folder: Path) -> None:
    """A report is stored before it is answered, counted once, and refused without the token."""
    from attendance.kiosk.web.webhook import SMSWebhookReceiver

    port = _free_port()
    receiver = SMSWebhookReceiver(str(_database(folder)), port, True, "secret", host="127.0.0.1")
    report = {"id": "msg_123", "state": "Delivered", "phoneNumber": "+639755269146", "deviceId": "zmmf"}
    url = f"http://127.0.0.1:{port}/sms-webhook"
    with _running(receiver):
        _expect(_ask(url, report)[0] == 401, "a report without the token is taken")
        for _ in range(2):
            _expect(_ask(url, report, "secret")[0] == 200, "a report is not taken")
        stats = receiver.get_delivery_stats()
        _expect(stats["status_counts"] == {"Delivered": 1}, f"it counts {stats['status_counts']}")
        _expect(_ask(url, ["nonsense"], "secret")[0] == 400, "nonsense is taken")


def database_backup(folder: Path) -> None:
    """A copy brings back what was lost since, and a copy with one flipped bit is refused."""
    from attendance.clock import SystemClock
    from attendance.domain.enrolment import Enrolment
    from attendance.kiosk.backups import DatabaseBackupManager
    from attendance.kiosk.store import roster
    from attendance.kiosk.store.database import writing

    path = _database(folder)
    manager = DatabaseBackupManager(str(path), str(folder / "backups"))
    made = manager.create_backup() or ""
    _expect(made and manager.check_integrity(made), "no copy is made")
    with writing(path) as conn:
        roster.enrol(conn, Enrolment("2026-0002", "Test, Later"), SystemClock().now())
    _expect(manager.restore_backup(made) and _students(path) == 1, "a copy cannot be restored")
    damaged = bytearray(Path(made).read_bytes())
    damaged[len(damaged) // 2] ^= 1
    Path(made).write_bytes(damaged)
    _expect(not manager.restore_backup(made) and _students(path) == 1, "a damaged copy is restored")
    _expect(not manager.restore_backup(str(folder / "typo.db")), "a copy that does not exist is restored")


def health_endpoint(folder: Path) -> None:
    """Every documented page answers with its fields, follows what it is told, and is gone after the stop."""
    from attendance.kiosk.web.endpoint import HealthEndpoint

    port = _free_port()
    health = HealthEndpoint(port, "127.0.0.1", True, str(_database(folder)))
    base = f"http://127.0.0.1:{port}"
    with _running(health):
        health.update_camera_status({"healthy": True, "frames_captured": 1000})

        def camera() -> Any:
            return _ask(f"{base}/health/components")[1]["camera"]

        _eventually(lambda: camera().get("frames_captured") == 1000, "it does not tell what it was told")
        _expect(camera()["status"] == "healthy", "a healthy camera is not healthy")
        _expect(_ask(f"{base}/ping")[1]["status"] == "ok", "/ping does not answer")
        _eventually(lambda: _ask(f"{base}/health/database")[1]["connectivity"] == "ok", "it cannot ask the database")
        _expect(_ask(f"{base}/health/system")[1]["disk_usage"]["total_gb"] > 0, "it does not see the disk")
        _expect(set(_ask(f"{base}/health")[1]) >= {"overall_status", "timestamp", "components"}, "/health lacks fields")
    try:
        _ask(f"{base}/ping")
    except OSError:
        return
    raise Failed("the port is served after the stop")


def metrics_collector(folder: Path) -> None:
    """Counters, timings and gauges are exported as documented, and counters survive a restart."""
    from attendance.ops.metrics import MetricsCollector

    file = folder / "metrics.json"
    for count in (1, 2):
        metrics = MetricsCollector(str(file))
        with _running(metrics):
            metrics.increment("scans_total")
            metrics.record_timing("qr_scan_ms", 45.2)
            metrics.set_gauge("queue_size", 12)
        exported = json.loads(file.read_text())
        _expect(exported["counters"]["scans_total"] == count, f"counted {exported['counters']['scans_total']}")
        _expect(exported["gauges"]["queue_size"] == 12, "a gauge is lost")
        _expect(exported["timings"]["qr_scan_ms"]["max_ms"] == 45.2, "a timing is lost")


def sms_rate_limiting(folder: Path) -> None:
    """However many wait, the courier has slots for ten in the first minute and for sixty in the first hour."""
    from datetime import UTC, datetime

    from attendance.clock import ManualClock
    from attendance.config import Settings
    from attendance.kiosk.sms import plan
    from attendance.kiosk.store import sms_limits
    from attendance.kiosk.store.database import writing

    clock, windows = ManualClock(datetime(2026, 6, 8, tzinfo=UTC)), plan.rate_windows(Settings())
    sent = list[float]()
    with writing(_database(folder)) as conn:
        while (now_s := clock.boot_ns() / 1e9) < 3600:
            if wait_s := sms_limits.slot_wait_s(conn, clock.now(), windows):
                clock.advance(wait_s)
                continue
            sms_limits.end_slot(conn, sms_limits.reserve_slot(conn, str(len(sent)), clock.now()), clock.now())
            sent.append(now_s)
            _expect(len(sent) <= 60, "more than sixty messages an hour")
    _expect(sum(at < 60 for at in sent) == 10, "the limit per minute does not hold")
    _expect(len(sent) == 60, f"{len(sent)} messages an hour")


def config_updates(folder: Path) -> None:
    """Every documented section has its documented defaults, and a mistake stops the start without a change."""
    from attendance.config import FaultyConfig, load, locate
    from attendance.config.load import plain

    file = folder / "config.json"
    file.write_text("{}")
    settings = plain(load(locate(str(file)), {}).settings)
    for section, documented in DOCUMENTED_CONFIG.items():
        held = settings["sms_notifications"]["rate_limiting"] if section == "rate_limiting" else settings[section]
        wrong = {key: held.get(key) for key, value in documented.items() if held.get(key) != value}
        _expect(not wrong, f"{section} has {wrong}")
    file.write_text('{"watchdog": {"enabeld": true}}')
    try:
        load(locate(str(file)), {})
    except FaultyConfig as error:
        _expect("did you mean watchdog.enabled" in str(error), "a mistake is not explained")
    else:
        raise Failed("a mistake is taken for a setting")


def database_tables(folder: Path) -> None:
    """The delivery log has the documented columns, and the ledger refuses to record one passage twice."""
    from datetime import UTC, date, datetime

    from attendance.clock import Moment
    from attendance.domain.scan import Accepted, Direction, Status
    from attendance.errors import StorageError
    from attendance.kiosk.store import ledger, roster
    from attendance.kiosk.store.database import reading, writing
    from attendance.ops import sqlite

    path = _database(folder)
    with reading(path) as conn:
        columns = sqlite.columns(conn, "sms_delivery_log")
        key = roster.key_of(conn, "2026-0001")
    _expect(columns == DOCUMENTED_COLUMNS, f"sms_delivery_log has {columns}")
    scan = Accepted(date(2026, 6, 8), "morning", Direction.IN, Status.ON_TIME, 1, "")
    seen = Moment(datetime(2026, 6, 8, tzinfo=UTC), "selftest", 0, True)

    def record() -> None:
        with writing(path) as conn:
            ledger.record(conn, key, scan, seen, ledger.Origin("gate-1", "camera"), ledger.CardUsed(0, False), None)

    record()
    try:
        record()
    except StorageError:
        return
    raise Failed("one passage is recorded twice")


def main_system(folder: Path) -> None:
    """The gate itself starts on a free port, answers, and ends without a fault when it is told to."""
    import os
    import signal
    import subprocess

    import attendance

    ports = _free_port(), _free_port()
    config = folder / "config.json"
    config.write_text(
        json.dumps(
            {
                "health_endpoint": {"port": ports[0], "host": "127.0.0.1"},
                "sms_webhook": {"port": ports[1], "host": "127.0.0.1"},
                "watchdog": {"restart_command": ""},
            }
        )
    )
    command = [sys.executable, "-m", "attendance", "run", "--headless", "--source", "v4l2:63"]
    command += ["--config", str(config), "--data-dir", str(folder / "data")]
    package = str(Path(attendance.__file__).parents[1])
    environment = {**os.environ, "PYTHONPATH": package, "NOTIFY_SOCKET": ""}
    with (folder / "log").open("wb") as log:
        gate = subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log)
    try:
        _eventually(lambda: gate.poll() is not None or _answers(ports[0]), "it does not answer", _ENDS_WITHIN_S)
        _expect(gate.poll() is None, f"it ends at once: {(folder / 'log').read_text()[-300:]}")
        components = _ask(f"http://127.0.0.1:{ports[0]}/health/components")[1]
        _expect(set(components) >= {"camera", "watchdog", "backup", "sms_webhook"}, f"it has only {set(components)}")
        gate.send_signal(signal.SIGTERM)
        _expect(gate.wait(_ENDS_WITHIN_S) == 0, f"it ends with {gate.returncode}")
    finally:
        gate.kill()
        gate.wait()


def _answers(port: int) -> bool:
    try:
        return bool(_ask(f"http://127.0.0.1:{port}/ping")[0] == 200)
    except OSError:
        return False


DOCUMENTED_CONFIG: dict[str, dict[str, Any]] = {
    "watchdog": {
        "enabled": True,
        "timeout_seconds": 30,
        "restart_command": "sudo systemctl restart attendance-system",
        "log_file": "data/logs/watchdog_restarts.log",
    },
    "sms_webhook": {
        "enabled": True,
        "port": 8081,
        "host": "0.0.0.0",
        "auth_token": "",
        "log_deliveries": True,
        "retry_failed": False,
    },
    "database_backup": {
        "enabled": True,
        "backup_dir": "data/backups",
        "backup_interval_seconds": 3600,
        "keep_backups": 24,
        "check_integrity": True,
    },
    "health_endpoint": {"enabled": True, "port": 8080, "host": "0.0.0.0"},
    "rate_limiting": {"enabled": True, "max_per_minute": 10, "max_per_hour": 60},
}
DOCUMENTED_COLUMNS = [
    *("message_id", "phone_number", "status", "student_id", "error_message", "timestamp", "created_at", "updated_at")
]
CHECKS: dict[str, Check] = {
    "Watchdog Module": watchdog,
    "SMS Webhook Module": sms_webhook,
    "Database Backup Module": database_backup,
    "Health Endpoint Module": health_endpoint,
    "Metrics Collector Module": metrics_collector,
    "SMS Rate Limiting": sms_rate_limiting,
    "Config Updates": config_updates,
    "Database Tables": database_tables,
    "Main System Imports": main_system,
}
"""In the order and under the names of the documented output."""
