"""The gate's loop: sighting, decision, record, feedback, photo. One thread decides, so decisions have an order."""

import logging
import queue
import sqlite3
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from zoneinfo import ZoneInfo

from attendance.clock import Clock, Moment, from_rfc3339
from attendance.domain.message import MessageKind, kind_of
from attendance.domain.scan import Accepted, Decision, GateDirection, Refusal, Refused, decide
from attendance.domain.schedule import Schedule
from attendance.domain.student import Student
from attendance.errors import StorageError
from attendance.kiosk.album import Album, Entry
from attendance.kiosk.identity import CardRules, Holder, identify
from attendance.kiosk.store import closures, ledger, register
from attendance.ops.service import IDLE_S, Service
from attendance.ops.sqlite import Writer
from attendance.vision.messages import Ended, Portrait, Sighting, Verdict

log = logging.getLogger(__name__)

_OPEN_PORTRAITS = 256
"""Accepted scans whose photo is still awaited; far more than half a second of look-ahead can hold."""
_INTERRUPTED = "The camera was restarted before a face was found."


_Message = Sighting | Portrait | Ended | str | None
"""What comes in; a text is why the vision process was replaced, ``None`` only wakes."""


@dataclass(frozen=True, slots=True)
class GateRules:
    """What this gate is told by its configuration.

    Attributes:
        message_kinds: what guardians are told by SMS; empty when SMS is off.
    """

    device_id: str
    zone: ZoneInfo
    schedule: Schedule
    direction: GateDirection
    cards: CardRules
    message_kinds: frozenset[MessageKind]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a sighting, for the screen, the buzzer and the metrics.

    Attributes:
        decision: ``None`` when the gate could not record it.
        scan_id: of the attendance row; empty when refused.
        at: local time of the school, aware.
        count: accepted scans of that day so far.
        latency_s: from the frame that shows the card to the commit.
    """

    decision: Decision | None
    sentence: str
    student: Student | None
    scan_id: str
    at: datetime
    count: int
    latency_s: float


@dataclass(frozen=True, slots=True)
class _Written:
    decision: Decision
    student: Student | None
    recorded: ledger.Recorded | None
    count: int


class Station:
    """Decides what each sighting means and sees it through.

    Args:
        answer: sends a verdict to the vision process.
        show: gets every outcome after its commit.
        ended: called when a file source has no more frames and all it led to is recorded.

    Attributes:
        recording: whether the last scan could be recorded.
    """

    def __init__(
        self,
        rules: GateRules,
        clock: Clock,
        writer: Writer,
        album: Album,
        *,
        answer: Callable[[Verdict], None],
        show: Callable[[Outcome], None],
        ended: Callable[[], None],
    ) -> None:
        self._rules = rules
        self._clock = clock
        self._writer = writer
        self._album = album
        self._answer = answer
        self._show = show
        self._ended = ended
        self._inbox: queue.SimpleQueue[_Message] = queue.SimpleQueue()
        self._awaiting: OrderedDict[str, tuple[str, str, int]] = OrderedDict()
        self._readings = 0
        self._sighted_ns = 0
        self.recording = True
        self.service = Service("station", self, wake=lambda: self._inbox.put(None))

    def receive(self, message: Sighting | Portrait | Ended) -> None:
        """Take a message of the vision process; any thread."""
        self._inbox.put(message)

    def read(self, payload: bytes) -> None:
        """Take what a USB reader typed; any thread."""
        now = self._clock.boot_ns()
        self._readings += 1
        self._inbox.put(Sighting(f"reader-{self._readings}", now, None, now, (), payload))

    def interrupted(self, reason: str) -> None:
        """The vision process was replaced: nobody will send the photos it was looking for."""
        self._inbox.put(reason)

    @property
    def quiet_s(self) -> float:
        """How long nobody has shown a card; 0 while a photo is awaited or a message waits. Any thread."""
        if self._awaiting or not self._inbox.empty():
            return 0.0
        return (self._clock.boot_ns() - self._sighted_ns) / 1e9

    def stop(self, timeout_s: float = 2.0) -> bool:
        """Decide what was handed over, then end; whether all of it was decided in time."""
        end_ns = self._clock.boot_ns() + round(timeout_s * 1e9)
        ended = self.service.stop(timeout_s)
        while ended and not self._inbox.empty() and self._clock.boot_ns() < end_ns:
            self._take(self._inbox.get())
        return ended and self._inbox.empty()

    def step(self) -> float:
        with suppress(queue.Empty):
            self._take(self._inbox.get(timeout=IDLE_S))
        return 0

    def _take(self, message: _Message) -> None:
        match message:
            case Sighting():
                self._sighting(message)
            case Portrait():
                self._portrait(message)
            case Ended():
                self._ended()
            case str():
                self._give_up_portraits()

    def _sighting(self, sighting: Sighting) -> None:
        source = "reader" if sighting.sighting_id.startswith("reader-") else "camera"
        origin = ledger.Origin(self._rules.device_id, source)
        seen = self._moment(sighting)
        self._sighted_ns = self._clock.boot_ns()
        try:
            written = self._writer.run(lambda conn: self._write(conn, sighting.payload, seen, origin))
        except StorageError as error:
            log.error("scan not recorded: %s", error)
            written = None
        self.recording = written is not None
        self._finish(sighting, seen, written)

    def _moment(self, sighting: Sighting) -> Moment:
        """When the frame was taken: a file's frames carry their own time, which whoever named the file vouches for."""
        moment = self._clock.moment(sighting.boot_ns)
        return replace(moment, at=from_rfc3339(sighting.wall), trusted=True) if sighting.wall else moment

    def _write(self, conn: sqlite3.Connection, payload: bytes, seen: Moment, origin: ledger.Origin) -> _Written:
        """The transaction: who, what it means, and the record of it."""
        rules = self._rules
        holder = identify(conn, payload, origin.source, rules.cards)
        local = ledger.local(seen.at, rules.zone)
        decision: Decision = holder if isinstance(holder, Refused) else self._decide(conn, holder, seen, local)
        student = holder.student if isinstance(holder, Holder) else None
        recorded = None
        if isinstance(decision, Accepted) and isinstance(holder, Holder):
            kind = kind_of(decision)
            message = kind if kind in rules.message_kinds else None
            recorded = ledger.record(conn, holder.student.key, decision, seen, origin, holder.used, message)
        elif isinstance(decision, Refused):
            text = payload.decode("utf-8", "surrogateescape")
            ledger.refuse(conn, decision.refusal, student.key if student else None, text, seen, local.date(), origin)
        return _Written(decision, student, recorded, register.scans_on(conn, local.date()))

    def _decide(self, conn: sqlite3.Connection, holder: Holder, seen: Moment, local: datetime) -> Decision:
        decision = decide(
            holder.student,
            local,
            schedule=self._rules.schedule,
            closures=closures.around(conn, local.date()),
            history=ledger.history(conn, holder.student.key, seen.at, self._rules.zone),
            gate=self._rules.direction,
        )
        if isinstance(decision, Accepted):
            return replace(decision, passage=ledger.free_passage(conn, holder.student.key, decision))
        return decision

    def _finish(self, sighting: Sighting, seen: Moment, written: _Written | None) -> None:
        """Tell the student first, then the vision process whether a photo is wanted."""
        recorded = written.recorded if written else None
        self._show(
            Outcome(
                decision=written.decision if written else None,
                sentence=written.decision.sentence if written else "The gate cannot record now. Tell the office.",
                student=written.student if written else None,
                scan_id=recorded.scan_id if recorded else "",
                at=seen.at.astimezone(self._rules.zone),
                count=written.count if written else 0,
                latency_s=(self._clock.boot_ns() - sighting.boot_ns) / 1e9,
            )
        )
        comment = ""
        if recorded and written and isinstance(written.decision, Accepted) and written.student:
            self._await_portrait(sighting, recorded.scan_id, written.decision)
            comment = " ".join(
                (
                    "attendance/1",
                    recorded.scan_id,
                    recorded.epoch,
                    str(recorded.seq),
                    written.student.key,
                    written.decision.direction,
                    seen.at.isoformat(),
                )
            )
        self._answer(
            Verdict(
                sighting.sighting_id, recorded is not None, sighting.boot_ns, sighting.wall, sighting.corners, comment
            )
        )

    def _await_portrait(self, sighting: Sighting, scan_id: str, scan: Accepted) -> None:
        self._awaiting[sighting.sighting_id] = (scan_id, scan.day.isoformat(), sighting.boot_ns)
        if len(self._awaiting) > _OPEN_PORTRAITS:
            self._awaiting.popitem(last=False)

    def _portrait(self, portrait: Portrait) -> None:
        awaited = self._awaiting.get(portrait.sighting_id)
        if awaited is None:
            return
        if portrait.final:
            del self._awaiting[portrait.sighting_id]
        if portrait.jpeg or portrait.final:
            scan_id, day, read_boot_ns = awaited
            self._album.keep(Entry(scan_id, day, portrait, read_boot_ns))

    def _give_up_portraits(self) -> None:
        for scan_id, day, _ in self._awaiting.values():
            self._album.keep(Entry(scan_id, day, Portrait("", True, _INTERRUPTED, 0.0, 0)))
        self._awaiting.clear()


def tone_of(decision: Decision | None) -> str:
    """Which of the screen's and buzzer's tones tells this outcome."""
    if decision is None:
        return "refused"
    if isinstance(decision, Accepted):
        return "late" if decision.status.value == "late" else decision.direction.value
    match decision.refusal:
        case Refusal.DUPLICATE:
            return "duplicate"
        case Refusal.UNKNOWN_CARD:
            return "unknown"
        case Refusal.WRONG_TIME | Refusal.WRONG_SESSION | Refusal.NO_CLASSES:
            return "wrong_time"
        case _:
            return "refused"
