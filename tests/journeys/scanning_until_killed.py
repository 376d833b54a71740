"""A gate's core that kills itself at the n-th statement."""

import os
import signal
import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from attendance.clock import ManualClock
from attendance.config import Settings
from attendance.kiosk.album import Album
from attendance.kiosk.plan import gate_rules
from attendance.kiosk.station import Outcome, Station
from attendance.kiosk.store import roster
from attendance.kiosk.store.database import create_or_migrate, writing
from attendance.ops import sqlite
from attendance.ops.sqlite import Writer
from attendance.vision.messages import Sighting

START = datetime(2026, 6, 7, 22, 40, tzinfo=UTC)


def scan_cards(folder: Path, kill_at: int, shown: Callable[[str], None]) -> int:
    """Scan two cards, one of them twice; ``kill -9`` at statement ``kill_at`` (0: never).

    Args:
        shown: told the scan's id, empty for a refused one, when the student would see it.

    Returns:
        How many statements there were; being shown counts as one, and so does having been shown.
    """
    clock = ManualClock(START)
    database = folder / "attendance.db"
    create_or_migrate(database, clock.now())
    with writing(database) as conn:
        for number in ("1", "2"):
            guardians = [roster.Guardian(f"+63917123456{number}")]
            roster.enrol(conn, roster.Enrolment(number, "A", guardians=guardians), clock.now())
    statements = 0

    def count(_statement: str = "") -> None:
        nonlocal statements
        statements += 1
        if statements == kill_at:
            os.kill(os.getpid(), signal.SIGKILL)

    def traced() -> sqlite3.Connection:
        conn = sqlite.connect(database)
        conn.set_trace_callback(count)
        return conn

    def show(outcome: Outcome) -> None:
        count()
        shown(outcome.scan_id)
        count()

    settings = Settings.model_validate({"sms_notifications": {"enabled": True}})
    writer = Writer(traced)
    writer.start()
    station = Station(
        gate_rules(settings, {}),
        clock,
        writer,
        Album(folder, writer, lambda _scan_id: None),
        answer=lambda _verdict: None,
        show=show,
        ended=lambda: None,
    )
    for number, payload in enumerate((b"1", b"2", b"1")):
        seen = clock.boot_ns() + int(timedelta(minutes=number).total_seconds() * 1e9)
        station.receive(Sighting(str(number), seen, None, seen, (), payload))
        station.step()
    writer.stop()
    return statements
