"""A morning on a clock that is moved by hand: what parents are told by when, and what becomes of the rest."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from attendance.clock import ManualClock, rfc3339
from attendance.domain.capacity import capacity
from attendance.domain.message import MessageKind, priority
from attendance.domain.ratelimit import Window
from attendance.kiosk.sms.courier import Courier
from attendance.kiosk.sms.limits import Limits
from attendance.kiosk.store import claims
from attendance.kiosk.store.database import reading
from sending.gateways import PhoneOnClock
from sending.school import School

DOCUMENTED = (Window(10, 60), Window(60, 3600))
EXPIRE_AFTER = timedelta(minutes=120)
BY_MINUTES = (10, 30, 60, 90, 120, 150)
_FIRST_ARRIVAL = datetime(2026, 6, 7, 22, 45, tzinfo=UTC)
"""Monday, 06:45 in Manila."""
_LATE_SHARE = 0.1
_SMALL_SCHOOL = 0.44
"""Of a thousand, the 440 with whom the earlier system's loss was shown."""
_PHONE_SETTLES_S = 30.0
_MEMORY = Path("/dev/shm")
"""The clock is not the machine's, so nothing is measured that a disk could change."""


@dataclass(frozen=True, slots=True)
class Plan:
    """A morning to be played. Arrivals are evenly spread, and the last tenth of them is late."""

    name: str
    arrivals: int = 1000
    minutes: float = 30.0
    windows: tuple[Window, ...] = DOCUMENTED
    check_in: bool = True
    drop: bool = False

    @property
    def arrive_s(self) -> list[float]:
        return [number * self.minutes * 60 / self.arrivals for number in range(self.arrivals)]

    def is_late(self, number: int) -> bool:
        return number >= round(self.arrivals * (1 - _LATE_SHARE))

    def is_told(self, number: int) -> bool:
        """Whether an arrival makes a message."""
        return self.check_in or self.is_late(number)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a morning's messages.

    Attributes:
        limits: a minute and an hour.
        earlier_told: of the same messages by the earlier system.
        told: messages on parents' phones.
        told_by: those of them by so many minutes after the first arrival.
        late_told, late: messages about who was late, told and in all.
        late_waited_min: the longest that one of them took.
        expired, dropped: those that ended untold.
        reasons: why, and how many.
        most_a_minute, most_an_hour: requests that the phone saw in any 60 s and any 3,600 s.
        out_of_turn: messages that left while a more urgent one, or an older one of the same urgency, waited.
        twice: messages that a parent got more than once.
        lost: messages that were neither told nor ended with a reason.
    """

    what: str
    limits: str
    messages: int
    earlier_told: int
    told: int
    told_by: dict[int, int]
    late_told: int
    late: int
    late_waited_min: float | None
    expired: int
    dropped: int
    reasons: dict[str, int]
    most_a_minute: int
    most_an_hour: int
    out_of_turn: int
    twice: int
    lost: int
    part: str = "morning"

    def plain(self) -> dict[str, Any]:
        return asdict(self)


HEAD = (
    "",
    "limits",
    "messages",
    "earlier system told",
    *(f"told by {minutes}'" for minutes in BY_MINUTES),
    "told",
    "expired",
    "dropped",
    "late told",
    "last late after",
    "most in 60 s",
    "in 3,600 s",
    "out of turn",
    "twice",
    "lost",
)


def cells(outcome: Outcome) -> tuple[str, ...]:
    """A row under ``HEAD``."""
    return (
        outcome.what,
        outcome.limits,
        *_numbers(outcome.messages, outcome.earlier_told, *outcome.told_by.values()),
        *_numbers(outcome.told, outcome.expired, outcome.dropped),
        f"{outcome.late_told} of {outcome.late}",
        f"{outcome.late_waited_min:.0f}'" if outcome.late_told else "never",
        *_numbers(outcome.most_a_minute, outcome.most_an_hour, outcome.out_of_turn, outcome.twice, outcome.lost),
    )


def _numbers(*numbers: int) -> Iterator[str]:
    return (f"{number:,}" for number in numbers)


def plans(arrivals: int) -> Iterator[Plan]:
    """The documented limits, what the doctor advises, and the literal document; then a smaller school."""
    yield Plan("as documented", arrivals)
    yield Plan("limits as advised", arrivals, windows=advised(arrivals))
    yield Plan("check_in off", arrivals, check_in=False)
    yield Plan("when_full: drop", arrivals, drop=True)
    fewer = round(arrivals * _SMALL_SCHOOL)
    yield Plan(f"{fewer} in an hour", fewer, 60.0)


def advised(arrivals: int, minutes: float = 30.0) -> tuple[Window, ...]:
    """The limits that the doctor and health name for so many arrivals."""
    kinds = (MessageKind.CHECK_IN, MessageKind.LATE_ARRIVAL)
    expire_min = EXPIRE_AFTER.total_seconds() / 60
    found = capacity(DOCUMENTED, arrivals, kinds, login_minutes=minutes, expire_after_minutes=expire_min)
    return (Window(found.needed_per_minute, 60), Window(found.needed_per_hour, 3600))


def earlier(plan: Plan) -> int:
    """How many the earlier system told: what finds a window full when the card is read is dropped; nothing waits."""
    sent_at: list[float] = []
    for number, at in enumerate(plan.arrive_s):
        full = any(sum(at - sent < window.seconds for sent in sent_at) >= window.limit for window in plan.windows)
        if plan.is_told(number) and not full:
            sent_at.append(at)
    return len(sent_at)


def play(plan: Plan) -> Outcome:
    """Play a morning until nothing waits any more."""
    with TemporaryDirectory(dir=_MEMORY if _MEMORY.is_dir() else None) as folder:
        clock = ManualClock(_FIRST_ARRIVAL)
        school = School(Path(folder) / "attendance.db", plan.arrivals, clock)
        phone = PhoneOnClock(clock)
        limits = Limits(windows=plan.windows, drop=plan.drop, expire_after=EXPIRE_AFTER)
        with school.courier(phone, limits) as courier:
            _live(plan, school, courier, phone)
        return _outcome(plan, school.database, phone)


def _live(plan: Plan, school: School, courier: Courier, phone: PhoneOnClock) -> None:
    due = plan.arrive_s
    number = 0
    while number < plan.arrivals or _busy(school.database):
        while number < plan.arrivals and due[number] <= phone.clock.boot_ns() / 1e9 + 1e-6:
            seen = phone.clock.moment(round(due[number] * 1e9))  # perhaps while a request was under way
            school.scan(number, seen, late=plan.is_late(number), told=plan.is_told(number))
            number += 1
        rest_s = courier.step()
        if rest_s and number < plan.arrivals:  # a scan nudges the courier
            rest_s = min(rest_s, max(0.0, due[number] - phone.clock.boot_ns() / 1e9))
        phone.pass_time(rest_s)
    phone.pass_time(_PHONE_SETTLES_S)


def _busy(database: Path) -> bool:
    with reading(database) as conn:
        return claims.busy(conn)


def _outcome(plan: Plan, database: Path, phone: PhoneOnClock) -> Outcome:
    with reading(database) as conn:
        rows = [dict(row) for row in conn.execute("SELECT * FROM sms_outbox ORDER BY rowid")]
    arrivals = phone.phone.arrivals
    told_s = {arrival.message_id: (arrival.at - _FIRST_ARRIVAL).total_seconds() for arrival in arrivals}
    late = [row for row in rows if row["kind"] == MessageKind.LATE_ARRIVAL]
    waits = [told_s[row["message_id"]] - row["made_boot_ns"] / 1e9 for row in late if row["message_id"] in told_s]
    untold = [row for row in rows if row["message_id"] not in told_s]
    states = Counter(row["state"] for row in untold)
    times = [at for at, _ in phone.requests]
    return Outcome(
        what=plan.name,
        limits=", ".join(f"{window.limit}" for window in plan.windows),
        messages=len(rows),
        earlier_told=earlier(plan),
        told=len(told_s),
        told_by={minutes: sum(at <= minutes * 60 for at in told_s.values()) for minutes in BY_MINUTES},
        late_told=len(waits),
        late=len(late),
        late_waited_min=round(max(waits) / 60, 1) if waits else None,
        expired=states["expired"],
        dropped=states["dropped"],
        reasons=dict(Counter(row["reason"] for row in untold)),
        most_a_minute=most_in_any(times, 60),
        most_an_hour=most_in_any(times, 3600),
        out_of_turn=_out_of_turn(rows, phone.requests),
        twice=len(arrivals) - len({arrival.phone for arrival in arrivals}),
        lost=sum(row["state"] not in ("expired", "dropped") or not row["reason"] for row in untold),
    )


def most_in_any(times: Sequence[float], seconds: float) -> int:
    """The most of some times, in their order, in any span of so many seconds."""
    most = first = 0
    for last, at in enumerate(times):
        while at - times[first] >= seconds:
            first += 1
        most = max(most, last + 1 - first)
    return most


def _out_of_turn(rows: Collection[dict[str, Any]], requests: Iterable[tuple[float, str]]) -> int:
    """Row numbers follow the order of queueing, so a row's place decides within one urgency."""
    turn = {row["message_id"]: (-priority(MessageKind(row["kind"])), place) for place, row in enumerate(rows)}
    waiting = {row["message_id"]: row for row in rows}
    early = 0
    for at, message_id in requests:
        now = rfc3339(_FIRST_ARRIVAL + timedelta(seconds=at))
        early += any(
            turn[other] < turn[message_id] and row["made_at"] < now and (row["ended_at"] or now) > now
            for other, row in waiting.items()
        )
        waiting.pop(message_id, None)
    return early
