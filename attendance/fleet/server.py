"""Serving a centre with gunicorn: one parent, which holds the port, and processes that it starts and replaces.

One of them serves nobody. It does what the centre does by itself, which would hold up every request of its process.

gunicorn reads a request in the thread that answers it, and would wait for the rest of a request for ever. Here nobody
may keep a thread waiting for longer than ``REQUEST_DEADLINE_S``, however steadily they trickle.
"""

import contextlib
import gc
import logging
import os
import socket
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gunicorn.app.base import BaseApplication
from gunicorn.glogging import Logger
from gunicorn.http.errors import ParseException
from gunicorn.workers.gthread import _DEFER, TConn, ThreadWorker

from attendance.clock import boot_ns
from attendance.domain import wire
from attendance.fleet.app import CentreProcess
from attendance.fleet.plan import CentrePlan

REQUEST_DEADLINE_S = 30.0
"""From a request's first byte to its last. A gate gives up sooner."""
_FIRST_BYTE_S = 0.02
_LEAVE_S = 2.0
"""As long as gunicorn waits."""
_IDLE_S = 5
"""How long a connection may lie idle. A proxy should let go of it sooner than that."""
_HOUSEKEEPING_NICE = 10
THREADS = 16
"""Of a process: most wait for the database or for a slow line."""
_ACKNOWLEDGE_MS = 20_000
"""The kernel gives up on a peer that takes nothing for so long."""
_STOP_S = 20
_STUCK_S = 60
"""A process whose loop is silent for so long is replaced."""
_OBJECTS_OF_SOME_REQUESTS = 20_000
"""Python looks for cycles of garbage after 700 new objects: several times in each request of 500 scans."""
_REQUESTS_OF_A_LIFE = 200_000
"""Then a process is replaced by a new one, so that no leak of a library adds up over months."""


@dataclass(frozen=True, slots=True)
class Serving:
    """How many processes answer at which socket. ``certificate`` and ``key`` are PEM files; ``None``: HTTP."""

    listener: socket.socket
    workers: int
    certificate: Path | None = None
    key: Path | None = None


class CentreWorker(ThreadWorker):  # type: ignore[misc]
    """gunicorn's threaded worker with a deadline for requests; or, if it keeps house, one that lets nobody in."""

    keeps_house = False

    def set_accept_enabled(self, enabled: bool) -> None:
        super().set_accept_enabled(enabled and not self.keeps_house)

    def init_process(self) -> None:
        self._reading: dict[TConn, int] = {}
        self._reading_lock = threading.Lock()
        super().init_process()

    def handle(self, conn: TConn) -> Any:
        if not conn.initialized:
            # gunicorn would wait here for the first byte, for 5 s in one of a few threads; the loop can wait for all
            if not conn.wait_for_data(_FIRST_BYTE_S):
                return _DEFER
            conn.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _ACKNOWLEDGE_MS)
        with self._reading_lock:
            self._reading[conn] = boot_ns()
        try:
            kept = super().handle(conn)
            if not kept:
                _take_leave(conn)
            return kept
        finally:
            with self._reading_lock:
                self._reading.pop(conn, None)

    def murder_pending(self) -> None:
        """The loop comes by every second."""
        super().murder_pending()
        late_ns = boot_ns() - int(REQUEST_DEADLINE_S * 1e9)
        with self._reading_lock:
            for conn, since_ns in self._reading.items():
                if since_ns < late_ns:
                    _end_of_request(conn)


class _Log(Logger):  # type: ignore[misc]
    """gunicorn's lines go where ours go; requests are the proxy's to log."""

    def setup(self, cfg: Any) -> None:
        self.error_log.propagate = True
        self.error_log.setLevel(logging.INFO)
        self.access_log.propagate = False
        self.access_log.disabled = True


class CentreServer(BaseApplication):  # type: ignore[misc]
    """Runs until it is told to stop; ``run`` returns by ending the process."""

    def __init__(self, plan: CentrePlan, serving: Serving) -> None:
        self._plan = plan
        self._serving = serving
        super().__init__()

    def load_config(self) -> None:
        serving = self._serving
        for name, value in {
            "bind": f"fd://{serving.listener.fileno()}",
            "workers": serving.workers + 1,
            "threads": THREADS,
            "worker_class": CentreWorker,
            "timeout": _STUCK_S,
            "graceful_timeout": _STOP_S,
            "keepalive": _IDLE_S,
            "max_requests": _REQUESTS_OF_A_LIFE,
            "max_requests_jitter": _REQUESTS_OF_A_LIFE // 10,
            "certfile": str(serving.certificate) if serving.certificate else None,
            "keyfile": str(serving.key) if serving.key else None,
            "forwarded_allow_ips": "",  # the application judges proxies, it knows the trusted ones
            "control_socket_disable": True,
            "logger_class": _Log,
            "pre_fork": _share_work,
            "post_worker_init": _keep_house,
            "worker_exit": _stop,
        }.items():
            self.cfg.set(name, value)

    def load(self) -> Any:
        """In the process that serves, after the fork."""
        process = CentreProcess(self._plan, connections=THREADS)
        process.app.extensions["centre-process"] = process
        gc.freeze()  # what is loaded stays
        gc.set_threshold(_OBJECTS_OF_SOME_REQUESTS)
        return process.app


def _share_work(server: Any, worker: CentreWorker) -> None:
    """In the parent, before each fork: one of those with the same settings keeps house, and its successor after it."""
    together = [each for each in server.WORKERS.values() if each.cfg is worker.cfg]
    worker.keeps_house = not any(each.keeps_house for each in together)


def _keep_house(worker: CentreWorker) -> None:
    """In the process itself, once the application is there."""
    if worker.keeps_house:
        os.nice(_HOUSEKEEPING_NICE)
        worker.app.callable.extensions["centre-process"].start()


def _stop(server: Any, worker: Any) -> None:
    app = getattr(worker.app, "callable", None)
    if app is not None:
        app.extensions["centre-process"].stop()


def _take_leave(conn: TConn) -> None:
    """Before gunicorn closes a connection. It does so in its loop, and waits there for the peer to close it too: for
    up to 2 s each, in which it lets nobody else in. What is still to come is taken here instead, by one thread of many:
    who is refused amid sending would else not hear why."""
    if conn.parser is not None:
        with contextlib.suppress(OSError, ParseException):
            conn.parser.finish_body(time.monotonic() + _LEAVE_S, wire.LARGEST_PHOTO_BYTES)
    _end_of_request(conn)


def _end_of_request(conn: TConn) -> None:
    """As if the peer had said all: whoever waits for more reads the end, and may still answer. Called once a second."""
    try:
        # not conn.sock.shutdown: that of a TLS socket would go on in plain text
        socket.socket.shutdown(conn.sock, socket.SHUT_RD)
    except OSError:
        return
