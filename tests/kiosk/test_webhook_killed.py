"""What was answered with success is there after the process was killed in the middle of its work."""

import http.client
import json
import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path

from attendance.clock import SystemClock
from attendance.kiosk.store.database import create_or_migrate, reading

RECEIVER = """
import sys, time
from datetime import UTC
from attendance.clock import SystemClock
from attendance.kiosk.web.access import Access
from attendance.kiosk.web.webhook import SMSWebhookReceiver

receiver = SMSWebhookReceiver(
    sys.argv[1], 0, True, "", host="127.0.0.1", log_deliveries=True, retry_failed=False, signing_key="",
    tls_certificate="", tls_key="", expire_after_minutes=120, zone=UTC, clock=SystemClock(), access=Access(),
)
assert receiver.start()
print(receiver.port, flush=True)
time.sleep(60)
"""


def test_no_acknowledged_report_is_lost(tmp_path: Path) -> None:
    """Eight phones post as fast as they can while the receiver is killed: every 200 stands in the database, once."""
    database = tmp_path / "attendance.db"
    create_or_migrate(database, SystemClock().now())
    process = subprocess.Popen([sys.executable, "-c", RECEIVER, str(database)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    port = int(process.stdout.readline())
    acknowledged: set[str] = set()

    def phone(number: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        for event in count():
            event_id = f"{number}-{event}"
            body = {"id": event_id, "event": "sms:delivered", "payload": {"messageId": f"m{event_id}"}}
            try:
                connection.request("POST", "/sms-webhook", json.dumps(body))
                answer = connection.getresponse()
                answer.read()
            except (OSError, http.client.HTTPException):
                return
            assert answer.status == 200
            acknowledged.add(event_id)
            if len(acknowledged) >= 150:
                os.kill(process.pid, signal.SIGKILL)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(phone, range(8)))
    process.wait(10)
    process.stdout.close()
    with reading(database) as conn:
        kept = [row["event_id"] for row in conn.execute("SELECT event_id FROM sms_reports")]
        logged = {row["message_id"][1:] for row in conn.execute("SELECT message_id FROM sms_delivery_log")}
    assert len(acknowledged) >= 150
    assert acknowledged <= set(kept)
    assert acknowledged <= logged
