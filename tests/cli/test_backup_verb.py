"""``attendance backup``, as the office types it."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from attendance.cli import main
from attendance.kiosk.copies import ALLOWED
from attendance.ops import manifest
from attendance.ops.instance import InstanceLock

Verb = Callable[..., tuple[int, str, str]]


@pytest.fixture
def verb(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Verb:
    """Run a verb on this test's data directory; code, output, errors."""

    def run(*words: str) -> tuple[int, str, str]:
        code = main([*words, "--data-dir", str(tmp_path / "data")])
        out, err = capsys.readouterr()
        return code, out, err

    return run


@pytest.fixture
def backup(verb: Verb) -> Path:
    """A backup of a school with one student."""
    assert verb("students", "add", "1", "Ana")[0] == 0
    code, out, _ = verb("backup", "create", "--json")
    assert code == 0
    return Path(json.loads(out)["path"])


def test_a_backup_is_made_listed_and_verified(verb: Verb, backup: Path) -> None:
    """The list names it with what is in it."""
    [row] = json.loads(verb("backup", "list", "--json")[1])
    assert (row["path"], row["students"], row["kind"]) == (str(backup), 1, "manual")
    assert str(backup) in verb("backup", "list")[1]
    assert verb("backup", "verify")[:2] == (0, f"{backup}: whole\n")
    assert json.loads(verb("backup", "verify", str(backup), "--json")[1]) == [
        {"path": str(backup), "ok": True, "fault": ""}
    ]


def test_a_damaged_backup_fails_verify_and_restore(verb: Verb, backup: Path) -> None:
    """With exit code 1 and the reason."""
    content = bytearray(backup.read_bytes())
    content[7000] ^= 1
    backup.write_bytes(content)
    code, out, _ = verb("backup", "verify")
    assert code == 1
    assert "is damaged" in out
    code, _, err = verb("backup", "restore", str(backup), "--yes")
    assert code == 1
    assert "is damaged" in err


def test_a_lost_list_of_photos_fails_verify_and_not_restore(verb: Verb, backup: Path, tmp_path: Path) -> None:
    """Only what is missing from the folder cannot be told any more."""
    photo = tmp_path / "data/photos/2026-06-08/a.jpg"
    photo.parent.mkdir(parents=True)
    photo.touch()
    made = Path(json.loads(verb("backup", "create", "--json")[1])["path"])
    assert verb("backup", "verify", str(made))[0] == 0
    manifest.list_of(made).unlink()
    code, out, _ = verb("backup", "verify", str(made))
    assert code == 1
    assert "list of photos" in out
    assert verb("backup", "restore", str(made), "--yes")[0] == 0


def test_a_restore_asks_and_then_restores(
    verb: Verb, backup: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Whatever is not yes changes nothing."""
    verb("students", "add", "2", "Ben")
    monkeypatch.setattr("builtins.input", lambda: "no")
    assert verb("backup", "restore", str(backup))[0] == 1
    assert len(json.loads(verb("students", "list", "--json")[1])) == 2
    monkeypatch.setattr("builtins.input", lambda: "yes")
    code, out, _ = verb("backup", "restore", str(backup))
    assert code == 0
    assert "is restored" in out
    assert len(json.loads(verb("students", "list", "--json")[1])) == 1
    assert list((tmp_path / "data/backups/before-restore").glob("*.db"))


def test_a_restore_that_nobody_answers_says_what_to_add(
    verb: Verb, backup: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A script has no terminal."""
    verb("students", "add", "2", "Ben")
    with Path(os.devnull).open() as nobody:
        monkeypatch.setattr("sys.stdin", nobody)
        code, _, err = verb("backup", "restore", str(backup))
    assert code == 1
    assert "Add --yes" in err
    assert len(json.loads(verb("students", "list", "--json")[1])) == 2


def test_beside_a_running_gate_a_restore_is_laid_ready(verb: Verb, backup: Path, tmp_path: Path) -> None:
    """And says that the gate must be started again."""
    lock = InstanceLock(tmp_path / "data")
    lock.acquire()
    code, out, _ = verb("backup", "restore", str(backup), "--yes")
    lock.release()
    assert code == 0
    assert "Restart the gate" in out
    assert (tmp_path / "data/restore" / backup.name).exists()


def test_a_drill_says_that_the_backup_would_do(verb: Verb, backup: Path) -> None:
    """Age, time and how far behind."""
    code, out, _ = verb("backup", "drill")
    assert code == 0
    assert f"{backup.name} can be restored" in out
    assert json.loads(verb("backup", "drill", "--json")[1])["ok"] is True


def test_without_a_database_nothing_is_made(verb: Verb, tmp_path: Path) -> None:
    """Each verb says what is wrong; none makes an empty database."""
    for words, text in (
        (("create",), "There is no database"),
        (("verify",), "There is no backup"),
        (("restore", "typo.db", "--yes"), "typo.db"),
    ):
        code, _, err = verb("backup", *words)
        assert code == 1
        assert text in err
    assert not (tmp_path / "data/attendance.db").exists()
    assert verb("backup", "drill")[0] == 1
    assert verb("backup", "list")[1] == "0 backups.\n"
    assert verb("backup", "acknowledge")[1] == "0 reports acknowledged.\n"


def test_an_absent_second_place_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The backup is there all the same; and with the stick it lists both."""
    config = tmp_path / "config.json"
    stick = tmp_path / "stick"
    config.write_text(json.dumps({"database_backup": {"second_dir": str(stick)}}))
    where = ["--config", str(config), "--data-dir", str(tmp_path / "data")]
    assert main(["students", "add", "1", "Ana", *where]) == 0
    assert main(["backup", "create", *where]) == 0
    assert "not kept in the second place" in capsys.readouterr().out
    stick.mkdir()
    (stick / ALLOWED).touch()
    assert main(["backup", "create", *where]) == 0
    assert "second place" not in capsys.readouterr().out
    assert main(["backup", "list", "--json", *where]) == 0
    assert len(json.loads(capsys.readouterr().out)) == 3
