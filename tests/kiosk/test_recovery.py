"""A gate that starts with a staged restore or a damaged database goes on with all that can be had."""

import json
import os
import random
import shutil
import socket
import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from gate_data import DAY, SCHEDULE, GateData, leave_hot_journal, run_until, spoil_table
from memory_disk import in_memory

from attendance.clock import ManualClock
from attendance.domain.scan import Direction
from attendance.errors import StorageError
from attendance.kiosk import erasure, photo_records, recovery, restoring
from attendance.kiosk.copies import ALLOWED
from attendance.kiosk.store import roster
from attendance.kiosk.store.database import create_or_migrate, reading, writing
from attendance.ops import sqlite
from attendance.ops.backup import Cancelled, Stop
from attendance.ops.instance import InstanceLock


@pytest.fixture
def gate(tmp_path: Path) -> GateData:
    return GateData(tmp_path).create()


def start(gate: GateData, **arguments: Any) -> Any:
    """What the gate does first."""
    manager = gate.manager(**arguments)
    report = recovery.at_start(manager.copies, SCHEDULE, gate.clock.now())
    create_or_migrate(gate.database, gate.clock.now())
    erasure.reapply(gate.database, gate.data)
    return report


def kill(gate: GateData) -> sqlite3.Connection:
    """Leave a write-ahead log as a killed process does; keep the result alive, then close nothing."""
    copy = gate.folder / "killed"
    conn = sqlite.connect(gate.database)
    with sqlite.transaction(conn):
        conn.execute("INSERT OR REPLACE INTO meta VALUES ('touched', 'yes')")
    copy.mkdir(exist_ok=True)
    for path in gate.data.glob("attendance.db*"):
        shutil.copy(path, copy / path.name)
    conn.close()
    for path in copy.iterdir():
        path.replace(gate.data / path.name)
    return conn


def wreck(gate: GateData) -> None:
    """Nothing at all can be read any more."""
    size = gate.database.stat().st_size
    for path in gate.data.glob("attendance.db-*"):
        path.unlink()
    gate.database.write_bytes(b"\xa5" * size)


def test_a_whole_database_is_left_alone(gate: GateData) -> None:
    """A clean start and one after a kill change nothing."""
    scans = {gate.scan(number).scan_id for number in "12"}
    assert start(gate) is None
    kill(gate)
    assert start(gate) is None
    assert set(gate.scans()) == scans
    assert gate.value("SELECT count(*) FROM epochs") == 1


def test_a_half_done_change_in_a_rollback_journal_is_undone(gate: GateData) -> None:
    """Whatever was killed in the middle of it, the gate starts and no row is as the change would have it."""
    scans = set(gate.scan_often("1", range(1, 300)))
    leave_hot_journal(gate.database, "UPDATE sms_outbox SET student_key = student_key || hex(randomblob(200))")
    assert start(gate) is None
    assert set(gate.scans()) == scans
    assert gate.value("SELECT max(length(student_key)) FROM sms_outbox") < 100


def test_a_restored_database_has_nothing_to_switch(gate: GateData) -> None:
    """The first to open it finds the log that the gate uses, in one file."""
    backup = gate.manager().make()
    assert gate.manager().restore_backup(backup.path)
    assert gate.database.read_bytes()[18:20] == b"\x02\x02"
    assert list(gate.data.glob("attendance.db*")) == [gate.database]


def test_a_first_start_is_no_damage(tmp_path: Path) -> None:
    """No database and no backup: the gate is new."""
    gate = GateData(tmp_path)
    gate.data.mkdir()
    assert start(gate) is None
    assert gate.value("SELECT reason FROM epochs") == "created"


def test_another_programs_database_is_not_repaired_away(gate: GateData) -> None:
    """It is not ours to touch."""
    gate.manager().create_backup()
    for path in gate.data.glob("attendance.db*"):
        path.unlink()
    with sqlite3.connect(gate.database) as other:
        other.execute("CREATE TABLE notes (x)")
    other.close()
    before = gate.state()
    assert recovery.at_start(gate.manager().copies, SCHEDULE, gate.clock.now()) is None
    assert gate.state() == before


def test_a_wrecked_database_comes_back_from_backup_and_photos(gate: GateData) -> None:
    """The backup's rows, then the scans that only photos remember, with their own numbers; new ones get a new epoch."""
    old = gate.scan("1", photo=True)
    gate.manager().create_backup()
    kept = gate.scan("2", photo=True)
    lost = gate.scan("3")
    wreck(gate)
    report = start(gate)
    assert (report["reason"], report["backup"]) == ("repaired", "attendance_20260608_064001.db")
    assert report["scans_from_photos"] == 1
    assert gate.scans() == {each.scan_id: (each.epoch, each.seq) for each in (old, kept)}
    assert lost.scan_id not in gate.scans()
    new = gate.scan("3")
    assert (new.epoch != old.epoch, new.seq) == (True, 1)
    last = gate.value("SELECT previous_epoch || ' ' || previous_last_seq FROM epochs WHERE reason = 'repaired'")
    assert last == f"{old.epoch} 2"
    queued = f"FROM sync_queue WHERE record_id = '{kept.scan_id}' AND state = 'waiting'"
    assert gate.value(f"SELECT group_concat(record_type) {queued}") == "scan,photo"
    with reading(gate.database) as conn:
        again = dict(conn.execute("SELECT * FROM attendance WHERE scan_id = ?", (kept.scan_id,)).fetchone())
    assert (again["day"], again["session"], again["status"]) == (str(DAY), "morning", "on_time")
    assert (again["source"], again["clock_trusted"]) == ("photo", 0)


def test_the_office_is_told_until_it_says_so(gate: GateData) -> None:
    """The problem survives restarts; the damaged file is kept with it."""
    gate.scan("1")
    gate.manager().create_backup()
    wreck(gate)
    wrecked = gate.database.read_bytes()
    start(gate)
    assert [each.code for each in gate.manager().problems] == ["database-repaired"]
    assert start(gate) is None
    [problem] = gate.manager().problems
    assert "attendance_20260608_064001.db" in problem.text
    [evidence] = (gate.data / "damaged").glob("*/attendance.db")
    assert evidence.read_bytes() == wrecked
    assert restoring.acknowledge(gate.data) == 1
    assert gate.manager().problems == []


def test_readable_rows_of_a_damaged_file_are_taken_over(gate: GateData) -> None:
    """One bad page costs the rows on it, not the rest; what is newer than the backup wins where rows can change."""
    gate.scan_often("1", range(1, 120))
    gate.manager().create_backup()
    after = gate.scan_often("2", range(1, 120))
    with writing(gate.database) as conn:
        roster.revoke_number(conn, "1", None, "lost", gate.clock.now())
        roster.enrol(conn, roster.Enrolment("9", "New Student"), gate.clock.now())
        conn.execute("UPDATE sms_outbox SET state = 'sent'")
    total = len(gate.scans())
    spoil_table(gate.database, "attendance", leaf=2)
    kill_or_mark(gate)
    report = start(gate)
    assert report["tables_incomplete"] == ["attendance"]
    found = gate.scans()
    assert total - 40 < len(found) <= total
    assert set(after[-20:]) < set(found)
    assert gate.value("SELECT count(*) FROM students") == 4
    assert gate.value("SELECT count(*) FROM cards WHERE revoked_at IS NOT NULL") == 2
    assert gate.value("SELECT count(*) FROM sms_outbox WHERE state = 'waiting'") == 0
    assert gate.manager().check_integrity()


def kill_or_mark(gate: GateData) -> None:
    """What a running gate leaves that met the bad page."""
    with pytest.raises(Exception, match="malformed"), reading(gate.database) as conn:
        conn.execute("SELECT count(device_id || boot_id) FROM attendance").fetchone()
    assert (gate.data / "attendance.db.suspect").exists()


def test_rows_that_only_the_log_has_are_taken_over(gate: GateData) -> None:
    """The write-ahead log of the damaged database is read with it."""
    gate.scan("1")
    gate.manager().create_backup()
    with writing(gate.database) as conn:
        conn.executemany("INSERT INTO meta VALUES (?, hex(randomblob(1000)))", [(str(n),) for n in range(50)])
    holder = sqlite.connect(gate.database)
    holder.execute("SELECT 1 FROM meta").fetchone()
    last = gate.scan("2")
    copies = {path.name: path.read_bytes() for path in gate.data.glob("attendance.db*")}
    holder.close()
    for name, content in copies.items():
        (gate.data / name).write_bytes(content)
    assert (gate.data / "attendance.db-wal").stat().st_size > 0
    spoil_table_raw(gate.database, "meta")
    report = start(gate)
    assert report["scans_salvaged"] == 1
    assert last.scan_id in gate.scans()


def spoil_table_raw(database: Path, table: str) -> None:
    """Spoil a page of the file itself, leaving its log as it is."""
    alone = database.with_name("alone.db")
    shutil.copy(database, alone)
    spoil_table(alone, table, leaf=3)
    shutil.copy(alone, database)
    alone.unlink()


def test_without_any_backup_what_can_be_read_goes_into_a_fresh_database(gate: GateData) -> None:
    """Students, guardians and scans are there again."""
    scans = gate.scan_often("1", range(1, 120))
    spoil_table(gate.database, "attendance", leaf=1)
    kill_or_mark(gate)
    report = start(gate)
    assert report["backup"] is None
    assert gate.value("SELECT count(*) FROM students") == 3
    assert gate.value("SELECT count(*) FROM guardians") == 3
    assert 80 < len(gate.scans()) < len(scans)
    assert report["scans_missing_at_least"] == len(scans) - len(gate.scans())


def test_a_photo_that_the_backup_does_not_name_is_named_again(gate: GateData) -> None:
    """The scan was backed up before its photo came; the better of two files is taken."""
    scan = gate.scan("1")
    gate.manager().create_backup()
    folder = gate.data / f"photos/{DAY}"
    folder.mkdir(parents=True)
    for name in (f"{scan.scan_id}-early.jpg", f"{scan.scan_id}.jpg"):
        (folder / name).write_bytes(b"\xff\xd8")
    wreck(gate)
    start(gate)
    assert gate.value("SELECT path FROM photos") == f"photos/{DAY}/{scan.scan_id}.jpg"


def test_a_photo_under_another_scans_name_is_no_record(gate: GateData) -> None:
    """Who copies a photo makes no scan."""
    scan = gate.scan("1", photo=True)
    photo = gate.data / f"photos/{DAY}/{scan.scan_id}.jpg"
    photo.rename(photo.with_name("0190a5b2-0000-7000-8000-000000000000.jpg"))
    assert photo_records.missing(gate.data, set()) == []


def test_erased_students_do_not_come_back(gate: GateData) -> None:
    """Neither from the backup, nor from the damaged file, nor from a photo that was left lying."""
    scan = gate.scan("1", photo=True)
    gate.manager().create_backup()
    photo = gate.data / f"photos/{DAY}/{scan.scan_id}.jpg"
    picture, key = photo.read_bytes(), gate.key("1")
    erasure.erase(gate.database, gate.data, [key])
    photo.write_bytes(picture)
    wreck(gate)
    start(gate)
    assert gate.value(f"SELECT count(*) FROM students WHERE student_key = '{key}'") == 0
    assert gate.value(f"SELECT count(*) FROM guardians WHERE student_key = '{key}'") == 0
    assert gate.value("SELECT count(*) FROM photos WHERE path IS NOT NULL") == 0


def test_what_is_left_of_an_erased_student_is_not_taken_over(gate: GateData) -> None:
    """Neither a message in the damaged file nor a scan that only a photo remembers."""
    gate.manager().create_backup()
    gate.scan_often("2", range(1, 60))
    with writing(gate.database) as conn:
        guardians = [roster.Guardian("+639170000009")]
        roster.enrol(conn, roster.Enrolment("9", "New Student", guardians=guardians), gate.clock.now())
    scan = gate.scan("9", photo=True)
    key = gate.key("9")
    erasure.remember(gate.data, [key])
    with writing(gate.database) as conn:
        conn.execute("DELETE FROM students WHERE student_key = ?", (key,))
    spoil_table(gate.database, "attendance", leaf=1)
    (gate.data / "attendance.db.suspect").write_text("malformed")
    start(gate)
    assert len(gate.scans()) > 20
    assert gate.value(f"SELECT count(*) FROM sms_outbox WHERE student_key = '{key}'") == 0
    assert gate.value(f"SELECT count(*) FROM photos WHERE scan_id = '{scan.scan_id}' AND path IS NOT NULL") == 0


def test_a_lost_scan_of_an_erased_student_is_a_number_without_a_face(gate: GateData) -> None:
    """As any scan of theirs: it counts, and the photo that the power cut saved from deletion goes."""
    gate.manager().create_backup()
    scan = gate.scan("1", photo=True)
    erasure.remember(gate.data, [gate.key("1")])
    wreck(gate)
    start(gate)
    assert scan.scan_id in gate.scans()
    assert gate.value("SELECT reason FROM photos") == "erased"
    assert not list(gate.data.glob("photos/*/*.jpg"))


def test_erasures_come_along_with_a_backup_on_a_stick(gate: GateData, tmp_path: Path) -> None:
    """A new card that is filled from the stick knows who was erased, although its own list is gone."""
    stick = tmp_path / "stick"
    stick.mkdir()
    (stick / ALLOWED).touch()
    key = gate.key("2")
    gate.manager(second_dir=stick).create_backup()
    erasure.erase(gate.database, gate.data, [key])
    gate.clock.advance(60)
    gate.manager(second_dir=stick).create_backup()
    shutil.rmtree(gate.data)
    gate.data.mkdir()
    report = start(gate, second_dir=stick)
    assert report["reason"] == "repaired"
    assert gate.value("SELECT count(*) FROM students") == 2
    assert erasure.keys(gate.data) == [key]


def test_the_newest_good_backup_is_taken(gate: GateData) -> None:
    """One that went bad is passed over."""
    gate.scan("1")
    good = gate.manager().create_backup()
    gate.scan("2")
    bad = gate.manager().create_backup()
    assert good is not None
    assert bad is not None
    content = bytearray(Path(bad).read_bytes())
    content[5000] ^= 1
    Path(bad).write_bytes(content)
    wreck(gate)
    assert start(gate)["backup"] == Path(good).name


def test_another_gates_backup_is_not_taken_by_itself(gate: GateData) -> None:
    """A stick of the gate next door does not make this one the gate next door."""
    gate.scan("1")
    gate.manager(device_id="gate-2").create_backup()
    wreck(gate)
    assert start(gate)["backup"] is None


def test_a_false_alarm_is_forgotten(gate: GateData) -> None:
    """The mark makes the next start look closely; when all is whole it goes."""
    gate.scan("1")
    (gate.data / "attendance.db.suspect").write_text("malformed")
    assert start(gate) is None
    assert not (gate.data / "attendance.db.suspect").exists()


@pytest.fixture
def older(tmp_path: Path) -> GateData:
    """A database of the first schema with a damaged page in an index, cleanly closed."""
    gate = GateData(tmp_path / "older")
    gate.data.mkdir(parents=True)
    with sqlite3.connect(gate.database) as conn:
        conn.executescript((Path(__file__).parent / "databases" / "v1.sql").read_text())
        conn.executemany("INSERT INTO meta VALUES (?, hex(randomblob(500)))", [(str(n),) for n in range(300)])
    conn.close()
    spoil_table(gate.database, "sqlite_autoindex_meta_1", leaf=1)
    return gate


def test_damage_that_a_migration_would_meet_is_repaired_before(older: GateData) -> None:
    """An update of the program finds it, and the start goes on to its end."""
    report = start(older)
    assert report["reason"] == "repaired"
    assert len(older.scans()) == 1
    assert older.value("PRAGMA user_version") > 1
    assert older.manager().check_integrity()


def test_damage_that_a_verb_meets_at_a_migration_is_noted(older: GateData) -> None:
    """The verb ends; the next start knows."""
    with pytest.raises(StorageError, match="Start the gate"):
        create_or_migrate(older.database, older.clock.now())
    assert (older.data / "attendance.db.suspect").exists()
    assert start(older)["reason"] == "repaired"


def fill_the_disk(gate: GateData) -> None:
    """A repair would need more room than there is: the file is made as long as what is free, with a hole at its end."""
    os.truncate(gate.database, shutil.disk_usage(gate.data).free // 4096 * 4096)


def test_a_damaged_database_stays_in_use_until_there_is_room_to_repair_it(gate: GateData) -> None:
    """A gate that records and says what is wrong is better than one that does not start."""
    gate.scan_often("1", range(1, 120))
    gate.manager().create_backup()
    spoil_table(gate.database, "sms_outbox", leaf=1)
    size = gate.database.stat().st_size
    suspect = gate.data / "attendance.db.suspect"
    fill_the_disk(gate)
    manager = gate.manager()
    assert manager.create_backup() is None
    assert not suspect.exists()
    assert not (gate.backups / "damaged").exists()
    assert [each.code for each in manager.problems] == ["database-damaged-no-room"]
    suspect.write_text("malformed")
    for _ in range(2):
        assert start(gate) is None
        fill_the_disk(gate)
        assert not suspect.exists()
        assert [each.code for each in gate.manager().problems] == ["database-damaged-no-room"]
    os.truncate(gate.database, size)
    assert gate.manager().create_backup() is None
    assert suspect.exists()
    assert start(gate)["reason"] == "repaired"
    assert [each.code for each in gate.manager().problems] == ["database-repaired"]


def test_a_database_of_no_use_is_repaired_however_little_room_there_is(gate: GateData) -> None:
    """There is nothing to keep in use; the repair may find the room all the same."""
    scan = gate.scan("1")
    gate.manager().create_backup()
    wreck(gate)
    fill_the_disk(gate)
    assert start(gate)["reason"] == "repaired"
    assert set(gate.scans()) == {scan.scan_id}


def test_a_staged_restore_is_swapped_in_at_the_start(gate: GateData) -> None:
    """A running gate is not touched; the next start restores, with a safety copy that has the log's rows too."""
    first = gate.scan("1")
    manager = gate.manager()
    path = manager.create_backup()
    running = InstanceLock(gate.data)
    running.acquire()
    writer = sqlite.connect(gate.database)
    second = gate.scan("2")
    before = gate.state()
    assert manager.restore_backup(path)
    assert gate.state() == before
    writer.close()
    running.release()
    report = start(gate)
    assert report["reason"] == "restored"
    assert set(gate.scans()) == {first.scan_id}
    assert gate.value("SELECT reason FROM epochs ORDER BY position DESC") == "restored"
    [safety] = (gate.backups / "before-restore").glob("*.db")
    with sqlite3.connect(f"file:{safety}?mode=ro&immutable=1", uri=True) as conn:
        assert {row[0] for row in conn.execute("SELECT scan_id FROM attendance")} == {first.scan_id, second.scan_id}
    assert gate.manager().problems == []
    assert start(gate) is None


def test_a_staged_file_that_went_bad_changes_nothing(gate: GateData) -> None:
    """It is verified again before it is swapped in."""
    gate.scan("1")
    manager = gate.manager()
    path = manager.create_backup()
    running = InstanceLock(gate.data)
    running.acquire()
    assert manager.restore_backup(path)
    running.release()
    [staged] = (gate.data / "restore").glob("*.db")
    content = bytearray(staged.read_bytes())
    content[-1] ^= 1
    staged.write_bytes(content)
    second = gate.scan("2")
    assert start(gate) is None
    assert second.scan_id in gate.scans()
    assert start(gate) is None


def test_nothing_is_laid_ready_while_a_database_is_prepared(gate: GateData) -> None:
    """The office's restore waits for the gate's repair and does not touch what it has made so far."""
    scan, backup, stop = gate.scan("1"), gate.manager().make(), Stop()
    stop.ask()

    def the_office_comes(path: Path) -> dict[str, Any]:
        with pytest.raises(Cancelled):
            restoring.Replacement(gate.database).stage(backup, stop)
        return {}

    replacement = restoring.Replacement(gate.database)
    with replacement.alone(Stop()):
        replacement.prepare(backup, "repaired", gate.clock.now(), fill=the_office_comes)
        assert replacement.finish()
    assert set(gate.scans()) == {scan.scan_id}


def test_a_restore_laid_ready_before_a_repair_comes_after_it(gate: GateData) -> None:
    """A repair takes away what it was made of, and nothing else."""
    wanted, other = gate.manager().make(), gate.manager().make()
    replacement = restoring.Replacement(gate.database)
    replacement.stage(wanted, Stop())
    with replacement.alone(Stop()):
        replacement.prepare(other, "repaired", gate.clock.now())
        assert replacement.finish()
    assert start(gate)["backup"] == wanted.path.name


def test_a_restored_older_schema_is_brought_up_to_date(gate: GateData, tmp_path: Path) -> None:
    """A backup from before an upgrade can be restored after it."""
    older = GateData(tmp_path / "older")
    older.data.mkdir(parents=True)
    with sqlite3.connect(older.database) as old:
        old.executescript((Path(__file__).parent / "databases" / "v1.sql").read_text())
    old.close()
    path = older.manager().create_backup()
    assert gate.manager().restore_backup(path)
    assert gate.value("PRAGMA user_version") > 1
    assert len(gate.scans()) == 1


memory_disk = pytest.fixture(in_memory)


@pytest.mark.parametrize("kind", ["repair", "restore"])
def test_a_kill_between_any_two_steps_does_no_harm(memory_disk: Path, kind: str) -> None:
    """Whatever step it is, the next start comes to the same end: no scan lost, none doubled, one report at most."""
    model = GateData(memory_disk / "model").create()
    first = model.scan("1", photo=True)
    path = model.manager().create_backup()
    assert path is not None
    second = model.scan("2", photo=True)
    expected = {first.scan_id}
    if kind == "repair":
        wreck(model)
        expected.add(second.scan_id)
    step, ended = 0, False
    while not ended:
        step += 1
        gate = GateData(memory_disk / f"step-{step}", model.clock)
        shutil.copytree(model.folder, gate.folder)
        if kind == "restore":
            running = InstanceLock(gate.data)
            running.acquire()
            assert gate.manager().restore_backup(gate.backups / Path(path).name)
            running.release()
        ended = run_until(step, lambda gate=gate: recovery.at_start(gate.manager().copies, SCHEDULE, gate.clock.now()))
        start(gate)
        assert set(gate.scans()) == expected, step
        epochs = [row for row in gate_epochs(gate) if row != "created"]
        assert epochs == ["repaired" if kind == "repair" else "restored"], step
        assert len(gate.manager().problems) == (kind == "repair"), step
        assert not list((gate.data / "restore").iterdir()), step
        shutil.rmtree(gate.folder)
    assert step > 20


def gate_epochs(gate: GateData) -> list[str]:
    with reading(gate.database) as conn:
        return [row["reason"] for row in conn.execute("SELECT reason FROM epochs ORDER BY position")]


@pytest.mark.parametrize(
    "spoil",
    [
        lambda jpeg: jpeg[:10],
        lambda jpeg: b"",
        lambda jpeg: jpeg[2:],
        lambda jpeg: jpeg.replace(b"attendance/1", b"attendance/9"),
        lambda jpeg: jpeg.replace(b" in ", b" up "),
        lambda jpeg: jpeg.replace(b"+00:00", b""),
        lambda jpeg: jpeg[:4] + b"\x00\x00" + jpeg[6:],
        lambda jpeg: jpeg[:2] + b"\xff\xe0\x00\x04ab" + jpeg[2:].replace(b"attendance/1", b"attendance 1"),
    ],
)
def test_a_photo_that_tells_nothing_is_passed_over(gate: GateData, spoil: Callable[[bytes], bytes]) -> None:
    """Whatever lies in the photo folder, it is read without harm."""
    scan = gate.scan("1", photo=True)
    photo = gate.data / f"photos/{DAY}/{scan.scan_id}.jpg"
    whole = photo_records.read(photo, gate.data)
    assert whole is not None
    assert (whole.scan_id, whole.seq, whole.direction) == (scan.scan_id, 1, Direction.IN)
    photo.write_bytes(spoil(photo.read_bytes()))
    assert photo_records.read(photo, gate.data) is None
    assert photo_records.missing(gate.data, set()) == []


def test_a_repair_asks_the_supervisor_for_time(gate: GateData, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else it would be killed and begun again for ever; a start without work asks for none."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as supervisor:
        supervisor.bind(str(tmp_path / "notify"))
        supervisor.setblocking(False)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        gate.scan("1")
        start(gate)
        with pytest.raises(BlockingIOError):
            supervisor.recv(200)
        wreck(gate)
        start(gate)
        assert supervisor.recv(200) == b"EXTEND_TIMEOUT_USEC=1800000000"


def test_a_migration_asks_the_supervisor_for_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It copies the whole database first."""
    with sqlite3.connect(tmp_path / "old.db") as conn:
        conn.executescript((Path(__file__).parent / "databases" / "v1.sql").read_text())
    conn.close()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as supervisor:
        supervisor.bind(str(tmp_path / "notify"))
        supervisor.setblocking(False)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        create_or_migrate(tmp_path / "old.db", ManualClock(datetime(2026, 6, 8, tzinfo=UTC)).now())
        assert supervisor.recv(200) == b"EXTEND_TIMEOUT_USEC=1800000000"


@pytest.mark.parametrize("seed", range(30))
def test_whatever_is_damaged_the_gate_starts_with_a_whole_database(gate: GateData, seed: int) -> None:
    """Bytes, pages, the header, the end of the file: what was backed up is there, and SQLite finds no fault."""
    chance = random.Random(seed)
    kept = gate.scan_often("1", range(1, 60))
    gate.manager().create_backup()
    gate.scan_often("2", range(1, 60))
    content = bytearray(gate.database.read_bytes())
    for _ in range(chance.choice([1, 3, 20])):
        size = chance.choice([1, 100, 4096, 30_000])
        at = chance.choice([0, chance.randrange(len(content)), chance.randrange(len(content)) // 4096 * 4096])
        content[at : at + size] = chance.choice([chance.randbytes(size), bytes(size)])
    gate.database.write_bytes(content[: chance.choice([len(content), chance.randrange(1, len(content))])])
    (gate.data / "attendance.db.suspect").write_text("malformed")
    start(gate)
    assert gate.manager().check_integrity()
    assert set(kept) <= set(gate.scans())
    assert gate.value("SELECT count(*) FROM students") >= 3
    assert gate.scan("3").seq == gate.value(
        "SELECT max(seq) FROM attendance WHERE epoch = (SELECT epoch FROM epochs ORDER BY position DESC LIMIT 1)"
    )


def test_the_report_is_plain_json(gate: GateData) -> None:
    """It lies with the evidence, for whoever looks into it."""
    gate.scan("1")
    wreck(gate)
    start(gate)
    [path] = (gate.data / "damaged").glob("*/report.json")
    assert json.loads(path.read_text())["damage"] == "it does not begin as a database does"
