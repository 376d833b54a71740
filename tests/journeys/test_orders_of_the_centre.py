"""A real gate does what a real centre orders: settings that hold after its own restart, and a restart, once each."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from centre_process import CentreOnAPort, on_a_port
from gate_process import GateProcess

from attendance.domain.wire import CommandKind
from attendance.fleet import commands
from attendance.fleet.store import commands as ordered
from attendance.fleet.store import gates
from attendance.fleet.store.engine import open_engine, transaction

Eventually = Callable[..., None]


centre = pytest.fixture(on_a_port)


@pytest.fixture
def gate(tmp_path: Path, assets_dir: Path, centre: CentreOnAPort) -> Iterator[GateProcess]:
    gate = GateProcess(tmp_path, assets_dir, {"cloud": {"sync_interval": 10}})
    gate.command("students", "add", "2026-0001", "Student 1")
    gate.command("sync", "enroll", centre.url, centre.invite("Main gate"))
    gate.start("--source", "v4l2:77")
    yield gate
    gate.kill()


class Orders:
    """Gives a centre's only gate commands, and reads what became of them."""

    def __init__(self, centre: CentreOnAPort) -> None:
        self._engine = open_engine(centre.plan.database)
        self._school_id = centre.school.school_id

    def give(self, kind: CommandKind, **arguments: Any) -> str:
        with transaction(self._engine) as conn:
            [gate] = gates.of_school(conn, self._school_id)
            named = {path.replace("__", "."): value for path, value in arguments.items()}
            return commands.order(conn, gate, kind, named, "ana", datetime.now(UTC))

    def state(self, command_id: str) -> str:
        with transaction(self._engine) as conn:
            found = ordered.get(conn, self._school_id, command_id)
        return found.state if found else ""

    def close(self) -> None:
        self._engine.dispose()


@pytest.fixture
def orders(centre: CentreOnAPort) -> Iterator[Orders]:
    orders = Orders(centre)
    yield orders
    orders.close()


def restarts(gate: GateProcess) -> list[str]:
    file = gate.data / "logs/watchdog_restarts.log"
    return [line for line in file.read_text().splitlines() if "ordered restart" in line] if file.exists() else []


def test_settings_and_a_restart_are_done_once(gate: GateProcess, orders: Orders, eventually: Eventually) -> None:
    """Nobody supervises this gate: it begins its next run itself, in the same process."""
    order = orders.give(CommandKind.CONFIG, device__device_name="South gate")
    eventually(lambda: orders.state(order) == "done", within_s=60)
    shown = json.loads(gate.command("config", "show", "--json").stdout)
    assert shown["settings"]["device"]["device_name"] == "South gate"
    assert shown["origins"]["device.device_name"] == "centre"
    assert len(restarts(gate)) == 1
    again = orders.give(CommandKind.RESTART)
    backup = orders.give(CommandKind.BACKUP)
    eventually(lambda: orders.state(again) == "done" and orders.state(backup) == "done", within_s=60)
    assert [line.split(": ")[1].split(" [")[0] for line in restarts(gate)] == [
        "new settings of the centre",
        "the centre wants it",
    ]
    assert gate.process.poll() is None
    assert gate.get("/health")["components"]["sync"]["enrolled"]
    assert len(list((gate.data / "backups").glob("*.db"))) >= 1
    assert gate.stop() == 0
