"""How long a backup takes, and how long it keeps a gate that is recording from recording."""

import sqlite3
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import date
from pathlib import Path
from typing import Any

from attendance.clock import SystemClock
from attendance.config import Paths, Settings
from attendance.domain.message import MessageKind
from attendance.domain.scan import Accepted, Direction, Status
from attendance.kiosk.backups import DatabaseBackupManager
from attendance.kiosk.store import ledger, roster
from attendance.kiosk.store.database import writing
from attendance.ops import sqlite
from attendance.ops.sqlite import Writer
from robust import rows
from robust.figures import Figure, percentile

_WRITES_A_SECOND = 50
_EARLIER_STALL = {15: "28-120 ms", 150: "231-741 ms"}
_ALONE_S = 3.0
_AROUND_S = 0.2


class Writing:
    """Somebody who writes ``_WRITES_A_SECOND`` times a second while inside, and notes how long each write took."""

    def __init__(self, write: Callable[[], object]) -> None:
        self._write = write
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.took_ms: list[float] = []

    def __enter__(self) -> "Writing":
        self._thread.start()
        time.sleep(_AROUND_S)
        return self

    def __exit__(self, *error: object) -> None:
        time.sleep(_AROUND_S)
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        due = time.perf_counter()
        while not self._over.wait(max(0.0, due - time.perf_counter())):
            begun = time.perf_counter()
            self._write()
            self.took_ms.append(1000 * (time.perf_counter() - begun))
            due = max(due + 1 / _WRITES_A_SECOND, begun)


def figures(sizes_mb: list[int], times: int) -> Iterator[Figure]:
    """For each size the gate's backup, and the plain one of a database with a rollback journal. The longest stall is
    that of the worst of ``times`` backups."""
    for size in sizes_mb:
        with tempfile.TemporaryDirectory() as folder:
            ours = _ours(Path(folder) / "ours", size, times)
            plain = _plain(Path(folder) / "plain.db", size, times)
        part = f"backup of {size} MB under {_WRITES_A_SECOND} writes a second"
        alone = f"no backup {ours['alone_ms']:.1f} ms"
        yield Figure(
            part,
            "longest write",
            ours["longest_ms"],
            "ms",
            aim=30.0 if size == 150 else None,
            earlier=_EARLIER_STALL.get(size, ""),
            peer="plain one-shot",
            peer_value=plain["longest_ms"],
            note=f"p99 {ours['p99_ms']:.1f}; {alone}",
        )
        yield Figure(
            part,
            "time, checks, SHA-256 and all",
            ours["took_s"],
            "s",
            document="" if size != 15 else "~15 MB each",
            peer="plain one-shot",
            peer_value=plain["took_s"],
            note=f"without SQLite's two checks {ours['unchecked_s']:.2f}",
        )
        yield Figure(part, "stop() amid it", ours["stop_s"], "s", aim=1.0, earlier="5.0 s")


def _ours(folder: Path, size_mb: int, times: int) -> dict[str, float]:
    paths = Paths(folder, folder / "data", folder / "config.json")
    rows.gate_database(paths.database, megabytes=size_mb)
    writer = Writer(lambda: sqlite.connect(paths.database))
    writer.start()
    record = _scan_recorder(paths.database)
    try:
        with Writing(lambda: writer.run(record)) as alone:
            time.sleep(min(_ALONE_S, size_mb / 10))
        checked = DatabaseBackupManager(configuration=(Settings(), paths))
        with Writing(lambda: writer.run(record)) as writing_on:
            took = [_timed(checked.make) for _ in range(times)]
        unchecked = DatabaseBackupManager(configuration=(Settings(), paths), check_integrity=False)
        with Writing(lambda: writer.run(record)):
            unchecked_s = _timed(unchecked.make)
        stop_s = _stopped_amid(paths)
    finally:
        writer.stop()
    return {
        "took_s": sum(took) / times,
        "unchecked_s": unchecked_s,
        "longest_ms": max(writing_on.took_ms),
        "p99_ms": percentile(writing_on.took_ms, 99),
        "alone_ms": max(alone.took_ms),
        "stop_s": stop_s,
    }


def _scan_recorder(database: Path) -> Callable[[sqlite3.Connection], object]:
    """What a scan writes: its row, a message and a record for the centre."""
    clock = SystemClock()
    with writing(database) as conn:
        student = roster.Enrolment("1", "Student", guardians=[roster.Guardian("+639171234567")])
        roster.enrol(conn, student, clock.now())
        key = roster.key_of(conn, "1")
    passages = iter(range(1, 1 << 30))
    origin, used = ledger.Origin("gate-1", "camera"), ledger.CardUsed(0, False)

    def record(conn: sqlite3.Connection) -> object:
        scan = Accepted(date(2026, 6, 8), "morning", Direction.IN, Status.ON_TIME, next(passages), "Welcome.")
        return ledger.record(conn, key, scan, clock.now(), origin, used, MessageKind.CHECK_IN)

    return record


def _stopped_amid(paths: Paths) -> float:
    """How long ``stop`` takes while a copy is being written."""
    manager = DatabaseBackupManager(
        configuration=(Settings(), paths), backup_dir=paths.data_dir / "other", check_integrity=False
    )
    manager.start()
    while not any(manager.plan.folder.glob("*")) and manager.service.state.running:
        time.sleep(0.001)
    return _timed(manager.stop)


def _plain(database: Path, size_mb: int, times: int) -> dict[str, float]:
    rows.earlier_database(database, megabytes=size_mb)
    numbers = iter(range(1 << 30))

    def write() -> None:
        with closing(sqlite3.connect(database, timeout=30)) as conn, conn:
            conn.execute(
                "INSERT INTO attendance (student_id, timestamp, scan_type, status) VALUES (?, ?, 'time_in', 'present')",
                (f"{next(numbers)}", "2026-06-08T06:40:10"),
            )

    def copy() -> None:
        target = database.with_name("copy.db")
        with closing(sqlite3.connect(database)) as live, closing(sqlite3.connect(target)) as made:
            live.backup(made)

    with Writing(write) as writing_on:
        took = [_timed(copy) for _ in range(times)]
    return {"took_s": sum(took) / times, "longest_ms": max(writing_on.took_ms)}


def _timed(work: Callable[[], Any]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun
