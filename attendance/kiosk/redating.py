"""Dates scans afresh that were recorded before the machine knew the time."""

import logging
import sqlite3
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from attendance.clock import Clock
from attendance.domain.scan import Direction, Status
from attendance.domain.schedule import Schedule, places
from attendance.kiosk.store import ledger
from attendance.kiosk.store.database import reading
from attendance.ops.service import Service
from attendance.ops.sqlite import Writer

log = logging.getLogger(__name__)

_CHECK_S = 10.0


class Redating:
    """Waits until the clock is trusted, then corrects this boot's undated scans."""

    def __init__(self, database: Path, writer: Writer, clock: Clock, schedule: Schedule, zone: ZoneInfo) -> None:
        self._database = database
        self._writer = writer
        self._clock = clock
        self._schedule = schedule
        self._zone = zone
        self.service = Service("redating", self)

    def step(self) -> float:
        if not self._clock.now().trusted:
            return _CHECK_S
        with reading(self._database) as conn:
            rows = ledger.undated(conn, self._clock.boot_id)
        if rows:
            self._writer.run(lambda conn: self._correct(conn, rows))
            log.info("%d scans made before the clock was right have their true time now", len(rows))
        return _CHECK_S

    def _correct(self, conn: sqlite3.Connection, rows: list[sqlite3.Row]) -> None:
        for row in rows:
            at = self._clock.moment(row["boot_ns"]).at
            local = ledger.local(at, self._zone)
            status, minutes_late = self._status(row, local)
            ledger.correct_clock(conn, row["scan_id"], at, local.date(), status, minutes_late, self._clock.now())

    def _status(self, row: sqlite3.Row, local: datetime) -> tuple[str, int]:
        """On time or late by the true time; what a passage was otherwise (a return, a departure) stays."""
        place = next((p for p in places(self._schedule, local) if p.session.name == row["session"]), None)
        arrival = row["direction"] == Direction.IN and row["status"] in (Status.ON_TIME, Status.LATE)
        if place is None or not arrival:
            return row["status"], 0
        if not place.is_late(local):
            return Status.ON_TIME, 0
        return Status.LATE, int(max(local - place.class_start, timedelta()).total_seconds() // 60)
