"""The health pages: the documented JSON, for those who may have it."""

from datetime import UTC, datetime

import pytest
from gate_screen import Gate

from attendance.clock import ManualClock
from attendance.kiosk.web.access import Access
from attendance.kiosk.web.health import HealthPages
from attendance.ops.health import HealthBoard, ProbeResult, Problem

SYSTEM = {
    "uptime_seconds": 3600,
    "memory_mb": 245.3,
    "disk_usage": {"total_gb": 32.0, "used_gb": 12.5, "free_gb": 19.5, "used_percent": 39.1},
}
DATABASE = {"connectivity": "ok", "queue_size": 3, "total_records": 1250, "today_scans": 42, "size_mb": 15.2}
BROKEN = Problem("broken", "error", "It is broken.", "Mend it.")
TIRED = Problem("tired", "warning", "It is tired.", "Let it rest.")


@pytest.fixture
def gate() -> Gate:
    gate = Gate(Access(health_token="s3cret"))
    gate.board.add_probe("system", lambda: ProbeResult("system", SYSTEM))
    gate.board.add_probe("database", lambda: ProbeResult("database", DATABASE))
    gate.board.report("camera", {"frames_captured": 105000})
    gate.board.report("watchdog", {"total_restarts": 0})
    gate.board.report("backup", {"total_backups": 12})
    gate.board.report("sms_webhook", {"total_received": 5})
    gate.board.step()
    return gate


def get(gate: Gate, path: str, peer: str = "127.0.0.1", **headers: str):
    return gate.app().test_client().get(path, headers=headers, environ_base={"REMOTE_ADDR": peer})


def test_health_is_as_documented(gate: Gate) -> None:
    """Every field of the document's example, with its value and type."""
    answer = get(gate, "/health")
    body = answer.get_json()
    assert answer.status_code == 200
    assert body["overall_status"] == "healthy"
    assert body["system"] == {"status": "healthy", **SYSTEM}
    assert body["database"] == {"status": "healthy", **DATABASE}
    assert body["components"] == get(gate, "/health/components").get_json()
    assert body["timestamp"] == "2026-06-09T07:12:45"
    assert body["timestamp_utc"] == "2026-06-08T23:12:45Z"


def test_components_are_as_documented(gate: Gate) -> None:
    """The four documented components, each with its status and its own number."""
    assert get(gate, "/health/components").get_json() == {
        "camera": {"status": "healthy", "frames_captured": 105000},
        "watchdog": {"status": "healthy", "total_restarts": 0},
        "backup": {"status": "healthy", "total_backups": 12},
        "sms_webhook": {"status": "healthy", "total_received": 5},
    }


def test_system_and_database_have_their_own_pages(gate: Gate) -> None:
    """The parts of /health are served alone, too."""
    assert get(gate, "/health/system").get_json() == {"status": "healthy", **SYSTEM}
    assert get(gate, "/health/database").get_json() == {"status": "healthy", **DATABASE}


@pytest.mark.parametrize(("problem", "overall", "status"), [(TIRED, "degraded", 200), (BROKEN, "unhealthy", 503)])
def test_the_worst_problem_decides_the_answer(gate: Gate, problem: Problem, overall: str, status: int) -> None:
    """Degraded still answers 200, unhealthy 503; the problem says what to do."""
    gate.board.report("backup", {}, [problem])
    gate.board.step()
    answer = get(gate, "/health")
    assert (answer.status_code, answer.get_json()["overall_status"]) == (status, overall)
    assert answer.get_json()["problems"][0]["remedy"] == problem.remedy


def test_before_the_first_look_nothing_is_healthy() -> None:
    """A gate that has just begun does not claim to be well."""
    body = get(Gate(), "/health").get_json()
    assert body["overall_status"] == "degraded"
    assert body["database"]["connectivity"] == "failed"
    assert body["components"]["camera"] == {"status": "unknown"}


def test_an_old_snapshot_is_not_passed_on_as_health(gate: Gate) -> None:
    """When nobody computes health any more, /health and /livez say so."""
    assert get(gate, "/livez").status_code == 200
    gate.clock.advance(31)
    assert get(gate, "/health").status_code == 503
    assert get(gate, "/livez").status_code == 503


@pytest.mark.parametrize(
    "peer", ["127.0.0.1", "10.1.2.3", "172.20.0.1", "192.168.1.9", "fe80::1", "fd00::1", "::ffff:10.0.0.1"]
)
def test_private_peers_get_details(gate: Gate, peer: str) -> None:
    """Loopback, RFC 1918, link-local and unique local addresses."""
    assert get(gate, "/health", peer).status_code == 200


@pytest.mark.parametrize("peer", ["8.8.8.8", "172.32.0.1", "2001:db8::1", "100.64.0.1", "nonsense"])
@pytest.mark.parametrize("path", ["/health", "/health/system", "/health/database", "/health/components"])
def test_others_get_no_details(gate: Gate, peer: str, path: str) -> None:
    """Anybody else gets a JSON error that says what to set."""
    answer = get(gate, path, peer)
    assert answer.status_code == 403
    assert "health_endpoint.token" in answer.get_json()["error"]


def test_the_token_opens_details_from_anywhere(gate: Gate) -> None:
    """The right bearer token is enough, a wrong or empty one is not."""
    assert get(gate, "/health", "8.8.8.8", Authorization="Bearer s3cret").status_code == 200
    assert get(gate, "/health", "8.8.8.8", Authorization="Bearer wrong").status_code == 403
    assert get(gate, "/health", "8.8.8.8", Authorization="Bearer ").status_code == 403
    assert get(Gate(), "/health", "8.8.8.8", Authorization="Bearer ").status_code == 403


@pytest.mark.parametrize("path", ["/ping", "/livez", "/readyz", "/startupz"])
def test_ping_and_the_probes_are_for_all(gate: Gate, path: str) -> None:
    """They answer any peer under any name."""
    assert get(gate, path, "8.8.8.8", Host="elsewhere.example").status_code == 200


def test_ping_is_as_documented(gate: Gate) -> None:
    """Status and local time, whole seconds, no offset."""
    body = get(gate, "/ping").get_json()
    assert body == {"status": "ok", "timestamp": "2026-06-09T07:12:45", "timestamp_utc": "2026-06-08T23:12:45Z"}


def test_ready_and_started_follow_the_gate(gate: Gate) -> None:
    """Not started: neither; started but not taking scans: not ready."""
    gate.takes_scans = False
    assert (get(gate, "/startupz").status_code, get(gate, "/readyz").status_code) == (200, 503)
    gate.takes_scans, gate.started = True, False
    assert (get(gate, "/startupz").status_code, get(gate, "/readyz").status_code) == (503, 503)


def test_headless_serves_health_and_no_screen(gate: Gate) -> None:
    """Without a screen only the health pages exist."""
    client = gate.app(headless=True).test_client()
    assert client.get("/health").status_code == 200
    assert client.get("/").status_code == 404
    assert client.get("/events").status_code == 404
    assert client.post("/scan", json={"payload": "1"}).status_code == 404


def test_components_of_a_board_that_has_stopped_are_not_healthy() -> None:
    """Each page tells that nobody looks any more, not only the main one."""
    clock = ManualClock(datetime(2026, 6, 8, tzinfo=UTC))
    board = HealthBoard(clock.boot_ns)
    board.report("camera", {"frames_captured": 5})
    board.step()
    pages = HealthPages(board.snapshot, clock, UTC, started=lambda: True, ready=lambda: True)
    assert pages.components()["camera"] == {"status": "healthy", "frames_captured": 5}
    clock.advance(11)
    assert pages.components()["camera"] == {"status": "unhealthy", "frames_captured": 5}
