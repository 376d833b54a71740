"""Carries messages from the outbox to a gateway: claim → send → sent, later, or an end with a reason.

One message a step, and no request while a transaction is open. A message that leaves costs two commits: the claim,
which freezes its text, names the gateway and takes a slot of the limits, and the mark of what became of it. Whatever
happens between the two, the next look finds the message claimed and offers it, under the same id, to the same gateway.
"""

import logging
import math
import random
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta, tzinfo
from pathlib import Path
from typing import Any

from uuid6 import uuid7

from attendance.clock import Clock, Moment
from attendance.domain import gsm
from attendance.domain.backoff import pause_s
from attendance.domain.message import OutboxState, Priority, masked, masked_in
from attendance.kiosk.sms.facts import facts
from attendance.kiosk.sms.gateway import GatewayError, Outgoing
from attendance.kiosk.sms.limits import Limits
from attendance.kiosk.sms.request import OutOfSlots, Request
from attendance.kiosk.sms.routes import Routes
from attendance.kiosk.sms.texts import Texts
from attendance.kiosk.store import claims, endings, sms_limits
from attendance.kiosk.store.claims import Claim, Mark, Terms, Written
from attendance.kiosk.store.endings import Ended
from attendance.kiosk.store.news import News
from attendance.kiosk.store.reader import Reader
from attendance.ops.health import ProbeResult
from attendance.ops.service import Service
from attendance.ops.sparse_log import SparseLog
from attendance.ops.sqlite import Writer

IDLE_REST_S = 2.0
"""How often an empty outbox is looked into. Whoever fills it may nudge the service."""
_LONGEST_REST_S = 30.0
"""While messages must wait; some may expire meanwhile."""
_LONGEST_RETRY_AFTER_S = 3600.0
_NO_SECOND = "The first gateway did not take it, and the limit leaves no room for asking another."
_CAPPED = "The message parts of the day or month are used."
_SHORTEST_LIFE_S = 5
"""What a gateway takes at least as a time to live."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Hold:
    """Why nothing, or not everything, may leave at the moment.

    Attributes:
        reason: for whoever asks why a message expired; empty: everything may leave.
        rest_s: how long nothing may leave; 0: something may.
        full: the rate limit is reached.
    """

    reason: str = ""
    rest_s: float = 0.0
    full: bool = False
    urgency: int = 0


@dataclass(slots=True)
class _Work:
    """What one look at the outbox found to do."""

    claim: Claim | None
    ended: list[Ended]
    rest_s: float
    slot: int = 0


class Courier:
    """Sends what waits in the outbox.

    Args:
        writer, routes, texts: not owned.
        zone: of the school; texts and quiet hours use its time.
        report_after: how long after it was sent a message without a report is asked about.
        on_sent: called once for each message that a gateway took.
        jitter: random numbers in [0, 1), for pauses.
    """

    def __init__(
        self,
        database: Path,
        writer: Writer,
        routes: Routes,
        texts: Texts,
        clock: Clock,
        zone: tzinfo,
        *,
        limits: Limits,
        report_after: timedelta,
        on_sent: Callable[[], object] = lambda: None,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._reader = Reader(database)
        self._writer = writer
        self._routes = routes
        self._texts = texts
        self._clock = clock
        self._zone = zone
        self._limits = limits
        self._report_after = report_after
        self._on_sent = on_sent
        self._jitter = jitter
        self._lease = str(uuid7())
        self._began = False
        self._held = self._waited_for = ""
        self._parts = (0, 0)
        self._failed = SparseLog(log, logging.WARNING, clock)
        self.service = Service("SMS courier", self, close=self.close)

    def step(self) -> float:
        """Handle one message; how long to rest before the next."""
        if self._began and self._idle():
            self._held = self._waited_for = ""
            return IDLE_REST_S
        work = self._writer.run(self._look)
        self._began = True
        for ended in work.ended:
            self._tell_end(ended)
        if work.claim is None:
            return work.rest_s
        self._deliver(work.claim, work.slot)
        return 0.0

    def close(self) -> None:
        """Let go of the database; the next step opens it anew."""
        self._reader.close()

    def probe(self) -> ProbeResult:
        """What health shows: why messages wait, and what is wrong with limits and gateways."""
        today, month = self._parts
        values: dict[str, Any] = {"held": self._held or None, "parts_today": today, "parts_this_month": month}
        problems = [*self._limits.parts_problems(today, month), *self._routes.problems]
        return ProbeResult("sms", values, problems)

    def _idle(self) -> bool:
        """Whether nothing waits. Health is told of today's parts then, too."""
        with self._reader.look() as conn:
            if claims.busy(conn):
                return False
            self._parts = self._parts_sent(conn, self._clock.now())
            return True

    def _parts_sent(self, conn: sqlite3.Connection, now: Moment) -> tuple[int, int]:
        return sms_limits.parts_sent(conn, sms_limits.local_day(conn, now, self._zone))

    def _look(self, conn: sqlite3.Connection) -> _Work:
        now = self._clock.now()
        if claims.take_over(conn) or not self._began:
            sms_limits.end_all_slots(conn, now)
        self._parts = self._parts_sent(conn, now)
        hold = self._hold(conn, now)
        self._waited_for = hold.reason or self._waited_for
        ended = endings.expire(conn, now, self._limits.expire_after, self._waited_for)
        work = _Work(None, ended, hold.rest_s)
        if hold.full and self._limits.drop:
            work.ended += claims.drop(conn, now, hold.urgency, hold.reason)
        if not hold.rest_s:
            found = claims.claim(conn, now, self._terms(hold))
            work.ended += found.ended
            if found.capped:
                hold = _Hold(_CAPPED, _LONGEST_REST_S)
            work.claim, work.rest_s = found.claim, hold.rest_s or (_LONGEST_REST_S if hold.reason else IDLE_REST_S)
            work.slot = sms_limits.reserve_slot(conn, found.claim.message_id, now) if found.claim else 0
        self._count_parts(conn, now, work.ended)
        self._held = hold.reason
        return work

    def _hold(self, conn: sqlite3.Connection, now: Moment) -> _Hold:
        if self._limits.parts_left(*self._parts) == 0:
            return _Hold(_CAPPED, _LONGEST_REST_S)
        if not self._routes.first:
            return _Hold("No gateway could be reached.", self._rest(self._routes.rest_s() or _LONGEST_REST_S))
        quiet = self._quiet(now)
        reason = f"Messages wait in the quiet hours, until {quiet}." if quiet else ""
        urgency = Priority.ANSWER if quiet else Priority.SUMMARY
        if wait_s := sms_limits.slot_wait_s(conn, now, self._limits.windows):
            return _Hold(reason or "The limit of messages was reached.", self._rest(wait_s), full=True, urgency=urgency)
        return _Hold(reason, urgency=urgency)

    def _quiet(self, now: Moment) -> str:
        """Until when messages wait; empty if they do not. A clock that may be wrong keeps nobody quiet: messages are
        about scans, and nobody scans at night."""
        quiet = self._limits.quiet
        local = now.at.astimezone(self._zone).time()
        return f"{quiet.end:%H:%M}" if quiet and now.trusted and quiet.hold(local) else ""

    def _terms(self, hold: _Hold) -> Terms:
        return Terms(
            lease=self._lease,
            gateway=self._routes.first,
            urgency=hold.urgency,
            parts_left=self._limits.parts_left(*self._parts),
            expire_after=self._limits.expire_after,
            cooldown=self._limits.cooldown,
            rest_s=self._routes.rest_s,
            write=self._write,
        )

    def _write(self, news: News, language: str) -> Written:
        if news.body is not None:
            return Written(news.body, gsm.size(news.body).parts)
        text = self._texts.compose(news.kind, facts(news, self._zone), language)
        return Written(text.text, text.parts)

    def _deliver(self, claim: Claim, slot: int) -> None:
        request = Request(self._writer, self._clock, self._limits, claim, slot)
        outgoing = Outgoing(
            message_id=claim.message_id,
            phone=claim.phone,
            text=claim.text,
            priority=claim.priority,
            valid_for_s=max(_SHORTEST_LIFE_S, math.floor(claim.life_s)),
        )
        try:
            taken = self._routes.send(outgoing, claim.gateway if claim.asked else "", request.begin)
            mark = Mark(OutboxState.SENT, taken.gateway_name, gateway_state=taken.state)
        except OutOfSlots:
            mark = Mark(OutboxState.WAITING, reason=_NO_SECOND)
        except GatewayError as error:
            mark = self._after(claim, error)
        if self._writer.run(lambda conn: self._mark(conn, claim, mark, request)):
            self._tell(claim, mark)

    def _after(self, claim: Claim, error: GatewayError) -> Mark:
        """What a failure makes of a message."""
        maybe_taken = error.maybe_taken or claim.asked
        gateway = (error.gateway or claim.gateway) if maybe_taken else ""
        if error.permanent:
            return Mark(OutboxState.UNKNOWN if maybe_taken else OutboxState.REJECTED, gateway, str(error))
        wanted_s = min(error.retry_after_s or 0.0, _LONGEST_RETRY_AFTER_S)
        pause = max(pause_s(claim.attempts + 1, self._jitter), wanted_s)
        return Mark(OutboxState.WAITING, gateway, str(error), asked=maybe_taken, pause_s=pause)

    def _mark(self, conn: sqlite3.Connection, claim: Claim, mark: Mark, request: Request) -> bool:
        now = self._clock.now()
        request.end(conn, now)
        ours = claims.mark(conn, claim, self._lease, mark, now, self._report_after)
        if ours:
            self._count_parts(conn, now, [Ended(claim.message_id, claim.kind, mark.state, "", claim.parts)])
        return ours

    def _count_parts(self, conn: sqlite3.Connection, now: Moment, ended: list[Ended]) -> None:
        """Count what a gateway took, or may have taken for good."""
        parts = sum(each.parts for each in ended if each.state in (OutboxState.SENT, OutboxState.UNKNOWN))
        if parts:
            sms_limits.count_parts(conn, sms_limits.local_day(conn, now, self._zone), parts)

    def _tell(self, claim: Claim, mark: Mark) -> None:
        if mark.state is OutboxState.SENT:
            log.info("SMS %s (%s) to %s: %s has it", claim.message_id, claim.kind, masked(claim.phone), mark.gateway)
            self._on_sent()
        elif mark.state is OutboxState.WAITING:
            self._failed(f"SMS {claim.message_id} waits {mark.pause_s:.0f} s: {masked_in(mark.reason)}")
        else:
            log.warning("SMS %s (%s) %s: %s", claim.message_id, claim.kind, mark.state, masked_in(mark.reason))

    def _tell_end(self, ended: Ended) -> None:
        if ended.state is OutboxState.SENT:
            log.info("SMS %s (%s): a report says that it was taken", ended.message_id, ended.kind)
            self._on_sent()
            return
        level = logging.INFO if ended.state in (OutboxState.OPTED_OUT, OutboxState.CANCELLED) else logging.WARNING
        log.log(level, "SMS %s (%s) %s: %s", ended.message_id, ended.kind, ended.state, masked_in(ended.reason))

    @staticmethod
    def _rest(seconds: float) -> float:
        """To the next millisecond, so that nobody comes a hair too early."""
        return min(_LONGEST_REST_S, max(0.001, math.ceil(seconds * 1000) / 1000))
