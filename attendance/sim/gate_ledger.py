"""The ledger and the queue of a simulated gate, in memory: numbered and chained as on a real one."""

import random
from collections import deque
from collections.abc import Iterable, Sequence
from datetime import tzinfo
from typing import Any

from uuid6 import uuid7

from attendance.clock import Moment, rfc3339
from attendance.domain import wire
from attendance.domain.scan import Status
from attendance.sim.school import SCHEDULE


class GateLedger:
    """Scans of one device, and what of them the centre has not acknowledged.

    Attributes:
        scans: all that were ever recorded, in order, those of ended epochs too.
        dead: items that the centre will never take, with its reason.
    """

    def __init__(self, device_id: str, zone: tzinfo, chance: random.Random) -> None:
        self.device_id = device_id
        self.scans: list[wire.Scan] = []
        self.dead: list[tuple[dict[str, Any], str]] = []
        self._zone = zone
        self._chance = chance
        self._waiting: deque[dict[str, Any]] = deque()
        self._passages: dict[tuple[str, str, str], int] = {}
        self.epoch, self.last_seq, self.chain = self._new_epoch(), 0, ""

    def record(self, student_key: str, seen: Moment, *, direction: str = "in", minutes_late: int = 0) -> wire.Scan:
        """Write an accepted scan, and queue it."""
        day = seen.at.astimezone(self._zone).date().isoformat()
        passage = self._passages.get((student_key, day, direction), 0) + 1
        self._passages[student_key, day, direction] = passage
        row = {
            "type": "scan",
            "scan_id": str(uuid7()),
            "device_id": self.device_id,
            "epoch": self.epoch,
            "seq": self.last_seq + 1,
            "student_key": student_key,
            "day": day,
            "session": SCHEDULE.sessions[0].name,
            "direction": direction,
            "status": Status.LATE if minutes_late else Status.ON_TIME,
            "passage": passage,
            "minutes_late": minutes_late,
            "scanned_at": rfc3339(seen.at),
            "boot_id": seen.boot_id,
            "boot_ns": seen.boot_ns,
            "clock_trusted": seen.trusted,
            "source": "camera",
            "card_issue": 0,
            "card_signed": False,
            "chain": "",
        }
        row["chain"] = self.chain = wire.chain(self.chain, wire.Scan.model_validate(row))
        scan = wire.Scan.model_validate(row)
        self.last_seq = scan.seq
        self.scans.append(scan)
        self._waiting.append(row)
        return scan

    def queue(self, items: Iterable[dict[str, Any]]) -> None:
        """Let other items leave, too."""
        self._waiting.extend(items)

    @property
    def waiting(self) -> int:
        return len(self._waiting)

    def batch(self, size: int) -> list[dict[str, Any]]:
        """The items that leave next; they stay until ``acknowledge``."""
        return [self._waiting[n] for n in range(min(size, len(self._waiting)))]

    def acknowledge(self, results: Sequence[dict[str, Any]]) -> None:
        """Take what a signed answer says of the last ``batch``; what is ``later`` goes to the end of the queue."""
        for result in results:
            item = self._waiting.popleft()
            if result["result"] == wire.Result.LATER:
                self._waiting.append(item)
            elif result["result"] in (wire.Result.CONFLICT, wire.Result.REJECTED):
                self.dead.append((item, result["reason"]))

    def forget(self, count: int) -> None:
        """Drop the first items of the queue and the scans that were recorded first, as many of each: somebody else
        has them."""
        del self.scans[:count]
        for _ in range(count):
            self._waiting.popleft()

    def restore(self, lost: int) -> None:
        """Go on from a backup that lacks the last ``lost`` scans: a new epoch, whose numbers begin anew."""
        kept = len(self.scans) - lost
        gone = {scan.scan_id for scan in self.scans[kept:]}
        self.scans = self.scans[:kept]
        self._waiting = deque(item for item in self._waiting if item.get("scan_id") not in gone)
        self.epoch, self.last_seq, self.chain = self._new_epoch(), 0, ""

    def head(self) -> dict[str, Any]:
        """As a heartbeat tells of it."""
        return {"device_id": self.device_id, "epoch": self.epoch, "last_seq": self.last_seq, "chain": self.chain}

    def _new_epoch(self) -> str:
        return f"{self._chance.getrandbits(64):016x}"
