"""What a message costs from the claim to the mark, beside plain SQL, and whether a claim minds how many wait."""

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from robust.figures import Figure, percentile

from attendance.clock import SystemClock, rfc3339
from attendance.domain.message import Priority
from attendance.kiosk.sms.limits import Limits
from attendance.kiosk.store import claims
from attendance.kiosk.store.claims import Terms, Written
from attendance.ops import sqlite
from sending.gateways import Yes
from sending.school import School

_STUDENTS = 1000
_NO_LIMITS = Limits(windows=(), cooldown=timedelta(), expire_after=timedelta(days=365))
_INDEPENDENT = 1.2
"""Times the cost with the fewest rows."""
_A_TURN = 10
"""Messages of one outbox before it is the next one's turn: few, because a disk is not the same for long."""
_TEXT = "Rizal High School: Santos, Maria came in at 6:45 AM."


def throughput(messages: int, rounds: int, folder: Path | None) -> Iterator[Figure]:
    """The courier and plain SQL in turns, each before its own outbox on the same disk."""
    clock = SystemClock()
    with TemporaryDirectory(dir=folder) as made, ExitStack() as stack:
        schools = [School(Path(made) / name, _STUDENTS, clock) for name in ("ours.db", "plain.db")]
        for school in schools:
            school.fill(messages)
        step = stack.enter_context(schools[0].courier(Yes(), _NO_LIMITS)).step
        step()  # the first one takes over what an earlier process left
        plain = PlainSql(stack.enter_context(closing(sqlite.connect(schools[1].database))))
        ours_ms: list[float] = []
        plain_ms: list[float] = []
        for _ in range(rounds):
            ours_ms += _timed(step, (messages - 1) // rounds)
            plain_ms += _timed(plain.send_one, (messages - 1) // rounds)
    part = "outbox: claim to marked, a gateway that answers at once, no limits"
    peer = "plain SQL"
    yield Figure(
        part,
        "messages a second",
        1000 * len(ours_ms) / sum(ours_ms),
        "",
        peer=peer,
        peer_value=1000 * len(plain_ms) / sum(plain_ms),
    )
    for what, percent in (("a message, p50", 50), ("a message, p99", 99)):
        peer_ms = percentile(plain_ms, percent)
        yield Figure(part, what, percentile(ours_ms, percent), "ms", peer=peer, peer_value=peer_ms)


_CLAIM = """
    UPDATE sms_outbox SET state = 'claimed', lease = 'plain', gateway = 'yes', text = :text, parts = 1,
        phone = (SELECT phone FROM guardians WHERE guardian_id = sms_outbox.guardian_id)
    WHERE state = 'waiting' AND message_id = (
        SELECT message_id FROM sms_outbox WHERE state = 'waiting' AND merged_into IS NULL
        ORDER BY priority DESC, rowid LIMIT 1)
    RETURNING message_id
"""
_MARK = """
    UPDATE sms_outbox SET state = 'sent', lease = '', attempts = 1, ended_at = :now, gateway_state = 'Pending',
        gateway_state_at = :now
    WHERE message_id = :message_id AND state = 'claimed' AND lease = 'plain'
"""


class PlainSql:
    """The least that does the same: claim the most urgent row by a conditional update, commit, mark it, commit."""

    def __init__(self, conn: sqlite3.Connection) -> None:
        self._conn = conn
        self._clock = SystemClock()

    def send_one(self) -> None:
        with sqlite.transaction(self._conn) as conn:
            [message_id] = conn.execute(_CLAIM, {"text": _TEXT}).fetchone()
        now = rfc3339(self._clock.now().at)
        with sqlite.transaction(self._conn) as conn:
            conn.execute(_MARK, {"now": now, "message_id": message_id})


def claiming(waiting: list[int], rounds: int, folder: Path | None) -> Iterator[Figure]:
    """Outboxes of different lengths in turns: ``claims.claim`` alone, and all that a message costs."""
    clock = SystemClock()
    with TemporaryDirectory(dir=folder) as made, ExitStack() as stack:
        lines = []
        for length in waiting:
            school = School(Path(made) / f"{length}.db", _STUDENTS, clock)
            school.fill(length)
            lines.append(_Line(school, stack))
        for _ in range(rounds):
            for line in lines:
                line.measure()
    part = "outbox: does it mind how many wait?"
    fewest = lines[0]
    for length, line in zip(waiting, lines, strict=True):
        for what, ours, theirs in (
            ("a claim without its commit", line.claim_ms, fewest.claim_ms),
            ("claim to marked", line.message_ms, fewest.message_ms),
        ):
            p50, few_p50 = percentile(ours, 50), percentile(theirs, 50)
            yield Figure(
                part,
                f"{what}, {length:,} wait",
                p50,
                "ms",
                aim=None if line is fewest else _INDEPENDENT * few_p50,
                peer="" if line is fewest else f"{waiting[0]:,} wait",
                peer_value=None if line is fewest else few_p50,
                note=f"p99 {percentile(ours, 99):.3g}",
            )


class _Line:
    """An outbox that stays as long as it is, and what was measured at it."""

    def __init__(self, school: School, stack: ExitStack) -> None:
        self._school = school
        self._clock = SystemClock()
        self._conn = stack.enter_context(closing(sqlite.connect(school.database)))
        self._courier = stack.enter_context(school.courier(Yes(), _NO_LIMITS))
        self._courier.step()
        school.add(1)
        self.claim_ms: list[float] = []
        self.message_ms: list[float] = []

    def measure(self) -> None:
        self.claim_ms += [self._claim() for _ in range(_A_TURN)]
        self.message_ms += _timed(self._courier.step, _A_TURN)
        self._school.add(_A_TURN)

    def _claim(self) -> float:
        """What a claim takes inside its transaction, which is undone."""
        self._conn.execute("BEGIN IMMEDIATE")
        try:
            begun = time.perf_counter()
            found = claims.claim(self._conn, self._clock.now(), _TERMS)
            took_ms = 1000 * (time.perf_counter() - begun)
        finally:
            self._conn.execute("ROLLBACK")
        if found.claim is None:
            raise RuntimeError("The outbox is empty.")
        return took_ms


_TERMS = Terms(
    lease="bench",
    gateway="yes",
    urgency=Priority.SUMMARY,
    parts_left=None,
    expire_after=_NO_LIMITS.expire_after,
    cooldown=_NO_LIMITS.cooldown,
    rest_s=lambda gateway: 0.0,
    write=lambda news, language: Written(_TEXT, 1),
)


def _timed(work: Callable[[], object], times: int) -> list[float]:
    """Milliseconds of each of some calls."""
    took = []
    for _ in range(times):
        begun = time.perf_counter()
        work()
        took.append(1000 * (time.perf_counter() - begun))
    return took
