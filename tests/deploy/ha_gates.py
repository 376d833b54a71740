"""Simulated gates that never rest, and what they were told."""

import ssl
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

from sqlalchemy import Engine, func, select

from attendance.clock import SystemClock
from attendance.domain import wire
from attendance.fleet import devices
from attendance.fleet.store import gates, schools
from attendance.fleet.store.engine import reading, transaction
from attendance.fleet.store.gates import Machine
from attendance.fleet.store.tables import dead_letters, events
from attendance.sim.centre_link import CentreLink, NoAnswer
from attendance.sim.gates import Refused, SimulatedGate
from attendance.sim.school import invent

_ZONE = "Asia/Manila"
_SCANS, _PAUSE_S = 3, 0.25
_WELL_WITHIN_S = 60.0
_STUDENTS = 20


class BusyGate(threading.Thread):
    """Three scans, a request with all that waits, a short rest, and so on.

    Attributes:
        told: when requests were sent and acknowledged, in monotonic seconds.
        failed: how many were not.
    """

    def __init__(self, gate: SimulatedGate, links: Sequence[CentreLink]) -> None:
        super().__init__(daemon=True)
        self.gate = gate
        self.told: list[tuple[float, float]] = []
        self.failed = 0
        self._links = links
        self._ending = threading.Event()

    def run(self) -> None:
        students = list(self.gate.keys)
        while not self._ending.wait(_PAUSE_S):
            for number in range(_SCANS):
                self.gate.pass_student(students[(len(self.told) + number) % _STUDENTS], SystemClock().now())
            self._send()

    def drain(self) -> None:
        """End, and send what is left, with a heartbeat that says how far the numbers go."""
        self._ending.set()
        self.join(30)
        deadline = time.monotonic() + _WELL_WITHIN_S
        while self.gate.ledger.waiting or not self._tried(self.gate.heartbeat):
            assert time.monotonic() < deadline, "the centre takes nothing"
            if self.gate.ledger.waiting and not self._send():
                time.sleep(_PAUSE_S)

    def _send(self) -> bool:
        began = time.monotonic()
        done = self._tried(self.gate.sync)
        if done:
            self.told.append((began, time.monotonic()))
        return done

    def _tried(self, exchange: Callable[[], object]) -> bool:
        """Whether it was answered; if not, the next goes elsewhere, as if the centre's name had several addresses."""
        try:
            exchange()
        except (NoAnswer, Refused):
            self.failed += 1
            self.gate.link = self._links[(self._links.index(self.gate.link) + 1) % len(self._links)]
            return False
        return True


class Fleet:
    """Some busy gates of a school.

    Args:
        engine: reaches the database by itself.
        name: of their school.
        urls: of the proxies; each gate begins with another.
    """

    def __init__(self, engine: Engine, name: str, urls: Sequence[str], certificate: Path, count: int = 4) -> None:
        self._engine = engine
        self._name = name
        self.gates = [self._gate(number, urls, certificate) for number in range(count)]

    @contextmanager
    def busy(self) -> Iterator[None]:
        """Gates at work meanwhile, and all their scans at the centre afterwards, each once and in its place."""
        for gate in self.gates:
            gate.start()
        try:
            yield
        finally:
            for gate in self.gates:
                gate.drain()
        self.compare()

    def compare(self) -> None:
        """What was acknowledged is there; nothing is there that was not scanned; numbers and chains are whole."""
        scanned = {scan.scan_id for gate in self.gates for scan in gate.gate.ledger.scans}
        with reading(self._engine) as conn:
            there = list(conn.execute(select(events.c.scan_id).where(events.c.school_id == self.school_id)).scalars())
            whole = [each.whole for each in devices.completeness(conn, self.school_id)]
            letters = conn.execute(
                select(func.count()).select_from(dead_letters).where(dead_letters.c.school_id == self.school_id)
            ).scalar_one()
        assert scanned - set(there) == set(), "acknowledged, and lost"
        assert sorted(there) == sorted(scanned)
        assert whole == [True] * len(self.gates)
        assert letters == 0

    def served_since(self, moment: float) -> bool:
        """Whether every gate had a request acknowledged that began after the moment."""
        return all(gate.told and gate.told[-1][0] > moment for gate in self.gates)

    def outage_s(self, since: float) -> float:
        """The longest time in which one gate was told nothing, since just before a moment."""
        gaps = [0.0]
        for gate in self.gates:
            times = [end for _, end in gate.told]
            gaps += [b - max(a, since) for a, b in pairwise(times) if b > since]
        return max(gaps)

    def _gate(self, number: int, urls: Sequence[str], certificate: Path) -> BusyGate:
        token, device_id = f"token of {self._name} {number}".replace(" ", "-"), f"gate-{number}"
        now: datetime = SystemClock().now().at
        with transaction(self._engine) as conn:
            if number == 0:
                self.school_id = schools.add(conn, self._name, _ZONE, now).school_id
            machine = Machine(device_id, wire.key_hash(token), "1.0", "Simulated gate")
            gate_id = gates.enrol(conn, self.school_id, f"Gate {number}", machine, now)
        trusted = ssl.create_default_context(cafile=certificate)
        trusted.check_hostname = False
        turn = number % len(urls)
        links = [CentreLink(url, token, trusted=trusted) for url in (*urls[turn:], *urls[:turn])]
        gate = SimulatedGate(links[0], gate_id, device_id, ZoneInfo(_ZONE), SystemClock(), seed=number)
        gate.know(invent(_STUDENTS, 1))
        return BusyGate(gate, links)
