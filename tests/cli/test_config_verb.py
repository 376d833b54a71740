"""``attendance config check|show|schema``."""

import json
from pathlib import Path
from typing import Any

import pytest

from attendance.cli import main


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home."""
    monkeypatch.setenv("ATTENDANCE_HOME", str(tmp_path))
    for name in ("DEVICE_ID", "SMS_ENABLED", "SMS_PASSWORD", "CAMERA_INDEX", "LOG_LEVEL"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


@pytest.fixture
def write(home: Path) -> Any:
    """Put a configuration where the gate looks for it."""

    def into_place(tree: dict[str, Any]) -> Path:
        file = home / "config/config.json"
        file.parent.mkdir()
        file.write_text(json.dumps(tree))
        return file

    return into_place


def test_check_says_that_a_right_file_is_right(write: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """And names what has no effect in it."""
    file = write({"camera": {"fps": 15}, "lighting": {}})
    assert main(["config", "check"]) == 0
    out = capsys.readouterr().out
    assert str(file) in out
    assert "lighting has no effect" in out


def test_check_of_a_faulty_file_ends_with_2(write: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """All faults on stderr."""
    write({"camera": {"fps": 0, "fsp": 15}})
    assert main(["config", "check"]) == 2
    err = capsys.readouterr().err
    assert "camera.fps" in err
    assert "did you mean" in err


def test_check_as_json_lists_the_faults(write: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """For programs: the same faults as objects, the same exit code."""
    write({"camera": {"fps": 0}})
    assert main(["config", "check", "--json"]) == 2
    answer = json.loads(capsys.readouterr().out)
    assert answer["ok"] is False
    assert answer["faults"] == [{"path": "camera.fps", "value": "0", "allowed": "a number, 1 to 120"}]


def test_check_without_a_file_says_that_the_defaults_hold(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """No file is no fault."""
    assert main(["config", "check"]) == 0
    assert "defaults" in capsys.readouterr().out
    assert list(home.iterdir()) == []


def test_show_prints_what_holds_and_where_it_comes_from(
    write: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """File and environment are named, defaults go without saying."""
    write({"camera": {"fps": 15}})
    monkeypatch.setenv("LOG_LEVEL", "DEBUG")
    assert main(["config", "show"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "camera.fps = 15  (file)" in lines
    assert 'logging.level = "DEBUG"  (LOG_LEVEL)' in lines
    assert "camera.index = 0" in lines
    assert 'school_schedule.morning_class.start_time = "07:00"' in lines


def test_show_as_json_can_be_loaded_again(write: Any, home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Its settings have the form of a file."""
    write({"school_schedule": {"afternoon_class": None}})
    assert main(["config", "show", "--json"]) == 0
    settings = json.loads(capsys.readouterr().out)["settings"]
    again = home / "again.json"
    again.write_text(
        json.dumps(settings | {"school_schedule": settings["school_schedule"] | {"afternoon_class": None}})
    )
    assert main(["config", "show", "--json", "--config", str(again)]) == 0
    assert json.loads(capsys.readouterr().out)["settings"] == settings


@pytest.mark.parametrize("words", [["show"], ["show", "--json"]])
def test_show_masks_secrets(words: list[str], write: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """A screenshot of it may be sent to anybody."""
    write({"sms_notifications": {"password": "hunter2"}})
    assert main(["config", *words]) == 0
    assert "hunter2" not in capsys.readouterr().out


def test_schema_describes_every_section(capsys: pytest.CaptureFixture[str]) -> None:
    """It is what editors complete from, so it knows the file's form of a class."""
    assert main(["config", "schema"]) == 0
    schema = json.loads(capsys.readouterr().out)
    assert {"camera", "school_schedule", "sms_notifications"} <= schema["properties"].keys()
    assert "morning_class" in schema["$defs"]["SchoolSchedule"]["properties"]
