"""A school as tests of the centre use it, and ledgers of gates that nobody has altered."""

import random
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Engine
from uuid6 import uuid7

from attendance.clock import rfc3339
from attendance.domain import wire
from attendance.fleet.ingest import ingest
from attendance.fleet.store import gates, schools
from attendance.fleet.store.engine import transaction
from attendance.fleet.store.gates import Gate, Machine
from attendance.fleet.store.schools import School

Item = dict[str, Any]
NOW = datetime(2026, 11, 26, 7, 30, tzinfo=UTC)


@dataclass
class Ledger:
    """The scans of one device and epoch, as a gate makes them."""

    device_id: str
    epoch: str = "e1"
    scans: list[Item] = field(default_factory=list)

    def scan(self, at: datetime, student_key: str = "", **other: Any) -> Item:
        """Record a scan."""
        item = {
            "type": "scan",
            "scan_id": str(uuid7()),
            "device_id": self.device_id,
            "epoch": self.epoch,
            "seq": len(self.scans) + 1,
            "student_key": student_key or uuid.uuid4().hex,
            "day": at.date().isoformat(),
            "session": "morning",
            "direction": "in",
            "status": "on_time",
            "passage": 1,
            "minutes_late": 0,
            "scanned_at": rfc3339(at),
            "boot_id": "b1",
            "boot_ns": len(self.scans),
            "clock_trusted": True,
            "source": "qr",
            "card_issue": 0,
            "card_signed": False,
            **other,
        }
        previous = self.scans[-1]["chain"] if self.scans else ""
        item["chain"] = wire.chain(previous, wire.Scan.model_validate(item))
        self.scans.append(item)
        return item

    def fill(self, count: int, until: datetime, dice: random.Random | None = None) -> list[Item]:
        """Record that many scans, one every three seconds; some of them odd if there are dice."""
        return [
            self.scan(until - timedelta(seconds=3 * (count - number)), **(_odd(dice) if dice else {}))
            for number in range(count)
        ]


@dataclass
class Site:
    """``school`` has the gates ``gate`` and ``other``; ``stranger`` is one of another school's."""

    engine: Engine
    now: datetime
    school: School
    gate: Gate
    other: Gate
    stranger: Gate

    def send(self, *items: Any, gate: Gate | None = None, now: datetime | None = None) -> list[str]:
        """What became of each item."""
        return [result.result.value for result in self.results(items, gate=gate, now=now)]

    def results(
        self, items: Iterable[Any], gate: Gate | None = None, now: datetime | None = None
    ) -> Sequence[wire.ItemResult]:
        return self.exchange(items, gate, now)[0]

    def heads(self, items: Iterable[Any], gate: Gate | None = None) -> Sequence[wire.Head]:
        return self.exchange(items, gate)[1]

    def exchange(
        self, items: Iterable[Any], gate: Gate | None = None, now: datetime | None = None
    ) -> tuple[Sequence[wire.ItemResult], Sequence[wire.Head]]:
        with transaction(self.engine) as conn:
            return ingest(conn, gate or self.gate, list(items), now or self.now)


def found(engine: Engine, now: datetime) -> Site:
    """Enter two schools and their gates."""
    with transaction(engine) as conn:
        school, elsewhere = (schools.add(conn, f"School {uuid7()}", "Asia/Manila", now) for _ in range(2))
        made = [
            (each.school_id, gates.enrol(conn, each.school_id, name, _machine(name), now))
            for each, name in ((school, "Main"), (school, "Back"), (elsewhere, "Main"))
        ]
        known = [gates.get(conn, *ids) for ids in made]
    gate, other, stranger = (each for each in known if each)
    return Site(engine, now, school, gate, other, stranger)


def _machine(name: str) -> Machine:
    return Machine(name, wire.key_hash(str(uuid7())), "1.0", "Pi 4")


def student(number: str, key: str = "", **other: Any) -> Item:
    """A student as a gate brings them."""
    return {
        "type": "student",
        "student_key": key or uuid.uuid4().hex,
        "student_id": number,
        "name": f"Student {number}",
        "section": "Rizal",
        "guardians": [{"phone": "+639170000000", "name": "Guardian"}],
        **other,
    }


def _odd(dice: random.Random) -> Item:
    """What may stand in a scan and is rarely tried."""
    return {
        "session": dice.choice(["morning", 'after"noon', "a\\b", "{x,y}", "NULL", "ñandú 早", ""]),
        "status": dice.choice(["on_time", "late", "NULL"]),
        "minutes_late": dice.choice([0, 0, 7, 2**31 - 1]),
        "boot_ns": dice.choice([0, 2**63 - 1]),
        "clock_trusted": dice.random() < 0.5,
    }
