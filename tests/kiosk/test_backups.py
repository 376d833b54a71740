"""The gate's backups: whole or not there, never of nothing, never at the cost of a good one."""

import json
import os
import resource
import shutil
import signal
import sqlite3
import stat
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from gate_data import DAY, GateData, run_until
from memory_disk import in_memory

from attendance.clock import ManualClock
from attendance.config import Settings
from attendance.errors import StorageError
from attendance.kiosk import erasure
from attendance.kiosk.backups import DatabaseBackupManager
from attendance.kiosk.copies import ALLOWED
from attendance.kiosk.store.copying import Damaged
from attendance.kiosk.store.database import begin_epoch, create_or_migrate, writing
from attendance.ops import backup, sqlite
from attendance.ops.backup import Stop


@pytest.fixture
def gate(tmp_path: Path) -> GateData:
    return GateData(tmp_path).create()


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.glob("*.db"))


def codes(gate: GateData, manager: object) -> list[str]:
    return [problem.code for problem in manager.problems]  # type: ignore[attr-defined]


def test_a_backup_is_one_private_file_with_everything_in_it(gate: GateData) -> None:
    """Named by the school's time, whole with what is still in the write-ahead log, opened without side files."""
    scan = gate.scan()
    writer = sqlite.connect(gate.database)
    path = gate.manager().create_backup()
    writer.close()
    assert path == str(gate.backups / "attendance_20260608_064001.db")
    assert stat.S_IMODE(Path(path).stat().st_mode) == 0o600
    assert stat.S_IMODE(gate.backups.stat().st_mode) == 0o700
    with backup.opened_alone(Path(path)) as conn:
        assert [row["scan_id"] for row in conn.execute("SELECT scan_id FROM attendance")] == [scan.scan_id]
        assert conn.execute("PRAGMA journal_mode").fetchone()[0] != "wal"


def test_the_manifest_says_what_is_in_it(gate: GateData) -> None:
    """Counts, schema, epoch, last number, source, photos and erased persons, as they were."""
    scan = gate.scan(photo=True)
    erasure.erase(gate.database, gate.data, [gate.key("3")])
    manifest = gate.manager().make().manifest
    facts = manifest.facts
    assert facts["rows"]["attendance"] == 1
    assert facts["rows"]["students"] == 2
    assert facts["last_seq"] == {scan.epoch: 1}
    assert len(facts["erased"]) == 1
    photo = gate.data / f"photos/{DAY}/{scan.scan_id}.jpg"
    size = photo.stat().st_size
    assert manifest.files == {f"photos/{DAY}": {"count": 1, "bytes": size}}
    beside = gate.backups / "attendance_20260608_064001.db.photos.json"
    assert json.loads(beside.read_bytes()) == {f"photos/{DAY}": {photo.name: size}}
    assert stat.S_IMODE(beside.stat().st_mode) == 0o600


@pytest.mark.parametrize("content", [None, b"", b"not a database" * 100])
def test_nothing_is_copied_of_a_missing_empty_or_foreign_database(tmp_path: Path, content: bytes | None) -> None:
    """And nothing is made, nor are good backups rotated out."""
    gate = GateData(tmp_path).create()
    manager = gate.manager(keep_backups=1)
    good = manager.create_backup()
    for path in gate.data.glob("attendance.db*"):
        path.unlink()
    if content is not None:
        gate.database.write_bytes(content)
    assert manager.create_backup() is None
    assert not manager.check_integrity()
    assert gate.database.exists() == (content is not None)
    assert [row["path"] for row in manager.list_backups()] == [good]
    assert "backup-failed" in codes(gate, manager)


def test_another_programs_database_is_no_source(gate: GateData) -> None:
    """A valid SQLite file without our tables is refused."""
    for path in gate.data.glob("attendance.db*"):
        path.unlink()
    with sqlite3.connect(gate.database) as conn:
        conn.execute("CREATE TABLE notes (x)")
    conn.close()
    assert gate.manager().create_backup() is None


def test_a_database_that_has_lost_scans_is_refused_and_nothing_goes(gate: GateData) -> None:
    """Fewer rows under the same epoch are a loss; the refusal is a problem until somebody decides."""
    for number in ("1", "2", "3"):
        gate.scan(number)
    manager = gate.manager(keep_backups=1)
    good = manager.create_backup()
    conn = sqlite.connect(gate.database)
    conn.execute("DROP TRIGGER attendance_is_append_only_delete")
    conn.execute("DELETE FROM sms_outbox")
    conn.execute("DELETE FROM attendance WHERE seq = 3")
    conn.close()
    gate.clock.advance(60)
    assert manager.create_backup() is None
    assert [row["path"] for row in manager.list_backups()] == [good]
    assert "backup-refused" in codes(gate, manager)
    assert manager.make(accept_shrunk=True)
    assert "backup-refused" not in codes(gate, manager)


def test_a_fresh_database_in_the_old_ones_place_is_refused(gate: GateData) -> None:
    """An unmounted disk or a deleted file shows itself as an empty database of ours."""
    manager = gate.manager(keep_backups=1)
    assert manager.create_backup()
    for path in gate.data.glob("attendance.db*"):
        path.unlink()
    create_or_migrate(gate.database, gate.clock.now())
    assert manager.create_backup() is None


def test_erased_students_and_known_restores_are_no_loss(gate: GateData) -> None:
    """What was erased is recorded; a database with a new epoch says of itself that it went back."""
    gate.scan()
    manager = gate.manager()
    assert manager.create_backup()
    erasure.erase(gate.database, gate.data, [gate.key("1")])
    gate.clock.advance(1)
    assert manager.create_backup()
    conn = sqlite.connect(gate.database)
    conn.execute("DROP TRIGGER attendance_is_append_only_delete")
    conn.execute("DELETE FROM attendance")
    with sqlite.transaction(conn):
        begin_epoch(conn, "restored", gate.clock.now())
    conn.close()
    gate.clock.advance(1)
    assert manager.create_backup()


def test_students_that_vanish_without_being_erased_are_a_loss(gate: GateData) -> None:
    """The roster is compared too."""
    manager = gate.manager()
    assert manager.create_backup()
    with writing(gate.database) as conn:
        conn.execute("DELETE FROM students WHERE student_id = '2'")
    assert manager.create_backup() is None


def test_a_damaged_database_is_copied_aside_and_counts_for_nothing(gate: GateData) -> None:
    """Just then a copy is needed: it is kept as evidence, no good one goes, and the next start knows."""
    conn = sqlite.connect(gate.database)
    with sqlite.transaction(conn):
        conn.executemany("INSERT INTO meta VALUES (?, ?)", [(f"k{n}", "x" * 500) for n in range(200)])
    conn.close()
    manager = gate.manager(keep_backups=1)
    good = manager.create_backup()
    conn = sqlite3.connect(gate.database)
    root, size = conn.execute("SELECT rootpage * 1, 4096 FROM sqlite_schema WHERE name = 'meta'").fetchone()
    conn.close()
    with gate.database.open("r+b") as file:
        file.seek((root - 1) * size)
        file.write(b"\xa5" * size)
    gate.clock.advance(60)
    assert manager.create_backup() is None
    assert manager.get_status()["database_integrity"] == "corrupted"
    assert "database-damaged" in codes(gate, manager)
    assert names(gate.backups / "damaged") == ["attendance_20260608_064100.db"]
    assert [row["path"] for row in manager.list_backups()] == [good]
    assert (gate.data / "attendance.db.suspect").exists()


def test_a_copy_that_the_disk_of_the_backups_spoils_is_no_damage(gate: GateData) -> None:
    """The live database is whole: no restart, no repair; a person is told which disk it is."""
    with writing(gate.database) as conn:
        conn.executemany("INSERT INTO meta VALUES (?, hex(randomblob(2000)))", [(str(n),) for n in range(30)])

    class BadDisk(Stop):
        """Each copy is other than it was written, when it is read back."""

        @contextmanager
        def covering(self, conn: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
            for part in gate.backups.glob(".*.part"):
                with part.open("r+b") as file:
                    file.seek(-5 * 4096, os.SEEK_END)
                    file.write(b"\xa5" * 4 * 4096)
            with super().covering(conn):
                yield conn

    manager = gate.manager()
    with pytest.raises(StorageError, match="Replace the disk of the backups") as refused:
        manager.copies.make("hourly", BadDisk())
    assert not isinstance(refused.value, Damaged)
    assert sorted(path.name for path in gate.backups.iterdir()) == [".lock"]
    assert manager.check_integrity()


def test_two_backups_in_one_second_are_two(gate: GateData) -> None:
    """None overwrites the other."""
    manager = gate.manager()
    assert {manager.create_backup() for _ in range(3)} == {
        str(gate.backups / f"attendance_20260608_06400{second}.db") for second in range(3)
    }


def test_only_as_many_as_wanted_are_kept_with_days_and_weeks_below(gate: GateData) -> None:
    """24 hourly ones, the last of 7 days and of 4 weeks; the newest is always among them."""
    manager = gate.manager()
    for _ in range(2 * 36):
        gate.clock.advance(12 * 3600)
        newest = manager.create_backup()
    assert len(manager.list_backups()) == 24
    assert manager.list_backups()[0]["path"] == newest
    assert names(gate.backups / "daily") == [f"attendance_202607{day:02}_184000.db" for day in range(7, 14)]
    weeks = ["20260621", "20260628", "20260705", "20260712"]
    assert [name[11:19] for name in names(gate.backups / "weekly")] == weeks


def test_a_loop_of_restarts_makes_no_backups(gate: GateData) -> None:
    """The pause is measured from the newest file, by boot time; so history cannot be pushed out."""
    for _ in range(50):
        gate.manager().step()
        gate.clock.advance(35)
    assert len(names(gate.backups)) == 1
    gate.clock.advance(3600)
    gate.manager().step()
    assert len(names(gate.backups)) == 2


def test_a_clock_that_is_wrong_or_steps_neither_hurries_nor_stops_backups(gate: GateData) -> None:
    """In one boot only boot time counts; after a boot without a true time the age counts from that boot."""
    manager = gate.manager()
    manager.step()
    for jump in (3600 * 24 * 365, -3600 * 24 * 365):
        gate.clock.step(jump)
        manager.step()
    assert len(names(gate.backups)) == 1
    later = ManualClock(gate.clock.now().at, boot_id="next", trusted=False)
    manager = gate.manager(clock=later)
    manager.step()
    assert len(names(gate.backups)) == 1
    later.advance(3601)
    manager.step()
    assert len(names(gate.backups)) == 2


def test_a_wrong_clock_does_not_delete_the_newest_or_a_known_day(gate: GateData) -> None:
    """Order is the number in the manifest: a boot in 1970 makes the newest backup although its name sorts first."""
    manager = gate.manager(keep_backups=2)
    for _ in range(5):
        gate.clock.advance(24 * 3600)
        manager.create_backup()
    days = names(gate.backups / "daily")
    for year in range(10):
        lost = ManualClock(gate.clock.now().at.replace(year=1970 + year), boot_id=f"boot-{year}", trusted=False)
        path = gate.manager(clock=lost, keep_backups=2).create_backup()
        assert path is not None
        assert Path(path).exists()
    assert len(names(gate.backups)) == 2
    assert set(days) < set(names(gate.backups / "daily"))


def test_leavings_of_a_crash_are_no_backups_and_go(gate: GateData) -> None:
    """A manifest without its file, and unfinished files, are removed by the next backup; a stranger's file stays."""
    gate.backups.mkdir()
    (gate.backups / ".attendance_20260101_000000.db.part").write_bytes(b"half")
    (gate.backups / "attendance_20260101_000000.db.json").write_bytes(b"{}")
    (gate.backups / "attendance_20260101_000000.db.photos.json").write_bytes(b"{}")
    (gate.backups / "attendance_20251210_153045.db").write_bytes(b"made by hand")
    manager = gate.manager(keep_backups=1)
    assert manager.get_status()["total_backups"] == 0
    made = manager.create_backup()
    assert made is not None
    assert sorted(path.name for path in gate.backups.iterdir()) == [
        ".lock",
        "attendance_20251210_153045.db",
        Path(made).name,
        Path(made).name + ".json",
    ]
    assert [(row["verified"], row["kind"]) for row in manager.list_backups()] == [(True, "manual"), (False, "unknown")]


memory_disk = pytest.fixture(in_memory)


def test_a_kill_at_any_step_of_a_backup_leaves_only_whole_ones(memory_disk: Path) -> None:
    """Whatever is listed is whole, nothing is there without its manifest, and the next backup removes the rest."""
    gate = GateData(memory_disk / "gate").create()
    gate.scan(photo=True)
    gate.manager().create_backup()
    gate.clock.advance(24 * 3600)
    step, ended = 0, False
    while not ended:
        step += 1
        gate.clock.advance(24 * 3600)
        manager = gate.manager(keep_backups=3)
        ended = run_until(step, lambda manager=manager: manager.create_backup())
        for row in manager.list_backups():
            assert row["verified"], step
            manager.copies.verify(Path(row["path"]), Stop())
        assert manager.create_backup()
        for folder in (gate.backups, gate.backups / "daily"):
            found = {path.name for path in folder.iterdir() if path.is_file() and path.name != ".lock"}
            assert found == {name + end for name in names(folder) for end in ("", ".json", ".photos.json")}, step
    assert step > 15


def test_the_status_reads_no_database(gate: GateData) -> None:
    """It may be asked for every frame: it answers with a damaged database, and a thousand times a moment."""
    manager = gate.manager()
    manager.create_backup()
    gate.database.write_bytes(b"\xa5" * 100_000)
    for _ in range(1000):
        status = manager.get_status()
    assert status["database_integrity"] == "ok"
    assert (status["total_backups"], status["latest_backup"]) == (1, "attendance_20260608_064000.db")
    shutil.rmtree(gate.backups)
    assert manager.get_status() == status
    gate.clock.advance(6)
    assert manager.get_status()["total_backups"] == 0
    assert set(status) == {
        *("enabled", "running", "backup_interval_seconds", "keep_backups", "backup_dir"),
        *("total_backups", "total_size_mb", "latest_backup", "database_integrity"),
    }


def test_stop_ends_in_the_middle_of_a_backup(gate: GateData, eventually: Callable[..., None]) -> None:
    """And leaves no backup that is not whole."""
    conn = sqlite.connect(gate.database)
    with sqlite.transaction(conn):
        conn.executemany("INSERT INTO meta VALUES (?, hex(randomblob(2000)))", [(str(n),) for n in range(10_000)])
    conn.close()
    manager = gate.manager()
    manager.start()
    manager.start()
    eventually(lambda: list(gate.backups.glob(".*.part")))
    assert manager.stop(1.0)
    assert manager.stop(1.0)
    assert names(gate.backups) == []
    assert codes(gate, manager) == []


def test_writers_go_on_during_a_backup_and_it_still_ends(gate: GateData) -> None:
    """The copy is of one instant, however much is written meanwhile."""
    stop, written = threading.Event(), [0]
    patience = time.monotonic() + 20  # a copy that begins anew with every write would never end

    def write() -> None:
        conn = sqlite.connect(gate.database)
        while not stop.is_set() and time.monotonic() < patience:
            with sqlite.transaction(conn):
                conn.execute("INSERT INTO meta VALUES ('a' || ?, hex(randomblob(1000)))", (written[0],))
                conn.execute("INSERT INTO meta VALUES ('b' || ?, '')", (written[0],))
            written[0] += 1
        conn.close()

    with writing(gate.database) as conn:
        conn.executemany("INSERT INTO meta VALUES (?, hex(randomblob(2000)))", [(str(n),) for n in range(3000)])
    thread = threading.Thread(target=write)
    thread.start()
    try:
        before = written[0]
        made = gate.manager().make()
        assert written[0] > before + 5
        assert thread.is_alive()
    finally:
        stop.set()
        thread.join()
    with backup.opened_alone(made.path) as conn:
        [a] = conn.execute("SELECT count(*) FROM meta WHERE key LIKE 'a%'").fetchone()
        [b] = conn.execute("SELECT count(*) FROM meta WHERE key LIKE 'b%'").fetchone()
    assert a == b


def test_each_is_kept_in_the_second_place_too(gate: GateData, tmp_path: Path) -> None:
    """Verified there, by the same rules, in this gate's own folder."""
    stick = tmp_path / "stick"
    stick.mkdir()
    (stick / ALLOWED).touch()
    gate.scan(photo=True)
    manager = gate.manager(second_dir=stick, keep_backups=2)
    for _ in range(3):
        gate.clock.advance(60)
        manager.create_backup()
    there = names(stick / "gate-1")
    assert there == names(gate.backups)
    assert len(list((stick / "gate-1").glob("*.photos.json"))) == 2
    for name in there:
        found = manager.copies.verify(stick / "gate-1" / name, Stop())
        backup.verify_list(stick / "gate-1" / name, found, Stop())
    assert codes(gate, manager) == []


def test_an_absent_or_unmounted_second_place_is_a_problem_and_no_failure(gate: GateData, tmp_path: Path) -> None:
    """An empty mount point on the gate's own disk is not written into."""
    mount_point = tmp_path / "stick"
    for make in (lambda: None, mount_point.mkdir):
        make()
        manager = gate.manager(second_dir=mount_point)
        gate.clock.advance(60)
        assert manager.create_backup()
        assert codes(gate, manager) == ["backup-second-missing"]
    assert list(mount_point.iterdir()) == []


def test_a_second_place_that_had_another_life_takes_the_newest(gate: GateData, tmp_path: Path) -> None:
    """A new card beside an old stick: the stick's rotation does not throw the new backup out for its low number."""
    stick = tmp_path / "stick"
    stick.mkdir()
    (stick / ALLOWED).touch()
    old = gate.manager(second_dir=stick)
    for _ in range(3):
        gate.clock.advance(60)
        old.create_backup()
    for path in [*gate.backups.glob("attendance*")]:
        path.unlink()
    gate.clock.advance(60)
    newest = gate.manager(second_dir=stick, keep_backups=1).create_backup()
    assert newest is not None
    assert names(stick / "gate-1") == [Path(newest).name]


def test_an_old_newest_backup_is_a_problem(gate: GateData) -> None:
    """After three intervals without a new one."""
    manager = gate.manager()
    assert codes(gate, manager) == []
    gate.clock.advance(3 * 3600 + 1)
    assert codes(gate, manager) == ["backup-missing"]
    manager.create_backup()
    assert codes(gate, manager) == []
    gate.clock.advance(3 * 3600 + 6)
    assert codes(gate, manager) == ["backup-old"]


def test_a_database_is_copied_before_it_is_migrated(tmp_path: Path) -> None:
    """Where the hourly rotation does not reach it, and with its old schema."""
    gate = GateData(tmp_path)
    gate.data.mkdir()
    with sqlite3.connect(gate.database) as old:
        old.executescript((Path(__file__).parent / "databases" / "v1.sql").read_text())
    old.close()
    create_or_migrate(gate.database, gate.clock.now())
    create_or_migrate(gate.database, gate.clock.now())
    [name] = names(gate.backups / "before-migration")
    manifest = gate.manager().copies.verify(gate.backups / "before-migration" / name, Stop())
    assert manifest.facts["schema"] == 1


def test_a_fresh_database_needs_no_copy(gate: GateData) -> None:
    """Making one is no migration."""
    assert not gate.backups.exists()


def test_check_integrity_never_makes_a_file(gate: GateData, tmp_path: Path) -> None:
    """A wrong path is no healthy database."""
    manager = gate.manager()
    assert manager.check_integrity()
    assert not manager.check_integrity(tmp_path / "typo.db")
    assert not (tmp_path / "typo.db").exists()
    good = manager.create_backup()
    assert good is not None
    assert manager.check_integrity(good)


def test_a_constructor_takes_what_is_configured_and_touches_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without arguments it is the installation's; given ones win, in their documented order; no file, no thread."""
    monkeypatch.setenv("ATTENDANCE_HOME", str(tmp_path))
    threads = threading.active_count()
    manager = DatabaseBackupManager()
    plan = manager.plan
    assert (plan.database, plan.folder) == (tmp_path / "data/attendance.db", tmp_path / "data/backups")
    assert (plan.interval_s, plan.keep, plan.enabled, plan.check) == (3600, 24, True, True)
    plan = DatabaseBackupManager("x.db", "copies", 60, 3, False, check_integrity=False).plan
    assert (plan.database, plan.folder) == (Path("x.db").absolute(), Path("copies").absolute())
    assert (plan.interval_s, plan.keep, plan.enabled, plan.check) == (60, 3, False, False)
    assert manager.get_status()["total_backups"] == 0
    assert manager.list_backups() == []
    assert manager.create_backup() is None
    assert not manager.check_integrity()
    assert list(tmp_path.iterdir()) == []
    assert threading.active_count() == threads


def test_the_configured_second_place_is_for_the_gates_own_database(gate: GateData, tmp_path: Path) -> None:
    """Whoever tries the class on another file does not touch the stick."""
    settings = Settings.model_validate({"database_backup": {"second_dir": str(tmp_path / "stick")}})
    own = DatabaseBackupManager(configuration=(settings, gate.paths))
    other = DatabaseBackupManager(tmp_path / "other.db", configuration=(settings, gate.paths))
    assert (own.plan.second_dir, other.plan.second_dir) == (tmp_path / "stick", None)


def test_an_idle_manager_stops_at_once(gate: GateData, eventually: Callable[..., None]) -> None:
    """And one that is switched off never runs."""
    off = gate.manager(enabled=False)
    off.start()
    assert not off.get_status()["running"]
    manager = gate.manager()
    manager.start()
    eventually(lambda: manager.get_status()["total_backups"] == 1)
    began = time.monotonic()
    assert manager.stop(1.0)
    assert time.monotonic() - began < 0.5
    assert not manager.get_status()["running"]


def test_a_full_disk_leaves_the_older_backups_and_no_half_one(gate: GateData) -> None:
    """The limit on a file's size fails a write as a full disk does."""
    manager = gate.manager(keep_backups=1)
    good = manager.create_backup()
    pid = os.fork()
    if pid == 0:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))
        os._exit(0 if gate.manager(keep_backups=1).create_backup() is None else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    assert [row["path"] for row in manager.list_backups()] == [good]
    assert sorted(path.name for path in gate.backups.iterdir() if path.name.startswith(".")) == [".lock"]


@pytest.fixture
def other_disk(tmp_path: Path) -> Iterator[Path]:
    """A folder on another file system."""
    if Path("/dev/shm").stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("there is only one file system")
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        yield Path(folder)


def test_another_disk_is_a_second_place_without_a_word(gate: GateData, other_disk: Path) -> None:
    """Only a place on the disk of the data must say that it is meant."""
    assert gate.manager(second_dir=other_disk).create_backup()
    assert len(names(other_disk / "gate-1")) == 1


def test_where_there_are_no_links_days_are_copied(gate: GateData, other_disk: Path) -> None:
    """As on a stick, or when the folder of the days lies elsewhere."""
    gate.backups.mkdir()
    (gate.backups / "daily").symlink_to(other_disk)
    manager = gate.manager()
    first = manager.create_backup()
    gate.clock.advance(24 * 3600)
    assert manager.create_backup()
    assert first is not None
    [name] = names(other_disk)
    assert name == Path(first).name
    manager.copies.verify(other_disk / name, Stop())


LEAVES = "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); c.execute('SELECT count(*) FROM epochs'); c.close()"


def test_a_backup_gives_up_no_lock_of_the_gate(gate: GateData) -> None:
    """After a backup in the gate's own process another process comes and goes: it must not take the write-ahead log
    for its own to remove, under the hands of the gate."""
    live = sqlite.connect(gate.database)
    log = gate.database.with_name(f"{gate.database.name}-wal")
    with sqlite.transaction(live):
        live.execute("INSERT INTO meta (key, value) VALUES ('a', 'b')")
    assert gate.manager().create_backup()
    assert gate.manager().check_integrity()
    subprocess.run([sys.executable, "-c", LEAVES, str(gate.database)], check=True, timeout=60)
    assert log.exists()
    assert live.execute("SELECT value FROM meta WHERE key = 'a'").fetchone()[0] == "b"
    live.close()
