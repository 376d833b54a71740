"""What a simulated gate says of its day: what it vouches for, how long its scans took, and which cards it refused."""

import random
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from attendance.clock import ManualClock
from attendance.config import Settings
from attendance.domain import scan_time, wire
from attendance.domain.scan import Refusal
from attendance.kiosk import plan
from attendance.kiosk.sms.plan import absence_rules
from attendance.sim.centre_link import CentreLink
from attendance.sim.gate_clock import GateClock
from attendance.sim.gate_morning import Morning
from attendance.sim.gate_proof import GateProof
from attendance.sim.gates import SimulatedGate
from attendance.sim.scan_times import ScanTimes
from attendance.sim.school import ABSENCE_AFTER, SCHEDULE, SECTION, invent

MANILA = ZoneInfo("Asia/Manila")


def local(text: str) -> datetime:
    """A time of the day in Manila."""
    return datetime.fromisoformat(f"2026-06-08T{text}").replace(tzinfo=MANILA).astimezone(UTC)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(local("06:00"), boot_id="b00t")


@pytest.fixture
def gate(clock: ManualClock) -> SimulatedGate:
    """Nobody listens where its centre should be."""
    gate = SimulatedGate(CentreLink("http://127.0.0.1:9", "token"), "id", "gate-1", MANILA, clock)
    gate.know(invent(20, seed=1))
    return gate


def look(proof: GateProof, clock: ManualClock, hours: float) -> None:
    """Let it work so long."""
    for _ in range(round(hours * 120)):
        proof.look(clock.now())
        clock.advance(30)
    proof.look(clock.now())


def arrivals(proof: GateProof, clock: ManualClock) -> dict[str, bool]:
    """By day, whether it vouches for it."""
    windows = proof.windows(clock.now().at)
    assert {window.session for window in windows} == {"day"}
    return {window.day: window.complete for window in windows if window.kind == "arrival"}


def test_its_day_is_that_of_a_gate_that_its_centre_has_told() -> None:
    """So a real gate beside it speaks of the same session."""
    settings = Settings.model_validate({"school_schedule": SECTION})
    told = plan.schedule(settings)
    assert (tuple(told.sessions), told.weekdays, told.cooldown) == (
        *(SCHEDULE.sessions, SCHEDULE.weekdays, SCHEDULE.cooldown),
    )
    assert absence_rules(settings).limits.after == ABSENCE_AFTER


def test_it_vouches_for_what_it_worked_through(clock: ManualClock) -> None:
    """Once that is over; and not for a day on which it was not there throughout."""
    proof = GateProof(MANILA)
    look(proof, clock, hours=17)
    assert arrivals(proof, clock) == {"2026-06-07": False}
    look(proof, clock, hours=2)
    assert arrivals(proof, clock) == {"2026-06-08": False}
    look(proof, clock, hours=24)
    assert arrivals(proof, clock) == {"2026-06-09": True}


def test_who_stopped_vouches_for_nothing_after_it(clock: ManualClock) -> None:
    """Ten minutes are enough to miss a class."""
    proof = GateProof(MANILA)
    look(proof, clock, hours=30)
    clock.advance(600)
    look(proof, clock, hours=13)
    assert arrivals(proof, clock)["2026-06-09"] is False


def test_a_clock_that_is_not_trusted_proves_nothing(clock: ManualClock) -> None:
    """As at a real gate."""
    proof = GateProof(MANILA)
    clock.trusted = False
    look(proof, clock, hours=43)
    assert arrivals(proof, clock)["2026-06-09"] is False


def test_scan_times_are_those_of_a_small_computer_and_the_same_for_the_same_seed() -> None:
    """In the form that a centre reads."""
    one, other = ScanTimes(random.Random(1)), ScanTimes(random.Random(1))
    assert one.told() == other.told()
    for _ in range(500):
        one.take()
        other.take()
    told = one.told()
    assert told == other.told()
    up_to = scan_time.read(told["up_to"])
    assert up_to is not None
    assert up_to[-1] == told["count"] == 500
    assert 50 < told["p50_ms"] < 125 < told["p95_ms"] < 250


def test_a_simulated_machine_has_a_boot_of_its_own(clock: ManualClock) -> None:
    """It was on before, and its time is right whatever the clock of whoever simulates is known for."""
    clock.trusted = False
    one, other = (GateClock(clock, up_s=3600) for _ in range(2))
    clock.advance(5)
    now = one.now()
    assert (now.boot_ns, now.at, now.trusted) == (3605 * 10**9, clock.now().at, True)
    assert one.boot_id != other.boot_id


def test_a_gate_that_remembers_weeks_vouches_for_them(gate: SimulatedGate, clock: ManualClock) -> None:
    """And has measured what passed since it was switched on, not what an earlier run of it did."""
    clock.advance(7200)
    Morning(gate, list(gate.keys), clock, every_s=60).remember(1.0, 60.0)
    assert all(window.complete for window in gate.proof.windows(clock.now().at))
    measured = gate._times.told()["count"]
    assert 0 < measured == sum(scan.boot_id == "b00t" for scan in gate.ledger.scans) + _refused(gate, today=True)
    assert {scan.boot_id for scan in gate.ledger.scans} == {"b00t", "earlier"}


def _refused(gate: SimulatedGate, *, today: bool) -> int:
    items = (item for item in gate.ledger.batch(gate.ledger.waiting) if item["type"] == "refusal")
    return sum((item["day"] == "2026-06-08") is today for item in items)


def test_whoever_comes_on_a_day_comes_in_first(gate: SimulatedGate, clock: ManualClock) -> None:
    """Also if some were still inside on the day before; and not everybody comes."""
    morning = Morning(gate, list(gate.keys), clock, every_s=1)
    clock.advance(10_800)
    morning.remember(0.4, 60.0)
    clock.advance(86_400)
    morning.remember(0.4, 60.0)
    firsts: dict[tuple[str, str], str] = {}
    for scan in gate.ledger.scans:
        firsts.setdefault((scan.day, scan.student_key), scan.direction)
    assert len({day for day, _ in firsts}) == 8
    assert set(firsts.values()) == {"in"}
    assert len(firsts) < 8 * len(gate.keys)


def test_refused_cards_are_told_as_a_real_gate_does(gate: SimulatedGate, clock: ManualClock) -> None:
    """Of one of the school, and of nobody's."""
    [number, *_] = gate.keys
    gate.refuse(Refusal.DUPLICATE, clock.now(), number)
    gate.refuse(Refusal.UNKNOWN_CARD, clock.now())
    told = [wire.ITEM.validate_python(item) for item in gate.ledger.batch(100)][-2:]
    assert [(item.refusal, item.student_key) for item in told if isinstance(item, wire.Refused)] == [
        ("duplicate", gate.keys[number]),
        ("unknown_card", None),
    ]
    assert gate._times.told()["count"] == 2
