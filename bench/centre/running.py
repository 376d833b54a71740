"""A centre in processes of its own, as ``attendance fleet serve`` starts it, with its schools and gates."""

import contextlib
import os
import secrets
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
from gate_process import ROOT, free_ports

from attendance.clock import SystemClock
from attendance.domain import wire
from attendance.fleet.store import gates, schools
from attendance.fleet.store.engine import open_engine, transaction, upgrade
from attendance.fleet.store.gates import Machine
from centre.database import database, processes
from centre.requests import Place

GATES_A_SCHOOL = 10
_STARTS_WITHIN_S = 60.0


class Centre:
    """A running one.

    Attributes:
        kind: of its database.
        places: of the gates that it knows.
    """

    def __init__(self, kind: str, url: str, folder: Path, gate_count: int) -> None:
        self.kind = kind
        self.url = url
        self.folder = folder
        self.places = _populate(url, gate_count)
        (self.port,) = free_ports(1)
        self._log = (folder / "centre.log").open("w")
        words = ["fleet", "serve", f"--db={url}", f"--folder={folder}/files", f"--port={self.port}"]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "attendance", *words],
            stdout=self._log,
            stderr=subprocess.STDOUT,
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
        self._wait_until_it_answers()

    def cpu_s(self) -> dict[str, float]:
        """Processor time that the centre and its database server have used so far."""
        mine = psutil.Process(self.process.pid)
        used = {"centre": _sum_of_cpu([mine, *mine.children(recursive=True)])}
        if not self.url.startswith("sqlite"):
            used["database"] = _sum_of_cpu(processes(self.url.rpartition("host=")[2]))
        return used

    def memory_mb(self) -> float:
        """What its processes have to themselves."""
        mine = psutil.Process(self.process.pid)
        return sum(each.memory_full_info().uss for each in [mine, *mine.children(recursive=True)]) / 1e6

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self._log.close()

    def _wait_until_it_answers(self) -> None:
        deadline = time.monotonic() + _STARTS_WITHIN_S
        while time.monotonic() < deadline and self.process.poll() is None:
            with contextlib.suppress(OSError, urllib.error.URLError):
                urllib.request.urlopen(f"http://127.0.0.1:{self.port}/readyz", timeout=2).close()
                return
            time.sleep(0.1)
        self.stop()
        raise SystemExit(f"The centre did not start:\n{(self.folder / 'centre.log').read_text()[-2000:]}")


@contextmanager
def centre(kind: str, gate_count: int) -> Iterator[Centre]:
    """A centre on an empty database of that kind, with so many gates in schools of ten."""
    with database(kind) as url, tempfile.TemporaryDirectory(prefix="attendance-bench-") as folder:
        running = Centre(kind, url, Path(folder), gate_count)
        try:
            yield running
        finally:
            running.stop()


def _populate(url: str, count: int) -> list[Place]:
    """Gates as ``attendance fleet invite`` and their enrolment leave them."""
    now = SystemClock().now().at
    engine = open_engine(url)
    upgrade(engine)
    places = []
    with transaction(engine) as conn:
        for number in range(count):
            if number % GATES_A_SCHOOL == 0:
                school = schools.add(conn, f"School {number // GATES_A_SCHOOL + 1}", "Asia/Manila", now)
            token, device_id = secrets.token_urlsafe(32), f"gate-{number + 1}"
            machine = Machine(device_id, wire.key_hash(token), "1.0", "Bench")
            gate_id = gates.enrol(conn, school.school_id, f"Gate {number + 1}", machine, now)
            places.append(Place(token, gate_id, device_id))
    engine.dispose()
    return places


def _sum_of_cpu(found: list[psutil.Process]) -> float:
    total = 0.0
    for each in found:
        with contextlib.suppress(psutil.NoSuchProcess):
            times = each.cpu_times()
            total += times.user + times.system
    return total
