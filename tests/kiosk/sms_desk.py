"""A gate's outbox on a clock that stands still, its courier, and a phone that keeps what it is given."""

import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from attendance.clock import ManualClock
from attendance.domain.message import kind_of
from attendance.domain.receipt import FLAT_EVENT, GatewayState, Report
from attendance.domain.scan import Accepted, Direction, Status
from attendance.kiosk.sms.courier import Courier
from attendance.kiosk.sms.gateway import GatewayError, Outgoing
from attendance.kiosk.sms.limits import Limits
from attendance.kiosk.sms.routes import Routes
from attendance.kiosk.sms.texts import Texts
from attendance.kiosk.store import ledger, roster
from attendance.kiosk.store.database import create_or_migrate, reading, writing
from attendance.ops import sqlite
from attendance.ops.sqlite import Writer

MORNING = datetime(2026, 6, 7, 23, 0, tzinfo=UTC)
"""Monday, 07:00 in Manila."""
MANILA = ZoneInfo("Asia/Manila")
DAY = date(2026, 6, 8)
ANA = "+639171234567"


@dataclass
class Phone:
    """Takes messages as SMS-Gate does: one id is one message, however often it comes.

    Attributes:
        faults: one for each request to come; ``None`` is none. With ``takes`` the message is taken all the same.
        delay_s: how long a request takes.
        shown: what the parents see, in order.
        requests: when each began, on ``clock``; they outlive a reboot.
    """

    clock: ManualClock
    name: str = "phone"
    recognises_repeats: bool = True
    may_repeat: bool = True
    timeout_s: float = 15.0
    faults: list[GatewayError | None] = field(default_factory=list)
    takes: bool = False
    delay_s: float = 0.0
    shown: list[Outgoing] = field(default_factory=list)
    requests: list[float] = field(default_factory=list)
    elapsed: Callable[[], float] | None = None

    def send(self, message: Outgoing) -> GatewayState:
        self.requests.append(self.elapsed() if self.elapsed else self.clock.boot_ns() / 1e9)
        self.clock.advance(self.delay_s)
        fault = self.faults.pop(0) if self.faults else None
        if fault is None or self.takes:
            self._take(message)
        if fault is not None:
            raise fault
        return GatewayState.PENDING

    def ask(self, message_id: str) -> Sequence[Report]:
        if message_id not in self.ids():
            return ()
        return [Report(f"{message_id} Sent", FLAT_EVENT, message_id, GatewayState.SENT)]

    def check(self) -> str:
        return "It answers."

    def ids(self) -> list[str]:
        return [message.message_id for message in self.shown]

    def _take(self, message: Outgoing) -> None:
        if not self.recognises_repeats or message.message_id not in self.ids():
            self.shown.append(message)


def passing(message: str = "no answer") -> GatewayError:
    """It is proven that the message was not taken."""
    return GatewayError(message)


def unclear(message: str = "no clear answer") -> GatewayError:
    """It may have been taken."""
    return GatewayError(message, maybe_taken=True)


class SmsDesk:
    """A database with students, its writer, and couriers before it. ``close`` it."""

    def __init__(self, folder: Path, clock: ManualClock | None = None, *, phones: Iterable[Phone] = ()) -> None:
        self.clock = clock or ManualClock(MORNING)
        self.database = folder / "attendance.db"
        create_or_migrate(self.database, self.clock.now())
        self.phones = list(phones) or [Phone(self.clock)]
        self.phone = self.phones[0]
        self.sent = 0
        self._number = 0
        self._couriers: list[Courier] = []
        self.open()

    def open(self, **given: Any) -> None:
        """A new process: nothing is known but what is on the disk."""
        self.writer = Writer(lambda: sqlite.connect(self.database))
        self.writer.start()
        self.hire(**given)

    def hire(self, limits: Limits | None = None, **given: Any) -> None:
        """A courier; a second one is a new process's."""
        self.limits = limits or Limits(windows=(), cooldown=timedelta())
        self.routes = Routes(self.phones, self.clock)
        self.courier = Courier(
            self.database,
            self.writer,
            self.routes,
            Texts(school_name="Rizal High"),
            self.clock,
            MANILA,
            limits=self.limits,
            report_after=timedelta(minutes=15),
            on_sent=self._count,
            jitter=random.Random(4).random,
            **given,
        )
        self._couriers.append(self.courier)

    def close(self) -> None:
        for courier in self._couriers:
            courier.close()
        self.writer.stop()

    def enrol(self, number: str, *phones: str, name: str = "") -> None:
        guardians = [roster.Guardian(phone) for phone in phones or (f"+63917{int(number):07}",)]
        with writing(self.database) as conn:
            roster.enrol(
                conn, roster.Enrolment(number, name or f"Student {number}", guardians=guardians), self.clock.now()
            )

    def scan(self, number: str, status: Status = Status.ON_TIME, direction: Direction = Direction.IN) -> list[str]:
        """Record a scan now; the ids of its messages."""
        return self.scans([(number, status)], direction)

    def scans(self, people: Sequence[tuple[str, Status]], direction: Direction = Direction.IN) -> list[str]:
        """Record scans of several now; the ids of their messages."""
        messages: list[str] = []
        with writing(self.database) as conn:
            for number, status in people:
                self._number += 1
                minutes_late = 22 if status is Status.LATE else 0
                scan = Accepted(DAY, "morning", direction, status, self._number, "Welcome.", minutes_late)
                origin, used = ledger.Origin("gate-1", "camera"), ledger.CardUsed(0, False)
                key = roster.key_of(conn, number)
                done = ledger.record(conn, key, scan, self.clock.now(), origin, used, kind_of(scan))
                rows = conn.execute(
                    "SELECT message_id FROM sms_outbox WHERE scan_id = ? ORDER BY rowid", (done.scan_id,)
                )
                messages += [row[0] for row in rows.fetchall()]
        return messages

    def exhaust(self, for_s: float = 0.0) -> None:
        """Let the courier work for so long, and until it rests; less long if it has nothing more to do."""
        ends = self.clock.boot_ns() + for_s * 1e9
        while True:
            rest = self.courier.step()
            if rest == 0:
                continue
            if self.clock.boot_ns() + rest * 1e9 > ends or not self._busy():
                return
            self.clock.advance(rest)

    def _busy(self) -> bool:
        return bool(self.rows("SELECT 1 FROM sms_outbox WHERE state IN ('waiting', 'claimed') LIMIT 1"))

    def rows(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        with reading(self.database) as conn:
            return [tuple(row) for row in conn.execute(sql, values)]

    def row(self, message_id: str) -> dict[str, Any]:
        with reading(self.database) as conn:
            return dict(conn.execute("SELECT * FROM sms_outbox WHERE message_id = ?", (message_id,)).fetchone())

    def states(self) -> dict[str, int]:
        return dict(self.rows("SELECT state, count(*) FROM sms_outbox GROUP BY state"))

    def write(self, sql: str, *values: object) -> None:
        with writing(self.database) as conn:
            conn.execute(sql, values)

    def _count(self) -> None:
        self.sent += 1
