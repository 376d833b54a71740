"""A gate's data directory with students and scans, and ways to harm it."""

import os
import signal
import sqlite3
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from attendance.clock import ManualClock
from attendance.config import Paths, Settings
from attendance.domain.message import MessageKind
from attendance.domain.scan import Accepted, Direction, Status
from attendance.domain.schedule import Schedule, Session
from attendance.kiosk.backups import DatabaseBackupManager
from attendance.kiosk.store import ledger, roster
from attendance.kiosk.store.database import create_or_migrate, reading, writing
from attendance.vision.portrait import with_comment

MANILA = ZoneInfo("Asia/Manila")
DAY = date(2026, 6, 8)
HERE = ledger.Origin("gate-1", "camera")
JPEG = b"\xff\xd8\xff\xda\x00\x02 a picture \xff\xd9"
SCHEDULE = Schedule(
    sessions=[Session("morning", time(7), time(6), time(8), time(11), time(13), timedelta(minutes=15))],
    weekdays=frozenset(range(5)),
    early=timedelta(),
    cooldown=timedelta(minutes=5),
)


@dataclass
class GateData:
    """The directory ``data`` of one gate, its clock (06:40 in Manila at first), and what is done to it."""

    folder: Path
    clock: ManualClock = field(default_factory=lambda: ManualClock(datetime(2026, 6, 7, 22, 40, tzinfo=UTC)))

    def __post_init__(self) -> None:
        self.paths = Paths(self.folder, self.folder / "data", self.folder / "config.json")
        self.data = self.paths.data_dir
        self.database = self.paths.database
        self.backups = self.data / "backups"

    def create(self, students: int = 3) -> "GateData":
        create_or_migrate(self.database, self.clock.now())
        with writing(self.database) as conn:
            for number in range(1, students + 1):
                guardian = roster.Guardian(f"+63917{number:07}")
                roster.enrol(
                    conn, roster.Enrolment(str(number), f"Student {number}", guardians=[guardian]), self.clock.now()
                )
        return self

    def manager(self, clock: ManualClock | None = None, **arguments: Any) -> DatabaseBackupManager:
        return DatabaseBackupManager(configuration=(Settings(), self.paths), clock=clock or self.clock, **arguments)

    def key(self, number: str) -> str:
        with reading(self.database) as conn:
            return roster.key_of(conn, number)

    def scan(self, number: str = "1", passage: int = 1, *, photo: bool = False) -> ledger.Recorded:
        """An arrival; with its photo if wanted. Each later than the one before."""
        self.clock.advance(1)
        accepted = Accepted(DAY, "morning", Direction.IN, Status.ON_TIME, passage, "Welcome.")
        key, seen = self.key(number), self.clock.now()
        with writing(self.database) as conn:
            used = ledger.CardUsed(0, False)
            made = ledger.record(conn, key, accepted, seen, HERE, used, MessageKind.CHECK_IN)
            if photo:
                path = f"photos/{DAY}/{made.scan_id}.jpg"
                ledger.attach_photo(conn, made.scan_id, path, "", 80, [])
        if photo:
            words = ("attendance/1", made.scan_id, made.epoch, str(made.seq), key, "in", seen.at.isoformat())
            file = self.data / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(with_comment(JPEG, " ".join(words)))
        return made

    def scan_often(self, number: str, passages: range) -> list[str]:
        """Arrivals in one transaction; their ids."""
        key, used = self.key(number), ledger.CardUsed(0, False)
        found = []
        with writing(self.database) as conn:
            for passage in passages:
                self.clock.advance(1)
                accepted = Accepted(DAY, "morning", Direction.IN, Status.ON_TIME, passage, "Welcome.")
                made = ledger.record(conn, key, accepted, self.clock.now(), HERE, used, MessageKind.CHECK_IN)
                found.append(made.scan_id)
        return found

    def scans(self, database: Path | None = None) -> dict[str, tuple[str, int]]:
        """Scan id to epoch and number."""
        with reading(database or self.database) as conn:
            return {r["scan_id"]: (r["epoch"], r["seq"]) for r in conn.execute("SELECT * FROM attendance")}

    def value(self, sql: str) -> Any:
        with reading(self.database) as conn:
            return conn.execute(sql).fetchone()[0]

    def state(self) -> dict[str, bytes]:
        """Every byte of the live database and its side files."""
        return {path.name: path.read_bytes() for path in sorted(self.data.glob("attendance.db*"))}


def spoil_table(database: Path, table: str, leaf: int = 0) -> None:
    """Overwrite one leaf page of a table (0: the first) with noise; the database must be closed."""
    conn = sqlite3.connect(database)
    size = conn.execute("PRAGMA page_size").fetchone()[0]
    root = conn.execute("SELECT rootpage FROM sqlite_schema WHERE name = ?", (table,)).fetchone()[0]
    conn.close()
    pages = database.read_bytes()
    header = (root - 1) * size + (100 if root == 1 else 0)
    page = root
    if pages[header] == 5:  # an interior page: its cells point to the leaves
        cell = int.from_bytes(pages[header + 12 + 2 * leaf : header + 14 + 2 * leaf], "big")
        page = int.from_bytes(pages[(root - 1) * size + cell : (root - 1) * size + cell + 4], "big")
    with database.open("r+b") as file:
        file.seek((page - 1) * size)
        file.write(b"\xa5" * size)


def leave_hot_journal(database: Path, change: str) -> None:
    """Change a database in a process that is killed before it commits, when pages of it are in the file already."""
    pid = os.fork()
    if pid == 0:
        conn = sqlite3.connect(database, isolation_level=None)
        conn.execute("PRAGMA journal_mode=DELETE")
        conn.execute("PRAGMA cache_size=5")
        conn.execute("BEGIN IMMEDIATE")
        conn.execute(change)
        os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(pid, 0)
    journal = database.with_name(database.name + "-journal")
    assert journal.stat().st_size > 0


CHANGES = {"os.rename", "os.remove", "os.mkdir", "os.rmdir", "open", "sqlite3.connect"}


def run_until(step: int, work: Callable[[], object]) -> bool:
    """Do the work in a child that is killed before its ``step``-th change of the file system, which an audit hook sees.

    Returns:
        Whether it came to its end.
    """
    pid = os.fork()
    if pid:
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    seen = 0

    def count(event: str, args: tuple[Any, ...]) -> None:
        nonlocal seen
        if event in CHANGES and (event != "open" or (isinstance(args[2], int) and args[2] & os.O_CREAT)):
            seen += 1
            if seen == step:
                os._exit(9)

    sys.addaudithook(count)
    try:
        work()
    except BaseException:
        os._exit(1)
    os._exit(0)
