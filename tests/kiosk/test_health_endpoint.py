"""The documented class of the health port: alone on this machine, and with the pushes of the document."""

import json
import logging
import os
import socket
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from flask import Blueprint

from attendance.clock import ManualClock, boot_ns
from attendance.kiosk.store import roster
from attendance.kiosk.store.database import create_or_migrate, writing
from attendance.kiosk.web import endpoint
from attendance.kiosk.web.access import Access
from attendance.kiosk.web.endpoint import HealthEndpoint

MANILA = timezone(timedelta(hours=8))


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(datetime(2026, 6, 8, 23, 12, 45, 678_000, tzinfo=UTC))


@pytest.fixture
def database(tmp_path: Path, clock: ManualClock) -> Path:
    """A real database with one student."""
    path = tmp_path / "attendance.db"
    create_or_migrate(path, clock.now())
    with writing(path) as conn:
        roster.enrol(conn, roster.Enrolment("1", "Ana"), clock.now())
    return path


@pytest.fixture
def health(database: Path, clock: ManualClock) -> Iterator[HealthEndpoint]:
    """On a free port of this machine, in Manila."""
    health = HealthEndpoint(0, "127.0.0.1", True, database, token="", clock=clock, zone=MANILA)
    yield health
    health.stop()


def get(health: HealthEndpoint, path: str) -> tuple[int, Any]:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{health.port}{path}", timeout=5) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


def overall(health: HealthEndpoint) -> str:
    health.board.step()
    return health.board.snapshot().overall


def codes(health: HealthEndpoint) -> list[str]:
    health.board.step()
    return [problem.code for problem in health.board.snapshot().problems]


def test_a_new_installation_serves_the_documented_fields(health: HealthEndpoint) -> None:
    """Every field of the document's examples, of its type, from the real machine and a real database."""
    assert health.start()
    status, body = get(health, "/health")
    assert status == 200
    assert body["overall_status"] == "healthy"
    assert (body["timestamp"], body["timestamp_utc"]) == ("2026-06-09T07:12:45", "2026-06-08T23:12:45Z")
    system, database = get(health, "/health/system")[1], get(health, "/health/database")[1]
    assert (set(system), set(database)) == (set(body["system"]), set(body["database"]))
    assert {name: type(system[name]) for name in ("status", "uptime_seconds", "uptime_hours", "memory_mb")} == {
        "status": str,
        "uptime_seconds": int,
        "uptime_hours": float,
        "memory_mb": float,
    }
    assert {name: type(value) for name, value in system["disk_usage"].items()} == dict.fromkeys(
        ("total_gb", "used_gb", "free_gb", "used_percent"), float
    )
    assert {name: type(value) for name, value in database.items()} == {
        "status": str,
        "connectivity": str,
        "queue_size": int,
        "total_records": int,
        "today_scans": int,
        "students": int,
        "size_mb": float,
        "oldest_unsent_seconds": float,
    }
    assert (database["status"], database["connectivity"]) == ("healthy", "ok")


def test_nothing_told_is_unknown_and_no_fault(health: HealthEndpoint) -> None:
    """A camera that nobody spoke of is unknown, and the whole is as healthy as the rest."""
    health.start()
    components = get(health, "/health/components")[1]
    assert [components[name] for name in ("camera", "watchdog", "backup", "sms_webhook")] == [{"status": "unknown"}] * 4
    assert get(health, "/health")[0] == 200


def test_the_documented_updates_are_served(health: HealthEndpoint) -> None:
    """The document's four calls lead to the document's answer."""
    health.update_camera_status({"healthy": True, "frames_captured": 105000})
    health.update_watchdog_status({"running": True, "total_restarts": 0})
    health.update_backup_status({"running": True, "total_backups": 12})
    health.update_sms_webhook_status({"running": True, "total_received": 5})
    health.start()
    components = get(health, "/health/components")[1]
    told = {"camera": "frames_captured", "watchdog": "total_restarts"}
    told |= {"backup": "total_backups", "sms_webhook": "total_received"}
    assert {name: (components[name]["status"], components[name][field]) for name, field in told.items()} == {
        "camera": ("healthy", 105000),
        "watchdog": ("healthy", 0),
        "backup": ("healthy", 12),
        "sms_webhook": ("healthy", 5),
    }


@pytest.mark.parametrize("path", ["/ping", "/livez", "/readyz", "/startupz"])
def test_the_short_answers_exist(health: HealthEndpoint, path: str) -> None:
    """A started endpoint is alive, started and ready."""
    health.start()
    assert get(health, path)[1]["status"] == "ok"


@pytest.mark.parametrize(
    ("update", "status", "verdict", "problem"),
    [
        ("camera", {"healthy": False, "last_error": "no frames"}, "unhealthy", "camera-unhealthy"),
        ("watchdog", {"running": False, "total_restarts": 3}, "degraded", "part-stopped"),
        ("watchdog", {"running": True, "timeout_percentage": 120.0}, "unhealthy", "heartbeat-overdue"),
        ("backup", {"running": False}, "degraded", "part-stopped"),
        ("backup", {"running": True, "database_integrity": "corrupted"}, "unhealthy", "integrity-failed"),
        ("sms_webhook", {"running": False}, "degraded", "part-stopped"),
    ],
)
def test_every_part_counts(
    health: HealthEndpoint, update: str, status: dict[str, Any], verdict: str, problem: str
) -> None:
    """What is wrong with any of the four parts decides the whole, and says what to do."""
    getattr(health, f"update_{update}_status")(status)
    assert (overall(health), codes(health)) == (verdict, [problem])


@pytest.mark.parametrize("update", ["watchdog", "backup", "sms_webhook"])
def test_a_part_switched_off_is_no_fault(health: HealthEndpoint, update: str) -> None:
    """Whoever does not want a part is not told that it is missing."""
    getattr(health, f"update_{update}_status")({"enabled": False, "running": False})
    assert overall(health) == "healthy"
    assert health.board.snapshot().components[update].status == "stopped"


@pytest.mark.parametrize("update", ["camera", "watchdog", "backup", "sms_webhook"])
def test_pushed_statuses_expire(health: HealthEndpoint, clock: ManualClock, update: str) -> None:
    """A push is believed until its deadline, and not a moment longer; the next one is believed again."""
    push = getattr(health, f"update_{update}_status")
    push({"healthy": True, "running": True})
    clock.advance(endpoint.FRESH_S[update])
    assert overall(health) == "healthy"
    clock.advance(0.001)
    assert (overall(health), codes(health)) == ("unhealthy", ["component-stale"])
    push({"healthy": True, "running": True})
    assert overall(health) == "healthy"


@pytest.mark.parametrize(
    "status",
    [
        None,
        "healthy",
        [1],
        {},
        {"healthy": None, "frames_captured": "many"},
        {"healthy": 1, "frames_captured": float("nan"), "last_refresh": datetime(2026, 6, 8, tzinfo=UTC)},
        {"frames_captured": float("inf"), "self": object(), 7: {1, 2}, "status": "fine"},
        {"timeout_percentage": "high", "total_restarts": None, "running": "yes"},
    ],
)
def test_no_status_breaks_the_pages(health: HealthEndpoint, status: Any) -> None:
    """Whatever a program pushes, the pages stay valid JSON and the counts stay whole numbers."""
    for update in ("camera", "watchdog", "backup", "sms_webhook"):
        getattr(health, f"update_{update}_status")(status)
    health.start()
    code, body = get(health, "/health")
    assert code in (200, 503)
    assert type(body["components"]["camera"].get("frames_captured", 0)) is int
    assert body["components"]["camera"]["status"] in ("healthy", "unknown")


def test_a_push_does_not_undo_the_documented_status(health: HealthEndpoint) -> None:
    """An empty dictionary takes back what was told."""
    health.update_camera_status({"healthy": False})
    health.update_camera_status({})
    assert overall(health) == "healthy"


def test_a_missing_database_is_told(tmp_path: Path, clock: ManualClock) -> None:
    """It is not made by looking, and its absence is an answer with 503, not an exception."""
    path = tmp_path / "none" / "attendance.db"
    health = HealthEndpoint(0, "127.0.0.1", True, path, token="", clock=clock, zone=MANILA)
    try:
        health.start()
        status, body = get(health, "/health/database")
        assert (status, body["status"], body["connectivity"]) == (200, "unhealthy", "failed")
        assert "Start the gate once" in body["error"]
        assert get(health, "/health")[0] == 503
        assert get(health, "/health/system")[1]["status"] == "healthy"
        assert not path.parent.exists()
    finally:
        health.stop()


def test_a_taken_port_is_survived_and_tried_again(
    health: HealthEndpoint,
    eventually: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The start says no, the log and a problem say why, and pages come by themselves when the port is free."""
    monkeypatch.setattr(endpoint, "RETRY_S", 0.05)
    with socket.create_server(("127.0.0.1", 0)) as other:
        health._port = other.getsockname()[1]
        assert health.start() is False
        assert health.start() is False
        assert not health.serving
        assert codes(health) == ["pages-not-served"]
        assert "Health endpoint" in caplog.text
        assert caplog.text.count("not served") == 1
    eventually(lambda: health.serving)
    assert get(health, "/ping")[0] == 200
    assert codes(health) == []


def test_a_taken_port_does_not_outlive_stop(
    health: HealthEndpoint, eventually: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who was stopped while it waited for its port does not take it afterwards."""
    monkeypatch.setattr(endpoint, "RETRY_S", 0.02)
    with socket.create_server(("127.0.0.1", 0)) as other:
        health._port = other.getsockname()[1]
        health.start()
        assert health.stop()
    threads = {thread.name for thread in threading.enumerate()}
    assert not threads & {"health", "health endpoint", "Health endpoint"}
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", health.port), timeout=1)


def test_stop_closes_the_port_in_less_than_a_second(health: HealthEndpoint) -> None:
    """After stop nobody is served, twice is no fault, and a new start serves again."""
    health.start()
    port = health.port
    began = time.monotonic()
    assert (health.stop(), health.stop()) == (True, True)
    assert time.monotonic() - began < 1
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=1)
    assert health.start()
    assert get(health, "/ping")[0] == 200


def test_its_threads_show_life(health: HealthEndpoint, eventually: Callable[..., None]) -> None:
    """A watchdog sees when both are at work, and that a stopped one is not."""
    assert health.beat_boot_ns == 0
    health.start()
    began = boot_ns()
    eventually(lambda: health.beat_boot_ns > began)
    health.stop()
    assert health.beat_boot_ns == 0


def test_constructing_starts_nothing(database: Path, clock: ManualClock) -> None:
    """No thread, no port, no file."""
    before = threading.active_count(), sorted(os.listdir(database.parent))
    HealthEndpoint(0, "127.0.0.1", True, database, token="", clock=clock, zone=MANILA)
    assert (threading.active_count(), sorted(os.listdir(database.parent))) == before


def test_not_enabled_serves_nothing(database: Path) -> None:
    """The documented switch closes the port; health is still looked after, for whoever asks inside."""
    health = HealthEndpoint(0, "127.0.0.1", False, database, token="")
    try:
        assert health.start() is False
        assert health.board.snapshot().components["database"].status == "healthy"
        assert health.board.snapshot().components["health_endpoint"].status == "stopped"
        assert not health.serving
    finally:
        assert health.stop()


def test_everything_comes_from_the_configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without arguments port, host, switch, database and time zone are as configured."""
    (tmp_path / "config").mkdir()
    (tmp_path / "config/config.json").write_text(
        json.dumps({"health_endpoint": {"port": 18123, "host": "127.0.0.1", "enabled": False}})
    )
    monkeypatch.setenv("ATTENDANCE_HOME", str(tmp_path))
    health = HealthEndpoint()
    assert (health.port, health.start(), health.serving) == (18123, False, False)
    assert health.stop()
    database = health.board.snapshot().components["database"].values["error"]
    assert str(tmp_path / "data/attendance.db") in database


@pytest.mark.parametrize(
    ("host", "token", "told"), [("0.0.0.0", "", True), ("0.0.0.0", "s3cret", False), ("127.0.0.1", "", False)]
)
def test_open_pages_without_a_token_are_said_and_stay_healthy(
    database: Path, clock: ManualClock, host: str, token: str, told: bool
) -> None:
    """The documented default is worth a notice, not a fault."""
    health = HealthEndpoint(0, host, True, database, token=token, clock=clock, zone=MANILA)
    assert codes(health) == ["health-without-token"] * told
    assert overall(health) == "healthy"


def test_global_streams_and_loggers_are_left_alone(health: HealthEndpoint, capfd: pytest.CaptureFixture[str]) -> None:
    """Standard error is the same object on the same descriptor, and no logger lost or gained a handler."""
    streams = (sys.stdout, sys.stderr, sys.__stderr__)
    handlers = list(logging.getLogger().handlers)
    health.start()
    get(health, "/health")
    assert (sys.stdout, sys.stderr, sys.__stderr__) == streams
    assert logging.getLogger().handlers == handlers
    print("still there", file=sys.stderr)
    health.stop()
    assert (sys.stdout, sys.stderr, sys.__stderr__) == streams
    assert "still there" in capfd.readouterr().err


def test_further_pages_share_the_port(database: Path, clock: ManualClock) -> None:
    """A blueprint given to the endpoint is served beside the health pages."""
    more = Blueprint("more", __name__)
    more.add_url_rule("/more", "more", lambda: {"status": "more"})
    health = HealthEndpoint(
        0, "127.0.0.1", True, database, token="", clock=clock, zone=MANILA, access=Access(), blueprints=[more]
    )
    try:
        health.start()
        assert get(health, "/more") == (200, {"status": "more"})
    finally:
        health.stop()


def test_the_log_says_where_it_serves(health: HealthEndpoint, caplog: pytest.LogCaptureFixture) -> None:
    """The document's grep for "Health endpoint" finds the port."""
    with caplog.at_level(logging.INFO):
        health.start()
    assert f"Health endpoint serves on 127.0.0.1 port {health.port}" in caplog.text
