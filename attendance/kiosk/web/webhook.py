"""The delivery webhook: the port on which the phone reports what became of each message."""

import logging
import sqlite3
import ssl
from datetime import timedelta, tzinfo
from functools import partial
from pathlib import Path
from typing import Any

from attendance.clock import Clock
from attendance.domain.receipt import GatewayState, Report, read_report
from attendance.errors import AttendanceError, StorageError
from attendance.kiosk.report_intake import ReportIntake, Standing, ping_values, read_standing
from attendance.kiosk.sms.answers import Answers
from attendance.kiosk.store import delivery_log
from attendance.kiosk.store.database import reading
from attendance.kiosk.store.receipts import Rules
from attendance.kiosk.web.access import Access
from attendance.kiosk.web.webhook_app import Refusal, Reporters, webhook_app
from attendance.kiosk.web.webhook_plan import WebhookPlan, filled
from attendance.ops import ports, sqlite, tls
from attendance.ops.health import ProbeResult, Problem
from attendance.ops.service import Service
from attendance.ops.sparse_log import SparseLog
from attendance.ops.sqlite import Writer
from attendance.ops.webserver import Streams, WebServer

TRY_AGAIN_S = 30.0
_UPKEEP_S = 3600.0
_UPKEEP_AGAIN_S = 60.0

OPEN = Problem(
    "sms-webhook-open",
    "notice",
    "Anybody in the gate's own network can send delivery reports.",
    "Set sms_webhook.signing_key to the phone's signing key, or sms_webhook.auth_token.",
)
PORT_NOT_HAD = Problem(
    "sms-webhook-port",
    "warning",
    "Delivery reports are not received: port {port} is held by {holder}.",
    "Stop that program (`ss -ltnp 'sport = :{port}'` shows it) or set another sms_webhook.port; it is tried again every"
    " 30 s by itself.",
)
NOT_SERVED = Problem(
    "sms-webhook-address",
    "warning",
    "Delivery reports are not received: {error}",
    "Correct sms_webhook.host and sms_webhook.port; it is tried again every 30 s by itself.",
)
CERTIFICATE_UNUSABLE = Problem(
    "sms-webhook-certificate",
    "warning",
    "Delivery reports are not received: {error}",
    "Correct sms_webhook.tls_certificate and sms_webhook.tls_key; it is tried again every 30 s by itself.",
)

log = logging.getLogger(__name__)


class SMSWebhookReceiver:
    """Receives delivery reports. What is not given comes from the configuration; constructing starts nothing.

    Owns its port, the thread that keeps it, and a database writer unless it is given one.

    Args:
        auth_token: bearer token of a report; empty: none is asked.
        log_deliveries: whether ``sms_delivery_log`` is written; messages move on either way.
        retry_failed: whether a failed message is sent once more, while it is news.
        signing_key: the phone's; empty: signatures are not asked for.
        tls_certificate, tls_key: PEM files; empty: plain HTTP.
        expire_after_minutes: from when on a message is no news.
        zone: of the log's local times.
        access: whom the gate knows.
        writer: the core's, not owned.
        answers: does what guardians write to the phone; ``None``: that is not read.
    """

    def __init__(
        self,
        db_path: str | Path | None = None,
        port: int | None = None,
        enabled: bool | None = None,
        auth_token: str | None = None,
        *,
        host: str | None = None,
        log_deliveries: bool | None = None,
        retry_failed: bool | None = None,
        signing_key: str | None = None,
        tls_certificate: str | Path | None = None,
        tls_key: str | Path | None = None,
        expire_after_minutes: float | None = None,
        zone: tzinfo | None = None,
        clock: Clock | None = None,
        access: Access | None = None,
        writer: Writer | None = None,
        answers: Answers | None = None,
    ) -> None:
        from attendance.config import configured  # here: who gives everything needs no configuration

        given = {
            "db_path": db_path,
            "port": port,
            "enabled": enabled,
            "auth_token": auth_token,
            "host": host,
            "log_deliveries": log_deliveries,
            "retry_failed": retry_failed,
            "signing_key": signing_key,
            "tls_certificate": tls_certificate,
            "tls_key": tls_key,
            "expire_after_minutes": expire_after_minutes,
            "zone": zone,
            "clock": clock,
            "access": access,
        }
        self._plan = plan = WebhookPlan(**(filled(given, *configured()) if None in given.values() else given))
        self._database = Path(plan.db_path)
        self._writer = writer or Writer(self._open_database)
        self._owns_writer = writer is None
        rules = Rules(plan.log_deliveries, plan.retry_failed, timedelta(minutes=plan.expire_after_minutes), plan.zone)
        self._intake = ReportIntake(self._writer, plan.clock, rules, answers)
        self._read = partial(read_report, words=answers.words if answers else None)
        self._reporters = Reporters(plan.auth_token, plan.signing_key, plan.access, plan.clock)
        self._warn = SparseLog(log, logging.WARNING, plan.clock)
        self._web: WebServer | None = None
        self._fault: Problem | None = None
        self._upkeep_due_ns = 0
        self._stopped = False
        self.service = Service("SMS webhook", self)

    @property
    def port(self) -> int:
        """The port that is served; the wanted one while none is."""
        return self._web.port if self._web else self._plan.port

    @property
    def beat_boot_ns(self) -> int:
        """When the slower of its threads was last at work, in boot time."""
        beat, web = self.service.state.beat_boot_ns, self._web
        return min(beat, web.beat_boot_ns) if web and web.running else beat

    def start(self) -> bool:
        """Bind and serve; whether that worked. If not, it is tried again every ``TRY_AGAIN_S``, and health says why.

        A stopped receiver is not started again.
        """
        if self._stopped or not self._plan.enabled:
            log.info("SMS webhook %s", "has been stopped" if self._stopped else "is switched off")
            return False
        if self._owns_writer:
            self._writer.start()
        serving = self._serve()
        self.service.start()
        return serving

    def stop(self, timeout_s: float = 2.0) -> bool:
        """Answer what has arrived, close the port; whether everything ended in time."""
        self._stopped = True
        ended = self.service.stop(timeout_s / 2)
        if self._web is not None:
            ended = self._web.stop(timeout_s / 2) and ended
            self._web = None
            log.info("SMS webhook has stopped")
        if self._owns_writer:
            ended = self._writer.stop(timeout_s / 2) and ended
        return ended

    def step(self) -> float:
        self._serve()
        if self._plan.clock.boot_ns() >= self._upkeep_due_ns:
            self._upkeep_due_ns = self._plan.clock.boot_ns() + round(self._upkeep() * 1e9)
        return TRY_AGAIN_S

    def get_delivery_stats(self) -> dict[str, Any]:
        """The documented numbers of ``sms_delivery_log``; zeros when there is no such database."""
        try:
            with reading(self._database) as conn:
                return delivery_log.statistics(conn, self._plan.clock.now())
        except StorageError as error:
            log.warning("SMS webhook has no numbers: %s", error)
            return delivery_log.no_statistics()

    def status(self) -> dict[str, Any]:
        """What health shows; counts are since the database was made."""
        standing = self._standing()
        values: dict[str, Any] = {
            "running": self._web is not None and self._web.running,
            "total_received": standing.totals.get("received", 0),
            "delivered_count": standing.totals.get(GatewayState.DELIVERED, 0),
            "failed_count": standing.totals.get(GatewayState.FAILED, 0),
        }
        if standing.ping is not None:
            values["phone"] = ping_values(standing.ping, self._plan.clock.now())
        return values

    @property
    def problems(self) -> list[Problem]:
        if not self._plan.enabled:
            return []
        found = [self._fault] if self._fault is not None else []
        return [*found, OPEN] if self._reporters.anybody_near else found

    def probe(self) -> ProbeResult:
        """For the health board."""
        stopped = self._stopped or not self._plan.enabled
        return ProbeResult("sms_webhook", self.status(), self.problems, "stopped" if stopped else "")

    def _standing(self) -> Standing:
        if self._intake.standing is not None:
            return self._intake.standing
        try:
            with reading(self._database) as conn:
                return read_standing(conn)
        except StorageError:
            return Standing()

    def _upkeep(self) -> float:
        """Seconds to the next."""
        try:
            self._intake.upkeep()
        except StorageError as error:
            log.warning("SMS webhook: %s", error)
            return _UPKEEP_AGAIN_S
        return _UPKEEP_S

    def _serve(self) -> bool:
        """Bind if that is not done; whether the port is served."""
        if self._web is not None:
            return True
        before, self._fault = self._fault, self._bind()
        if self._fault is not None and self._fault != before:
            log.warning("SMS webhook: %s %s", self._fault.text, self._fault.remedy)
        return self._fault is None

    def _bind(self) -> Problem | None:
        plan = self._plan
        try:
            secured = self._tls()
        except AttendanceError as error:
            return CERTIFICATE_UNUSABLE.said(error=error)
        app = webhook_app(self._reporters, self._read, self._take, self._refused, lambda: self.port)
        web = WebServer(app, plan.host, plan.port, streams=Streams(0), name="SMS webhook", secured=secured)
        try:
            web.start()
        except AttendanceError as error:
            holder = ports.holder(plan.port)
            return PORT_NOT_HAD.said(port=plan.port, holder=holder) if holder else NOT_SERVED.said(error=error)
        self._web = web
        log.info("SMS webhook serves port %d%s", web.port, " with TLS" if secured else "")
        return None

    def _tls(self) -> ssl.SSLContext | None:
        if not self._plan.tls_certificate:
            return None
        return tls.server_context(Path(self._plan.tls_certificate), Path(self._plan.tls_key))

    def _refused(self, refusal: Refusal) -> None:
        self._warn(f"SMS webhook: refused with {refusal.status}: {refusal.reason}")

    def _take(self, report: Report) -> str:
        outcome = self._intake.take(report)
        if outcome.repeated:
            return "This report was here before."
        if report.state is None or outcome.moved:
            return "The report is kept."
        return "The report is kept; the message was further already."

    def _open_database(self) -> sqlite3.Connection:
        if not self._database.exists():
            raise StorageError(f"There is no database {str(self._database)!r}. Start the gate once.")
        return sqlite.connect(self._database)
