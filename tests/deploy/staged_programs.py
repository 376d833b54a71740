"""Gate and centre as the programs that they are, in a hurry, on boards that are folders, and what is done to them."""

import contextlib
import fcntl
import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psutil
from monitoring import Page, free_port
from school_hours import ZONE

from attendance.clock import Moment
from attendance.domain.scan import Accepted, Direction, Status
from attendance.fleet import invitations
from attendance.fleet.app import prepare
from attendance.fleet.plan import CentrePlan
from attendance.fleet.store import alerting, schools
from attendance.fleet.store.engine import open_engine, transaction
from attendance.kiosk.store import ledger, roster
from attendance.kiosk.store.database import writing

ROOT = Path(__file__).parents[2]
SCHOOL = "Hurried National High School"
STUDENTS = 40
TOLD_CHILD = "1"
"""The one whose guardian has a phone; passes only when told to."""
_ALL_DAY = {
    **dict.fromkeys(("start_time", "login_window_start", "logout_window_start"), "00:00"),
    **dict.fromkeys(("end_time", "login_window_end", "logout_window_end"), "23:59:59"),
    "late_threshold_minutes": 1440,
}


class Program:
    """The real program in a hurry, on a board of its own."""

    def __init__(self, folder: Path, assets: Path) -> None:
        self.folder = folder
        self.board = folder / "board"
        (self.board / "sys/class/thermal/thermal_zone0").mkdir(parents=True)
        (self.board / "sys/devices/platform/soc/firmware").mkdir(parents=True)
        self.warm(45.0)
        self.feed(low=False)
        self.follow_time_server(True)
        self._environment = {**os.environ, "ATTENDANCE_ASSETS": str(assets), "PYTHONPATH": str(ROOT)}
        self._environment.pop("NOTIFY_SOCKET", None)
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, *words: str) -> None:
        script = Path(__file__).with_name("hurried_program.py")
        with (self.folder / "program.log").open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, str(script), str(self.board), *words],
                cwd=self.folder,
                env=self._environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def kill(self) -> None:
        """As a power cut does."""
        for each in self._family():
            with contextlib.suppress(psutil.Error):
                each.kill()
        if self._process is not None:
            self._process.wait(10)
            self._process = None

    def children(self) -> list[psutil.Process]:
        """The processes that it has started; a gate's is the one that sees."""
        return self._family()[:-1]

    def command(self, *words: str) -> None:
        """Run a verb to its end, whatever comes of it."""
        subprocess.run(
            [sys.executable, "-m", "attendance", *words],
            cwd=self.folder,
            env=self._environment,
            capture_output=True,
            timeout=120,
            check=False,
        )

    def warm(self, celsius: float) -> None:
        (self.board / "sys/class/thermal/thermal_zone0/temp").write_text(str(round(celsius * 1000)))

    def feed(self, *, low: bool) -> None:
        """By a supply whose voltage is too low, or not."""
        (self.board / "sys/devices/platform/soc/firmware/get_throttled").write_text("1\n" if low else "0\n")

    def follow_time_server(self, follows: bool) -> None:
        file = self.board / "synchronized"
        if follows:
            file.touch()
        else:
            file.unlink()

    def leak(self, leaks: bool) -> None:
        if leaks:
            (self.board / "leak").touch()
        else:
            (self.board / "leak").unlink()

    def _family(self) -> list[psutil.Process]:
        """Children first."""
        try:
            parent = psutil.Process(self._process.pid) if self._process is not None else None
            return [*parent.children(recursive=True), parent] if parent is not None else []
        except psutil.Error:
            return []


class Gate(Program):
    """``attendance run`` before a camera's film; who passes is typed by a reader."""

    def __init__(self, folder: Path, name: str, film: Path, assets: Path, **config: Any) -> None:
        super().__init__(folder, assets)
        self.name = name
        self.data = folder / "data"
        self.port = free_port()
        settings = {
            "device": {"device_id": name.replace(" ", "-").lower(), "device_name": name},
            "school": {"timezone": str(ZONE)},
            "health_endpoint": {"port": self.port, "host": "127.0.0.1"},
            "sms_webhook": {"port": free_port(), "host": "127.0.0.1"},
            "clock": {"trust_rtc": False},
            "school_schedule": {
                **{"morning_class": None, "afternoon_class": None, "day_class": _ALL_DAY},
                "duplicate_scan_cooldown_minutes": 0,
            },
            "watchdog": {"restart_command": "true", "restarts_per_hour": 1, "vision_timeout_seconds": 600},
            "database_backup": {"backup_interval_seconds": 10, "keep_backups": 3, "keep_daily": 0, "keep_weekly": 0},
            "memory": {"core_budget_mb": 900, "vision_budget_mb": 900},
            "cloud": {"sync_interval": 10, "photos": False},
            **config,
        }
        (folder / "config.json").write_text(json.dumps(settings))
        self._where = ("--config", str(folder / "config.json"), "--data-dir", str(self.data))
        self._film = film
        self._passages = 0

    def run(self) -> None:
        self.start("run", "--source", f"video:{self._film}", *self._where)

    def do(self, *words: str) -> None:
        self.command(*words, *self._where)

    def show(self, payload: str) -> None:
        """Hold a card to the reader; one that does not answer reads it later."""
        body = json.dumps({"payload": payload}).encode()
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/scan", body, {"Content-Type": "application/json"}
        )
        with contextlib.suppress(OSError), urllib.request.urlopen(request, timeout=5):
            pass

    def somebody_passes(self) -> None:
        self._passages += 1
        self.show(str(self._passages % (STUDENTS - 1) + 2))

    def answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/readyz", timeout=5):
                return True
        except OSError:
            return False

    @property
    def page(self) -> Page:
        return Page("attendance", {"school": SCHOOL, "gate": self.name}, self.port)

    @contextmanager
    def busy_backups(self) -> Iterator[None]:
        """Another process is at the backups and does not come to an end."""
        with (self.data / "backups/.lock").open() as file:
            while True:
                with contextlib.suppress(BlockingIOError):
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                time.sleep(0.02)
            yield

    def damage_newest_backup(self) -> None:
        newest = max((self.data / "backups").glob("*.db"), key=lambda file: file.stat().st_mtime)
        with newest.open("r+b") as file:
            file.seek(8192)
            file.write(b"\xff" * 4096)

    def remember_weeks(self, begin: timedelta, span: timedelta) -> None:
        """On this day of the last two weeks three passed in two seconds, beginning so much later than now."""
        first = datetime.now(UTC) + begin
        with writing(self.data / "attendance.db") as conn:
            keys = [roster.key_of(conn, str(number)) for number in range(2, STUDENTS + 1)]
            for weeks in (2, 1):
                for number in range(round(span.total_seconds() * 1.5)):
                    at = first - timedelta(weeks=weeks) + timedelta(seconds=number / 1.5)
                    passage, student = divmod(number, len(keys))
                    day = at.astimezone(ZONE).date()
                    scan = Accepted(day, "day", Direction.IN, Status.ON_TIME, passage + 1, "Welcome.")
                    seen = Moment(at, "an-earlier-boot", number, True)
                    origin, card = ledger.Origin(self.name, "reader"), ledger.CardUsed(0, False)
                    ledger.record(conn, keys[student], scan, seen, origin, card, None)
            ledger.close_photos(conn, "Nobody remembers the faces.")


class Centre(Program):
    """``attendance fleet serve`` on SQLite."""

    def __init__(self, folder: Path, assets: Path, told: str) -> None:
        super().__init__(folder, assets)
        self.port = free_port()
        self._plan = CentrePlan(f"sqlite:///{folder}/centre.db", folder / "centre")
        self._token = folder / "monitor-token"
        self._token.write_text("a secret of its own")
        prepare(self._plan)
        with self._writing() as conn:
            self._school = schools.add(conn, SCHOOL, str(ZONE), datetime.now(UTC))
            alerting.add(conn, self._school.school_id, "office", told, escalation=False)

    def run(self) -> None:
        where = (f"--db={self._plan.database}", f"--folder={self._plan.folder}", f"--port={self.port}")
        self.start("fleet", "serve", *where, f"--monitor-token-file={self._token}")

    def invite(self, name: str) -> str:
        with self._writing() as conn:
            return invitations.invite(conn, self._school, name, None, "ana", datetime.now(UTC))

    def answers(self) -> bool:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 5):
            return True
        return False

    @property
    def page(self) -> Page:
        return Page("attendance-centre", {"instance": "centre"}, self.port, token_file=self._token)

    @contextmanager
    def _writing(self) -> Iterator[Any]:
        engine = open_engine(self._plan.database)
        with transaction(engine) as conn:
            yield conn
        engine.dispose()
