"""What a card in front of the gate means: the one place that decides in, out, late, duplicate or refused."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from attendance.domain.calendar import Closure, closure_on
from attendance.domain.schedule import Part, Place, Schedule, places
from attendance.domain.student import Student


class Direction(StrEnum):
    IN = "in"
    OUT = "out"


class GateDirection(StrEnum):
    """What a gate is for: a gate marked ``in`` never records an out, and the other way round."""

    IN = "in"
    OUT = "out"
    BOTH = "both"


class Status(StrEnum):
    """How an accepted scan stands to the schedule."""

    ON_TIME = "on_time"
    LATE = "late"
    LEFT_EARLY = "left_early"
    RETURNED = "returned"


class Refusal(StrEnum):
    """Why a sighting is not recorded as attendance."""

    DUPLICATE = "duplicate"
    UNKNOWN_CARD = "unknown_card"
    REVOKED_CARD = "revoked_card"
    FORGED_CARD = "forged_card"
    UNSIGNED_CARD = "unsigned_card"
    WRONG_TIME = "wrong_time"
    WRONG_SESSION = "wrong_session"
    NO_CLASSES = "no_classes"


@dataclass(frozen=True, slots=True)
class PastScan:
    """An accepted scan of the same student; ``at`` is naive local time."""

    at: datetime
    day: date
    session: str
    direction: Direction


@dataclass(frozen=True, slots=True)
class Accepted:
    """To be recorded.

    Attributes:
        day: the day the session belongs to.
        passage: 1 for the student's first passage in this direction in this session, 2 for the second, …
        minutes_late: whole minutes after the class began; 0 unless late.
    """

    day: date
    session: str
    direction: Direction
    status: Status
    passage: int
    sentence: str
    minutes_late: int = 0


@dataclass(frozen=True, slots=True)
class Refused:
    """Not to be recorded as attendance, but kept for the office."""

    refusal: Refusal
    sentence: str


Decision = Accepted | Refused


def decide(
    student: Student,
    at: datetime,
    *,
    schedule: Schedule,
    closures: Iterable[Closure],
    history: Sequence[PastScan],
    gate: GateDirection,
) -> Decision:
    """What a genuine card of ``student`` means at the naive local time ``at``.

    Args:
        history: the student's accepted scans around ``at`` in any order: at least those of the day and of the cooldown.
    """
    if any(abs(at - past.at) < schedule.cooldown for past in history):
        return Refused(Refusal.DUPLICATE, "Already recorded a moment ago. You are done.")
    here = list(places(schedule, at))
    if not here:
        return Refused(Refusal.WRONG_TIME, "The gate takes no cards at this time. See the office.")
    mine = [place for place in here if student.attends(place.session.name)]
    if not mine:
        return Refused(
            Refusal.WRONG_SESSION, f"Your classes are in the {student.allowed_session} session. See the office."
        )
    closed = list(closures)
    for place in mine:
        if place.day.weekday() in schedule.weekdays and closure_on(closed, place.day, place.session.name) is None:
            return _in_session(place, at, history, gate)
    closure = closure_on(closed, mine[0].day, mine[0].session.name)
    reason = f"{closure.kind.value}: {closure.name}" if closure else "not a school day"
    return Refused(Refusal.NO_CLASSES, f"No classes today ({reason}).")


def _in_session(place: Place, at: datetime, history: Sequence[PastScan], gate: GateDirection) -> Decision:
    of_session = [past for past in history if (past.day, past.session) == (place.day, place.session.name)]
    earlier = sorted((past for past in of_session if past.at <= at), key=lambda past: past.at)
    direction = _direction(place, earlier) if gate is GateDirection.BOTH else Direction(gate.value)
    if _done(place, direction, earlier):
        what = "arrival" if direction is Direction.IN else "departure"
        return Refused(Refusal.DUPLICATE, f"Your {what} is already recorded. You are done.")
    status = _status(place, at, direction, earlier)
    late = max(at - place.class_start, timedelta()) if status is Status.LATE else timedelta()
    return Accepted(
        day=place.day,
        session=place.session.name,
        direction=direction,
        status=status,
        passage=1 + sum(past.direction is direction for past in of_session),
        sentence=_SENTENCES[direction, status],
        minutes_late=int(late.total_seconds() // 60),
    )


def _direction(place: Place, earlier: Sequence[PastScan]) -> Direction:
    """In or out at a gate that serves both."""
    if place.part in (Part.EARLY, Part.LOGIN):
        return Direction.IN
    if place.part is Part.LOGOUT:
        return Direction.OUT
    if not earlier:
        return Direction.IN
    return Direction.OUT if earlier[-1].direction is Direction.IN else Direction.IN


def _done(place: Place, direction: Direction, earlier: Sequence[PastScan]) -> bool:
    """Whether this window has the student's scan in this direction already."""
    if direction is Direction.IN:
        return place.part in (Part.EARLY, Part.LOGIN) and any(past.direction is Direction.IN for past in earlier)
    last = earlier[-1] if earlier else None
    if place.part is not Part.LOGOUT or last is None:
        return False
    return last.direction is Direction.OUT and last.at >= place.logout_start


def _status(place: Place, at: datetime, direction: Direction, earlier: Sequence[PastScan]) -> Status:
    if direction is Direction.OUT:
        return Status.ON_TIME if place.part in (Part.LOGOUT, Part.LOGIN_AND_LOGOUT) else Status.LEFT_EARLY
    if earlier:
        return Status.RETURNED
    if place.part in (Part.BETWEEN, Part.LOGOUT) or place.is_late(at):
        return Status.LATE
    return Status.ON_TIME


_SENTENCES = {
    (Direction.IN, Status.ON_TIME): "Welcome. Your arrival is recorded.",
    (Direction.IN, Status.LATE): "You are late. Your arrival is recorded.",
    (Direction.IN, Status.RETURNED): "Welcome back. Your return is recorded.",
    (Direction.OUT, Status.ON_TIME): "Goodbye. Your departure is recorded.",
    (Direction.OUT, Status.LEFT_EARLY): "Your early departure is recorded.",
}
