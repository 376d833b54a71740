"""The probe of the gate's database: whether it can be read, its counts, and how long its queues have waited."""

import sqlite3
from collections.abc import Callable
from datetime import date, timedelta, tzinfo
from pathlib import Path
from typing import Any

from attendance.clock import Clock, Moment, age
from attendance.errors import StorageError
from attendance.kiosk.store import register
from attendance.ops import sqlite
from attendance.ops.health import ProbeResult, Problem

SMS_LATE = timedelta(minutes=30)
"""A quarter of the default lifetime of a message: time enough to mend the phone before parents miss anything."""
SYNC_LATE = timedelta(hours=24)
"""Schools lose their internet for hours; the centre misses nothing by it."""
_MB = 1e6

DATABASE_FAILED = Problem(
    "database-failed",
    "error",
    "The database cannot be read: {error}",
    "Run `attendance doctor`; restore a backup if it says so.",
)
NO_STUDENTS = Problem(
    "no-students", "warning", "No students are known: every card is refused.", "Run `attendance students import FILE`."
)
SMS_WAITING = Problem(
    "sms-waiting",
    "warning",
    "{count} messages to parents wait, the oldest for {minutes:.0f} minutes.",
    "Check that the phone that sends them is on, in the network, has credit, and that its app runs.",
)
SYNC_WAITING = Problem(
    "sync-waiting",
    "warning",
    "{count} records wait for the centre, the oldest for {hours:.0f} hours.",
    "Check the gate's internet connection. Nothing is lost meanwhile.",
)


class DatabaseProbe:
    """Counts of the ledger, asked again only when somebody has written. The cost does not grow with the rows.

    Args:
        has_centre: whether unsent sync rows are waiting for somebody.
    """

    def __init__(self, database: Path, clock: Clock, zone: tzinfo, has_centre: Callable[[], bool]) -> None:
        self._database = database
        self._clock = clock
        self._zone = zone
        self._has_centre = has_centre
        self._conn: sqlite3.Connection | None = None
        self._inode = 0
        self._seen: tuple[int, date, bool] | None = None
        self._counted: register.Counted | None = None
        self._values: dict[str, Any] = {}
        self._unsent = (0, 0)
        self._oldest: tuple[Moment | None, Moment | None] = (None, None)

    def __call__(self) -> ProbeResult:
        try:
            values, problems = self._look()
        except (sqlite3.Error, OSError, StorageError) as error:
            self.close()
            values = {"connectivity": "failed", "error": str(error)}
            return ProbeResult("database", values, (DATABASE_FAILED.said(error=error),))
        return ProbeResult("database", values, problems)

    def close(self) -> None:
        """Forget everything; the next look begins anew."""
        if self._conn is not None:
            self._conn.close()
        self._conn = self._seen = self._counted = None

    def _look(self) -> tuple[dict[str, Any], list[Problem]]:
        conn = self._connection()
        now = self._clock.now()
        today = now.at.astimezone(self._zone).date()
        has_centre = self._has_centre()
        seen = (register.version(conn), today, has_centre)
        if seen != self._seen:
            self._count(conn, today, has_centre)
            self._seen = seen
        sms, sync = (age(oldest, now) if oldest else timedelta() for oldest in self._oldest)
        oldest_s = round(max(sms, sync).total_seconds(), 1)
        return self._values | {"oldest_unsent_seconds": oldest_s}, self._problems(sms, sync)

    def _connection(self) -> sqlite3.Connection:
        """A connection to the file that has the name now: a deleted one would go on answering."""
        try:
            inode = self._database.stat().st_ino
        except FileNotFoundError as error:
            raise StorageError(f"There is no database {str(self._database)!r}. Start the gate once.") from error
        if self._conn is not None and inode != self._inode:
            self.close()
        if self._conn is None:
            self._conn, self._inode = sqlite.connect(self._database, read_only=True), inode
        return self._conn

    def _count(self, conn: sqlite3.Connection, today: date, has_centre: bool) -> None:
        self._counted = register.records(conn, self._counted)
        self._unsent = (register.unsent_sms(conn), register.unsent_sync(conn) if has_centre else 0)
        self._oldest = (
            register.oldest_unsent_sms(conn),
            register.oldest_unsent_sync(conn) if has_centre else None,
        )
        self._values = {
            "connectivity": "ok",
            "queue_size": sum(self._unsent),
            "total_records": self._counted.rows,
            "today_scans": register.scans_on(conn, today),
            "students": register.students(conn),
            "size_mb": round(self._database.stat().st_size / _MB, 1),
        }

    def _problems(self, sms: timedelta, sync: timedelta) -> list[Problem]:
        problems = [] if self._values["students"] else [NO_STUDENTS]
        if sms > SMS_LATE:
            problems.append(SMS_WAITING.said(count=self._unsent[0], minutes=sms.total_seconds() / 60))
        if sync > SYNC_LATE:
            problems.append(SYNC_WAITING.said(count=self._unsent[1], hours=sync.total_seconds() / 3600))
        return problems
