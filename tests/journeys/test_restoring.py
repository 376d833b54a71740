"""A gate whose database is lost or damaged is at work again by itself, and says what it cost."""

import json
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from gate_process import GateProcess


@pytest.fixture
def gate(tmp_path: Path, assets_dir: Path) -> Iterator[GateProcess]:
    gate = GateProcess(tmp_path, assets_dir)
    yield gate
    gate.kill()


def _scans(gate: GateProcess) -> int:
    return int(gate.get("/health/database").get("total_records", 0))


def _codes(gate: GateProcess) -> list[str]:
    return [problem["code"] for problem in gate.get("/health")["problems"]]


def test_a_killed_gate_with_a_wrecked_database_repairs_itself(
    gate: GateProcess, eventually: Callable[..., None]
) -> None:
    """Every scan with a photo or in the backup is there again; the office is told until it says that it has read it."""
    gate.start("--demo", "--headless")
    eventually(lambda: gate.get("/health/components")["backup"]["total_backups"] == 1, within_s=30)
    eventually(lambda: sum(bool(row["photo"]) for row in gate.register()) >= 2, within_s=60)
    before = {row["scan_id"]: row for row in gate.register()}
    gate.stop(signal.SIGKILL)
    database = gate.data / "attendance.db"
    database.write_bytes(b"\xa5" * database.stat().st_size)
    for side in gate.data.glob("attendance.db-*"):
        side.unlink()
    gate.start("--headless")
    assert "database-repaired" in _codes(gate)
    after = {row["scan_id"]: row for row in gate.register()}
    for scan_id, row in before.items():
        if row["photo"]:
            assert (after[scan_id]["student_id"], after[scan_id]["seq"]) == (row["student_id"], row["seq"])
    gate.command("backup", "acknowledge")
    eventually(lambda: "database-repaired" not in _codes(gate))
    assert gate.stop() == 0


def test_a_restore_beside_a_running_gate_waits_for_its_next_start(
    gate: GateProcess, eventually: Callable[..., None]
) -> None:
    """The running gate goes on recording; the next start has the backup, and a copy of what was there."""
    gate.start("--demo", "--headless")
    eventually(lambda: _scans(gate) >= 1, within_s=30)
    made = json.loads(gate.command("backup", "create", "--json").stdout)
    eventually(lambda: _scans(gate) > made["scans"], within_s=30)
    assert "Restart the gate" in gate.command("backup", "restore", made["path"], "--yes").stdout
    assert _scans(gate) > made["scans"]
    assert gate.stop() == 0
    gate.start("--headless")
    assert _scans(gate) == made["scans"]
    assert "database-repaired" not in _codes(gate)
    assert list((gate.data / "backups" / "before-restore").glob("*.db"))
    assert gate.stop() == 0
