"""From the gates' ledgers to the centre's register: nothing lost and nothing doubled, whatever lies between."""

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from agreement import agree
from bad_network import BadNetwork, Weather
from centre_process import CentreOnAPort
from memory_disk import in_memory
from queueing_gate import JPEG, QueueingGate

from attendance.domain.scan import Direction

MORNING = datetime(2026, 6, 7, 22, 40, tzinfo=UTC)
STUDENTS = [f"2026-{number:03}" for number in range(1, 13)]
IN, OUT = Direction.IN, Direction.OUT
_PATIENCE = 100


disk = pytest.fixture(in_memory)


@pytest.fixture
def centre(disk: Path) -> Iterator[CentreOnAPort]:
    (disk / "centre").mkdir()
    centre = CentreOnAPort(disk / "centre")
    centre.start()
    yield centre
    centre.close()


@pytest.fixture
def gates(disk: Path, centre: CentreOnAPort) -> Iterator[list[QueueingGate]]:
    """Two gates of the school that know the same students, each under keys of its own."""
    gates = [QueueingGate(disk / name, name, MORNING) for name in ("east", "west")]
    for gate in gates:
        gate.enrol(centre.url, centre.invite(gate.device_id))
        gate.know(*STUDENTS)
    yield gates
    for gate in gates:
        gate.end()


def test_whatever_the_network_does(centre: CentreOnAPort, gates: list[QueueingGate]) -> None:
    """It refuses, cuts, truncates, delays, repeats, alters, answers for the centre or with what that said earlier."""
    storm = [weather for weather in Weather for _ in range(6)]
    random.Random(5).shuffle(storm)
    with BadNetwork(centre.port, storm) as network:
        for gate in gates:
            gate.move(network.url)
        for number, student in enumerate(STUDENTS):
            gate = gates[number % 2]
            gate.scan(student, IN, photo=JPEG * (1 + 700 * (number % 3)) + student.encode())
            gate.refuse()
            gate.try_to_send(5)
            gate.scan(student, OUT)
        for gate in gates:
            gate.send_all()
        assert set(network.met) == set(Weather)
        assert sum(network.met.values()) > len(storm)
    agree(centre, gates)
    assert centre.count("refusals") == len(STUDENTS)


@pytest.mark.parametrize("liar", [Weather.LYING, Weather.PORTAL, Weather.STALE, Weather.ALTERED, Weather.BROKEN])
def test_nobody_but_the_centre_acknowledges_anything(
    centre: CentreOnAPort, gates: list[QueueingGate], liar: Weather
) -> None:
    """A login page, a server that says yes to all, a replayed or altered answer: everything stays in the queue."""
    gate, other = gates
    with BadNetwork(centre.port) as network:
        gate.move(network.url)
        gate.send_all()
        gate.scan(STUDENTS[0], photo=JPEG)
        gate.send_all()
        network.expect([liar] * 12)
        gate.scan(STUDENTS[1], photo=JPEG + b"2")  # as many records as in the last good answer
        waiting = gate.waiting()
        for _ in range(_PATIENCE):
            gate.try_to_send()
            if network.met[liar] >= 5:
                break
        assert gate.waiting() == waiting != (0, 0)
        assert network.met[liar] >= 5
        gate.send_all()
    other.send_all()
    agree(centre, gates)


def test_a_centre_that_dies_at_any_moment(centre: CentreOnAPort, gates: list[QueueingGate]) -> None:
    """Killed before each statement, commit and answer in turn and started again, while the gates go on."""
    centre.kill()
    survived = kill_at = 0
    while survived < len(gates):
        kill_at += 1
        gate = gates[kill_at % 2]
        gate.scan(STUDENTS[kill_at % len(STUDENTS)], photo=JPEG + bytes([kill_at % 256]))
        centre.start(kill_at)
        gate.send_all(over=centre.died)
        survived = 0 if centre.died() else survived + 1
        centre.kill()
    assert kill_at > 40
    centre.start()
    for gate in gates:
        gate.send_all()
    agree(centre, gates)


def test_a_gate_that_is_restored_from_yesterdays_backup(centre: CentreOnAPort, gates: list[QueueingGate]) -> None:
    """It sends again what it does not know to be there, and numbers from then on under a new epoch; what it has lost
    itself, the centre has."""
    gate, other = gates
    for student in STUDENTS[:4]:
        gate.scan(student, photo=JPEG + student.encode())
    gate.try_to_send(4)
    backup = gate.back_up()
    gate.clock.advance(timedelta(days=1).total_seconds())
    for student in STUDENTS[4:8]:
        gate.scan(student)
    gate.send_all()
    before = gate.register()
    gate.restore(backup)
    assert len(gate.register()) == 4
    for student in STUDENTS[8:]:
        gate.scan(student)
    gate.send_all()
    other.send_all()
    after = gate.register()
    assert centre.register() == before | after
    assert sorted(centre.heads().values()) == [4, 8]
    assert len({row[3] for row in after.values()}) == 2
    assert gate.dead() == []
    assert centre.count("dead letters") == 0


def test_a_centre_that_is_restored_from_yesterdays_backup(
    centre: CentreOnAPort, gates: list[QueueingGate], disk: Path
) -> None:
    """With its next scan a gate hears that scans are gone that were there, and sends everything of that day again."""
    yesterday, today = STUDENTS[:6], STUDENTS[6:]
    _pass(gates, yesterday)
    centre.kill()
    centre.back_up(disk / "backup")
    centre.start()
    _pass(gates, today)
    centre.kill()
    centre.restore(disk / "backup")
    centre.start()
    assert len(centre.register()) == len(yesterday)
    _pass(gates, STUDENTS[:2])
    agree(centre, gates)
    assert centre.count("refusals") == len(STUDENTS) + 2


def _pass(gates: list[QueueingGate], students: list[str]) -> None:
    """Each at the next gate, where somebody is refused, too; all of it is sent."""
    for number, student in enumerate(students):
        gate = gates[number % len(gates)]
        scan_id = gate.scan(student, photo=JPEG + student.encode())
        gate.correct_clock(scan_id, gate.clock.now().at - timedelta(minutes=3))
        gate.refuse()
    for gate in gates:
        gate.send_all()


@pytest.mark.parametrize("years", [-1, 1])
def test_a_clock_a_year_off(centre: CentreOnAPort, disk: Path, years: int) -> None:
    """Scans travel at once under the wrong time, and are dated again everywhere when the gate learns the right one."""
    wrong = MORNING + timedelta(days=365 * years)
    gate = QueueingGate(disk / "lost", "lost", wrong, trusted=False)
    gate.enrol(centre.url, centre.invite("lost"))
    gate.know(*STUDENTS)
    early = [gate.scan(student) for student in STUDENTS[:6]]
    gate.send_all()
    gate.clock.step((MORNING - wrong).total_seconds())
    gate.clock.trusted = True
    for number, scan_id in enumerate(early):
        gate.correct_clock(scan_id, MORNING + timedelta(seconds=number))
    for student in STUDENTS[6:]:
        gate.scan(student)
    gate.send_all()
    agree(centre, [gate])
    assert {row[1] for row in centre.register().values()} == {"2026-06-07"}
    gate.end()
