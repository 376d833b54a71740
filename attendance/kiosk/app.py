"""The gate's composition root: what exists, who gets what, in which order it starts and, reversed, ends."""

import logging
import os
import signal
import threading
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from zoneinfo import ZoneInfo

from attendance.clock import Clock
from attendance.config import Paths, Settings
from attendance.kiosk import erasure, keyring, plan, probes
from attendance.kiosk.album import Album, Entry
from attendance.kiosk.camera_process import CameraProcess
from attendance.kiosk.display import Display
from attendance.kiosk.feedback import SignalFeedback
from attendance.kiosk.plan import RunOptions
from attendance.kiosk.redating import Redating
from attendance.kiosk.station import Station
from attendance.kiosk.store import register
from attendance.kiosk.store.database import create_or_migrate, reading
from attendance.kiosk.web.events import ScreenEvents
from attendance.kiosk.web.health import HealthPages
from attendance.kiosk.web.pages import gate_app
from attendance.kiosk.web.preview import PreviewFeed
from attendance.kiosk.web.screen import Screen
from attendance.ops import sqlite, systemd
from attendance.ops.health import HealthBoard, ProbeResult
from attendance.ops.instance import InstanceLock
from attendance.ops.machine import MachineProbe
from attendance.ops.service import Service
from attendance.ops.sqlite import Writer
from attendance.ops.webserver import Streams, WebServer
from attendance.vision.messages import Portrait, Verdict

log = logging.getLogger(__name__)

_ALIVE_S = 5.0
"""How often the supervisor is told that the gate lives; half of the shortest useful ``WatchdogSec``."""
_STOP_S = 1.5
_LOST_PHOTO = "The gate was interrupted before a face was found."


class Gate:
    """A gate, from its lock to its pages. Constructing it starts and opens nothing but small files."""

    def __init__(self, settings: Settings, paths: Paths, clock: Clock, options: RunOptions) -> None:
        self._settings = settings
        self._paths = paths
        self._clock = clock
        self._options = options
        self._stopping = threading.Event()
        self._started = False
        self._earlier_restarts = 0
        self._zone = ZoneInfo(settings.school.timezone)
        rules = plan.gate_rules(settings, keyring.load(paths.resolve(settings.cards.key)))

        self._lock = InstanceLock(paths.data_dir)
        self._writer = Writer(lambda: sqlite.connect(paths.database))
        self._events = ScreenEvents()
        self._board = HealthBoard()
        self._board_service = Service("health", self._board)
        self._album = Album(paths.data_dir, self._writer, lambda scan_id: self._display.photo_kept(scan_id))
        self._preview = PreviewFeed(lambda fps: self._camera.watch(fps))
        self._camera = CameraProcess(
            plan.vision_plan(settings, paths, options),
            timeout_s=float(settings.watchdog.vision_timeout_seconds),
            log_file=paths.resolve(settings.logging.log_dir) / "vision.log",
            on_scan=lambda message: self._station.receive(message),
            on_preview=self._preview.put,
            on_replaced=self._vision_replaced,
            wanted_fps=lambda: self._preview.wanted_fps,
        )
        self._feedback, self._feedback_service = plan.feedback(settings)
        self._display = Display(
            self._events,
            clock,
            sound=self._feedback.show,
            snapshot=self._board.snapshot,
            camera=lambda: self._camera.status,
        )
        self._station = Station(
            rules,
            clock,
            self._writer,
            self._album,
            answer=self._answer,
            show=self._display.show,
            ended=self._source_ended,
        )
        self._redating = Redating(paths.database, self._writer, clock, rules.schedule, self._zone)
        self._access = plan.access(settings)
        self._streams = Streams(settings.screen.max_streams)
        self._web = self._web_server()
        self._add_probes()

    @property
    def port(self) -> int:
        """The port of the pages, once started."""
        return self._web.port if self._web else 0

    def run(self) -> int:
        """Start, work until told to stop, stop; the exit code."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._asked_to_stop)
        try:
            self.start()
            self._announce()
            while not self._stopping.wait(_ALIVE_S):
                if self._station.service.state.running:
                    systemd.notify("WATCHDOG=1")
        finally:
            systemd.notify("STOPPING=1")
            self.stop()
        return 0

    def start(self) -> None:
        """Take the data directory, bring the store up to date, start every part.

        Raises:
            AttendanceError: something a person must change; nothing is left running after ``stop``.
        """
        self._lock.acquire()
        create_or_migrate(self._paths.database, self._clock.now())
        erasure.reapply(self._paths.database, self._paths.data_dir)
        self._earlier_restarts = _lines(self._paths.resolve(self._settings.watchdog.log_file))
        for start in self._starts():
            start()
        self._close_old_photos()
        self._started = True
        systemd.notify("READY=1")

    def stop(self) -> None:
        """End every part in reverse; what was handed over is finished. May be called twice."""
        self._started = False
        for name, stop in self._stops():
            if not stop(_STOP_S):
                log.error("%s did not end in time", name)
        self._lock.release()

    def _starts(self) -> list[Callable[[], None]]:
        starts = [self._writer.start, self._album.service.start, self._station.service.start]
        starts += [self._board_service.start, self._display.service.start, self._redating.service.start]
        if self._feedback_service is not None:
            starts.append(self._feedback_service.start)
        if self._web is not None:
            starts.append(self._web.start)
        return [*starts, self._camera.start]

    def _stops(self) -> list[tuple[str, Callable[[float], bool]]]:
        stops: list[tuple[str, Callable[[float], bool]]] = [("vision", self._camera.stop)]
        if self._web is not None:
            stops.append(("web", self._web.stop))
        if self._feedback_service is not None:
            stops.append(("feedback", self._feedback_service.stop))
        if isinstance(self._feedback, SignalFeedback):
            stops.append(("pins", self._close_feedback))
        stops += [("redating", self._redating.service.stop), ("display", self._display.service.stop)]
        stops += [("health", self._board_service.stop), ("station", self._station.service.stop)]
        return [*stops, ("album", self._album.stop), ("writer", self._writer.stop)]

    def _web_server(self) -> WebServer | None:
        settings = self._settings
        if not settings.health_endpoint.enabled:
            return None
        health = HealthPages(
            self._board.snapshot,
            self._clock,
            self._zone,
            started=lambda: self._started,
            ready=lambda: self._station.service.state.running and self._camera.state.pid is not None,
        )
        screen = None
        if settings.screen.enabled and not self._options.headless:
            screen = Screen(
                events=self._events,
                preview=self._preview,
                streams=self._streams,
                scan=self._read,
                photo=self._photo,
                clock=self._clock,
                zone=self._zone,
                school=settings.school.name,
                gate=settings.device.device_name,
            )
        app = gate_app(access=self._access, health=health, screen=screen)
        return WebServer(app, settings.health_endpoint.host, settings.health_endpoint.port, streams=self._streams)

    def _add_probes(self) -> None:
        settings, board = self._settings, self._board
        machine = MachineProbe(
            self._paths.data_dir,
            self._processes,
            disk_warn_percent=float(settings.disk_monitor.warn_threshold_percent),
            disk_critical_percent=float(settings.disk_monitor.critical_threshold_percent),
            memory_budget_mb=settings.memory.vision_budget_mb + settings.memory.core_budget_mb,
        )
        board.add_probe("system", machine)
        database = probes.DatabaseProbe(self._paths.database, self._clock, self._zone, settings.cloud.enabled)
        board.add_probe("database", database)
        board.add_probe("camera", probes.CameraProbe(self._camera, self._clock))
        board.add_probe("watchdog", self._watchdog)
        for later, count in (("backup", "total_backups"), ("sms_webhook", "total_received")):
            board.report(later, {count: 0}, stopped=True)
        board.add_probe("clock", probes.clock_probe(self._clock))
        parts = [self._writer.service, self._album.service, self._station.service, self._display.service]
        board.add_probe("services", probes.services_probe(parts, self._clock))
        if isinstance(self._feedback, SignalFeedback):
            feedback = self._feedback
            board.add_probe("feedback", lambda: ProbeResult("feedback", {}, feedback.problems))

    def _watchdog(self) -> ProbeResult:
        return ProbeResult(
            "watchdog", {"running": True, "total_restarts": self._earlier_restarts + self._camera.state.replaced}
        )

    def _processes(self) -> list[int]:
        vision = self._camera.state.pid
        return [os.getpid(), *([vision] if vision else [])]

    def _announce(self) -> None:
        log.info("gate %s is ready", self._settings.device.device_id)
        if self._web is None:
            print("The gate runs.", flush=True)
            return
        page = "health" if self._options.headless or not self._settings.screen.enabled else ""
        print(f"The gate runs. Open http://localhost:{self.port}/{page}", flush=True)

    def _close_old_photos(self) -> None:
        """Scans of an earlier run whose photo never came get the reason."""
        with reading(self._paths.database) as conn:
            waiting = register.without_photo(conn)
        for scan_id in waiting:
            self._album.keep(Entry(scan_id, "", Portrait("", True, _LOST_PHOTO, 0.0, 0)))

    def _close_feedback(self, timeout_s: float) -> bool:
        if isinstance(self._feedback, SignalFeedback):
            self._feedback.close()
        return True

    def _answer(self, verdict: Verdict) -> None:
        self._camera.answer(verdict)

    def _read(self, payload: bytes) -> bool:
        if not self._started:
            return False
        self._station.read(payload)
        return True

    def _photo(self, scan_id: str) -> bytes | None:
        with reading(self._paths.database) as conn:
            path = register.photo_of(conn, scan_id)
        try:
            return (self._paths.data_dir / path).read_bytes() if path else None
        except OSError:
            return None

    def _vision_replaced(self, reason: str) -> None:
        self._preview.clear()
        self._station.interrupted(reason)
        _append(
            self._paths.resolve(self._settings.watchdog.log_file),
            f"{self._clock.now().at.astimezone(self._zone).isoformat(timespec='seconds')} vision replaced: {reason}\n",
        )

    def _source_ended(self) -> None:
        if self._options.exit_at_end:
            self._stopping.set()

    def _asked_to_stop(self, number: int, stack: FrameType | None) -> None:
        self._stopping.set()


def _lines(path: Path) -> int:
    try:
        return path.read_bytes().count(b"\n")
    except OSError:
        return 0


def _append(path: Path, line: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8") as file:
            file.write(line)
    except OSError as error:
        log.error("%s cannot be written: %s", path, error.strerror)
