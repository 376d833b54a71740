"""All gates as they are now, for the pages: what each is like, and what is wrong with it."""

import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, Engine

from attendance.clock import Clock
from attendance.fleet import watch
from attendance.fleet.store import overview
from attendance.fleet.store.engine import reading
from attendance.fleet.store.overview import KnownGate
from attendance.fleet.store.rollups import SLOT_MINUTES
from attendance.fleet.vitals import Vitals, from_summary
from attendance.ops.health import Problem

FRESH_S = 2.0
"""However many people look, the database is asked this often at most by each process."""
_KEPT_USUAL = 8
"""Time zones of a fleet that are remembered at a time; more only cost time."""

State = Literal["error", "silent", "warning", "ok"]
STATES: tuple[State, ...] = ("error", "silent", "warning", "ok")
"""The gravest first."""


@dataclass(frozen=True, slots=True)
class Passage:
    """How many have passed a gate.

    Attributes:
        today: since midnight at the school.
        usual: by this time on such a weekday; ``None``: not known.
        recent, usual_recent: the same of this and the last ten-minute slot: 15 minutes on average.
    """

    today: int = 0
    usual: float | None = None
    recent: int = 0
    usual_recent: float | None = None


@dataclass(frozen=True, slots=True)
class GateInSight:
    """One gate as the pages show it.

    Attributes:
        problems: the gravest first.
        clock_off_s: what the gate's clock is ahead of the centre's; ``None``: the gate does not trust it itself.
    """

    gate: KnownGate
    vitals: Vitals
    passage: Passage
    problems: tuple[Problem, ...]
    silent: bool
    clock_off_s: float | None

    @property
    def state(self) -> State:
        if self.silent:
            return "silent"
        severities = {problem.severity for problem in self.problems}
        return "error" if "error" in severities else "warning" if "warning" in severities else "ok"

    @property
    def rank(self) -> int:
        """The lower, the sooner somebody should look."""
        if any(problem.severity == "error" for problem in self.problems):
            return 0
        return STATES.index(self.state)


class Sight:
    """Reads and judges all gates, and remembers them for ``FRESH_S``."""

    def __init__(self, engine: Engine, clock: Clock) -> None:
        self._engine = engine
        self._clock = clock
        self._lock = threading.Lock()
        self._seen: tuple[GateInSight, ...] = ()
        self._seen_ns: int | None = None
        self._usual: dict[tuple[date, int], Mapping[str, tuple[float, ...]]] = {}

    def gates(self) -> tuple[GateInSight, ...]:
        """All live gates, by school and name.

        Raises:
            StorageError: the database cannot be asked.
        """
        with self._lock:
            now_ns = self._clock.boot_ns()
            if self._seen_ns is None or now_ns - self._seen_ns > FRESH_S * 1e9:
                self._seen, self._seen_ns = self._look(), now_ns
            return self._seen

    def gate(self, gate_id: str) -> GateInSight | None:
        """A live gate as it was at the last look, or a revoked one."""
        for each in self.gates():
            if each.gate.gate_id == gate_id:
                return each
        with reading(self._engine) as conn:
            found = overview.known_gates(conn, gate_id)
        return _judged(found[0], Passage(), watch.GateFacts(None), (), True) if found else None

    def forget(self) -> None:
        """Look anew at the next question: something was changed here."""
        with self._lock:
            self._seen_ns = None

    def _look(self) -> tuple[GateInSight, ...]:
        now = self._clock.now().at
        with reading(self._engine) as conn:
            known = overview.known_gates(conn)
            passages = self._passages(conn, known, now)
            faults = overview.chain_faults(conn)
            letters = overview.open_letters(conn)
        newest = watch.newest([gate.version for gate in known])
        of_school: dict[str, list[KnownGate]] = {}
        for gate in known:
            of_school.setdefault(gate.school_id, []).append(gate)
        seen = []
        for gate in known:
            missing, broken_at = faults.get(gate.gate_id, (0, None))
            facts = watch.GateFacts(
                called_at=gate.called_at,
                clock_off_s=_clock_off(gate),
                clock_trusted=gate.clock_trusted,
                version=gate.version,
                health=gate.summary,
                queue_items=gate.queue_items,
                oldest_s=gate.oldest_seconds,
                scans=passages[gate.gate_id].recent,
                usual_scans=passages[gate.gate_id].usual_recent,
                missing=missing,
                broken_at=broken_at,
                refused=letters.get(gate.gate_id, 0),
                neighbours=_neighbours(gate, of_school[gate.school_id], passages, now),
            )
            problems = watch.problems(facts, now, newest)
            seen.append(_judged(gate, passages[gate.gate_id], facts, problems, watch.silent(facts, now)))
        return tuple(seen)

    def _passages(self, conn: Connection, known: Iterable[KnownGate], now: datetime) -> dict[str, Passage]:
        """By gate; each by the clock of its own school."""
        at = {gate.gate_id: now.astimezone(ZoneInfo(gate.timezone)) for gate in known}
        scans = overview.scans_of_days(conn, {local.date() for local in at.values()})
        return {
            gate_id: _passage(
                local, scans.get((gate_id, local.date().isoformat()), {}), self._usual_of(conn, local).get(gate_id)
            )
            for gate_id, local in at.items()
        }

    def _usual_of(self, conn: Connection, local: datetime) -> Mapping[str, tuple[float, ...]]:
        """Scans before the last, this and the next slot; asked once a slot, for it reads weeks."""
        key = (local.date(), _slot(local))
        if key not in self._usual:
            while len(self._usual) >= _KEPT_USUAL:
                self._usual.pop(next(iter(self._usual)))
            slots = (key[1] - 1, key[1], key[1] + 1)
            self._usual[key] = overview.usual_scans(conn, key[0], slots)
        return self._usual[key]


def _slot(local: datetime) -> int:
    return (local.hour * 60 + local.minute) // SLOT_MINUTES


def _passage(local: datetime, scans: Mapping[int, int], usual: tuple[float, ...] | None) -> Passage:
    slot = _slot(local)
    today, recent = sum(scans.values()), scans.get(slot, 0) + scans.get(slot - 1, 0)
    if usual is None:
        return Passage(today, None, recent, None)
    before_last, before_this, before_next = usual
    part = (local.minute % SLOT_MINUTES + local.second / 60) / SLOT_MINUTES
    by_now = before_this + part * (before_next - before_this)
    return Passage(today, by_now, recent, by_now - before_last)


def _neighbours(
    gate: KnownGate, school: Iterable[KnownGate], passages: Mapping[str, Passage], now: datetime
) -> watch.Neighbours:
    others = [each for each in school if each.gate_id != gate.gate_id]
    if not others:
        return watch.Neighbours()
    calling = sum(1 for each in others if not watch.silent(watch.GateFacts(each.called_at), now))
    busiest = max((passages[each.gate_id] for each in others), key=lambda passage: passage.recent)
    return watch.Neighbours(calling, busiest.recent, busiest.usual_recent)


def _clock_off(gate: KnownGate) -> float:
    if gate.called_at is None or gate.sent_at is None:
        return 0.0
    return (gate.sent_at - gate.called_at).total_seconds()


def _judged(
    gate: KnownGate, passage: Passage, facts: watch.GateFacts, problems: tuple[Problem, ...], silent: bool
) -> GateInSight:
    off = facts.clock_off_s if facts.clock_trusted else None
    return GateInSight(gate, from_summary(gate.summary), passage, problems, silent, off)
