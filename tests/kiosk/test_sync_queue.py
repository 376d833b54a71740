"""The queue for the centre: every record is in it once, whichever way it came into the database."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from gate_data import DAY, HERE, GateData

from attendance.clock import ManualClock
from attendance.domain import wire
from attendance.domain.scan import Refusal
from attendance.domain.wire import Result
from attendance.kiosk.store import ledger, roster, salvage, sync_items, sync_queue
from attendance.kiosk.store.database import begin_epoch, create_or_migrate, reading, writing
from attendance.kiosk.store.sync_items import PhotoOfScan
from attendance.kiosk.store.sync_queue import Queued, Verdict, Waiting
from attendance.ops import sqlite

DATABASES = Path(__file__).parent / "databases"
CLOCK = ManualClock(datetime(2026, 6, 8, tzinfo=UTC))


@pytest.fixture
def gate(tmp_path: Path) -> GateData:
    return GateData(tmp_path).create(2)


@pytest.fixture
def conn(gate: GateData) -> Iterator[sqlite3.Connection]:
    """A connection for statements that each are a transaction of their own."""
    with closing(sqlite.connect(gate.database)) as conn:
        yield conn


def queue(conn: sqlite3.Connection) -> list[tuple[str, str, str]]:
    return [tuple(row) for row in conn.execute("SELECT record_type, record_id, state FROM sync_queue")]


def take(conn: sqlite3.Connection, limit: int = 100) -> list[Queued]:
    return sync_queue.take(conn, limit, CLOCK.now())


def settle(conn: sqlite3.Connection, row: Queued, result: Result, pause_s: float = 0.0) -> None:
    sync_queue.settle(conn, [Verdict(row.position, row.revision, result, "because", pause_s)], CLOCK.now())


def test_what_is_there_before_the_queue_is_queued_once(tmp_path: Path) -> None:
    """A database of schema 4 comes with all of its students, scans, corrections, refusals and photos."""
    path = tmp_path / "attendance.db"
    with closing(sqlite3.connect(path)) as old:
        old.executescript((DATABASES / "v4.sql").read_text())
        scan_id = old.execute("SELECT scan_id FROM attendance").fetchone()[0]
        at = "2026-06-08T00:00:00.000000Z"
        old.execute("INSERT INTO photos VALUES (?, 'photos/x.jpg', '', 80, '[]')", (scan_id,))
        old.execute("INSERT INTO clock_corrections VALUES (?, ?, ?, 'late', 5, ?)", (scan_id, at, str(DAY), at))
        old.execute(
            "INSERT INTO refusals VALUES ('r1', 'gate-1', 'unknown_card', NULL, '', ?, ?, 'b', 1, 1, 'camera')",
            (str(DAY), at),
        )
        old.commit()
    create_or_migrate(path, CLOCK.now())
    with reading(path) as conn:
        kinds = sorted(kind for kind, _, state in queue(conn) if state == "waiting")
        rows = {row.record_type: row.record for row in take(conn)}
    assert kinds == sorted(wire.TYPES[:-1])
    assert isinstance(rows["photo"], PhotoOfScan)
    for kind in ("scan", "correction", "student"):
        wire.ITEM.validate_python(rows[kind])


def test_the_copy_before_the_migration_is_kept(tmp_path: Path) -> None:
    """As before every change of the schema."""
    path = tmp_path / "attendance.db"
    with closing(sqlite3.connect(path)) as old:
        old.executescript((DATABASES / "v4.sql").read_text())
    create_or_migrate(path, CLOCK.now())
    [copy] = (tmp_path / "backups/before-migration").glob("*.db")
    with closing(sqlite3.connect(copy)) as kept:
        assert kept.execute("PRAGMA user_version").fetchone()[0] == 4


def test_each_record_is_said_as_the_wire_wants_it(gate: GateData) -> None:
    """Every kind of row of a real gate is taken by the rules that the centre judges by."""
    made = gate.scan("1")
    with writing(gate.database) as conn:
        now = gate.clock.now()
        ledger.refuse(conn, Refusal.WRONG_TIME, gate.key("1"), "", now, DAY, HERE)
        ledger.correct_clock(conn, made.scan_id, now.at, DAY, "late", 3, now)
        sync_queue.queue_erasures(conn, [gate.key("2")])
    with reading(gate.database) as conn:
        rows = take(conn)
    items = [wire.ITEM.validate_python(row.record) for row in rows]
    assert sorted(item.type for item in items) == [
        *("correction", "erasure", "refusal", "scan", "student", "student"),
    ]
    scan = next(item for item in items if isinstance(item, wire.Scan))
    assert (scan.scan_id, scan.seq, scan.chain) == (made.scan_id, 1, wire.chain("", scan))


def test_the_chain_begins_anew_with_an_epoch_and_after_a_row_without_one(gate: GateData) -> None:
    """The first row, and one after a row from before there were chains, continue nothing."""
    gate.scan("1")
    second = gate.scan("1", 2)
    with writing(gate.database) as conn:
        begin_epoch(conn, "restored", gate.clock.now())
    third = gate.scan("1", 3)
    with reading(gate.database) as conn:
        links = {row["scan_id"]: row for row in conn.execute("SELECT * FROM attendance")}
        scans = {key: wire.Scan.model_validate(sync_items.item(conn, "scan", key)) for key in links}
    first = next(scan for scan in scans.values() if scan.passage == 1)
    assert links[second.scan_id]["chain"] == wire.chain(first.chain, scans[second.scan_id])
    assert links[third.scan_id]["chain"] == wire.chain("", scans[third.scan_id])
    assert (third.seq, len({scan.chain for scan in scans.values()})) == (1, 3)


def test_a_row_that_cannot_be_written_breaks_no_chain(gate: GateData, conn: sqlite3.Connection) -> None:
    """Link and row are one commit: after a failure the next scan continues what is there."""
    gate.scan("1")
    conn.execute("CREATE TRIGGER cut BEFORE INSERT ON sync_queue BEGIN SELECT RAISE(ABORT, 'cut'); END")
    with pytest.raises(Exception, match="cut"):
        gate.scan("2")
    conn.execute("DROP TRIGGER cut")
    gate.scan("2")
    rows = conn.execute("SELECT scan_id, seq FROM attendance ORDER BY seq").fetchall()
    first, second = (wire.Scan.model_validate(sync_items.item(conn, "scan", row["scan_id"])) for row in rows)
    assert second.chain == wire.chain(first.chain, second)


def test_a_photo_that_changes_waits_again(gate: GateData, conn: sqlite3.Connection) -> None:
    """Sent, announced or dead: a better photo, or an erasure, is a new revision."""
    made = gate.scan("1", photo=True)
    for state in ("sent", "announced", "dead"):
        conn.execute("UPDATE sync_queue SET state = ?, tries = 7, reason = 'x' WHERE record_type = 'photo'", (state,))
        before = conn.execute("SELECT revision FROM sync_queue WHERE record_type = 'photo'").fetchone()[0]
        ledger.attach_photo(conn, made.scan_id, f"photos/{state}.jpg", "", 90, [])
        row = conn.execute("SELECT * FROM sync_queue WHERE record_type = 'photo'").fetchone()
        assert (row["state"], row["revision"], row["tries"], row["reason"]) == ("waiting", before + 1, 0, "")


def test_an_ignored_insert_changes_no_row(gate: GateData, conn: sqlite3.Connection) -> None:
    """What is there already, as when a repair offers it once more, is not sent again."""
    gate.scan("1")
    conn.execute("UPDATE sync_queue SET state = 'sent'")
    before = queue(conn)
    conn.execute("INSERT OR IGNORE INTO attendance SELECT * FROM attendance")
    conn.execute("INSERT OR IGNORE INTO students SELECT * FROM students")
    assert queue(conn) == before


def test_salvage_adds_to_the_queue_and_takes_nothing_out_of_it(tmp_path: Path) -> None:
    """Row numbers mean nothing across databases: one that both have used stands for two records."""
    damaged, whole = GateData(tmp_path / "damaged").create(2), GateData(tmp_path / "whole").create(2)
    lost = damaged.scan("1")
    with writing(damaged.database) as conn:
        sync_queue.queue_erasures(conn, ["e" * 32])
    with writing(whole.database) as conn:
        before = {row[:2] for row in queue(conn)}
        salvage.salvage(damaged.database, conn)
        after = {row[:2] for row in queue(conn)}
        states = {row[2] for row in queue(conn)}
    assert before < after
    assert {("scan", lost.scan_id), ("erasure", "e" * 32)} <= after
    assert states == {"waiting"}


def test_an_answer_settles_only_the_revision_that_was_sent(gate: GateData, conn: sqlite3.Connection) -> None:
    """Yes, later or no: none of them is about what came after."""
    gate.scan("1", photo=True)
    row = next(row for row in take(conn) if row.record_type == "photo")
    conn.execute("UPDATE photos SET score = 99")
    for result in (Result.CREATED, Result.LATER, Result.REJECTED):
        settle(conn, row, result)
        assert ("photo", row.record_id, "waiting") in queue(conn)
        assert sync_queue.waiting(conn).dead == 0


def test_a_repeated_answer_settles_nothing_twice(gate: GateData, conn: sqlite3.Connection) -> None:
    """A row that is dead or sent is not moved by an old answer."""
    row = take(conn)[0]
    settle(conn, row, Result.REJECTED)
    settle(conn, row, Result.CREATED)
    assert sync_queue.waiting(conn) == Waiting(1, 0, 1, "because")


def test_a_pause_ends_with_its_time_and_with_the_boot(gate: GateData, conn: sqlite3.Connection) -> None:
    """And when a person wants it to."""
    first, second = take(conn)
    settle(conn, first, Result.LATER, pause_s=100)
    assert take(conn) == [second]
    later = ManualClock(CLOCK.now().at)
    later.advance(100)
    assert len(sync_queue.take(conn, 9, later.now())) == 2
    other_boot = ManualClock(CLOCK.now().at, boot_id="another")
    assert len(sync_queue.take(conn, 9, other_boot.now())) == 2
    sync_queue.end_pauses(conn)
    assert len(take(conn)) == 2


def test_what_is_gone_is_taken_without_a_record(gate: GateData, conn: sqlite3.Connection) -> None:
    """A student who was erased before being told of, and a type that nobody knows."""
    roster.erase(conn, [gate.key("1")])
    conn.execute("INSERT INTO sync_queue (record_type, record_id) VALUES ('of the future', 'x')")
    assert [row.record is None for row in take(conn)] == [True, False, True]


def test_another_school_gets_everything_anew(gate: GateData, conn: sqlite3.Connection) -> None:
    """The same one, enrolled again, gets nothing twice; an answer of the old centre settles nothing at the new."""
    gate.scan("1")
    under_way = take(conn)
    assert not sync_queue.belong_to(conn, "one")
    conn.execute("UPDATE sync_queue SET state = 'sent'")
    assert not sync_queue.belong_to(conn, "one")
    assert take(conn) == []
    assert sync_queue.belong_to(conn, "two")
    assert len(take(conn)) == 3
    settle(conn, under_way[0], Result.CREATED)
    assert len(take(conn)) == 3


def test_a_look_at_a_long_queue_is_quick(gate: GateData, conn: sqlite3.Connection) -> None:
    """What was sent long ago costs nothing: every look goes by the index of its state."""
    seen: list[str] = []
    conn.set_trace_callback(seen.append)
    take(conn)
    sync_queue.waiting(conn)
    sync_queue.has_due(conn, CLOCK.now())
    sync_queue.next_picture(conn, CLOCK.now())
    conn.set_trace_callback(None)
    plans = [row["detail"] for sql in seen if "sync_queue" in sql for row in conn.execute(f"EXPLAIN QUERY PLAN {sql}")]
    scans = [plan for plan in plans if "sync_queue" in plan or plan.startswith("SCAN q")]
    assert len(scans) >= 6
    assert all("USING" in plan and "INDEX sync_" in plan for plan in scans), scans


def test_a_scan_never_fails_for_its_chain(gate: GateData) -> None:
    """Words that the wire would refuse are the centre's to judge; the student is recorded."""
    with writing(gate.database) as conn:
        conn.execute("UPDATE epochs SET epoch = 'an odd epoch'")
    made = gate.scan("1")
    assert gate.value(f"SELECT length(chain) FROM attendance WHERE scan_id = '{made.scan_id}'") == 64
