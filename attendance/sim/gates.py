"""Simulated gates: they say to a centre what real ones say, without camera, cards and disk.

Each has its own numbers, chain and epochs. What it recorded leaves its queue only when a signed answer says so.
"""

import random
import secrets
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any
from zoneinfo import ZoneInfo

from uuid6 import uuid7

from attendance import __version__
from attendance.clock import Clock, Moment, from_rfc3339, rfc3339
from attendance.domain import wire
from attendance.domain.scan import Refusal
from attendance.errors import AttendanceError
from attendance.sim.centre_link import Answer, CentreLink
from attendance.sim.gate_health import health
from attendance.sim.gate_ledger import GateLedger
from attendance.sim.gate_proof import GateProof
from attendance.sim.scan_times import ScanTimes
from attendance.sim.school import Invented

BATCH_SIZE = 200
_MODEL = "Simulated gate"
_DONE = "done"


class Refused(AttendanceError):
    """The centre said no, and why."""


@dataclass(slots=True)
class Contact:
    """What a gate knows from its talks with the centre.

    Attributes:
        results: of commands, told with the next heartbeat.
        done: commands that were carried out, so that none is twice.
        siblings: the school's other gates, as the last answer named them.
    """

    applied: dict[str, int] = field(default_factory=lambda: {"changes": 0, "scans": 0})
    results: list[dict[str, str]] = field(default_factory=list)
    done: set[str] = field(default_factory=set)
    siblings: list[dict[str, Any]] = field(default_factory=list)


class SimulatedGate:
    """One enrolled gate. Used from one thread at a time.

    Args:
        seed: its epochs, its students' keys and its scan times are the same for the same seed.

    Attributes:
        proof: when it worked; a heartbeat vouches for the moment.
    """

    def __init__(
        self,
        link: CentreLink,
        gate_id: str,
        device_id: str,
        zone: ZoneInfo,
        clock: Clock,
        *,
        school: str = "",
        seed: int = 1,
    ) -> None:
        self.link = link
        self.gate_id = gate_id
        self.device_id = device_id
        self.contact = Contact()
        self.keys: dict[str, str] = {}
        self._chance = random.Random(f"{seed} {device_id}")
        self.zone = zone
        self._school = school
        self._clock = clock
        self._times = ScanTimes(random.Random(f"{seed} {device_id} times"))
        self.proof = GateProof(zone)
        self.ledger = GateLedger(device_id, zone, self._chance)

    @classmethod
    def enrol(cls, url: str, code: str, device_id: str, name: str, clock: Clock, *, seed: int = 1) -> "SimulatedGate":
        """Take the place that an invitation offers.

        Raises:
            NoAnswer: the centre did not answer.
            Refused: the code is not good.
        """
        link = CentreLink(url, secrets.token_urlsafe(32))
        said = {"code": code, "key_hash": link.key_hash, "device_id": device_id, "device_name": name}
        place = _good(link.ask("POST", "/enrol", {**said, "version": __version__, "model": _MODEL}))
        zone = ZoneInfo(place["timezone"])
        return cls(link, place["gate_id"], device_id, zone, clock, school=place["school"], seed=seed)

    def know(self, students: Iterable[Invented]) -> None:
        """Take a school's list; the centre is told of those who are on it."""
        self.ledger.queue(self._added(student).model_dump() for student in students)

    def pass_student(self, student_id: str, seen: Moment, *, direction: str = "in", minutes_late: int = 0) -> wire.Scan:
        """A student of the list shows the card, in this boot of the gate or in an earlier one."""
        self._measure(seen)
        return self.ledger.record(self.keys[student_id], seen, direction=direction, minutes_late=minutes_late)

    def refuse(self, refusal: Refusal, seen: Moment, student_id: str = "") -> None:
        """A card is not accepted.

        Args:
            student_id: of the list; empty: it is nobody's.
        """
        self._measure(seen)
        said = {
            "refusal_id": str(uuid7()),
            "device_id": self.device_id,
            "refusal": refusal,
            "student_key": self.keys[student_id] if student_id else None,
            "day": self._day(seen),
            "seen_at": rfc3339(seen.at),
            "clock_trusted": seen.trusted,
            "source": "camera",
        }
        self.ledger.queue([wire.Refused.model_validate(said).model_dump()])

    def sync(self) -> int:
        """Send one batch; how many items it had.

        Raises:
            NoAnswer: nothing is acknowledged.
            Refused: nor then.
        """
        items = self.ledger.batch(BATCH_SIZE)
        if items:
            self.ledger.acknowledge(_good(self.link.ask("POST", "/sync", {"items": items}))["results"])
        return len(items)

    def heartbeat(self) -> None:
        """Tell how the gate is, and do what the answer asks for.

        Raises:
            NoAnswer: the results of commands stay for the next one.
            Refused: those stay, too.
        """
        told = list(self.contact.results)
        said = _good(self.link.ask("POST", "/heartbeat", self._pulse(told)))
        del self.contact.results[: len(told)]
        self.contact.siblings = said["siblings"]
        for command in said["commands"]:
            self._obey(command)

    def _pulse(self, results: list[dict[str, str]]) -> dict[str, Any]:
        now = self._clock.now()
        self.proof.look(now)
        waiting = self.ledger.batch(1)
        oldest = (waiting[0].get("scanned_at") or waiting[0].get("seen_at")) if waiting else None
        age_s = max(0.0, (now.at - from_rfc3339(oldest)).total_seconds()) if oldest else 0.0
        return {
            "sent_at": rfc3339(now.at),
            "boot_id": now.boot_id,
            "boot_ns": now.boot_ns,
            "clock_trusted": now.trusted,
            "version": __version__,
            "health": self._health(now, age_s),
            "queue": {"items": self.ledger.waiting, "oldest_seconds": age_s, "photos": 0},
            "heads": [self.ledger.head()],
            "results": results,
            "applied": self.contact.applied,
            "windows": [window.model_dump() for window in self.proof.windows(now.at)],
        }

    def _health(self, now: Moment, oldest_s: float) -> dict[str, Any]:
        today = self._day(now)
        return health(
            now,
            self.zone,
            up_s=now.boot_ns / 1e9,
            scans=len(self.ledger.scans),
            today=sum(scan.day == today for scan in self.ledger.scans),
            students=len(self.keys),
            waiting=self.ledger.waiting,
            oldest_s=oldest_s,
            taken=self._times.told(),
            school=self._school,
        )

    def _measure(self, seen: Moment) -> None:
        """What was seen in an earlier boot was measured by another run."""
        if seen.boot_id == self._clock.boot_id:
            self._times.take()

    def _day(self, at: Moment) -> str:
        return at.at.astimezone(self.zone).date().isoformat()

    def _obey(self, command: dict[str, Any]) -> None:
        if command["command_id"] in self.contact.done or not self._is_of_the_centre(command):
            return
        self.contact.done.add(command["command_id"])
        detail = "A simulated gate has nothing to do for it."
        self.contact.results.append({"command_id": command["command_id"], "state": _DONE, "detail": detail})

    def _is_of_the_centre(self, command: dict[str, Any]) -> bool:
        said = (command[name] for name in ("command_id", "gate_id", "kind", "arguments", "issued_at", "expires_at"))
        right = wire.signature_of_command(self.link.key_hash, *said)
        return secrets.compare_digest(right, command["signature"]) and command["gate_id"] == self.gate_id

    def _added(self, student: Invented) -> wire.Student:
        key = uuid.UUID(int=self._chance.getrandbits(128)).hex
        self.keys[student.student_id] = key
        return wire.Student.model_validate(
            {
                "student_key": key,
                "student_id": student.student_id,
                "name": f"{student.last_name}, {student.first_name}",
                "section": student.section,
                "grade": student.grade,
                "sex": student.sex,
                "guardians": [{"phone": student.phone, "name": student.guardian}],
            }
        )


def _good(answer: Answer) -> Any:
    if answer.status == 200:
        return answer.body
    error = answer.body.get("error", {})
    raise Refused(f"The centre refused ({answer.status}, {error.get('code')}): {error.get('message')}")
