"""All gates as they are now, for the pages: what each is like, and what is wrong with it."""

import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from itertools import groupby
from typing import Literal
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, Engine

from attendance.clock import Clock
from attendance.fleet import watch
from attendance.fleet.store import audit, overview
from attendance.fleet.store.engine import asking, reading
from attendance.fleet.store.overview import KnownGate
from attendance.fleet.store.rollups import SLOT_MINUTES
from attendance.fleet.vitals import Vitals, from_summary
from attendance.ops.health import Problem

FRESH_S = 5.0
"""However many people look, each process looks at all gates this often at most, unless somebody did something."""
_KEPT_USUAL = 8
"""Time zones of a fleet that are remembered at a time; more only cost time."""

_Scans = Mapping[str, tuple[int, int]]
_Usual = Mapping[str, tuple[float, ...]]
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
    """Reads and judges all gates, and remembers them for ``FRESH_S``, or until the audit has something new."""

    def __init__(self, engine: Engine, clock: Clock) -> None:
        self._engine = engine
        self._clock = clock
        self._lock = threading.Lock()
        self._seen: tuple[GateInSight, ...] | None = None
        self._seen_ns = 0
        self._done = 0
        self._usual: dict[tuple[date, int], _Usual] = {}

    def gates(self) -> tuple[GateInSight, ...]:
        """All live gates, by school and name. While one looks, others get what was seen last.

        Raises:
            StorageError: the database cannot be asked.
        """
        with asking(self._engine) as conn:
            done = audit.newest(conn)  # perhaps by another process: who renames a gate shall see the name
        if not self._lock.acquire(blocking=self._seen is None or done != self._done):
            return self._seen or ()
        try:
            now_ns = self._clock.boot_ns()
            if self._seen is None or done != self._done or now_ns - self._seen_ns > FRESH_S * 1e9:
                self._seen, self._seen_ns, self._done = self._look(), now_ns, done
            return self._seen
        finally:
            self._lock.release()

    def gate(self, gate_id: str) -> GateInSight | None:
        """A live gate as it was at the last look, or a revoked one."""
        for each in self.gates():
            if each.gate.gate_id == gate_id:
                return each
        with reading(self._engine) as conn:
            found = overview.known_gates(conn, gate_id)
        return _judged(found[0], Passage(), watch.GateFacts(None), (), True) if found else None

    def _look(self) -> tuple[GateInSight, ...]:
        now = self._clock.now().at
        with reading(self._engine) as conn:
            known = overview.known_gates(conn)
            passages = self._passages(conn, known, now)
            faults = overview.chain_faults(conn)
            letters = overview.open_letters(conn)
        newest = watch.newest([gate.version for gate in known])
        seen = []
        for _, members in groupby(known, key=lambda gate: gate.school_id):
            school = list(members)
            facts = [_facts(gate, passages[gate.gate_id], faults, letters) for gate in school]
            for gate, alone in zip(school, facts, strict=True):
                among = replace(alone, neighbours=_neighbours(alone, facts, now))
                problems = watch.problems(among, now, newest)
                seen.append(_judged(gate, passages[gate.gate_id], among, problems, watch.silent(among, now)))
        return tuple(seen)

    def _passages(self, conn: Connection, known: Iterable[KnownGate], now: datetime) -> dict[str, Passage]:
        """By gate; each by the clock of its own school."""
        found = {}
        zones: dict[str, tuple[datetime, _Scans, _Usual]] = {}  # what is the same for all gates of a zone
        for gate in known:
            if gate.timezone not in zones:
                here = now.astimezone(ZoneInfo(gate.timezone))
                of_day = overview.scans_of_day(conn, here.date(), _slot(here) - 1)
                zones[gate.timezone] = (here, of_day, self._usual_of(conn, here))
            local, scans, usual = zones[gate.timezone]
            found[gate.gate_id] = _passage(local, *scans.get(gate.gate_id, (0, 0)), usual.get(gate.gate_id))
        return found

    def _usual_of(self, conn: Connection, local: datetime) -> _Usual:
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


def _passage(local: datetime, today: int, recent: int, usual: tuple[float, ...] | None) -> Passage:
    if usual is None:
        return Passage(today, None, recent, None)
    before_last, before_this, before_next = usual
    part = local.minute % SLOT_MINUTES / SLOT_MINUTES  # by whole minutes: a page shall not change with each second
    by_now = before_this + part * (before_next - before_this)
    return Passage(today, by_now, recent, by_now - before_last)


def _facts(
    gate: KnownGate,
    passage: Passage,
    faults: Mapping[str, tuple[int, int | None]],
    letters: Mapping[str, int],
) -> watch.GateFacts:
    """What is known of a gate by itself."""
    missing, broken_at = faults.get(gate.gate_id, (0, None))
    return watch.GateFacts(
        called_at=gate.called_at,
        clock_off_s=_clock_off(gate),
        clock_trusted=gate.clock_trusted,
        version=gate.version,
        health=gate.summary,
        queue_items=gate.queue_items,
        oldest_s=gate.oldest_seconds,
        scans=passage.recent,
        usual_scans=passage.usual_recent,
        missing=missing,
        broken_at=broken_at,
        refused=letters.get(gate.gate_id, 0),
    )


def _neighbours(own: watch.GateFacts, school: Iterable[watch.GateFacts], now: datetime) -> watch.Neighbours:
    others = [each for each in school if each is not own]
    if not others:
        return watch.Neighbours()
    busiest = max(others, key=lambda each: each.scans)
    calling = sum(1 for each in others if not watch.silent(each, now))
    return watch.Neighbours(calling, busiest.scans, busiest.usual_scans)


def _clock_off(gate: KnownGate) -> float:
    if gate.called_at is None or gate.sent_at is None:
        return 0.0
    return (gate.sent_at - gate.called_at).total_seconds()


def _judged(
    gate: KnownGate, passage: Passage, facts: watch.GateFacts, problems: tuple[Problem, ...], silent: bool
) -> GateInSight:
    off = facts.clock_off_s if facts.clock_trusted else None
    return GateInSight(gate, from_summary(gate.summary), passage, problems, silent, off)
