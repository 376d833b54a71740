"""Asks gateways what became of messages that no report speaks of; the answers are reports like any other."""

import logging
import sqlite3
from datetime import timedelta
from pathlib import Path

from attendance.clock import Clock
from attendance.domain.message import masked_in
from attendance.kiosk.sms.gateway import GatewayError
from attendance.kiosk.sms.routes import Routes
from attendance.kiosk.store import receipts, report_polls
from attendance.kiosk.store.database import reading
from attendance.kiosk.store.receipts import Rules
from attendance.ops.service import Service
from attendance.ops.sparse_log import SparseLog
from attendance.ops.sqlite import Writer

BETWEEN_S = 6.0
"""Between two questions: ten a minute, which leaves a phone its time for sending."""
_IDLE_REST_S = 30.0
_REST_AFTER_FAILURE_S = 60.0
_LONGEST_REST_S = 3600.0

log = logging.getLogger(__name__)


class ReportPoll:
    """One question a step. Its service has a thread of its own, so that a slow answer holds up no message.

    Args:
        writer, routes: not owned.
        rules: as for the reports that come by themselves.
        report_after: how long after it was sent a message is asked about, if no report came.
    """

    def __init__(
        self, database: Path, writer: Writer, routes: Routes, clock: Clock, *, rules: Rules, report_after: timedelta
    ) -> None:
        self._database = database
        self._writer = writer
        self._routes = routes
        self._clock = clock
        self._rules = rules
        self._after = report_after
        self._began = False
        self._failed = SparseLog(log, logging.WARNING, clock)
        self.service = Service("SMS reports", self)

    def step(self) -> float:
        """Ask about one message; how long to rest before the next."""
        if not self._began:
            self._writer.run(lambda conn: report_polls.begin(conn, self._clock.now(), self._after))
            self._began = True
        with reading(self._database) as conn:
            message = report_polls.due(conn, self._clock.now())
        if message is None:
            return _IDLE_REST_S
        if rest_s := self._left_alone_s(message.gateway):
            self._writer.run(lambda conn: report_polls.put_off(conn, message.gateway, self._clock.now(), rest_s))
            return BETWEEN_S
        try:
            answer = self._routes.ask(message.gateway, message.message_id)
        except GatewayError as error:
            self._failed(f"SMS {message.message_id} could not be asked about: {masked_in(str(error))}")
            self._writer.run(lambda conn: report_polls.note_asked(conn, message, self._clock.now(), self._after))
            return min(error.retry_after_s or _REST_AFTER_FAILURE_S, _LONGEST_REST_S)

        def keep(conn: sqlite3.Connection) -> None:
            now = self._clock.now()
            for report in answer:
                receipts.record(conn, report, now, self._rules)
            report_polls.note_asked(conn, message, now, self._after)

        self._writer.run(keep)
        return BETWEEN_S

    def _left_alone_s(self, gateway: str) -> float:
        """How long the gateway is left alone; its messages are not asked about until then, the others' are."""
        return self._routes.rest_s(gateway) if gateway in self._routes.names else 0.0
