"""What gates of a large fleet have to say: scans in batches, and heartbeats, prepared."""

import random
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from attendance import __version__
from attendance.clock import ManualClock, rfc3339
from attendance.sim.gate_health import health
from attendance.sim.gate_ledger import GateLedger
from centre.requests import AT_ONCE, Place, Prepared, foreign_scans, post

ZONE = ZoneInfo("Asia/Manila")
STUDENTS_A_GATE = 400
_DAY_S = 86_400.0
_BUSY_S = 3 * 3600.0


class Talker:
    """A gate that prepares what it would say.

    Args:
        line: its number among all.
        began: of its boot, and of its first scan.
    """

    def __init__(self, place: Place, line: int, began: datetime) -> None:
        self.place = place
        self.line = line
        self._chance = random.Random()  # each talker has an epoch of its own
        self._students = [f"{self._chance.getrandbits(128):032x}" for _ in range(STUDENTS_A_GATE)]
        self._clock = ManualClock(began, boot_id=f"{self._chance.getrandbits(128):032x}")
        self._ledger = GateLedger(place.device_id, ZONE, self._chance)

    def batch(self, scans: int, due_s: float, every_s: float, a_day: int = 0) -> Prepared:
        """The next so many scans, one each ``every_s`` of the gate's clock.

        Args:
            a_day: after so many of them it is the next morning; 0: it never is.
        """
        for _ in range(scans):
            self._clock.advance(every_s)
            if a_day and self._ledger.last_seq and self._ledger.last_seq % a_day == 0:
                self._clock.advance(_DAY_S - a_day * every_s)
            student = self._students[self._ledger.last_seq % STUDENTS_A_GATE]
            self._ledger.record(student, self._clock.now())
        items = self._ledger.batch(scans)
        self._ledger.forget(scans)
        return post(self.place, self.line, due_s, "sync", {"items": items})

    def heartbeat(self, due_s: float) -> Prepared:
        """With an empty queue: it follows a batch."""
        now = self._clock.now()
        up_s = now.boot_ns / 1e9
        said = {
            "sent_at": rfc3339(now.at),
            "boot_id": now.boot_id,
            "boot_ns": now.boot_ns,
            "clock_trusted": True,
            "version": __version__,
            "health": health(now, ZONE, up_s=up_s, scans=self._ledger.last_seq, waiting=0),
            "queue": {"items": 0, "oldest_seconds": 0.0, "photos": 0},
            "heads": [self._ledger.head()],
            "results": [],
            "applied": {"changes": 0, "scans": 0},
            "windows": [],
        }
        return post(self.place, self.line, due_s, "heartbeat", said)


def backlog(places: Sequence[Place], scans: int, batch: int, days: int, now: datetime) -> Iterator[Prepared]:
    """What gates kept for so many days without a line, as fast as the centre takes it: ``scans`` for each gate, all of
    a day in three hours."""
    a_day = max(1, scans // days)
    for line, place in enumerate(places):
        talker = Talker(place, line, now - timedelta(days=days))
        for first in range(0, scans, batch):
            yield talker.batch(min(batch, scans - first), AT_ONCE, _BUSY_S / a_day, a_day)


def living(
    places: Sequence[Place], seconds: float, *, scans_a_second: float, sync_s: float, heartbeat_s: float
) -> Iterator[Prepared]:
    """All gates for a while, each out of step with the others: what was scanned since the last time, a heartbeat, and
    after each heartbeat the question for what the school's other gates had."""
    now = datetime.now(UTC)
    scans = max(1, round(scans_a_second * sync_s / len(places)))
    for line, place in enumerate(places):
        talker = Talker(place, line, now)
        first = line / len(places)
        dues = [(sync_s * (first + n), 0) for n in range(round(seconds / sync_s))]
        calls = range(round(seconds / heartbeat_s))
        dues += [(heartbeat_s * (first + n) + 0.5, 1) for n in calls] + [
            (heartbeat_s * (first + n) + 1, 2) for n in calls
        ]
        for due_s, what in sorted(dues):
            if what == 0:
                yield talker.batch(scans, due_s, sync_s / scans)
            else:
                yield talker.heartbeat(due_s) if what == 1 else foreign_scans(place, line, due_s)
