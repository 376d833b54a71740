"""A simulated gate says to a centre what a real one says: the same words, of the same kinds."""

import json
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from centre_process import CentreOnAPort, on_a_port
from gate_process import GateProcess
from sqlalchemy import select

from attendance.clock import SystemClock
from attendance.fleet.store.engine import open_engine, reading
from attendance.fleet.store.tables import gate_health, gates
from attendance.sim.gate_clock import GateClock
from attendance.sim.gates import SimulatedGate
from attendance.sim.school import invent

Eventually = Callable[..., None]
STUDENT = "2026-0001"

centre = pytest.fixture(on_a_port)


@pytest.fixture
def gate(tmp_path: Path, assets_dir: Path) -> Iterator[GateProcess]:
    gate = GateProcess(tmp_path, assets_dir, {"cloud": {"sync_interval": 10}})
    gate.command("students", "add", STUDENT, "Student 1")
    yield gate
    gate.kill()


def beats(centre: CentreOnAPort) -> dict[str, dict[str, Any]]:
    """The last heartbeat of each gate, by its name."""
    engine = open_engine(centre.plan.database)
    query = select(gates.c.name, gate_health.c.beat).join(gates, gates.c.gate_id == gate_health.c.gate_id)
    with reading(engine) as conn:
        found = {name: dict(beat) for name, beat in conn.execute(query)}
    engine.dispose()
    return found


def measured(centre: CentreOnAPort, name: str) -> bool:
    """Whether the gate has told how long its scans took."""
    beat = beats(centre).get(name)
    return beat is not None and beat["health"]["components"].get("scans", {}).get("count", 0) > 0


def differences(one: Any, other: Any, where: str = "") -> Iterator[str]:
    """Where two documents have other keys, or values of other kinds; nothing is of every kind."""
    if isinstance(one, dict) and isinstance(other, dict):
        yield from (f"{where}/{key}" for key in one.keys() ^ other.keys())
        for key in one.keys() & other.keys():
            yield from differences(one[key], other[key], f"{where}/{key}")
    elif isinstance(one, list) and isinstance(other, list):
        for each, its in zip(one, other, strict=False):
            yield from differences(each, its, f"{where}[]")
    elif None not in (one, other) and _kind(one) is not _kind(other):
        yield f"{where}: {one!r}, {other!r}"


def _kind(value: Any) -> type:
    return float if type(value) is int else type(value)


def test_its_heartbeat_has_the_form_of_a_real_one(
    gate: GateProcess, centre: CentreOnAPort, eventually: Eventually
) -> None:
    """But for the address of pages of its own, which it has not."""
    gate.command("sync", "enroll", centre.url, centre.invite("Real"))
    gate.start("--source", "v4l2:77")
    body = json.dumps({"payload": STUDENT}).encode()
    request = urllib.request.Request(f"http://127.0.0.1:{gate.port}/scan", body, {"Content-Type": "application/json"})
    urllib.request.urlopen(request, timeout=10).close()
    clock = GateClock(SystemClock(), up_s=60.0)
    simulated = SimulatedGate.enrol(centre.url, centre.invite("Simulated"), "gate-2", "Simulated", clock)
    simulated.know(invent(1, seed=1))
    simulated.pass_student(STUDENT, clock.now())
    simulated.heartbeat()
    eventually(lambda: measured(centre, "Real"), within_s=40)
    found = beats(centre)
    assert found["Real"]["windows"]
    assert found["Simulated"]["windows"]
    assert measured(centre, "Simulated")
    unlike = set(differences(found["Real"], found["Simulated"]))
    assert unlike == {f"/health/components/health_endpoint/{each}" for each in ("port", "address")}
