"""The documented class of the health port: alone it watches this machine; in a gate it serves all pages of the port.

Owns the port, the thread that keeps health up to date and, while the port cannot be had, one that tries again.
"""

import functools
import logging
import os
import socket
import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import tzinfo
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from flask import Blueprint

from attendance.clock import Clock, SystemClock
from attendance.errors import AttendanceError
from attendance.kiosk import statuses
from attendance.kiosk.database_probe import DatabaseProbe
from attendance.kiosk.sync.credentials import is_enrolled
from attendance.kiosk.web.access import Access
from attendance.kiosk.web.health import HealthPages
from attendance.kiosk.web.pages import gate_app
from attendance.kiosk.web.screen import Screen
from attendance.ops.health import HealthBoard, ProbeResult, Problem
from attendance.ops.machine import MachineProbe
from attendance.ops.service import Service
from attendance.ops.webserver import Streams, WebServer

if TYPE_CHECKING:
    from attendance.config import Settings

log = logging.getLogger(__name__)

RETRY_S = 30.0
_FIRST_LOOK_S = 1.0
FRESH_S: Mapping[str, float] = {"camera": 30.0, "watchdog": 300.0, "backup": 300.0, "sms_webhook": 300.0}
"""How long a pushed status stays true. The camera is told of in every turn of the documented main loop, where a driver
may block for ten seconds; the others are told of now and then."""

PAGES_NOT_SERVED = Problem(
    "pages-not-served",
    "error",
    "Screen and health pages are not served: {error}",
    "Stop the program that has the port, or set another health_endpoint.port. It is tried again every 30 s by itself;"
    " scans are recorded meanwhile.",
)
NO_TOKEN = Problem(
    "health-without-token",
    "notice",
    "The health pages have no token: private networks read them freely, everybody else not at all.",
    "To read them from elsewhere set health_endpoint.token; to close them to the network set health_endpoint.host to"
    " 127.0.0.1.",
)


class HealthEndpoint:
    """Serves the health pages. Constructing it starts and opens nothing.

    Args:
        port: 0 takes a free one; ``.port`` says which.
        enabled: whether pages are served; health is looked after either way.
        db_path: the database whose health is shown.
        board: has the caller's own probes. Without one, this machine and the database are looked at.
        token: opens the pages from outside private networks; empty: nothing does.
        access: who may see what; without it, as ``token`` and the configuration say.
        streams: the places for endless answers of ``screen``.
        blueprints: further pages of the same port.
        started, ready: what ``/startupz`` and ``/readyz`` say once this is started.

    What is not given is as the configuration says.

    Raises:
        FaultyConfig: something was not given and the configuration has faults.
    """

    def __init__(
        self,
        port: int | None = None,
        host: str | None = None,
        enabled: bool | None = None,
        db_path: str | Path | None = None,
        *,
        token: str | None = None,
        board: HealthBoard | None = None,
        clock: Clock | None = None,
        zone: tzinfo | None = None,
        access: Access | None = None,
        streams: Streams | None = None,
        screen: Screen | None = None,
        blueprints: Sequence[Blueprint] = (),
        started: Callable[[], bool] = lambda: True,
        ready: Callable[[], bool] = lambda: True,
    ) -> None:
        from attendance.config import configured  # here: who gives everything needs no configuration

        known = functools.cache(configured)
        self._port = known()[0].health_endpoint.port if port is None else port
        self._host = known()[0].health_endpoint.host if host is None else host
        self._enabled = known()[0].health_endpoint.enabled if enabled is None else enabled
        self._token = known()[0].health_endpoint.token if token is None else token
        self._clock = clock or SystemClock()
        self._streams = streams or Streams(0)
        zone = zone or ZoneInfo(known()[0].school.timezone)
        database = Path(db_path) if db_path is not None else known()[1].database
        self.board = board or _board(known()[0], database, self._clock, zone)
        self.board.add_probe("health_endpoint", self._own_health)
        self._app = gate_app(
            access=access or _access(known()[0], self._token),
            health=HealthPages(
                self.board.snapshot,
                self._clock,
                zone,
                started=lambda: self._looking is not None and started(),
                ready=ready,
            ),
            screen=screen,
            blueprints=blueprints,
        )
        self._lock = threading.Lock()
        self._server: WebServer | None = None
        self._looking: Service | None = None
        self._retrying: Service | None = None
        self._fault = ""

    @property
    def port(self) -> int:
        """The port that is served; the wanted one while none is."""
        server = self._server
        return server.port if server else self._port

    @property
    def serving(self) -> bool:
        return self._server is not None

    @property
    def beat_boot_ns(self) -> int:
        """When the slower of its threads was last at work, in boot time; 0 if health is not looked after."""
        looking, server = self._looking, self._server
        beat = looking.state.beat_boot_ns if looking else 0
        return min(beat, server.beat_boot_ns) if server else beat

    def start(self) -> bool:
        """Look after health and serve its pages; whether they are served.

        A port that cannot be had is logged, a problem, and tried again every ``RETRY_S``: a gate records without pages.
        """
        with self._lock:
            if self._looking is None:
                self._looking = Service("health", self.board)
                self._looking.start()
            self.board.wait_for_look(_FIRST_LOOK_S)
            if not self._enabled or self._server is not None:
                return self._server is not None
            served = self._open()
            self._looking.nudge()
            if not served and self._retrying is None:
                self._retrying = Service("health endpoint", self)
                self._retrying.start()
            return served

    def stop(self, timeout_s: float = 1.0) -> bool:
        """Close the port and end every thread; whether they ended in time. May be called twice."""
        with self._lock:
            looking, server, retrying = self._looking, self._server, self._retrying
            self._looking = self._server = self._retrying = None
        closed = server.stop(timeout_s / 2) if server else True
        ended = [service.stop(timeout_s / 4) for service in (retrying, looking) if service]
        if server is not None:
            log.info("Health endpoint stopped")
        return closed and all(ended)

    def step(self) -> float:
        """Try again to serve the pages, as long as that has failed."""
        with self._lock:
            if self._server is None and self._retrying is not None:
                self._open()
        return RETRY_S

    def update_camera_status(self, status: Mapping[str, Any]) -> None:
        """Tell how the camera is: ``healthy``, ``last_refresh``, ``frames_captured``, ``last_error``."""
        self._told("camera", status)

    def update_watchdog_status(self, status: Mapping[str, Any]) -> None:
        """Tell how the watchdog is, as its ``get_status`` says."""
        self._told("watchdog", status)

    def update_backup_status(self, status: Mapping[str, Any]) -> None:
        """Tell how the backups are, as their ``get_status`` says."""
        self._told("backup", status)

    def update_sms_webhook_status(self, status: Mapping[str, Any]) -> None:
        """Tell how the receiver is: ``running``, ``total_received``, ``delivered_count``, ``failed_count``."""
        self._told("sms_webhook", status)

    def _told(self, component: str, status: Mapping[str, Any]) -> None:
        if not isinstance(status, Mapping):
            log.error("Health endpoint: the status of %s is no dictionary and was ignored: %r", component, type(status))
            return
        if not status:
            self.board.forget(component)
            return
        result = statuses.BY_COMPONENT[component](status)
        stopped = result.status == "stopped"
        self.board.report(component, result.values, result.problems, ttl_s=FRESH_S[component], stopped=stopped)

    def _open(self) -> bool:
        server = WebServer(self._app, self._host, self._port, streams=self._streams, name="Health endpoint")
        try:
            server.start()
        except AttendanceError as error:
            if str(error) != self._fault:
                self._fault = str(error)
                log.error("Health endpoint not served: %s; next try in %.0f s", error, RETRY_S)
            return False
        self._server, self._fault = server, ""
        log.info("Health endpoint serves on %s port %d", self._host, server.port)
        return True

    def _own_health(self) -> ProbeResult:
        if not self._enabled:
            return ProbeResult("health_endpoint", {"serving": False}, (), "stopped")
        problems = [PAGES_NOT_SERVED.said(error=self._fault)] if self._fault else []
        if not self._token and not _loopback(self._host):
            problems.append(NO_TOKEN)
        values = {"serving": self.serving, "port": self.port, "address": f"{socket.gethostname()}:{self.port}"}
        return ProbeResult("health_endpoint", values, problems)


def _board(settings: "Settings", database: Path, clock: Clock, zone: tzinfo) -> HealthBoard:
    board = HealthBoard(clock.boot_ns)
    limits = settings.disk_monitor
    machine = MachineProbe(
        database.parent,
        lambda: [os.getpid()],
        disk_warn_percent=float(limits.warn_threshold_percent),
        disk_critical_percent=float(limits.critical_threshold_percent),
        now_ns=clock.boot_ns,
    )
    board.add_probe("system", machine)
    board.add_probe("database", DatabaseProbe(database, clock, zone, lambda: is_enrolled(database.parent)))
    return board


def _access(settings: "Settings", token: str) -> Access:
    return Access(
        health_token=token,
        hosts=settings.web.hosts,
        trusted_proxies=[str(network) for network in settings.web.trusted_proxies],
    )


def _loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
