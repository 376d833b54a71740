"""Many requests at once, one commit for all that wait: a report is taken when it is on the disk."""

import logging
import sqlite3
import threading
from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

from attendance.clock import Clock, Moment, age, from_rfc3339
from attendance.domain.receipt import Report
from attendance.errors import StorageError
from attendance.kiosk.sms.answers import Answers
from attendance.kiosk.store import receipts
from attendance.kiosk.store.receipts import Outcome, Rules
from attendance.ops.sparse_log import SparseLog
from attendance.ops.sqlite import Writer

DURABLE_WITHIN_S = 4.0
"""SMS-Gate's socket gives up after 5 s: an honest "not yet" must come before."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Standing:
    """What health shows of the reports."""

    totals: Mapping[str, int] = field(default_factory=dict)
    ping: Mapping[str, Any] | None = None


class ReportIntake:
    """Writes the reports of all requests that wait in one transaction. Owns no thread: one who waits does it for all.

    Args:
        writer: not owned.
        answers: does what guardians write; ``None``: what they write is nobody's business.
    """

    def __init__(self, writer: Writer, clock: Clock, rules: Rules, answers: Answers | None = None) -> None:
        self._writer = writer
        self._clock = clock
        self._rules = rules
        self._answers = answers
        self._of_strangers = SparseLog(log, logging.INFO, clock)
        self._turn = threading.Lock()
        self._lock = threading.Lock()
        self._waiting: list[tuple[Report, Future[Outcome]]] = []
        self._standing: Standing | None = None

    @property
    def standing(self) -> Standing | None:
        """As of the last commit; ``None`` before the first."""
        return self._standing

    def take(self, report: Report) -> Outcome:
        """Keep a report. Returns when it is durable.

        Raises:
            StorageError: it is not, as far as we know; it must come again.
        """
        outcome: Future[Outcome] = Future()
        with self._lock:
            self._waiting.append((report, outcome))
        if not self._turn.acquire(timeout=DURABLE_WITHIN_S):
            raise StorageError("The database has been busy for too long.")
        try:
            if not outcome.done():
                self._write_all()
        finally:
            self._turn.release()
        return outcome.result()

    def upkeep(self) -> None:
        """Drop old reports, and look at the standing, which other processes may have changed.

        Raises:
            StorageError: the database is not there, or not ready.
        """

        def keep_up(conn: sqlite3.Connection) -> Standing:
            receipts.forget_old(conn, self._clock.now())
            return read_standing(conn)

        self._standing = self._writer.run(keep_up, DURABLE_WITHIN_S)

    def _write_all(self) -> None:
        with self._lock:
            batch, self._waiting = self._waiting, []
        now = self._clock.now()
        outcomes: list[Outcome] = []
        fault = "The report could not be kept; see the log."

        def write(conn: sqlite3.Connection) -> tuple[list[Outcome], Standing]:
            done = [self._record(conn, report, now) for report, _ in batch]
            return done, read_standing(conn)

        try:
            outcomes, self._standing = self._writer.run(write, DURABLE_WITHIN_S)
        except StorageError as error:
            fault = str(error)
        finally:
            for (report, waiting), outcome in zip(batch, outcomes, strict=False):
                self._tell(report, outcome)
                waiting.set_result(outcome)
            for _, waiting in batch[len(outcomes) :]:
                waiting.set_exception(StorageError(fault))

    def _record(self, conn: sqlite3.Connection, report: Report, now: Moment) -> Outcome:
        outcome = receipts.record(conn, report, now, self._rules)
        if self._answers is not None and not outcome.repeated:
            self._answers.take(conn, report, now)
        return outcome

    def _tell(self, report: Report, outcome: Outcome) -> None:
        if outcome.repeated:
            log.debug("SMS webhook: %s came again", report.event)
        elif report.state is None:
            self._of_strangers(f"SMS webhook: {report.event}")
        elif not outcome.known:
            self._of_strangers(f"SMS webhook: {report.state} for {report.message_id!r}, which is no message of ours")
        elif not outcome.moved:
            self._of_strangers(f"SMS webhook: late {report.state} for message {report.message_id} changes nothing")
        else:
            log.info("SMS webhook: message %s is %s", report.message_id, report.state)
            if outcome.retry:
                log.info("SMS webhook: message %s is sent once more as %s", report.message_id, outcome.retry)


def read_standing(conn: sqlite3.Connection) -> Standing:
    ping = receipts.last_ping(conn)
    return Standing(receipts.totals(conn), dict(ping) if ping is not None else None)


def ping_values(ping: Mapping[str, Any], now: Moment) -> dict[str, Any]:
    """What health says of the phone's last ping."""
    heard = Moment(
        from_rfc3339(ping["heard_at"]), ping["heard_boot_id"], ping["heard_boot_ns"], bool(ping["clock_trusted"])
    )
    return {
        "seconds_ago": round(age(heard, now).total_seconds()),
        "battery_percent": ping["battery_percent"],
        "charging": _yes(ping["charging"]),
        "connected": _yes(ping["connected"]),
    }


def _yes(flag: int | None) -> bool | None:
    return None if flag is None else bool(flag)
