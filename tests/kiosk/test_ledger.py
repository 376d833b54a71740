"""The ledger keeps what it acknowledged, once, in order."""

import sqlite3
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from attendance.clock import ManualClock, Moment
from attendance.domain.message import MessageKind
from attendance.domain.scan import Accepted, Direction, Refusal, Status
from attendance.errors import StorageError
from attendance.kiosk import erasure
from attendance.kiosk.store import ledger, register, roster
from attendance.kiosk.store.database import begin_epoch, create_or_migrate, migrations, reading, writing
from attendance.ops import sqlite
from attendance.vision.messages import Check

DAY = date(2026, 6, 8)
MANILA = ZoneInfo("Asia/Manila")
HERE = ledger.Origin("gate-1", "camera")
CLOCK = ManualClock(datetime(2026, 6, 7, 22, 40, tzinfo=UTC))


@pytest.fixture
def database(tmp_path: Path) -> Path:
    path = tmp_path / "attendance.db"
    create_or_migrate(path, CLOCK.now())
    with writing(path) as conn:
        for number in ("1", "2"):
            guardians = [roster.Guardian("+639171234567")] if number == "1" else []
            roster.enrol(conn, roster.Enrolment(number, f"Student {number}", guardians=guardians), CLOCK.now())
    return path


@pytest.fixture
def conn(database: Path) -> Iterator[sqlite3.Connection]:
    conn = sqlite.connect(database)
    yield conn
    conn.close()


def arrival(passage: int = 1) -> Accepted:
    return Accepted(DAY, "morning", Direction.IN, Status.ON_TIME, passage, "Welcome.")


def record(
    conn: sqlite3.Connection,
    number: str = "1",
    passage: int = 1,
    message: MessageKind | None = MessageKind.CHECK_IN,
    seen: Moment | None = None,
) -> ledger.Recorded:
    with sqlite.transaction(conn):
        key = roster.key_of(conn, number)
        used = ledger.CardUsed(0, False)
        return ledger.record(conn, key, arrival(passage), seen or CLOCK.now(), HERE, used, message)


def count(conn: sqlite3.Connection, table: str) -> int:
    return int(conn.execute(f"SELECT count(*) FROM {table}").fetchone()[0])


def queued(conn: sqlite3.Connection, record_type: str) -> int:
    return count(conn, f"sync_queue WHERE record_type = '{record_type}'")


def test_a_scan_its_messages_and_its_sync_row_are_one_commit(conn: sqlite3.Connection) -> None:
    """Either all of them are there or none."""
    record(conn)
    assert (count(conn, "attendance"), count(conn, "sms_outbox"), queued(conn, "scan")) == (1, 1, 1)
    conn.execute("CREATE TRIGGER power_cut BEFORE INSERT ON sync_queue BEGIN SELECT RAISE(ABORT, 'cut'); END")
    with pytest.raises(sqlite3.IntegrityError, match="cut"):
        record(conn, passage=2)
    assert (count(conn, "attendance"), count(conn, "sms_outbox"), queued(conn, "scan")) == (1, 1, 1)


def test_sms_rows_need_sms_and_a_number(conn: sqlite3.Connection) -> None:
    """No message is queued that could never be sent."""
    record(conn, "1", message=None)
    record(conn, "2", message=MessageKind.CHECK_IN)
    assert count(conn, "sms_outbox") == 0


def test_a_double_is_impossible(conn: sqlite3.Connection) -> None:
    """The same passage of a student cannot be recorded twice, whoever tries."""
    record(conn)
    with pytest.raises(sqlite3.IntegrityError):
        record(conn)
    assert count(conn, "attendance") == 1


def test_numbers_have_no_gaps_and_a_new_epoch_starts_again(conn: sqlite3.Connection) -> None:
    """A failed scan takes no number; a restored database never gives a number out again under the same epoch."""
    first = record(conn, "1")
    with pytest.raises(sqlite3.IntegrityError):
        record(conn, "1")
    second = record(conn, "2")
    assert (first.seq, second.seq) == (1, 2)
    with sqlite.transaction(conn):
        epoch = begin_epoch(conn, "restored", CLOCK.now())
    third = record(conn, "1", passage=2)
    assert (third.epoch, third.seq) == (epoch, 1)
    row = conn.execute("SELECT previous_epoch, previous_last_seq FROM epochs WHERE epoch = ?", (epoch,)).fetchone()
    assert tuple(row) == (first.epoch, 2)


def test_attendance_rows_cannot_be_changed_or_deleted(conn: sqlite3.Connection) -> None:
    """What was acknowledged stays as it was."""
    record(conn)
    for statement in ("UPDATE attendance SET day = '2020-01-01'", "DELETE FROM attendance"):
        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            conn.execute(statement)


def test_a_better_photo_replaces_and_a_reason_never_does(conn: sqlite3.Connection) -> None:
    """The photo in the ledger is the best one; a late "no face" does not lose it."""
    scan = record(conn)
    checks = [Check("sharpness", 99.0, 40.0, True)]
    assert ledger.attach_photo(conn, scan.scan_id, "a.jpg", "", 60, checks) is None
    assert ledger.attach_photo(conn, scan.scan_id, None, "No face.", 0, []) is None
    assert register.photo_of(conn, scan.scan_id) == "a.jpg"
    assert ledger.attach_photo(conn, scan.scan_id, "b.jpg", "", 80, checks) == "a.jpg"
    assert register.day(conn, DAY, MANILA)[0]["photo_score"] == 80


def test_the_register_has_the_documented_fields_in_local_time(conn: sqlite3.Connection) -> None:
    """Times carry the school's offset; refused sightings come only when asked for."""
    scan = record(conn)
    with sqlite.transaction(conn):
        ledger.refuse(conn, Refusal.UNKNOWN_CARD, None, "stranger", CLOCK.now(), DAY, HERE)
    [row] = register.day(conn, DAY, MANILA)
    assert row["scanned_at"] == "2026-06-08T06:40:00.000+08:00"
    assert (row["student_id"], row["direction"], row["status"], row["seq"]) == ("1", "in", "on_time", 1)
    assert (row["scan_id"], row["photo"], row["photo_reason"]) == (scan.scan_id, None, "pending")
    assert [r["status"] for r in register.day(conn, DAY, MANILA, refused=True)] == ["on_time", "unknown_card"]


def test_an_erased_student_is_forgotten_and_stays_so_after_a_restore(database: Path, tmp_path: Path) -> None:
    """Name, guardians and photo go; the scan stays as a number, and an old copy of the database forgets again."""
    conn = sqlite.connect(database)
    scan = record(conn)
    photo = tmp_path / "photos" / "x.jpg"
    photo.parent.mkdir()
    photo.write_bytes(b"face")
    ledger.attach_photo(conn, scan.scan_id, "photos/x.jpg", "", 60, [])
    key = roster.key_of(conn, "1")
    backup = sqlite.connect(tmp_path / "backup.db")
    conn.backup(backup)
    conn.close()
    backup.close()
    erasure.erase(database, tmp_path, [key])
    with reading(database) as conn:
        [row] = register.day(conn, DAY, MANILA)
        assert (row["student_id"], row["name"], row["photo"], row["photo_reason"]) == (None, None, None, "erased")
        assert count(conn, "guardians") == 0
    assert not photo.exists()
    assert erasure.reapply(tmp_path / "backup.db", tmp_path) == 1
    with reading(tmp_path / "backup.db") as conn:
        assert register.day(conn, DAY, MANILA)[0]["name"] is None


def test_a_foreign_newer_or_damaged_database_is_refused_untouched(tmp_path: Path) -> None:
    """Nothing is ever "repaired" that is not ours."""
    foreign = tmp_path / "foreign.db"
    with sqlite3.connect(foreign) as other:
        other.execute("CREATE TABLE notes (x)")
    newer = tmp_path / "newer.db"
    with sqlite3.connect(newer) as other:
        other.execute("PRAGMA user_version=999")
    damaged = tmp_path / "damaged.db"
    damaged.write_bytes(b"not a database at all" * 500)
    for path in (foreign, newer, damaged):
        before = path.read_bytes()
        with pytest.raises(StorageError):
            create_or_migrate(path, CLOCK.now())
        assert path == newer or path.read_bytes() == before


def test_old_databases_of_every_version_come_up_to_date(tmp_path: Path) -> None:
    """Each file in tests/kiosk/databases is a database as that version left it, with a scan in it."""
    folder = Path(__file__).parent / "databases"
    dumps = sorted(folder.glob("v*.sql"))
    assert len(dumps) == len(migrations())
    for dump in dumps:
        path = tmp_path / f"{dump.stem}.db"
        with sqlite3.connect(path) as old:
            old.executescript(dump.read_text())
        old.close()
        create_or_migrate(path, CLOCK.now())
        with reading(path) as conn:
            assert conn.execute("PRAGMA user_version").fetchone()[0] == len(migrations())
            assert len(register.day(conn, DAY, MANILA)) == 1
