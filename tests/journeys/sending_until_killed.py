"""A courier that kills itself at the n-th statement, and a phone in a process of its own that outlives it."""

import json
import os
import signal
import sqlite3
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, HTTPServer
from multiprocessing.connection import Connection
from pathlib import Path
from zoneinfo import ZoneInfo

from attendance.clock import ManualClock
from attendance.domain.message import MessageKind
from attendance.domain.receipt import FLAT_EVENT, GatewayState, Report
from attendance.domain.scan import Accepted, Direction, Status
from attendance.kiosk.sms.courier import IDLE_REST_S, Courier
from attendance.kiosk.sms.gateway import GatewayError, Outgoing
from attendance.kiosk.sms.limits import Limits
from attendance.kiosk.sms.routes import Routes
from attendance.kiosk.sms.texts import Texts
from attendance.kiosk.store import ledger, roster
from attendance.kiosk.store.database import create_or_migrate, reading, writing
from attendance.ops import sqlite
from attendance.ops.sqlite import Writer

START = datetime(2026, 6, 7, 22, 40, tzinfo=UTC)
FAMILIES = (("1", "+639171234561"), ("2", "+639171234562"), ("3", "+639171234562"))
"""Student and parent: the second and the third are siblings."""


def serve_phone(pipe: Connection) -> None:
    """A phone: 202 for a new id, 409 for a known one. Answers its port, then to each ``shown`` all that it shows."""
    shown: list[tuple[str, str]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            fields = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            known = fields["id"] in [each for each, _ in shown]
            if not known:
                shown.append((fields["id"], fields["phone"]))
            self._answer(409 if known else 202)

        def do_GET(self) -> None:
            self._answer(200 if self.path[1:] in [each for each, _ in shown] else 404)

        def _answer(self, status: int) -> None:
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_said: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        server.timeout = 0.002
        pipe.send(server.server_port)
        while True:
            if pipe.poll():
                try:
                    pipe.recv()
                except EOFError:
                    return
                pipe.send(shown)
            server.handle_request()


class PhoneLine:
    """A gateway: the phone at a port. ``moment`` is called before and after each request."""

    name, recognises_repeats, may_repeat, timeout_s = "phone", True, True, 10.0

    def __init__(self, port: int, moment: "Moments") -> None:
        self._port = port
        self._moment = moment

    def send(self, message: Outgoing) -> GatewayState:
        body = json.dumps({"id": message.message_id, "phone": message.phone, "text": message.text})
        if self._request("POST", "/messages", body) not in (202, 409):
            raise GatewayError("The phone answers nonsense.", maybe_taken=True)
        return GatewayState.PENDING

    def ask(self, message_id: str) -> Sequence[Report]:
        known = self._request("GET", f"/{message_id}", None) == 200
        return [Report(f"{message_id} Sent", FLAT_EVENT, message_id, GatewayState.SENT)] if known else ()

    def check(self) -> str:
        return "It answers."

    def _request(self, method: str, path: str, body: str | None) -> int:
        self._moment.passes()
        connection = HTTPConnection("127.0.0.1", self._port, timeout=self.timeout_s)
        try:
            connection.request(method, path, body)
            return connection.getresponse().status
        except OSError as error:
            raise GatewayError("The phone is away.") from error
        finally:
            connection.close()
            self._moment.passes()


class Moments:
    """Counts the moments of a process, and ends it at one of them (0: at none)."""

    def __init__(self, kill_at: int) -> None:
        self._kill_at = kill_at
        self.passed = 0

    def passes(self, _statement: str = "") -> None:
        self.passed += 1
        if self.passed == self._kill_at:
            os.kill(os.getpid(), signal.SIGKILL)


def queue_messages(folder: Path) -> Path:
    """A database in which three scans have left their messages."""
    clock = ManualClock(START)
    database = folder / "attendance.db"
    create_or_migrate(database, clock.now())
    for number, phone in FAMILIES:
        scan = Accepted(date(2026, 6, 8), "morning", Direction.IN, Status.ON_TIME, 1, "Welcome.")
        with writing(database) as conn:
            roster.enrol(conn, roster.Enrolment(number, f"S{number}", guardians=[roster.Guardian(phone)]), clock.now())
            key = roster.key_of(conn, number)
            origin, used = ledger.Origin("gate-1", "camera"), ledger.CardUsed(0, False)
            ledger.record(conn, key, scan, clock.now(), origin, used, MessageKind.CHECK_IN)
    return database


def waits(database: Path) -> bool:
    with reading(database) as conn:
        return bool(conn.execute("SELECT 1 FROM sms_outbox WHERE state IN ('waiting', 'claimed')").fetchone())


def send_all(database: Path, port: int, kill_at: int) -> int:
    """Let a new process's courier work; ``kill -9`` at moment ``kill_at`` (0: never); how many moments there were."""
    clock, moments = ManualClock(START), Moments(kill_at)

    def traced() -> sqlite3.Connection:
        conn = sqlite.connect(database)
        conn.set_trace_callback(moments.passes)
        return conn

    writer = Writer(traced)
    writer.start()
    courier = Courier(
        database,
        writer,
        Routes([PhoneLine(port, moments)], clock),
        Texts(school_name="Rizal High"),
        clock,
        ZoneInfo("Asia/Manila"),
        limits=Limits(),
        report_after=timedelta(minutes=15),
    )
    while (rest := courier.step()) != IDLE_REST_S or waits(database):
        clock.advance(rest)
    writer.stop()
    return moments.passed
