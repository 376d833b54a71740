"""A school morning at one simulated gate: students pass, some cards are refused, records leave, heartbeats beat."""

import logging
import random
from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta

from attendance.clock import Clock, Moment
from attendance.domain.scan import Refusal
from attendance.errors import AttendanceError
from attendance.ops.service import IDLE_S
from attendance.sim.gates import SimulatedGate

SYNC_S = 2.0
HEARTBEAT_S = 5.0
"""A real gate's is a minute; who watches a demo does not wait that long."""
_AFTER_FAILURE_S = 3.0
_LATE_SHARE = 0.08
_LATEST_MINUTES = 25
_ABSENT_SHARE = 0.05
_AGAIN_SHARE, _STRANGE_SHARE = 0.02, 0.005
"""Of those who pass: how often a card is held up once more, and how often one is none of the school's."""
_EARLIER_BOOT = "earlier"
_WEEKS = 3
"""Before today, so that there is something usual."""

log = logging.getLogger(__name__)


class Morning:
    """The stepper of one gate.

    Args:
        students: numbers of who passes here. Those who come on a day pass in, and when all are in, out, and so on.
        every_s: between two of them, on average.
    """

    def __init__(
        self, gate: SimulatedGate, students: Sequence[str], clock: Clock, *, every_s: float, seed: int = 1
    ) -> None:
        self._gate = gate
        self._clock = clock
        self._chance = random.Random(f"{seed} {gate.device_id} morning")
        self._students = students
        self._day: date | None = None
        self._passing: Iterator[tuple[str, str, int]] = iter(())
        self._every_s = every_s
        self._pass_s = self._sync_s = self._heartbeat_s = clock.boot_ns() / 1e9

    def remember(self, hours: float, every_s: float, *, last_before: timedelta = timedelta()) -> None:
        """Record what passed in so many hours around this time of day in earlier weeks, and before now.

        Args:
            every_s: between two students then, on average.
            last_before: how long before now the last one passed.
        """
        now = self._clock.now().at
        for weeks in range(_WEEKS, 0, -1):
            day = now - timedelta(weeks=weeks)
            self._pass_between(day - timedelta(hours=hours), day + timedelta(hours=hours), every_s)
        self._pass_between(now - timedelta(hours=hours), now - last_before, every_s)
        self._gate.proof.worked(now - timedelta(weeks=_WEEKS, hours=hours), now)

    def close(self) -> None:
        """Nobody passes any more."""
        self._pass_s = float("inf")

    def step(self) -> float:
        now_s = self._clock.boot_ns() / 1e9
        self._gate.proof.look(self._clock.now())
        if self._pass_s <= now_s:
            self._pass_one(self._clock.now())
            self._pass_s = now_s + self._pause_s(self._every_s)
        try:
            if self._sync_s <= now_s:
                self._sync_s = now_s + (0.0 if self._gate.sync() else SYNC_S)
            if self._heartbeat_s <= now_s:
                self._gate.heartbeat()
                self._heartbeat_s = now_s + HEARTBEAT_S
        except AttendanceError as error:
            log.warning("%s: %s", self._gate.device_id, error)
            self._sync_s = self._heartbeat_s = now_s + _AFTER_FAILURE_S
        due_s = min(self._sync_s, self._heartbeat_s, self._pass_s)
        return min(IDLE_S, max(0.0, due_s - self._clock.boot_ns() / 1e9))

    def _pass_between(self, begin: datetime, end: datetime, every_s: float) -> None:
        at = begin
        while (at := at + timedelta(seconds=self._pause_s(every_s))) < end:
            self._pass_one(self._seen(at))

    def _seen(self, at: datetime) -> Moment:
        now = self._clock.now()
        boot_ns = now.boot_ns - round((now.at - at).total_seconds() * 1e9)
        return self._clock.moment(boot_ns) if boot_ns >= 0 else Moment(at, _EARLIER_BOOT, 0, trusted=True)

    def _pause_s(self, every_s: float) -> float:
        return self._chance.expovariate(1 / every_s)

    def _pass_one(self, seen: Moment) -> None:
        day = seen.at.astimezone(self._gate.zone).date()
        if day != self._day:
            self._day, self._passing = day, _passing(self._students, self._chance)
        number, direction, minutes_late = next(self._passing)
        self._gate.pass_student(number, seen, direction=direction, minutes_late=minutes_late)
        if self._chance.random() < _AGAIN_SHARE:
            self._gate.refuse(Refusal.DUPLICATE, seen, number)
        if self._chance.random() < _STRANGE_SHARE:
            self._gate.refuse(Refusal.UNKNOWN_CARD, seen)


def _passing(students: Sequence[str], chance: random.Random) -> Iterator[tuple[str, str, int]]:
    """Numbers, directions and minutes late of who came, without end; in another order each time."""
    came = [number for number in students if chance.random() >= _ABSENT_SHARE]
    while True:
        for direction in ("in", "out"):
            for number in chance.sample(came, len(came)):
                late = direction == "in" and chance.random() < _LATE_SHARE
                yield number, direction, chance.randint(1, _LATEST_MINUTES) if late else 0
