"""A centre with schools, gates and people as on a Tuesday morning at 07:40 in Manila, for the tests of the pages."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from argon2 import PasswordHasher
from one_school import Ledger, student
from sqlalchemy import Connection, insert

from attendance.access.identity import Role
from attendance.access.passwords import Passwords
from attendance.clock import ManualClock
from attendance.domain.directory import Closure
from attendance.fleet import directory
from attendance.fleet.ingest import ingest
from attendance.fleet.store import gates, schools, users
from attendance.fleet.store.engine import open_engine, transaction, upgrade
from attendance.fleet.store.gates import Gate, Machine
from attendance.fleet.store.tables import chains, dead_letters, gate_health, health_history, rollups
from attendance.fleet.vitals import summary

NOW = datetime(2026, 6, 8, 23, 40, 20, tzinfo=UTC)
"""07:40:20 on Tuesday, 9 June 2026, in Manila."""
ZONE = "Asia/Manila"
PASSWORD = "four words of mine"
CHEAP = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
"""Argon2 as it is, with hardly any work."""
SCANS = {39: 2, 40: 9, 41: 31, 42: 58, 43: 76, 44: 90, 45: 64, 46: 20}
"""Of a usual morning, by ten-minute slot."""


@dataclass
class Seeded:
    """What was put in: ids by name."""

    schools: dict[str, str] = field(default_factory=dict)
    gates: dict[str, str] = field(default_factory=dict)
    letters: dict[str, int] = field(default_factory=dict)
    people: dict[str, str] = field(default_factory=dict)


def health(**system: Any) -> dict[str, Any]:
    """What a gate's ``/health`` says, as far as the centre reads it."""
    problems = system.pop("problems", [])
    disk = system.pop("disk", 41.0)
    return {
        "overall_status": "unhealthy" if problems else "healthy",
        "system": {
            "uptime_seconds": 302_400,
            "memory_mb": 212.4,
            "disk_usage": {"used_percent": disk, "free_gb": round(29 * (100 - disk) / 100, 1)},
            "temperature_c": system.pop("temperature_c", 51.5),
            "undervoltage": system.pop("undervoltage", False),
        },
        "problems": problems,
    }


LOST_CAMERA = {
    "code": "camera-lost",
    "severity": "error",
    "text": "The camera has stopped.",
    "remedy": "Check the camera's cable; it is tried again by itself.",
}
WEAK_POWER = {
    "code": "undervoltage",
    "severity": "warning",
    "text": "The power supply is too weak, at least now and then; the device may switch off or damage its card.",
    "remedy": "Use the power supply made for this board, with its own short cable.",
}


def add_gate(
    conn: Connection,
    school_id: str,
    name: str,
    device_id: str,
    *,
    version: str = "1.4.0",
    model: str = "Raspberry Pi 5",
) -> str:
    machine = Machine(device_id, f"{hash((school_id, device_id)) & (2**256 - 1):064x}", version, model)
    return gates.enrol(conn, school_id, name, machine, NOW - timedelta(days=80))


def call(
    conn: Connection,
    school_id: str,
    gate_id: str,
    *,
    ago_s: float = 20,
    said: Mapping[str, Any] | None = None,
    waiting: int = 0,
    oldest_s: float = 0,
    clock_off_s: float = 0.2,
    trusted: bool = True,
) -> None:
    """Let a gate have called so long ago."""
    told = dict(said or health())
    row = {
        "gate_id": gate_id,
        "school_id": school_id,
        "received_at": NOW - timedelta(seconds=ago_s),
        "sent_at": NOW - timedelta(seconds=ago_s - clock_off_s),
        "clock_trusted": trusted,
        "status": told["overall_status"],
        "queue_items": waiting,
        "oldest_seconds": oldest_s,
        "photos_waiting": waiting // 3,
        "changes_applied": 0,
        "scans_applied": 0,
        "synced_to": None,
        "summary": summary(told),
        "beat": {"health": told},
    }
    conn.execute(insert(gate_health).values(row))


def pass_through(conn: Connection, school_id: str, gate_id: str, share: float = 1.0, *, until: int = 46) -> None:
    """Scans of this morning, and of the same weekday of four weeks before."""
    rows = []
    for week in range(5):
        day = (date(2026, 6, 9) - timedelta(weeks=week)).isoformat()
        for slot, scans in SCANS.items():
            if week or slot <= until:
                count = round(scans * share * (0.45 if week == 0 and slot == 46 else 1 + 0.03 * week))
                rows.append(
                    {
                        "school_id": school_id,
                        "gate_id": gate_id,
                        "day": day,
                        "slot": slot,
                        "scans": count,
                        "late": 0,
                        "refused": 0,
                    }
                )
    conn.execute(insert(rollups), rows)


def remember(conn: Connection, school_id: str, gate_id: str) -> None:
    """A day of heartbeats, one in ten minutes."""
    rows = []
    for step in range(144):
        at = NOW.replace(second=0) - timedelta(minutes=10 * (143 - step))
        hour = (at.hour + 8) % 24
        warm = 44 + 12 * max(0, 1 - abs(hour - 14) / 7)
        facts = summary(health(temperature_c=round(warm, 1), disk=40.0 + step / 120))
        waiting = 420 - 30 * (step - 60) if 60 <= step < 74 else 0
        row = {"gate_id": gate_id, "school_id": school_id, "at": at, "status": "healthy"}
        rows.append(row | {"facts": {**facts, "queue_items": waiting}})
    conn.execute(insert(health_history), rows)


def add_person(conn: Connection, login: str, roles: Mapping[str, Role], *, operator: bool = False) -> str:
    hashed = Passwords(CHEAP).hash(PASSWORD)
    person = users.add(conn, login, login.replace("-", " ").title(), hashed, NOW, operator=operator)
    for school_id, role in roles.items():
        users.grant(conn, person.user_id, school_id, role)
    return person.user_id


def seed(url: str) -> Seeded:
    """Two schools, seven gates, a person of each kind."""
    engine, made = open_engine(url), Seeded()
    upgrade(engine)
    with transaction(engine) as conn:
        for name in ("Northfield National High School", "San Roque Elementary School"):
            made.schools[name.split()[0]] = schools.add(conn, name, ZONE, NOW - timedelta(days=90)).school_id
        _northfield(conn, made)
        _san_roque(conn, made)
        gate = gates.get(conn, made.schools["San"], made.gates["Front gate"])
        assert gate is not None
        fill_register(conn, gate.school_id, gate)
        made.people["olga-operator"] = add_person(conn, "olga-operator", {}, operator=True)
        for role in Role:
            for name, school in (("north", "Northfield"), ("roque", "San")):
                login = f"{name}-{role}"
                made.people[login] = add_person(conn, login, {made.schools[school]: role})
    engine.dispose()
    return made


def _northfield(conn: Connection, made: Seeded) -> None:
    school = made.schools["Northfield"]
    for name, device in (
        ("Main gate", "gate-1"),
        ("North gate", "gate-2"),
        ("Canteen side", "gate-3"),
        ("Annex", "gate-4"),
        ("Gymnasium", "gate-5"),
    ):
        made.gates[name] = add_gate(conn, school, name, device, version="1.3.2" if name == "Annex" else "1.4.0")
    call(conn, school, made.gates["Main gate"])
    call(
        conn,
        school,
        made.gates["North gate"],
        said=health(problems=[LOST_CAMERA, WEAK_POWER], undervoltage=True),
        ago_s=41,
    )
    call(conn, school, made.gates["Canteen side"], ago_s=2_460, waiting=12, oldest_s=60)
    call(conn, school, made.gates["Annex"], waiting=240, oldest_s=5_400, said=health(disk=86.5, temperature_c=63.0))
    call(conn, school, made.gates["Gymnasium"])
    pass_through(conn, school, made.gates["Main gate"])
    pass_through(conn, school, made.gates["North gate"], 0.6, until=44)
    pass_through(conn, school, made.gates["Canteen side"], 0.4, until=42)
    pass_through(conn, school, made.gates["Annex"], 0.3)
    pass_through(conn, school, made.gates["Gymnasium"], 0.5, until=43)
    remember(conn, school, made.gates["Main gate"])
    remember(conn, school, made.gates["North gate"])
    for name, epoch, complete_to, highest in (
        ("Main gate", "5f0c1a7be2", 8_412, 8_412),
        ("North gate", "91bb02c4d7", 3_105, 3_105),
        ("North gate", "c07f3e5a11", 2_240, 2_251),
    ):
        row = {"school_id": school, "gate_id": made.gates[name], "device_id": "gate-1", "epoch": epoch}
        conn.execute(
            insert(chains).values(row | {"complete_to": complete_to, "highest": highest, "claimed_seq": highest})
        )
    for result, reason in (("conflict", "Another scan is here under this number."), ("rejected", "day: not a day")):
        row = {
            "school_id": school,
            "gate_id": made.gates["Annex"],
            "result": result,
            "reason": reason,
            "type": "scan",
            "item_id": str(UUID(int=7)),
            "item": '{"type": "scan", "seq": 812}',
            "item_hash": result,
            "times": 2,
            "first_at": NOW - timedelta(hours=3),
            "last_at": NOW - timedelta(hours=2),
        }
        made.letters[result] = conn.execute(insert(dead_letters).values(row)).inserted_primary_key[0]


def _san_roque(conn: Connection, made: Seeded) -> None:
    school = made.schools["San"]
    for name, device in (("Front gate", "front"), ("River gate", "river")):
        made.gates[name] = add_gate(conn, school, name, device)
        call(conn, school, made.gates[name], ago_s=33)
        pass_through(conn, school, made.gates[name], 0.25)


NAMES = ("Abad, Liza", "Bautista, Juan", "Cruz, Maria Cristina", "Dela Cruz, Jose", "Enriquez, Paolo", "Flores, Ana")


def fill_register(conn: Connection, school_id: str, gate: Gate) -> None:
    """Six students of two sections; five have come this morning, one of them late."""
    ledger = Ledger(gate.device_id)
    items: list[Any] = []
    for number, name in enumerate(NAMES):
        key = UUID(int=number + 1).hex
        items.append(student(f"2026-{number + 1:03}", key, name=name, section=("Rizal", "Sampaguita")[number % 2]))
        if number != 3:
            late = {"status": "late", "minutes_late": 4} if number == 4 else {}
            ledger.scan(NOW - timedelta(minutes=35 - 7 * number), key, day="2026-06-09", **late)
    ingest(conn, gate, [*items, *ledger.scans], NOW)
    closure = Closure(first_day="2026-06-12", last_day="2026-06-12", kind="holiday", name="Independence Day")
    directory.put_closure(conn, school_id, closure, NOW)


def clock() -> ManualClock:
    return ManualClock(NOW)


def url_in(folder: Path) -> str:
    return f"sqlite:///{folder / 'centre.db'}"
