"""A gate's core with some of the five features, in a process of its own: what it holds, and what it costs to be idle.

    python -m robust.core FOLDER SECONDS [watchdog] [sms_webhook] [backup] [health] [metrics]

Builds what ``attendance/kiosk/app.py`` builds, without screen and vision process, and imports nothing else: a feature
pays for every module that the core alone does not load. Each feature is used once before anything is measured.
"""

import json
import os
import socket
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import time as time_of_day
from datetime import timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import psutil

from attendance.clock import SystemClock
from attendance.config import Paths, Settings
from attendance.domain.message import MessageKind
from attendance.domain.scan import GateDirection
from attendance.domain.schedule import Schedule, Session
from attendance.kiosk.album import Album
from attendance.kiosk.display import Display
from attendance.kiosk.identity import CardRules
from attendance.kiosk.redating import Redating
from attendance.kiosk.retention import Policy, Retention
from attendance.kiosk.station import GateRules, Station
from attendance.kiosk.store.database import create_or_migrate
from attendance.kiosk.web.events import ScreenEvents
from attendance.ops import sqlite
from attendance.ops.disk import DiskWatch, Reserve
from attendance.ops.health import HealthBoard
from attendance.ops.logs import LogKeeper
from attendance.ops.memory import MemoryWatch, Watched, release_own_memory
from attendance.ops.service import Service
from attendance.ops.sqlite import Writer

_SETTLE_S = 1.0
_MAIN_LOOP_S = 5.0
"""As the gate's main loop: so often it shows life."""
_STOP_S = 2.0
_SHELF = 24
"""Backups of a gate that has run for a day: health lists them."""


@dataclass(frozen=True, slots=True)
class Feature:
    """One of the five, started. ``use`` does once what it is there for; ``beat`` is its share of the main loop."""

    stop: Callable[[float], bool]
    use: Callable[[], None]
    beat: Callable[[], None] = lambda: None


class Core:
    """What records scans, without anybody looking after it."""

    def __init__(self, folder: Path) -> None:
        self.settings = settings = Settings()
        self.paths = paths = Paths(folder, folder / "data", folder / "config.json")
        self.clock = clock = SystemClock()
        self.zone = zone = ZoneInfo(settings.school.timezone)
        self.board = HealthBoard(clock.boot_ns)
        self.metrics: Any = None
        create_or_migrate(paths.database, clock.now())
        self.writer = Writer(lambda: sqlite.connect(paths.database))
        album = Album(paths.data_dir, self.writer, lambda scan_id: None)
        rules = GateRules(
            "gate-1", zone, _schedule(), GateDirection.BOTH, CardRules({}, False), frozenset[MessageKind]()
        )
        self.station = Station(rules, clock, self.writer, album, answer=_nothing, show=_nothing, ended=lambda: None)
        self.retention = Retention(
            paths.database,
            paths.data_dir,
            self.writer,
            clock,
            zone,
            Policy(30, False),
            DiskWatch(paths.data_dir, warn_percent=10, critical_percent=5),
            Reserve(paths.data_dir / ".reserve"),
        )
        self.memory = MemoryWatch([Watched("core", os.getpid, 160, release_own_memory)])
        display = Display(ScreenEvents(), clock, sound=_nothing, snapshot=self.board.snapshot, camera=lambda: None)
        self.services: list[Service] = [
            self.writer.service,
            album.service,
            self.station.service,
            self.retention.service,
            Redating(paths.database, self.writer, clock, rules.schedule, zone).service,
            LogKeeper(paths.data_dir / "logs", [], 7, clock).service,
            self.memory.service,
            display.service,
        ]

    def start(self) -> None:
        for service in self.services:
            service.start()

    def stop(self, timeout_s: float) -> bool:
        ended = [service.stop(timeout_s) for service in reversed(self.services)]
        return all(ended)


def _schedule() -> Schedule:
    always = (time_of_day(0), time_of_day(0), time_of_day(12), time_of_day(12), time_of_day(23))
    return Schedule([Session("day", *always, timedelta(minutes=15))], frozenset(range(7)), timedelta(), timedelta())


def _nothing(told: object) -> None:
    """Nobody listens here."""


def watchdog(core: Core) -> Feature:
    from attendance.ops.watchdog import WatchdogTimer

    log_file = core.paths.data_dir / "logs" / "watchdog_restarts.log"
    made = WatchdogTimer(30, "", True, log_file, restarts_per_hour=4, zone=core.zone, clock=core.clock)
    for service in core.services:
        made.watch(service.name, 60.0, lambda service=service: service.state.beat_boot_ns)
    from attendance.kiosk import statuses

    core.board.add_probe("watchdog", lambda: statuses.watchdog(made.get_status(), made.problems))
    made.start()
    return Feature(made.stop, made.heartbeat, made.heartbeat)


def sms_webhook(core: Core) -> Feature:
    from attendance.kiosk.web.access import Access
    from attendance.kiosk.web.webhook import SMSWebhookReceiver
    from attendance.kiosk.web.webhook_plan import as_configured

    configured = {**as_configured(core.settings, core.paths), "port": 0, "host": "127.0.0.1"}
    made = SMSWebhookReceiver(**configured, zone=core.zone, clock=core.clock, access=Access(), writer=core.writer)
    core.board.add_probe("sms_webhook", made.probe)
    made.start()
    report = b'{"id": "a", "state": "Delivered", "phoneNumber": "+639755269146"}'
    head = b"Host: localhost\r\nContent-Type: application/json\r\nContent-Length: %d" % len(report)
    request = b"POST /sms-webhook HTTP/1.0\r\n%s\r\n\r\n%s" % (head, report)
    return Feature(made.stop, lambda: _asked(made.port, request))


def backup(core: Core) -> Feature:
    from attendance.kiosk import statuses
    from attendance.kiosk.backups import DatabaseBackupManager

    made = DatabaseBackupManager(configuration=(core.settings, core.paths), clock=core.clock)
    core.board.add_probe("backup", lambda: statuses.backup(made.get_status(), made.problems))
    if core.metrics is not None:
        from attendance.kiosk import measures

        core.metrics.add_source(lambda: measures.gauges(core.metrics, made.gauges()))
    made.start()  # the first one is made at once

    def fill_the_shelf() -> None:
        for _ in range(_SHELF):
            made.make()

    return Feature(made.stop, fill_the_shelf)


def health(core: Core) -> Feature:
    from attendance.kiosk import probes
    from attendance.kiosk.database_probe import DatabaseProbe
    from attendance.kiosk.web.access import Access
    from attendance.kiosk.web.endpoint import HealthEndpoint
    from attendance.ops.machine import MachineProbe

    paths, clock, board = core.paths, core.clock, core.board
    database = DatabaseProbe(paths.database, clock, core.zone, False)
    board.add_probe("system", MachineProbe(paths.data_dir, lambda: [os.getpid()]))
    board.add_probe("database", database)
    board.add_probe("clock", probes.ClockProbe(clock))
    board.add_probe("recording", probes.recording_probe(lambda: core.station.recording))
    board.add_probe("photos", core.retention)
    board.add_probe("memory", core.memory)
    board.add_probe("services", probes.services_probe(dict.fromkeys(core.services, 60.0), clock))
    pages = []
    if core.metrics is not None:
        pages = _metrics_page(core.metrics)
    made = HealthEndpoint(
        0,
        "127.0.0.1",
        True,
        paths.database,
        token="",
        board=board,
        clock=clock,
        zone=core.zone,
        access=Access(),
        blueprints=pages,
    )
    made.start()

    def use() -> None:
        for page in (b"health", b"ping", *([b"metrics"] if pages else [])):
            _asked(made.port, b"GET /%s HTTP/1.0\r\nHost: localhost\r\n\r\n" % page)

    return Feature(lambda timeout_s: (made.stop(timeout_s), database.close())[0], use)


def metrics(core: Core) -> Feature:
    from attendance.kiosk import measures
    from attendance.kiosk.metric_catalogue import CATALOGUE
    from attendance.ops.exposition import Exposition
    from attendance.ops.metrics import MetricsCollector

    file = core.paths.data_dir / "metrics.json"
    made = core.metrics = MetricsCollector(file, 300, True, catalogue=CATALOGUE, clock=core.clock, zone=core.zone)
    made.add_source(measures.SnapshotMeasures(made, core.board.snapshot))
    core.board.add_probe("metrics", made.probe)
    made.start()
    text = Exposition(made, "0").text

    def use() -> None:
        made.increment("scans_total")
        made.record_timing("qr_scan_ms", 45.2)
        text()

    return Feature(made.stop, use)


def _metrics_page(collector: Any) -> list[Any]:
    from attendance.kiosk.web.access import Access
    from attendance.kiosk.web.metrics import metrics_blueprint
    from attendance.ops.exposition import Exposition

    return [metrics_blueprint(Exposition(collector, "0").text, Access())]


def _asked(port: int, message: bytes) -> None:
    """Send a request and read the answer to its end, with nothing that would have to be imported for it."""
    with socket.create_connection(("127.0.0.1", port), 5) as peer:
        peer.sendall(message)
        answer = b""
        while more := peer.recv(65536):
            answer += more
        if answer[9:12] not in (b"200", b"503"):
            raise SystemExit(f"{message[:40]!r} was answered {answer[:200]!r}")


FEATURES = {"metrics": metrics, "watchdog": watchdog, "sms_webhook": sms_webhook, "backup": backup, "health": health}
"""In the order in which they are made: health shows the others."""


def _idle(seconds: float, features: dict[str, Feature]) -> float:
    """The processor time in seconds that this process used meanwhile; the kernel counts it in nanoseconds."""
    begun, until = time.process_time(), time.monotonic() + seconds
    while (rest := until - time.monotonic()) > 0:
        for feature in features.values():
            feature.beat()
        time.sleep(min(rest, _MAIN_LOOP_S))
    return time.process_time() - begun


def _timed(stop: Callable[[float], bool]) -> float:
    begun = time.perf_counter()
    if not stop(_STOP_S):
        raise SystemExit(f"{stop} did not end in {_STOP_S:.0f} s")
    return time.perf_counter() - begun


def main(folder: Path, seconds: float, names: list[str]) -> None:
    core = Core(folder)
    core.start()
    features = {name: make(core) for name, make in FEATURES.items() if name in names}
    for feature in features.values():
        feature.use()
    time.sleep(_SETTLE_S)
    cpu_s = _idle(seconds, features)
    memory = psutil.Process().memory_full_info()
    stops = {name: _timed(features[name].stop) for name in reversed(features)}
    stops["core"] = _timed(core.stop)
    print(json.dumps({"cpu_s": cpu_s, "rss_mb": memory.rss / 1e6, "uss_mb": memory.uss / 1e6, "stop_s": stops}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), float(sys.argv[2]), sys.argv[3:])
