"""A gate's database with a queued message, receivers of reports before it, and a phone that posts to them."""

import hashlib
import hmac
import http.client
import json
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from attendance.clock import ManualClock
from attendance.domain.message import MessageKind
from attendance.domain.scan import Accepted, Direction, Status
from attendance.kiosk.store import ledger, roster
from attendance.kiosk.store.database import create_or_migrate, reading, writing
from attendance.kiosk.web.access import Access
from attendance.kiosk.web.webhook import SMSWebhookReceiver

NOON = datetime(2026, 6, 8, 4, 0, tzinfo=UTC)
KEY = "s1gn1ngk"
DOCUMENTED = {"id": "test_123", "state": "Delivered", "phoneNumber": "+639755269146"}


@dataclass
class Desk:
    """A database with one queued message, and a receiver before it."""

    folder: Path
    clock: ManualClock = field(default_factory=lambda: ManualClock(NOON))
    receivers: list[SMSWebhookReceiver] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.database = self.folder / "attendance.db"
        create_or_migrate(self.database, self.clock.now())
        scan = Accepted(date(2026, 6, 8), "morning", Direction.IN, Status.ON_TIME, 1, "Welcome.")
        enrolment = roster.Enrolment("S-7", "Ana", guardians=[roster.Guardian("+639171234567")])
        with writing(self.database) as conn:
            roster.enrol(conn, enrolment, self.clock.now())
            origin, used = ledger.Origin("gate-1", "camera"), ledger.CardUsed(0, False)
            key = roster.key_of(conn, "S-7")
            ledger.record(conn, key, scan, self.clock.now(), origin, used, MessageKind.CHECK_IN)
        self.message = str(self.rows("SELECT message_id FROM sms_outbox")[0][0])

    def receiver(self, **given: Any) -> SMSWebhookReceiver:
        defaults: dict[str, Any] = {
            "db_path": self.database,
            "port": 0,
            "enabled": True,
            "auth_token": "",
            "host": "127.0.0.1",
            "log_deliveries": True,
            "retry_failed": False,
            "signing_key": "",
            "tls_certificate": "",
            "tls_key": "",
            "expire_after_minutes": 120,
            "zone": ZoneInfo("Asia/Manila"),
            "clock": self.clock,
            "access": Access(),
        }
        self.receivers.append(SMSWebhookReceiver(**{**defaults, **given}))
        return self.receivers[-1]

    def started(self, **given: Any) -> SMSWebhookReceiver:
        receiver = self.receiver(**given)
        assert receiver.start()
        return receiver

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        with reading(self.database) as conn:
            return [tuple(row) for row in conn.execute(sql)]

    def state(self) -> str:
        return str(self.rows("SELECT gateway_state FROM sms_outbox WHERE retry_of IS NULL")[0][0])

    def envelope(self, event: str = "sms:delivered", event_id: str = "Ey6ECgOkVVFjz3CL48B8C", **payload: Any) -> bytes:
        body = {"messageId": self.message, "recipient": "+639171234567", **payload}
        whole = {"deviceId": "ffffffffceb0b1db", "event": event, "id": event_id, "payload": body, "webhookId": "LreFU"}
        return json.dumps(whole).encode()


def post(
    receiver: SMSWebhookReceiver,
    body: bytes | dict[str, Any],
    method: str = "POST",
    path: str = "/sms-webhook",
    **headers: str,
) -> tuple[int, Any]:
    """Status and JSON of an answer; underscores in names of headers stand for hyphens."""
    connection = http.client.HTTPConnection("127.0.0.1", receiver.port, timeout=10)
    raw = json.dumps(body).encode() if isinstance(body, dict) else body
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    try:
        connection.request(method, path, raw, {"Content-Type": "application/json", **named})
        answer = connection.getresponse()
        text = answer.read()
        kind = answer.getheader("Content-Type", "")
        return answer.status, json.loads(text) if kind == "application/json" else text.decode()
    finally:
        connection.close()


def signed(body: bytes, at: datetime = NOON, key: str = KEY) -> dict[str, str]:
    timestamp = str(int(at.timestamp()))
    return {
        "X_Timestamp": timestamp,
        "X_Signature": hmac.new(key.encode(), body + timestamp.encode(), hashlib.sha256).hexdigest(),
    }
