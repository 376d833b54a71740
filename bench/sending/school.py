"""A gate's database with students whose guardians are told, and their scans."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from itertools import count
from pathlib import Path
from zoneinfo import ZoneInfo

from attendance.clock import Clock, Moment
from attendance.domain.message import kind_of
from attendance.domain.scan import Accepted, Direction, Status
from attendance.kiosk.sms.courier import Courier
from attendance.kiosk.sms.gateway import Gateway
from attendance.kiosk.sms.limits import Limits
from attendance.kiosk.sms.routes import Routes
from attendance.kiosk.sms.texts import Texts
from attendance.kiosk.store import ledger, roster
from attendance.kiosk.store.database import create_or_migrate, settle, writing
from attendance.ops import sqlite
from attendance.ops.sqlite import Writer

MANILA = ZoneInfo("Asia/Manila")
TEXTS = Texts(school_name="Rizal High School")
_DAY = date(2026, 6, 8)
_MINUTES_LATE = 22
_SCANS_A_CHUNK = 5_000


class School:
    """Each student has one guardian with a number of their own, so a scan is one message."""

    def __init__(self, database: Path, students: int, clock: Clock) -> None:
        self.database = database
        self._clock = clock
        self._passages = count(1)
        create_or_migrate(database, clock.now())
        with writing(database) as conn:
            self._keys = [_enrolled(conn, number, clock.now()) for number in range(students)]

    def scan(self, number: int, seen: Moment, *, late: bool = False, told: bool = True) -> None:
        """Record one scan, durably.

        Args:
            number: of the student; any number has one.
            told: whether the guardian gets a message about it.
        """
        with writing(self.database) as conn:
            self._record(conn, number, seen, late, told)

    def fill(self, messages: int) -> None:
        """Have so many messages more wait, and the database as small as they allow. Nobody else may have it open."""
        self.add(messages)
        settle(self.database)

    def add(self, messages: int) -> None:
        """Have so many messages more wait."""
        for first in range(0, messages, _SCANS_A_CHUNK):
            with writing(self.database) as conn:
                for number in range(first, min(messages, first + _SCANS_A_CHUNK)):
                    self._record(conn, number, self._clock.now(), late=False, told=True)

    @contextmanager
    def courier(self, gateway: Gateway, limits: Limits) -> Iterator[Courier]:
        """The gate's courier with a writer of its own; it works when it is stepped."""
        writer = Writer(lambda: sqlite.connect(self.database))
        courier = Courier(
            self.database,
            writer,
            Routes([gateway], self._clock),
            TEXTS,
            self._clock,
            MANILA,
            limits=limits,
            report_after=timedelta(minutes=15),
        )
        writer.start()
        try:
            yield courier
        finally:
            courier.close()
            writer.stop()

    def _record(self, conn: sqlite3.Connection, number: int, seen: Moment, late: bool, told: bool) -> None:
        status, minutes = (Status.LATE, _MINUTES_LATE) if late else (Status.ON_TIME, 0)
        scan = Accepted(_DAY, "morning", Direction.IN, status, next(self._passages), "Welcome.", minutes)
        origin, used = ledger.Origin("gate-1", "camera"), ledger.CardUsed(0, False)
        key = self._keys[number % len(self._keys)]
        ledger.record(conn, key, scan, seen, origin, used, kind_of(scan) if told else None)


def _enrolled(conn: sqlite3.Connection, number: int, now: Moment) -> str:
    guardian = roster.Guardian(f"+63917{number:07}")
    enrolment = roster.Enrolment(f"2026-{number:05}", f"Santos, Maria {number}", guardians=[guardian])
    roster.enrol(conn, enrolment, now)
    return roster.key_of(conn, enrolment.student_id)
