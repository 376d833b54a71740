"""What Prometheus reads of a centre: numbers of every gate, and where the gates' own pages are."""

import re
from pathlib import Path

import pytest
from centre_with_gates import clock, health, seed
from flask.testing import FlaskClient
from prometheus_client.parser import text_string_to_metric_families
from promtool import complaints
from sqlalchemy import select, update

from attendance.fleet.app import CentreProcess
from attendance.fleet.plan import CentrePlan
from attendance.fleet.store.engine import open_engine, transaction
from attendance.fleet.store.tables import gate_health, gates
from attendance.fleet.vitals import summary

NORTH = "Northfield National High School"
TOKEN = {"Authorization": "Bearer a secret of its own"}


@pytest.fixture
def monitor(sqlite_url: str, tmp_path: Path) -> FlaskClient:
    seed(sqlite_url)
    return client(CentrePlan(sqlite_url, tmp_path, monitor_token="a secret of its own"))


def client(plan: CentrePlan) -> FlaskClient:
    return CentreProcess(plan, clock()).app.test_client()


def samples(monitor: FlaskClient) -> dict[tuple[str, tuple[str, ...]], float]:
    answer = monitor.get("/metrics", headers=TOKEN)
    assert answer.status_code == 200
    assert complaints(answer.data) == ""
    families = text_string_to_metric_families(answer.get_data(as_text=True))
    order = ("school", "gate", "code", "severity", "version")
    return {
        (each.name, tuple(each.labels[name] for name in order if name in each.labels)): each.value
        for family in families
        for each in family.samples
    }


def test_every_gate_is_there_in_numbers(monitor: FlaskClient) -> None:
    """Whether it calls, what waits, who has passed, and each of its problems by code."""
    found = samples(monitor)
    assert found["attendance_centre_gate_calls", (NORTH, "Main gate")] == 1
    assert found["attendance_centre_gate_calls", (NORTH, "Canteen side")] == 0
    assert found["attendance_centre_gate_problem", (NORTH, "Canteen side", "gate-unheard-alone", "error")] == 1
    assert found["attendance_centre_gate_today_scans", (NORTH, "Main gate")] > 0
    names = {name.removeprefix("attendance_centre_") for name, _ in found}
    assert names == {
        *("build_info", "gate_calls", "gate_last_call_timestamp_seconds", "gate_queue_size"),
        *("gate_oldest_unsent_seconds", "gate_today_scans", "gate_usual_scans", "gate_problem"),
    }


def test_gates_that_said_where_they_are_can_be_discovered(monitor: FlaskClient, sqlite_url: str) -> None:
    """As Prometheus' http_sd_configs reads it; what is no address of a machine is left out."""
    said = health() | {"components": {"health_endpoint": {"address": "pi-north-1:8080"}}}
    lied = health() | {"components": {"health_endpoint": {"address": "evil/../:80"}}}
    engine = open_engine(sqlite_url)
    with transaction(engine) as conn:
        for each, words in zip(("Main gate", "Gymnasium"), (said, lied), strict=True):
            gate = select(gates.c.gate_id).where(gates.c.name == each).scalar_subquery()
            conn.execute(update(gate_health).where(gate_health.c.gate_id == gate).values(summary=summary(words)))
    engine.dispose()
    answer = monitor.get("/sd/gates", headers=TOKEN)
    assert answer.json == [{"targets": ["pi-north-1:8080"], "labels": {"school": NORTH, "gate": "Main gate"}}]


@pytest.mark.parametrize("path", ["/metrics", "/sd/gates"])
@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic eDp5"}])
def test_only_monitors_get_the_numbers(monitor: FlaskClient, path: str, headers: dict[str, str]) -> None:
    """They are of all schools. Who has no token, or another, is told how to get one."""
    answer = monitor.get(path, headers=headers)
    assert answer.status_code == 401
    assert "monitor-token-file" in answer.get_data(as_text=True)


def test_without_a_token_nobody_gets_them(sqlite_url: str, tmp_path: Path) -> None:
    """An empty token is none, whoever sends an empty one."""
    closed = client(CentrePlan(sqlite_url, tmp_path))
    assert closed.get("/metrics", headers={"Authorization": "Bearer "}).status_code == 401


def test_the_page_names_every_metric(monitor: FlaskClient) -> None:
    """docs/operations/fleet-metrics.md, and no other."""
    page = (Path(__file__).parents[2] / "docs/operations/fleet-metrics.md").read_text()
    assert set(re.findall(r"^\| `(\w+)` \|", page, re.M)) == {name for name, _ in samples(monitor)}
