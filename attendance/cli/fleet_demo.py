"""``attendance fleet demo``: a centre with three simulated gates, to look at."""

import argparse
import contextlib
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import urllib.request
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from attendance.cli.context import add_verb
from attendance.cli.fleet_context import require_parts

if TYPE_CHECKING:
    from attendance.ops.service import Service

PORT = 8600
SCHOOL, LOGIN = "Demo", "demo"
_ZONE = "Asia/Manila"
_GATES = ("Main gate", "East gate", "South gate")
_SILENT = "South gate"
_STUDENTS = 240
_EVERY_S, _EARLIER_EVERY_S = 2.5, 20.0
_HOURS = 1.0
_NOBODY_FOR = timedelta(minutes=25)
_SILENT_AFTER_S = 120.0
_STARTS_WITHIN_S = 30.0
_ENDS_WITHIN_S = 10.0
_LOG = "centre.log"


def add_demo(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    verb = verbs.add_parser("demo", help="a centre with three simulated gates, to look at; Ctrl-C ends it")
    verb.add_argument("--port", type=int, default=PORT, help=f"of its pages (default {PORT})")
    add_verb(verb, _demo)


def _demo(args: argparse.Namespace) -> int:
    require_parts()
    _require_free(args.port)
    stopping = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopping.set())
    with tempfile.TemporaryDirectory(prefix="attendance-fleet-demo-") as name, contextlib.ExitStack() as stack:
        folder, url = Path(name), f"http://127.0.0.1:{args.port}"
        password, codes = _prepare(f"sqlite:///{folder}/centre.db")
        centre = stack.enter_context(_serving(folder, args.port))
        if not _answers(url, centre, stopping):
            return _ended(stopping, folder)
        services = _gates(url, codes)
        for service in services.values():
            stack.callback(service.stop)
            service.start()
        print(f"The centre runs: {url}/ Log in as {LOGIN} with the password {password}")
        print(f"Three simulated gates call it. Nobody passes the {_SILENT}, while the others are busy; in two minutes")
        print("it will not call any more either. Ctrl-C ends all of it, and keeps nothing.", flush=True)
        if not stopping.wait(_SILENT_AFTER_S):
            services[_SILENT].stop()
        while not stopping.wait(1) and centre.poll() is None:
            pass
        return _ended(stopping, folder)


def _require_free(port: int) -> None:
    """
    Raises:
        BadInput: somebody serves there, perhaps another demo.
    """
    from attendance.errors import BadInput

    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        raise BadInput(f"Port {port} is in use. Give another one with --port.")


def _ended(stopping: threading.Event, folder: Path) -> int:
    """Well if somebody asked for it; else with what the centre said last."""
    if stopping.is_set():
        return 0
    print("The centre ended:", *(folder / _LOG).read_text().splitlines()[-5:], sep="\n", file=sys.stderr)
    return 1


def _prepare(database: str) -> tuple[str, list[str]]:
    """A school with its day, a password for its administrator, and a code for each gate."""
    import secrets

    from attendance.access.identity import Role
    from attendance.access.passwords import Passwords
    from attendance.clock import SystemClock
    from attendance.fleet import directory
    from attendance.fleet.invitations import VALID_FOR, new_code
    from attendance.fleet.store import invites, schools, users
    from attendance.fleet.store.engine import open_engine, transaction, upgrade
    from attendance.fleet.store.invites import Invite
    from attendance.sim.school import SECTION

    now = SystemClock().now().at
    password = secrets.token_urlsafe(12)
    codes = [new_code() for _ in _GATES]
    engine = open_engine(database)
    upgrade(engine)
    with transaction(engine) as conn:
        school = schools.add(conn, SCHOOL, _ZONE, now)
        directory.put_document(conn, school.school_id, "schedule", SECTION, now)
        user = users.add(conn, LOGIN, "Demo", Passwords().hash(password), now)
        users.grant(conn, user.user_id, school.school_id, Role.ADMIN)
        for code, name in zip(codes, _GATES, strict=True):
            invites.add(conn, code, Invite(school.school_id, name, None, True, LOGIN, now, now + VALID_FOR))
    engine.dispose()
    return password, codes


@contextlib.contextmanager
def _serving(folder: Path, port: int) -> Iterator["subprocess.Popen[bytes]"]:
    """The centre, in processes of its own as always, which do not hear of Ctrl-C themselves."""
    words = ["fleet", "serve", f"--db=sqlite:///{folder}/centre.db", f"--folder={folder}/files", f"--port={port}"]
    with (folder / _LOG).open("w") as log:
        process = subprocess.Popen([sys.executable, "-m", "attendance", *words], stderr=log, start_new_session=True)
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(_ENDS_WITHIN_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _answers(url: str, centre: "subprocess.Popen[bytes]", stopping: threading.Event) -> bool:
    """Whether the centre does, in time."""
    for _ in range(round(_STARTS_WITHIN_S / 0.1)):
        if centre.poll() is not None or stopping.wait(0.1):
            return False
        with contextlib.suppress(OSError), urllib.request.urlopen(f"{url}/readyz", timeout=2):
            return True
    return False


def _gates(url: str, codes: list[str]) -> "dict[str, Service]":
    """Three gates that know the school's students, each of which has passed one of them for some weeks."""
    from attendance.clock import SystemClock
    from attendance.ops.service import Service
    from attendance.sim.gate_clock import GateClock
    from attendance.sim.gate_morning import Morning
    from attendance.sim.gates import SimulatedGate
    from attendance.sim.school import invent

    students = list(invent(_STUDENTS, seed=1))
    services = {}
    for number, (name, code) in enumerate(zip(_GATES, codes, strict=True)):
        clock = GateClock(SystemClock(), up_s=_HOURS * 3600)
        gate = SimulatedGate.enrol(url, code, f"demo-gate-{number + 1}", name, clock)
        gate.know(students)
        passing = [student.student_id for student in students[number :: len(_GATES)]]
        morning = Morning(gate, passing, clock, every_s=_EVERY_S)
        silent = name == _SILENT
        morning.remember(_HOURS, _EARLIER_EVERY_S, last_before=_NOBODY_FOR if silent else timedelta())
        if silent:
            morning.close()
        while gate.sync():  # so that the first look finds it whole
            pass
        services[name] = Service(name, morning)
    return services
