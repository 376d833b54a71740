"""A gate's database on a school day: ten students with guardians, a clock, a writer, and proof that the gate works."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from attendance.clock import ManualClock
from attendance.domain.absence import Limits
from attendance.domain.message import MessageKind
from attendance.domain.scan import Accepted, Direction, GateDirection, Status
from attendance.domain.schedule import Schedule, Session
from attendance.kiosk.sms.absence import AbsenceRules, Absences
from attendance.kiosk.store import ledger, proof, roster
from attendance.kiosk.store.database import create_or_migrate, reading, writing
from attendance.ops import sqlite
from attendance.ops.sqlite import Writer

MANILA = ZoneInfo("Asia/Manila")
MONDAY = date(2026, 6, 8)
MORNING = Session("morning", time(7), time(6, 30), time(7, 30), time(11, 30), time(12, 30), timedelta(minutes=15))
AFTERNOON = Session(
    "afternoon", time(13), time(12, 30), time(13, 30), time(16, 30), time(17, 30), timedelta(minutes=15)
)
SCHEDULE = Schedule([MORNING, AFTERNOON], frozenset(range(5)), timedelta(hours=1), timedelta(minutes=5))


@dataclass
class SchoolMorning:
    """Monday 8 June 2026, 06:00 in ``zone`` at first. Close it when done."""

    folder: Path
    zone: ZoneInfo = MANILA
    students: int = 10

    def __post_init__(self) -> None:
        self.database = self.folder / "attendance.db"
        self.clock = ManualClock(self.at("06:00").astimezone(ZoneInfo("UTC")))
        earlier = ManualClock(self.at("06:00") - timedelta(days=30))
        create_or_migrate(self.database, earlier.now())
        with writing(self.database) as conn:
            for number in range(self.students):
                guardian = roster.Guardian(f"+63917{number:07}")
                roster.enrol(
                    conn, roster.Enrolment(str(number), f"Child {number}", guardians=[guardian]), earlier.now()
                )
        self.writer = Writer(lambda: sqlite.connect(self.database))
        self.writer.start()

    def close(self) -> None:
        self.writer.stop()

    def at(self, clock: str, day: date = MONDAY) -> datetime:
        return datetime.combine(day, time.fromisoformat(clock), self.zone)

    def go_to(self, clock: str, day: date = MONDAY) -> None:
        self.clock.advance((self.at(clock, day) - self.clock.now().at).total_seconds())

    def works(self, start: str, end: str, day: date = MONDAY) -> None:
        """Prove that the gate worked."""
        with writing(self.database) as conn:
            span = proof.begin(conn, self.at(start, day), after_jump=False)
            proof.extend(conn, span, self.at(end, day))

    def come(
        self,
        numbers: Iterable[int],
        session: str = "morning",
        direction: Direction = Direction.IN,
        *,
        day: date = MONDAY,
        status: Status = Status.ON_TIME,
        passage: int = 1,
    ) -> None:
        with writing(self.database) as conn:
            for number in numbers:
                self.clock.advance(1)
                key = roster.key_of(conn, str(number))
                scan = Accepted(day, session, direction, status, passage, "Welcome.")
                origin, used = ledger.Origin("gate-1", "camera"), ledger.CardUsed(0, False)
                ledger.record(conn, key, scan, self.clock.now(), origin, used, None)

    def rules(self, **given: Any) -> AbsenceRules:
        usual: dict[str, Any] = {
            "zone": self.zone,
            "schedule": SCHEDULE,
            "kinds": frozenset({MessageKind.ABSENCE}),
            "limits": Limits(timedelta(minutes=30), 20),
            "gates": 1,
            "direction": GateDirection.BOTH,
        }
        return AbsenceRules(**{**usual, **given})

    def absences(self, **given: Any) -> Absences:
        others = given.pop("others_confirmed", None)
        return Absences(self.database, self.writer, self.clock, self.rules(**given), others)

    def queued(self) -> list[tuple[str, str, str, str | None]]:
        """Student number, kind, day and session of every message that no scan called for."""
        return self.rows(
            "SELECT s.student_id, o.kind, o.day, o.session FROM sms_outbox o JOIN students s USING (student_key)"
            " WHERE o.scan_id IS NULL ORDER BY o.day, o.session, s.student_id"
        )

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        with reading(self.database) as conn:
            return [tuple(row) for row in conn.execute(sql)]
