"""What the gate tells the people in front of it: events for the screen, tones for buzzer and light."""

from collections.abc import Callable
from typing import Any

from attendance.clock import Clock
from attendance.domain.scan import Accepted, Direction, Refusal, Status
from attendance.kiosk.station import Outcome, tone_of
from attendance.kiosk.web.events import ScreenEvents
from attendance.ops.health import Snapshot
from attendance.ops.service import Service
from attendance.vision import messages

_PERIOD_S = 0.5
_TITLES = {
    (Direction.IN, Status.ON_TIME): "IN",
    (Direction.IN, Status.LATE): "LATE",
    (Direction.IN, Status.RETURNED): "BACK IN",
    (Direction.OUT, Status.ON_TIME): "OUT",
    (Direction.OUT, Status.LEFT_EARLY): "LEFT EARLY",
}
_REFUSED_TITLES = {
    Refusal.DUPLICATE: "ALREADY DONE",
    Refusal.UNKNOWN_CARD: "NOT KNOWN",
    Refusal.REVOKED_CARD: "CARD CALLED BACK",
    Refusal.FORGED_CARD: "NOT GENUINE",
    Refusal.UNSIGNED_CARD: "OLD CARD",
    Refusal.WRONG_TIME: "WRONG TIME",
    Refusal.WRONG_SESSION: "WRONG SESSION",
    Refusal.NO_CLASSES: "NO CLASSES",
}


class Display:
    """Publishes outcomes at once and the gate's state when it changes.

    Args:
        sound: buzzer and light, given a tone.
        camera: what the vision process last said of itself.
    """

    def __init__(
        self,
        events: ScreenEvents,
        clock: Clock,
        *,
        sound: Callable[[str], None],
        snapshot: Callable[[], Snapshot],
        camera: Callable[[], messages.Status | None],
    ) -> None:
        self._events = events
        self._clock = clock
        self._sound = sound
        self._snapshot = snapshot
        self._camera = camera
        self._count: int | None = None
        self._told: dict[str, Any] = {}
        self.service = Service("display", self)

    def show(self, outcome: Outcome) -> None:
        """Tell everybody about a decision; any thread."""
        tone = tone_of(outcome.decision)
        decision, student = outcome.decision, outcome.student
        if isinstance(decision, Accepted):
            kind, title = decision.status.value, _TITLES[decision.direction, decision.status]
        else:
            kind = decision.refusal.value if decision else "not_recorded"
            title = _REFUSED_TITLES[decision.refusal] if decision else "NOT RECORDED"
        if outcome.decision is not None:
            self._count = outcome.count
        self._events.publish(
            "scan",
            {
                "scan_id": outcome.scan_id,
                "outcome": kind,
                "tone": tone,
                "title": title,
                "sentence": outcome.sentence,
                "name": student.name if student else "",
                "section": student.section if student else "",
                "time": outcome.at.strftime("%H:%M:%S"),
                "photo": bool(outcome.scan_id),
                "count": outcome.count,
            },
        )
        self._sound(tone)

    def photo_kept(self, scan_id: str) -> None:
        self._events.publish("photo", {"scan_id": scan_id})

    def step(self) -> float:
        snapshot, camera = self._snapshot(), self._camera()
        counted = (
            snapshot.components["database"].values.get("today_scans", 0) if "database" in snapshot.components else 0
        )
        state = {
            "count": counted if self._count is None else self._count,
            "problems": [
                {"code": p.code, "severity": p.severity, "text": p.text, "remedy": p.remedy}
                for p in snapshot.problems
                if p.severity != "notice"  # nobody in front of a gate can do anything about a choice of the office
            ],
            "camera": {
                "status": camera.camera if camera else "starting",
                "detail": camera.detail if camera else "",
            },
            "face": camera.face if camera else "",
        }
        if state != self._told:
            self._events.publish("state", state)
            self._told = state
        return _PERIOD_S
