"""Reports of many requests: one commit for those that wait, and the truth for each."""

import sqlite3
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from attendance.clock import ManualClock
from attendance.domain.receipt import GatewayState, Report
from attendance.errors import StorageError
from attendance.kiosk.report_intake import ReportIntake
from attendance.kiosk.store.database import create_or_migrate, reading
from attendance.kiosk.store.receipts import Rules
from attendance.ops import sqlite
from attendance.ops.sqlite import Writer

CLOCK = ManualClock(datetime(2026, 6, 8, 4, 0, tzinfo=UTC))
RULES = Rules(log_deliveries=True, retry_failed=False, expire_after=timedelta(hours=2), zone=UTC)


class CountingWriter(Writer):
    """Counts the transactions it is asked for."""

    asked = 0

    def run(self, work: Callable[[sqlite3.Connection], Any], timeout_s: float = 30.0) -> Any:
        self.asked += 1
        return super().run(work, timeout_s)


@pytest.fixture
def database(tmp_path: Path) -> Path:
    path = tmp_path / "attendance.db"
    create_or_migrate(path, CLOCK.now())
    return path


@pytest.fixture
def writer(database: Path) -> Iterator[CountingWriter]:
    writer = CountingWriter(lambda: sqlite.connect(database))
    writer.start()
    yield writer
    writer.stop()


def report(number: int) -> Report:
    return Report(f"event-{number}", "sms:delivered", f"message-{number}", GatewayState.DELIVERED)


def hold(writer: Writer, pool: ThreadPoolExecutor) -> threading.Event:
    """Keep the writer busy until the returned event is set."""
    held, go_on = threading.Event(), threading.Event()

    def work(_conn: sqlite3.Connection) -> None:
        held.set()
        go_on.wait(10)

    pool.submit(writer.run, work)
    assert held.wait(5)
    return go_on


def test_reports_that_wait_share_one_commit(
    database: Path, writer: CountingWriter, eventually: Callable[..., None]
) -> None:
    """While one commit runs, those that come meanwhile are gathered for the next."""
    intake = ReportIntake(writer, CLOCK, RULES)
    with ThreadPoolExecutor(8) as pool:
        go_on = hold(writer, pool)
        first = pool.submit(intake.take, report(0))
        eventually(lambda: writer.asked == 2)
        rest = [pool.submit(intake.take, report(number)) for number in range(1, 7)]
        eventually(lambda: len(intake._waiting) == 6)
        go_on.set()
        assert all(future.result().moved for future in [first, *rest])
    assert writer.asked == 3
    with reading(database) as conn:
        assert conn.execute("SELECT count(*) FROM sms_reports").fetchone()[0] == 7


def test_when_a_commit_fails_nobody_in_it_is_told_otherwise(database: Path, writer: CountingWriter) -> None:
    """All of them are to come again, and then all are kept."""
    with sqlite.connect(database) as conn:
        conn.execute(
            "CREATE TRIGGER full BEFORE INSERT ON sms_reports WHEN new.event_id = 'event-3'"
            " BEGIN SELECT RAISE(ABORT, 'disk full'); END"
        )
    intake = ReportIntake(writer, CLOCK, RULES)
    with ThreadPoolExecutor(8) as pool:
        go_on = hold(writer, pool)
        futures = [pool.submit(intake.take, report(number)) for number in range(6)]
        go_on.set()
        refused = {number for number, future in enumerate(futures) if isinstance(future.exception(5), StorageError)}
    with reading(database) as conn:
        kept = {int(row[0][-1]) for row in conn.execute("SELECT event_id FROM sms_reports")}
    assert 3 in refused
    assert kept == set(range(6)) - refused
    with sqlite.connect(database) as conn:
        conn.execute("DROP TRIGGER full")
    assert not any(intake.take(report(number)).repeated for number in refused)


def test_a_fault_of_our_own_leaves_nobody_waiting(writer: CountingWriter) -> None:
    """Whoever shares a commit that ends in a way nobody foresaw is told, at once, that it must come again."""
    intake = ReportIntake(writer, CLOCK, RULES)
    impossible = Report("e", "sms:sent", "no text for SQLite: \ud800", GatewayState.SENT)
    with ThreadPoolExecutor(4) as pool:
        go_on = hold(writer, pool)
        futures = [pool.submit(intake.take, each) for each in (impossible, report(1), report(2))]
        go_on.set()
        assert futures[0].exception(5) is not None
        for future in futures[1:]:
            assert isinstance(future.exception(5), StorageError | None)
    assert intake.take(report(1))
