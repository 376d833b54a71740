"""An installation of an earlier version, or of the earlier system, brought up to date."""

import json
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from attendance.cli import main
from attendance.kiosk import takeover
from attendance.kiosk.store.database import reading, schema_versions
from attendance.ops.instance import InstanceLock

EARLIER = """
CREATE TABLE students (student_id TEXT PRIMARY KEY, uuid TEXT, name TEXT, email TEXT, parent_phone TEXT,
    section_id TEXT, schedule_id TEXT, allowed_session TEXT, created_at TIMESTAMP);
CREATE TABLE attendance (id INTEGER PRIMARY KEY AUTOINCREMENT, student_id TEXT, timestamp TIMESTAMP, photo_path TEXT,
    qr_data TEXT, scan_type TEXT DEFAULT 'time_in', status TEXT DEFAULT 'present', schedule_session TEXT,
    synced INTEGER DEFAULT 0, sync_timestamp TEXT, cloud_record_id TEXT);
CREATE TABLE sync_queue (id INTEGER PRIMARY KEY, record_type TEXT, record_id INTEGER, data TEXT);
INSERT INTO students VALUES ('2021001', NULL, 'Reyes, Ana', NULL, '09171234567', 'G7-A', NULL, 'morning', NULL);
INSERT INTO students VALUES ('2021002', NULL, 'Cruz, Ben', NULL, '0917123456789', NULL, NULL, NULL, NULL);
INSERT INTO attendance (student_id, timestamp, photo_path, scan_type, status, schedule_session) VALUES
    ('2021001', '2025-11-03T07:21:09', 'data/photos/kept.jpg', 'time_in', 'late', 'morning'),
    ('2021001', '2025-11-03T12:05:00', 'data/photos/gone.jpg', 'time_out', 'present', 'morning'),
    ('2021002', '2025-11-03T06:50:00.123456', NULL, 'time_in', 'present', 'morning'),
    ('2021002', '2025-11-03T06:51:00', NULL, 'time_in', 'present', 'morning'),
    ('7777777', '2025-11-04 06:40:00', NULL, 'time_in', 'present', NULL),
    ('2021002', 'yesterday', NULL, 'time_in', 'present', 'morning');
"""


class Installation:
    def __init__(self, folder: Path) -> None:
        self.data = folder / "data"
        self.data.mkdir()
        self.database = self.data / "attendance.db"
        self.config = folder / "config.json"
        self.config.write_text("{}")

    def verb(self, *words: str) -> int:
        return main([*words, "--config", str(self.config), "--data-dir", str(self.data)])

    def put_the_earlier_database(self) -> None:
        with sqlite3.connect(self.database) as conn:
            conn.executescript(EARLIER)
        conn.close()
        (self.data / "photos").mkdir()
        (self.data / "photos" / "kept.jpg").write_bytes(b"\xff\xd8")


@pytest.fixture
def here(tmp_path: Path) -> Installation:
    return Installation(tmp_path)


def report(here: Installation, capsys: pytest.CaptureFixture[str], day: str) -> list[dict[str, Any]]:
    capsys.readouterr()
    assert here.verb("report", "day", "--date", day, "--json") == 0
    return list(json.loads(capsys.readouterr().out))


def test_students_scans_and_photos_of_the_earlier_system_come_along(
    here: Installation, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its day reads back as it was, in the school's time; a second scan of the same kind is kept too."""
    here.put_the_earlier_database()
    assert here.verb("upgrade") == 0
    said = capsys.readouterr().out
    assert "3 students and 5 scans taken over" in said
    rows = report(here, capsys, "2025-11-03")
    assert [(row["student_id"], row["direction"], row["status"], row["scanned_at"], row["photo"]) for row in rows] == [
        ("2021002", "in", "on_time", "2025-11-03T06:50:00.123+08:00", None),
        ("2021002", "in", "on_time", "2025-11-03T06:51:00.000+08:00", None),
        ("2021001", "in", "late", "2025-11-03T07:21:09.000+08:00", "photos/kept.jpg"),
        ("2021001", "out", "on_time", "2025-11-03T12:05:00.000+08:00", None),
    ]
    assert [row["seq"] for row in rows] == [1, 2, 3, 4]
    assert [row["student_id"] for row in report(here, capsys, "2025-11-04")] == ["7777777"]
    here.verb("students", "show", "2021001")
    assert "+639171234567" in capsys.readouterr().out


def test_what_cannot_come_along_is_said_and_never_guessed(
    here: Installation, capsys: pytest.CaptureFixture[str]
) -> None:
    """A phone number of too many digits is not cut, and a time that is none is not invented."""
    here.put_the_earlier_database()
    assert here.verb("upgrade") == 0
    said = capsys.readouterr().out
    assert "'2021002' came along without a phone" in said
    assert "'yesterday' is no time" in said


def test_the_earlier_database_stays_as_it_was(here: Installation, capsys: pytest.CaptureFixture[str]) -> None:
    """Whoever wants to go back has every row."""
    here.put_the_earlier_database()
    here.verb("upgrade")
    with sqlite3.connect(here.data / "attendance-earlier.db") as conn:
        assert conn.execute("SELECT count(*) FROM attendance").fetchone()[0] == 6
    conn.close()


def test_a_gate_on_the_earlier_database_says_how_it_is_taken_over(
    here: Installation, capsys: pytest.CaptureFixture[str]
) -> None:
    """Neither a start nor any verb changes a byte of it."""
    here.put_the_earlier_database()
    before = here.database.read_bytes()
    assert here.verb("run", "--headless", "--source", "demo") == 1
    assert "`attendance upgrade` (or `python integrate_phase3.py`) takes its" in capsys.readouterr().err
    assert here.verb("students", "add", "1", "Ana") == 1
    assert "attendance upgrade" in capsys.readouterr().err
    assert here.database.read_bytes() == before


def test_what_the_earlier_system_left_half_written_is_undone_first(
    here: Installation, capsys: pytest.CaptureFixture[str]
) -> None:
    """The power went while it changed a row: the takeover has the row of before."""
    here.put_the_earlier_database()
    killed = """
import os, sqlite3, sys
conn = sqlite3.connect(sys.argv[1], isolation_level=None)
conn.execute("PRAGMA cache_size=1")
conn.execute("BEGIN IMMEDIATE")
conn.execute("UPDATE students SET name = hex(randomblob(60000))")
os.kill(os.getpid(), 9)
"""
    subprocess.run([sys.executable, "-c", killed, str(here.database)], check=False)
    assert here.database.with_name("attendance.db-journal").stat().st_size > 0
    assert here.verb("upgrade") == 0
    here.verb("students", "show", "2021001")
    assert "Reyes, Ana" in capsys.readouterr().out


@pytest.mark.parametrize("step", ["copy", "enter", "replace"])
def test_an_interrupted_takeover_is_finished_by_the_next(
    here: Installation, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    """Cut off after the copy, in the middle, or before the last name: the second run ends as one run would."""

    class PowerCut(BaseException):
        """No part of the program catches it."""

    def cut(*_: object) -> None:
        raise PowerCut

    here.put_the_earlier_database()
    place: dict[str, tuple[object, str]] = {
        "copy": (takeover, "create_or_migrate"),
        "enter": (takeover.earlier, "enter"),
        "replace": (takeover, "finish"),
    }
    with monkeypatch.context() as patch:
        patch.setattr(*place[step], cut)
        with pytest.raises(PowerCut):
            here.verb("upgrade")
    assert here.verb("upgrade") == 0
    assert (here.data / "attendance-earlier.db").exists()
    with reading(here.database) as conn:
        assert conn.execute("SELECT count(*) FROM attendance").fetchone()[0] == 5
    assert sorted(path.name for path in here.data.glob(".attendance-*")) == []


def test_a_config_gets_the_keys_it_lacks_and_keeps_what_it_says(
    here: Installation, capsys: pytest.CaptureFixture[str]
) -> None:
    """The school's own values stay; the file of before is kept; a second time there is nothing to do."""
    before = {"school": {"name": "San Isidro"}, "watchdog": {"timeout_seconds": 45}}
    here.config.write_text(json.dumps(before))
    assert here.verb("upgrade") == 0
    now = json.loads(here.config.read_text())
    assert now["school"] == before["school"]
    assert now["watchdog"]["timeout_seconds"] == 45
    assert now["watchdog"]["restart_command"] == "sudo systemctl restart attendance-system"
    assert now["sms_notifications"]["rate_limiting"]["max_per_hour"] == 60
    assert json.loads((here.config.parent / "config.json.before-upgrade").read_text()) == before
    capsys.readouterr()
    assert here.verb("upgrade") == 0
    assert f"{here.config} is up to date." in capsys.readouterr().out


def test_a_database_of_ours_is_brought_to_the_newest_schema(
    here: Installation, capsys: pytest.CaptureFixture[str]
) -> None:
    """Said when it happens, and said when there is nothing to do."""
    dump = (Path(__file__).parents[1] / "kiosk/databases/v1.sql").read_text()
    with sqlite3.connect(here.database) as conn:
        conn.executescript(dump)
        conn.execute("PRAGMA user_version=1")
    conn.close()
    assert here.verb("upgrade") == 0
    old, new = schema_versions(here.database)
    assert old == new
    assert f"schema 1 is brought to {new}" in capsys.readouterr().out
    assert here.verb("upgrade") == 0
    assert f"{here.database} is up to date." in capsys.readouterr().out


@pytest.mark.parametrize("earlier", [True, False])
def test_a_dry_run_changes_nothing(here: Installation, earlier: bool) -> None:
    """It only says what would be done."""
    if earlier:
        here.put_the_earlier_database()
    before = {path: path.read_bytes() for path in here.data.parent.rglob("*") if path.is_file()}
    assert here.verb("upgrade", "--dry-run") == 0
    after = {path: path.read_bytes() for path in here.data.parent.rglob("*") if path.is_file()}
    assert {path: content for path, content in after.items() if path.name != ".lock"} == before


def test_nothing_is_changed_under_a_running_gate(
    here: Installation, capsys: pytest.CaptureFixture[str], eventually: Callable[..., None]
) -> None:
    """Its database would be swapped under its hands."""
    lock = InstanceLock(here.data)
    lock.acquire()
    assert here.verb("upgrade") == 1
    assert "Stop it first" in capsys.readouterr().err
    assert here.config.read_text() == "{}"
    lock.release()
