"""The analytics are what a plain recount gives, whatever came in whichever order, and whoever was forgotten."""

import random
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from one_school import NOW, Ledger, Site, found, student
from recount import kept, recounted
from uuid6 import uuid7

from attendance.clock import ManualClock, rfc3339
from attendance.domain.directory import Closure
from attendance.domain.enrolment import Enrolment
from attendance.fleet import directory
from attendance.fleet.analysis import TOGETHER_S
from attendance.fleet.roller import Roller
from attendance.fleet.store.engine import open_engine, reading, transaction

ZONE = "Asia/Manila"
FIRST = datetime(2026, 11, 23, 22, 50, tzinfo=UTC)
"""06:50 on Tuesday, 24 November, in Manila."""


def roll(site: Site, now: datetime = NOW) -> int:
    return Roller(site.engine, ManualClock(now)).roll()


def agree(site: Site) -> None:
    """What is kept is what there is to be counted."""
    with reading(site.engine) as conn:
        for school in (site.school,):
            there, plain = kept(conn, school), recounted(conn, school)
            empty = {row for row in there["analysed_days"] if not any(row[1:])}
            there["analysed_days"] -= empty
            plain["analysed_days"] = {row for row in plain["analysed_days"] if any(row[1:])}
            for table in plain:
                assert there[table] == plain[table], table


class Life:
    """What happens to a school, drawn by dice; some of it is sent late, twice, or in another order."""

    def __init__(self, site: Site, dice: random.Random) -> None:
        self.site = site
        self.dice = dice
        pairs = (("Main", site.gate), ("Back", site.other))
        self.ledgers = [(Ledger(name, f"e{dice.getrandbits(64)}"), gate) for name, gate in pairs]
        self.gates = [gate for _, gate in self.ledgers]
        self.numbers = [str(number) for number in range(1, 6)]
        self.keys = {
            (gate.gate_id, number): f"{dice.getrandbits(128):032x}" for gate in self.gates for number in self.numbers
        }
        self.unsent: list[tuple[Any, Any]] = []
        self.now = FIRST
        for number in self.numbers:
            self._enrol(number)
            self.unsent += [(gate, student(number, self.keys[gate.gate_id, number])) for gate in self.gates]

    def step(self) -> None:
        self.now += timedelta(hours=self.dice.choice([0, 0, 1, 5]))
        often = [self.scans, self.scans, self.scans, self.send, self.send, self.meet, self.correct]
        seldom = [self.refuse, self.people, self.enrol, self.leave, self.close, self.erase]
        self.dice.choice([*often, *often, *seldom])()
        if self.dice.random() < 0.5:
            roll(self.site, self.now)

    def _at(self) -> datetime:
        return FIRST + timedelta(days=self.dice.randrange(5), seconds=self.dice.randrange(40) * 25)

    def scans(self) -> None:
        ledger, gate = self.dice.choice(self.ledgers)
        for number in self.dice.sample(self.numbers, 3):
            at = self._at()
            item = ledger.scan(
                at,
                self.keys[gate.gate_id, number],
                day=(at + timedelta(hours=8)).date().isoformat(),
                session=self.dice.choice(["morning", "afternoon"]),
                direction=self.dice.choice(["in", "in", "out"]),
                status=self.dice.choice(["on_time", "late"]),
                clock_trusted=self.dice.random() < 0.8,
            )
            self.unsent.append((gate, item))

    def send(self) -> None:
        """Some of what waits, in any order; some of it stays."""
        self.dice.shuffle(self.unsent)
        part = self.unsent[: self.dice.randrange(1, 8)]
        for gate in self.gates:
            items = [item for owner, item in part if owner == gate]
            if items:
                self.site.send(*items, *items[:1], gate=gate, now=self.now)
        self.unsent = self.unsent[len(part) - (self.dice.random() < 0.2) :]

    def correct(self) -> None:
        ledger, gate = self.dice.choice(self.ledgers)
        if ledger.scans:
            at = self._at()
            self.unsent.append(
                (
                    gate,
                    {
                        "type": "correction",
                        "scan_id": self.dice.choice(ledger.scans)["scan_id"],
                        "scanned_at": rfc3339(at),
                        "day": (at + timedelta(hours=8)).date().isoformat(),
                        "status": self.dice.choice(["on_time", "late"]),
                        "minutes_late": 0,
                        "corrected_at": rfc3339(self.now + timedelta(seconds=self.dice.randrange(100))),
                    },
                )
            )

    def refuse(self) -> None:
        gate, at = self.dice.choice(self.gates), self._at()
        self.unsent.append(
            (
                gate,
                {
                    "type": "refusal",
                    "refusal_id": str(uuid7()),
                    "device_id": "Main",
                    "refusal": self.dice.choice(["duplicate", "unknown_card"]),
                    "student_key": self.dice.choice([None, self.keys[gate.gate_id, self.dice.choice(self.numbers)]]),
                    "day": (at + timedelta(hours=8)).date().isoformat(),
                    "seen_at": rfc3339(at),
                    "clock_trusted": True,
                    "source": "qr",
                },
            )
        )

    def meet(self) -> None:
        number, at = self.dice.choice(self.numbers), self._at()
        for ledger, gate in self.ledgers:
            item = ledger.scan(at, self.keys[gate.gate_id, number], day=(at + timedelta(hours=8)).date().isoformat())
            self.unsent.append((gate, item))
            at += timedelta(seconds=self.dice.choice([1, TOGETHER_S, TOGETHER_S + 1]))

    def people(self) -> None:
        """A gate tells of one whom it knows."""
        gate, number = self.dice.choice(self.gates), self.dice.choice(self.numbers)
        self.unsent.append((gate, student(number, self.keys[gate.gate_id, number], section=self.dice.choice("AB"))))

    def enrol(self) -> None:
        self._enrol(self.dice.choice(self.numbers))

    def _enrol(self, number: str) -> None:
        sessions = self.dice.choice(["both", "morning"])
        given = Enrolment(student_id=number, name="N", section=self.dice.choice("AB"), allowed_session=sessions)
        with transaction(self.site.engine) as conn:
            directory.enrol(
                conn, self.site.school.school_id, [given], self.now - timedelta(hours=self.dice.randrange(50))
            )

    def leave(self) -> None:
        with transaction(self.site.engine) as conn:
            directory.remove(conn, self.site.school.school_id, [self.dice.choice(self.numbers)], self.now)

    def close(self) -> None:
        day = self._at().date().isoformat()
        closure = Closure(
            first_day=day, last_day=day, kind="holiday", name="", session=self.dice.choice(["", "morning"])
        )
        with transaction(self.site.engine) as conn:
            key = directory.put_closure(conn, self.site.school.school_id, closure, self.now)
            if self.dice.random() < 0.7:
                directory.remove_closure(conn, self.site.school.school_id, key, self.now)

    def erase(self) -> None:
        gate, number = self.dice.choice(self.gates), self.dice.choice(self.numbers)
        if self.dice.random() < 0.5:
            self.unsent.append((gate, {"type": "erasure", "student_key": self.keys[gate.gate_id, number]}))
        else:
            with transaction(self.site.engine) as conn:
                directory.erase(conn, self.site.school.school_id, number, self.now)


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_figures_are_what_a_recount_gives(kind: str, request: pytest.FixtureRequest) -> None:
    """After any sequence of scans, corrections, refusals, people, closures and erasures, late, twice, out of order."""
    url = request.getfixturevalue("sqlite_url" if kind == "sqlite" else "long_lived_postgresql_url")
    engine = open_engine(url)

    @settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(st.integers(0, 2**32), st.integers(5, 30))
    def lives(seed: int, steps: int) -> None:
        life = Life(found(engine, NOW), random.Random(seed))
        for _ in range(steps):
            life.step()
        while life.unsent:
            life.send()
        roll(life.site, life.now)
        agree(life.site)

    lives()
    engine.dispose()
