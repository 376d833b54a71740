"""Files that root left in the gate's data directory are no damage, and root is kept from leaving any."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from gate_data import SCHEDULE, GateData
from memory_disk import in_memory

from attendance.cli import main
from attendance.errors import StorageError
from attendance.kiosk import recovery

NOBODY = 65534
only_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files to others")
open_folder = pytest.fixture(in_memory)


@pytest.fixture
def gate(open_folder: Path) -> GateData:
    """The data of a gate that runs as nobody."""
    gate = GateData(open_folder).create()
    gate.manager().create_backup()
    give_away(open_folder)
    return gate


def give_away(folder: Path) -> None:
    for path in (folder, *folder.rglob("*")):
        os.chown(path, NOBODY, NOBODY)


def as_nobody(work: Callable[[], object]) -> str:
    """What a process of that user answers or complains of."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.setgroups([])
        os.setgid(NOBODY)
        os.setuid(NOBODY)
        try:
            said = str(work())
        except StorageError as error:
            said = f"{type(error).__name__}: {error}"
        os.write(writing, said.encode())
        os._exit(0)
    os.close(writing)
    os.waitpid(pid, 0)
    with os.fdopen(reading) as answer:
        return answer.read()


@only_root
@pytest.mark.parametrize("side", ["", "-wal"])
def test_a_database_that_belongs_to_root_is_no_damage(gate: GateData, side: str) -> None:
    """It is left where it is, and the message has the command that gives it back."""
    path = gate.database.with_name(gate.database.name + side)
    path.touch()
    os.chown(path, 0, 0)
    path.chmod(0o600)
    before = gate.state()
    said = as_nobody(lambda: recovery.at_start(gate.manager().copies, SCHEDULE, gate.clock.now()))
    assert said.startswith(f"StorageError: {str(path)!r} belongs to root")
    assert f"sudo chown --reference={gate.data} {path}" in said
    assert gate.state() == before
    assert not (gate.data / "damaged").exists()


@only_root
def test_root_does_not_write_into_another_users_data(gate: GateData, capsys: pytest.CaptureFixture[str]) -> None:
    """Neither by a verb nor by the documented class; the message names whom to be."""
    [backup] = gate.backups.glob("*.db")
    before = gate.state()
    where = ["--config", str(gate.folder / "config.json"), "--data-dir", str(gate.data)]
    assert main(["backup", "restore", str(backup), "--yes", *where]) == 1
    assert "sudo -u nobody" in capsys.readouterr().err
    assert main(["students", "add", "9", "Ana", *where]) == 1
    assert not gate.manager().restore_backup(backup)
    assert gate.state() == before


@only_root
def test_the_owner_is_let_in(gate: GateData) -> None:
    """A restore as the gate's own user leaves files that it can open."""
    [backup] = gate.backups.glob("*.db")
    assert as_nobody(lambda: gate.manager().restore_backup(backup)) == "True"
    assert as_nobody(lambda: recovery.at_start(gate.manager().copies, SCHEDULE, gate.clock.now())) == "None"
