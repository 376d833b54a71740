"""A real centre in processes of their own, all on one port, which is there while none of them lives."""

import multiprocessing
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from multiprocessing.connection import Connection
from pathlib import Path
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

from gate_process import ROOT
from memory_disk import folder_in_memory
from sqlalchemy import event, select

from attendance.fleet.app import CentreProcess, prepare
from attendance.fleet.invitations import new_code
from attendance.fleet.plan import CentrePlan
from attendance.fleet.store import invites, schools
from attendance.fleet.store.engine import open_engine, reading, transaction
from attendance.fleet.store.invites import Invite
from attendance.fleet.store.tables import aliases, chains, corrections, dead_letters, events, refusals, students

FORK = multiprocessing.get_context("fork")


class CentreOnAPort:
    """Serves with ``start``, dies with ``kill``; what it knows stays in its folder.

    Args:
        folder: SQLite and photos are kept there.
    """

    def __init__(self, folder: Path) -> None:
        self.plan = CentrePlan(f"sqlite:///{folder}/centre.db", folder)
        prepare(self.plan)
        self._engine = open_engine(self.plan.database)
        now = datetime.now(UTC)
        with transaction(self._engine) as conn:
            self.school = schools.add(conn, "Journeys", "Asia/Manila", now)
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = int(self._listener.getsockname()[1])
        self.url = f"http://127.0.0.1:{self.port}"
        self._process = CentreProcess(self.plan)
        self._child: Any = None

    def invite(self, name: str) -> str:
        """A one-time code."""
        now, code = datetime.now(UTC), new_code()
        invite = Invite(self.school.school_id, name, None, True, "test", now, now + timedelta(days=1))
        with transaction(self._engine) as conn:
            invites.add(conn, code, invite)
        return code

    def start(self, kill_at: int = 0) -> None:
        """Serve in a new process.

        Args:
            kill_at: it kills itself before the so manieth statement, commit or answer; 0: never.
        """
        self._engine.dispose()  # connections survive no fork; the process that is forked has none yet
        self._dying, told = FORK.Pipe(duplex=False)
        self._child = FORK.Process(target=_serve, args=(self._process, self._listener, kill_at, told))
        self._child.start()
        told.close()

    def kill(self) -> None:
        """As a power cut does."""
        if self._child is not None:
            self._child.kill()
            self._child.join(10)
            self._child = None

    def died(self) -> bool:
        """Whether it kills itself; known before anybody can notice."""
        return bool(self._dying.poll())

    def back_up(self, to: Path) -> None:
        """Everything of it, while it does not run."""
        self._engine.dispose()
        shutil.copytree(self.plan.folder, to)

    def restore(self, backup: Path) -> None:
        """As it was then, and nothing since; while it does not run."""
        self._engine.dispose()
        shutil.rmtree(self.plan.folder)
        shutil.copytree(backup, self.plan.folder)

    def close(self) -> None:
        self.kill()
        self._listener.close()
        self._engine.dispose()

    def register(self) -> dict[str, tuple[Any, ...]]:
        """What is known of each scan, its time as corrected, as ``QueueingGate.register`` tells it."""
        query = (
            select(
                events.c.scan_id,
                students.c.student_id,
                events.c.day,
                events.c.direction,
                chains.c.epoch,
                events.c.seq,
                events.c.event_at,
                corrections.c.day,
                corrections.c.scanned_at,
            )
            .join(chains, chains.c.chain_id == events.c.chain_id)
            .join(aliases, (aliases.c.school_id == events.c.school_id) & (aliases.c.alias == events.c.student_key))
            .join(
                students,
                (students.c.school_id == aliases.c.school_id) & (students.c.student_key == aliases.c.student_key),
            )
            .outerjoin(
                corrections,
                (corrections.c.school_id == events.c.school_id) & (corrections.c.scan_id == events.c.scan_id),
            )
        )
        with reading(self._engine) as conn:
            rows = conn.execute(query).all()
        found = {}
        for scan_id, student_id, day, direction, epoch, seq, at, true_day, true_at in rows:
            assert scan_id not in found, "doubled"
            found[scan_id] = (student_id, true_day or day, direction, epoch, seq, true_at or at)
        return found

    def heads(self) -> dict[tuple[str, str], int]:
        """Up to which number each epoch is complete; all of them must hold."""
        with reading(self._engine) as conn:
            rows = conn.execute(select(chains)).all()
        assert [row for row in rows if row.broken_at is not None] == []
        assert [row for row in rows if row.highest != row.complete_to] == []
        return {(row.device_id, row.epoch): row.complete_to for row in rows}

    def count(self, what: str) -> int:
        """Of ``refusals`` or ``dead letters``."""
        table = {"refusals": refusals, "dead letters": dead_letters}[what]
        with reading(self._engine) as conn:
            return len(conn.execute(select(table)).all())

    def photos(self) -> dict[str, bytes]:
        """Whole pictures, by their digest."""
        files = [file for file in (self.plan.folder / "photos").rglob("*") if file.is_file()]
        return {file.stem: file.read_bytes() for file in files}


class ServedCentre(CentreOnAPort):
    """The same as ``attendance fleet serve`` runs it; its port is nobody's while it does not run."""

    def start(self, kill_at: int = 0) -> None:
        self._listener.close()
        words = ["fleet", "serve", f"--db={self.plan.database}", f"--folder={self.plan.folder}", f"--port={self.port}"]
        self._child = subprocess.Popen(
            [sys.executable, "-m", "attendance", *words],
            stderr=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            start_new_session=True,
        )

    def kill(self) -> None:
        """All of its processes at once."""
        if self._child is not None:
            os.killpg(self._child.pid, signal.SIGKILL)
            self._child.wait(10)
            self._child = None


def _serve(process: CentreProcess, listener: socket.socket, kill_at: int, told: Connection) -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    server = _Server(("127.0.0.1", 0), _Quiet, bind_and_activate=False)
    server.socket = listener
    server.server_name, server.server_port = "127.0.0.1", 0
    server.setup_environ()
    server.set_app(_mortal(process, kill_at, told) if kill_at else process.app)
    server.serve_forever()


class _Server(ThreadingMixIn, WSGIServer):
    """A peer that never ends its request holds up nobody else."""

    daemon_threads = True


class _Quiet(WSGIRequestHandler):
    timeout = 5.0

    def log_message(self, format: str, *args: object) -> None:
        pass


def _mortal(process: CentreProcess, kill_at: int, told: Connection) -> Callable[..., Any]:
    """The application, in a process that kills itself before the so manieth statement, commit or answer."""
    done = 0

    def count(*_: object) -> None:
        nonlocal done
        done += 1
        if done == kill_at:
            told.send("dies")
            os.kill(os.getpid(), signal.SIGKILL)

    def answer(environ: Any, start_response: Any) -> Any:
        said = process.app(environ, start_response)
        count()
        return said

    for moment in ("before_cursor_execute", "commit"):
        event.listen(process.centre.engine, moment, count)
    return answer


def on_a_port() -> Iterator[CentreOnAPort]:
    """One that serves, with its database in memory; to be made a fixture of."""
    with folder_in_memory() as folder:
        centre = CentreOnAPort(folder)
        centre.start()
        yield centre
        centre.close()
