"""Restoring puts back exactly what the backup is, or changes nothing; a drill shows that it would work."""

import random
import shutil
import sqlite3
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from pathlib import Path

import pytest
from gate_data import MANILA, GateData

from attendance.clock import ManualClock, Moment
from attendance.errors import AttendanceError
from attendance.kiosk import erasure
from attendance.kiosk.backup_schedule import age_s, drill_due
from attendance.kiosk.store.database import writing
from attendance.ops import manifest, sqlite
from attendance.ops.manifest import BadBackup


@pytest.fixture
def gate(tmp_path: Path) -> GateData:
    gate = GateData(tmp_path).create()
    gate.scan("1")
    return gate


def backed_up(gate: GateData) -> Path:
    path = gate.manager().create_backup()
    assert path is not None
    return Path(path)


def test_a_restore_puts_back_what_was_there(gate: GateData) -> None:
    """Under a new epoch; nothing of the later database or of its log is left in it."""
    before = gate.scans()
    path = backed_up(gate)
    holder = sqlite.connect(gate.database)
    later = gate.scan("2")
    holder.close()
    assert gate.manager().restore_backup(path)
    assert gate.scans() == before
    [safety] = (gate.backups / "before-restore").glob("*.db")
    assert later.scan_id in gate_of(safety)
    assert gate.scan("2").epoch != later.epoch


def gate_of(database: Path) -> set[str]:
    with sqlite3.connect(f"file:{database}?mode=ro&immutable=1", uri=True) as conn:
        return {row[0] for row in conn.execute("SELECT scan_id FROM attendance")}


def test_a_restored_log_is_not_replayed_into_the_backup(gate: GateData) -> None:
    """Side files of the database that was there are moved away with it."""
    path = backed_up(gate)
    with writing(gate.database) as conn:
        conn.execute("INSERT INTO meta VALUES ('late', 'x')")
    holder = sqlite.connect(gate.database)
    with sqlite.transaction(holder):
        holder.execute("INSERT INTO meta VALUES ('later', 'x')")
    left = {each.name: each.read_bytes() for each in gate.data.glob("attendance.db-*")}
    holder.close()
    for name, content in left.items():
        (gate.data / name).write_bytes(content)
    assert gate.manager().restore_backup(path)
    assert not list(gate.data.glob("attendance.db-*"))
    assert gate.value("SELECT count(*) FROM meta WHERE key LIKE 'late%'") == 0
    assert gate.manager().check_integrity()


def test_every_flipped_byte_is_refused_and_changes_nothing(gate: GateData) -> None:
    """In the database or in its manifest."""
    path = backed_up(gate)
    before = gate.state()
    chance = random.Random(7)
    for file in (path, manifest.path_of(path)):
        whole = file.read_bytes()
        for _ in range(60):
            position = chance.randrange(len(whole))
            changed = bytes([whole[position] ^ chance.randrange(1, 256)])
            file.write_bytes(whole[:position] + changed + whole[position + 1 :])
            assert not gate.manager().restore_backup(path)
        file.write_bytes(whole)
    assert gate.state() == before
    assert not (gate.data / "restore").exists()
    assert gate.manager().restore_backup(path)


def test_what_is_no_backup_of_ours_changes_nothing(gate: GateData, tmp_path: Path) -> None:
    """Missing, empty, foreign, truncated, a folder, without its manifest: refused, and nothing is made."""
    path = backed_up(gate)
    before, listing = gate.state(), sorted(gate.data.rglob("*"))
    empty, foreign, short, alone = (tmp_path / name for name in ("empty.db", "foreign.db", "short.db", "alone.db"))
    empty.touch()
    with sqlite3.connect(foreign) as conn:
        conn.execute("CREATE TABLE notes (x)")
    conn.close()
    short.write_bytes(path.read_bytes()[:8192])
    shutil.copy(manifest.path_of(path), manifest.path_of(short))
    shutil.copy(path, alone)
    for wrong in (tmp_path / "typo.db", empty, foreign, short, alone, tmp_path, None):
        assert not gate.manager().restore_backup(wrong)
    assert gate.state() == before
    assert sorted(gate.data.rglob("*")) == listing
    assert not (tmp_path / "typo.db").exists()


def test_a_newer_schema_is_refused(gate: GateData) -> None:
    """A program that does not know it cannot use it."""
    with writing(gate.database) as conn:
        conn.execute("PRAGMA user_version=999")
    path = backed_up(gate)
    with pytest.raises(BadBackup, match="schema 999"):
        gate.manager().restore(path)


def test_another_gates_backup_needs_a_word(gate: GateData) -> None:
    """It would give this gate another one's scans."""
    path = gate.manager(device_id="gate-2").make().path
    with pytest.raises(BadBackup, match="gate-2"):
        gate.manager().restore(path)
    assert gate.manager().restore(path, other_gate=True)


def test_a_restore_brings_no_erased_student_back(gate: GateData) -> None:
    """Whoever was erased since the backup stays so."""
    path = backed_up(gate)
    key = gate.key("1")
    erasure.erase(gate.database, gate.data, [key])
    assert gate.manager().restore_backup(path)
    assert gate.value(f"SELECT count(*) FROM students WHERE student_key = '{key}'") == 0


def test_a_damaged_live_database_does_not_stop_a_restore(gate: GateData) -> None:
    """No safety copy can be had of it, so its files are kept, and the office is told where."""
    path = backed_up(gate)
    gate.database.write_bytes(b"\xa5" * 50_000)
    manager = gate.manager()
    assert manager.restore_backup(path)
    assert len(gate.scans()) == 1
    assert [each.code for each in manager.problems] == ["database-replaced"]
    [evidence] = (gate.data / "damaged").glob("*/attendance.db")
    assert evidence.read_bytes() == b"\xa5" * 50_000


def test_a_new_gate_is_filled_from_a_backup(gate: GateData, tmp_path: Path) -> None:
    """On an empty data directory; there was nothing to keep, so nothing is to be acknowledged."""
    path = backed_up(gate)
    fresh = GateData(tmp_path / "fresh")
    assert fresh.manager().restore_backup(path)
    assert fresh.scans() == gate.scans()
    assert fresh.manager().problems == []


def test_backups_go_on_after_a_restore(gate: GateData) -> None:
    """Fewer scans than in the newest backup are then no surprise."""
    path = backed_up(gate)
    gate.scan("2")
    backed_up(gate)
    assert gate.manager().restore_backup(path)
    gate.clock.advance(60)
    assert gate.manager().create_backup()


def test_backups_go_on_after_a_restore_was_undone(gate: GateData) -> None:
    """The same backup once more, the copy from before the restore, or another gate's: what was chosen is backed up."""
    first = backed_up(gate)
    assert gate.manager().restore_backup(first)
    second = backed_up(gate)
    assert gate.manager().restore_backup(first)
    backed_up(gate)
    [safety, *_] = sorted((gate.backups / "before-restore").glob("*.db"))
    assert gate.manager().restore_backup(safety)
    backed_up(gate)
    assert gate.manager().restore_backup(second)
    backed_up(gate)
    other = GateData(gate.folder / "other", gate.clock).create()
    assert gate.manager().restore(backed_up(other), other_gate=True)
    backed_up(gate)


def test_a_file_put_back_by_hand_is_refused(gate: GateData) -> None:
    """Only a restore says of itself that it went back: an older copy in the database's place does not."""
    first = backed_up(gate)
    assert gate.manager().restore_backup(first)
    backed_up(gate)
    shutil.copy(first, gate.database)
    assert gate.manager().create_backup() is None


def test_a_drill_restores_the_newest_backup_and_leaves_nothing(gate: GateData) -> None:
    """It tells how old the data would be and how long it takes."""
    backed_up(gate)
    gate.scan("2")
    gate.clock.advance(1799)
    before = sorted(gate.backups.rglob("*"))
    result = gate.manager().drill()
    assert (result.ok, result.scans_behind, result.recovery_point_s) == (True, 1, 1800.0)
    assert 0 < result.recovery_time_s < 30
    assert set(gate.backups.rglob("*")) - set(before) == {gate.backups / "drill.json"}
    assert gate.manager().last_drill() == result
    assert gate.manager().gauges() == {
        "backup_age_seconds": 1800.0,
        "backup_size_bytes": float(gate.manager().list_backups()[0]["size_bytes"]),
        "recovery_point_seconds": 1800.0,
        "recovery_time_seconds": result.recovery_time_s,
    }


def test_a_drill_that_fails_is_a_problem(gate: GateData) -> None:
    """A backup that has rotted is found before it is needed."""
    path = backed_up(gate)
    content = bytearray(path.read_bytes())
    content[9000] ^= 4
    path.write_bytes(content)
    manager = gate.manager()
    assert not manager.drill().ok
    assert [each.code for each in gate.manager().problems] == ["backup-drill-failed"]


def test_a_drill_counts(gate: GateData) -> None:
    """A file that is as it was written, but holds less than was said, would not do."""
    path = backed_up(gate)
    known = manifest.read(path)
    more = {**known.facts, "rows": {**known.facts["rows"], "students": 99}}
    manifest.path_of(path).write_bytes(manifest.render(replace(known, facts=more)))
    result = gate.manager().drill()
    assert not result.ok
    assert "students" in result.why


def test_a_torn_line_of_the_erased_does_not_hide_the_next(gate: GateData) -> None:
    """The power may go in the middle of a key."""
    (gate.data / "erased-keys.txt").write_text("abc")
    erasure.remember(gate.data, ["def", "def0"])
    erasure.remember(gate.data, ["def"])
    assert erasure.keys(gate.data) == ["abc", "def", "def0"]


def test_a_drill_without_a_backup_says_so(gate: GateData) -> None:
    """There is nothing to rehearse."""
    assert not gate.manager().drill().ok


def test_a_drill_file_of_nonsense_is_no_drill(gate: GateData) -> None:
    """A half written one does not stop the gate."""
    backed_up(gate)
    for text in ("", "{}", "[1]", '{"at": 3}'):
        (gate.backups / "drill.json").write_text(text)
        assert gate.manager().last_drill() is None


def test_the_gate_rehearses_by_itself(gate: GateData) -> None:
    """At its time in the night, once."""
    manager = gate.manager()
    manager.step()
    manager.step()
    assert manager.last_drill() is None
    gate.clock.advance((20 * 60 + 40) * 60)
    for _ in range(4):
        manager.step()
    first = manager.last_drill()
    assert first is not None
    gate.clock.advance(600)
    manager.step()
    assert manager.last_drill() == first


NIGHT = time(3, 15)
HOUR = timedelta(hours=1)


def moment(at: str, boot_ns: int = 0, *, boot: str = "a", trusted: bool = True) -> Moment:
    return Moment(datetime.fromisoformat(at).replace(tzinfo=MANILA).astimezone(UTC), boot, boot_ns, trusted)


@pytest.mark.parametrize(
    ("last", "now", "running", "due"),
    [
        (None, moment("2026-06-08T03:14"), HOUR * 0, False),
        (None, moment("2026-06-08T03:15"), HOUR * 0, True),
        (moment("2026-06-07T03:15", boot="b"), moment("2026-06-08T03:15"), HOUR * 0, True),
        (moment("2026-06-08T03:15", boot="b"), moment("2026-06-08T03:16"), HOUR * 9, False),
        (moment("2026-06-08T03:15", boot="b"), moment("2026-06-09T03:14"), HOUR * 9, False),
        (moment("2026-06-07T03:15", boot="b"), moment("2026-06-08T06:30"), HOUR * 0, False),
        (moment("2026-06-07T03:15", boot="b"), moment("2026-06-08T07:30"), HOUR, True),
        (moment("2036-06-07T03:15", boot="b"), moment("2026-06-08T03:15"), HOUR * 0, True),
        (None, moment("1970-06-08T03:15", 23 * 3600 * 10**9, trusted=False), HOUR * 99, False),
        (None, moment("1970-06-08T12:00", 24 * 3600 * 10**9, trusted=False), HOUR * 0, True),
        (moment("1970-06-08T12:00", 10**13), moment("1970-06-08T12:00", 9 * 10**13, trusted=False), HOUR, False),
    ],
)
def test_when_a_drill_is_due(last: Moment | None, now: Moment, running: timedelta, due: bool) -> None:
    """Each night; after a night without power an hour after the start; without a true clock by uptime."""
    assert drill_due(last, now, NIGHT, MANILA, running) is due


def test_an_age_comes_from_boot_time_where_it_can() -> None:
    """Else from the wall clock if both ends were right, else it is not known."""
    clock = ManualClock(datetime(2026, 6, 8, tzinfo=UTC))
    then = clock.now()
    clock.advance(60)
    clock.step(-999)
    assert age_s(then, clock.now()) == 60
    other = ManualClock(then.at + timedelta(seconds=90), boot_id="other")
    assert age_s(then, other.now()) == 90
    other.trusted = False
    assert age_s(then, other.now()) is None
    assert age_s(ManualClock(other.now().at + HOUR, boot_id="x").now(), then) is None


def test_the_errors_say_what_to_do(gate: GateData) -> None:
    """In a sentence for a person, with the file's name."""
    with pytest.raises(AttendanceError, match=r"typo\.db.*attendance backup list"):
        gate.manager().restore(Path("typo.db"))
