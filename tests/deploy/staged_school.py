"""Two real gates of a school and a real centre, in a hurry. Everything can go wrong where it does in the field: the air
around the board, its power, its disk, its camera, the phone, the line, the students who pass or do not."""

import contextlib
import os
import re
import socket
import sqlite3
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from datetime import timedelta
from pathlib import Path
from signal import SIGCONT, SIGSTOP

import cv2
import numpy as np
import psutil
from memory_disk import small_disk
from monitoring import Page, free_port
from staged_programs import STUDENTS, TOLD_CHILD, Centre, Gate

from attendance.sim.phone_device import SimulatedPhone
from attendance.sim.phone_settings import PhoneSettings

MAIN, ANNEX = "Main", "Annex"
_KEY = "signed by the phone"


class Line:
    """A port before the centre's, which leads nowhere while it is cut."""

    def __init__(self, port: int) -> None:
        self._whole = True
        self._beyond = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        self._whole = False

    def mend(self) -> None:
        self._whole = True

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):  # closed
            while True:
                gate, _ = self._listener.accept()
                threading.Thread(target=self._join, args=(gate,), daemon=True).start()

    def _join(self, gate: socket.socket) -> None:
        with contextlib.suppress(OSError), gate:
            if not self._whole:
                return
            with socket.create_connection(("127.0.0.1", self._beyond), 5) as centre:
                back = threading.Thread(target=_carry, args=(centre, gate), daemon=True)
                back.start()
                _carry(gate, centre)
                back.join(30)


def _carry(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65_536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)


class Again:
    """Does something over and over, until it is stopped."""

    def __init__(self, what: Callable[[], object], pause_s: float) -> None:
        self._what = what
        self._pause_s = pause_s
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        self._thread.join(30)

    def _run(self) -> None:
        while not self._stopping.wait(self._pause_s):
            self._what()


class StagedSchool:
    """``main`` and ``annex`` are its gates, both enrolled; main has the phone, and a disk of its own.

    Args:
        told: address of a listener, to which each adds who it is.
        ending: ends everything.
        until: waits for a condition.
    """

    def __init__(self, folder: Path, assets: Path, told: str, ending: ExitStack, until: Callable[..., None]) -> None:
        self.until = until
        self._ending = ending
        self._doing: dict[str, Callable[[], object]] = {}
        self._told = told
        film = _film(folder / "yard.avi")
        places = [folder / name for name in ("main", "annex", "centre")]
        for place in places:
            place.mkdir()
        ending.enter_context(small_disk(places[0] / "data", 300))
        self.phone = SimulatedPhone(settings=PhoneSettings(ping_interval_s=2, signing_key=_KEY))
        self.phone.start()
        self._ending.callback(self.phone.stop)
        self.main = Gate(places[0], MAIN, film, assets, alerts=self._alerts(MAIN), **self._messages())
        self.annex = Gate(places[1], ANNEX, film, assets, alerts=self._alerts(ANNEX))
        self.centre = Centre(places[2], assets, f"{told}/centre")
        self.lines = {name: Line(self.centre.port) for name in (MAIN, ANNEX)}
        for line in self.lines.values():
            self._ending.callback(line.close)
        self._open()

    @property
    def pages(self) -> list[Page]:
        return [self.main.page, self.annex.page, self.centre.page]

    def is_well(self) -> bool:
        """Whether nobody's page tells of a problem that people would be told of."""
        return not any(re.search('_problem{.*"(error|warning)"', page.read()) for page in self.pages)

    def do_again(self, name: str, what: Callable[[], object], pause_s: float) -> None:
        """Until ``stop_doing``."""
        again = Again(what, pause_s)
        self._doing[name] = again.stop

    def enter(self, name: str, context: AbstractContextManager[object]) -> None:
        """Until ``stop_doing``."""
        stack = ExitStack()
        stack.enter_context(context)
        self._doing[name] = stack.close

    def stop_doing(self, name: str) -> None:
        self._doing.pop(name)()

    def hold_database(self) -> None:
        """Another program has main's database for most of a second."""
        with contextlib.closing(sqlite3.connect(self.main.data / "attendance.db", isolation_level=None)) as conn:
            conn.execute("PRAGMA busy_timeout = 5000")
            conn.execute("BEGIN IMMEDIATE")
            time.sleep(0.8)
            conn.execute("ROLLBACK")

    def fill_disk(self, leave_bytes: int) -> None:
        """Another program writes more and more onto main's disk."""
        room = os.statvfs(self.main.data)
        more = min(10_000_000, room.f_bavail * room.f_bsize - leave_bytes)
        if more > 0:
            with (self.main.data / "somebodys-films").open("ab") as file:
                file.write(bytes(more))

    def freeze_camera(self, frozen: bool) -> None:
        for each in self.main.children():
            each.send_signal(SIGSTOP if frozen else SIGCONT)

    def kill_what_sees(self) -> None:
        for each in self.main.children():
            with contextlib.suppress(psutil.Error):
                each.kill()

    def _alerts(self, teller: str) -> dict[str, object]:
        """What is told after two seconds, and is over after three."""
        return {
            **{"error_after_minutes": 0.035, "warning_after_minutes": 0.035, "over_after_minutes": 0.05},
            "receivers": {"addresses": [f"{self._told}/{teller}"]},
            "quiet_hours": {"enabled": False},
        }

    def _messages(self) -> dict[str, object]:
        """Through the phone, at any hour and as many as come; the phone reports to the gate."""
        port = free_port()
        self.phone.register(f"http://127.0.0.1:{port}/sms-webhook")
        more = {
            "quiet_hours": {"enabled": False},
            "duplicate_sms_cooldown_minutes": 0,
            "rate_limiting": {"max_per_minute": 600, "max_per_hour": 36_000},
        }
        return {
            "sms_notifications": {**self.phone.configuration["sms_notifications"], **more},
            "sms_webhook": {"port": port, "host": "127.0.0.1", "signing_key": _KEY},
        }

    def _open(self) -> None:
        for each in (self.main, self.annex, self.centre):
            self._ending.callback(each.kill)
        self.centre.run()
        listing = self.main.folder / "school.csv"
        rows = [f"{number},Child {number}," for number in range(2, STUDENTS + 1)]
        listing.write_text("\n".join(["student id,name,phone", f"{TOLD_CHILD},Told Child,+639171234567", *rows]))
        self.until(self.centre.answers, within_s=60)
        for gate in (self.main, self.annex):
            gate.do("students", "import", str(listing))
            gate.do("sync", "enroll", self.lines[gate.name].url, self.centre.invite(gate.name))
            if gate is self.main:
                gate.remember_weeks(timedelta(seconds=60), timedelta(minutes=4))
                gate.do("sync", "now")
            gate.run()
            self.until(gate.answers, within_s=60)
        self._ending.callback(lambda: [self.stop_doing(name) for name in list(self._doing)])


def _film(path: Path, minutes: int = 20) -> Path:
    """Nothing but a grey yard."""
    fps, size = 5, (320, 240)
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), fps, size)
    yard = np.full((size[1], size[0], 3), 128, np.uint8)
    for _ in range(minutes * 60 * fps):
        writer.write(yard)
    writer.release()
    return path
