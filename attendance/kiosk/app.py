"""The gate's composition root: what exists, who gets what, in which order it starts and, reversed, ends."""

import faulthandler
import logging
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any
from zoneinfo import ZoneInfo

from attendance import __version__
from attendance.clock import Clock
from attendance.config import Paths, Settings, check_decided
from attendance.errors import AttendanceError
from attendance.kiosk import backups, erasure, measures, plan, probes, recovery, statuses
from attendance.kiosk.album import Entry
from attendance.kiosk.alerting import LONGEST_S, Alerting
from attendance.kiosk.backups import DatabaseBackupManager
from attendance.kiosk.database_probe import DatabaseProbe
from attendance.kiosk.flow_probe import FlowProbe
from attendance.kiosk.metric_catalogue import CATALOGUE, CLOUD_SYNC_SUCCESS, SMS_SENT
from attendance.kiosk.parts import DEADLINE_S, Part, nothing, of_service
from attendance.kiosk.plan import RunOptions
from attendance.kiosk.recording import Recording
from attendance.kiosk.redating import Redating
from attendance.kiosk.restarting import OrderlyRestart
from attendance.kiosk.retention import Policy, Retention
from attendance.kiosk.scan_times import ScanTimesProbe
from attendance.kiosk.sms import plan as sms_plan
from attendance.kiosk.sms.app import Messages
from attendance.kiosk.station import Outcome
from attendance.kiosk.store import ledger, outbox, roster
from attendance.kiosk.store.database import create_or_migrate, damage_mark, note_damage, reading
from attendance.kiosk.sync.app import Sync
from attendance.kiosk.sync.credentials import is_enrolled
from attendance.kiosk.sync.down import Seams
from attendance.kiosk.web.endpoint import HealthEndpoint
from attendance.kiosk.web.metrics import metrics_blueprint
from attendance.kiosk.web.webhook import SMSWebhookReceiver
from attendance.kiosk.web.webhook_plan import as_configured
from attendance.ops import sqlite, systemd
from attendance.ops.alert_post import Poster
from attendance.ops.disk import DiskWatch, Reserve
from attendance.ops.exposition import Exposition
from attendance.ops.health import HealthBoard, Probe, ProbeResult
from attendance.ops.instance import InstanceLock
from attendance.ops.logs import LogKeeper
from attendance.ops.machine import MachineProbe
from attendance.ops.memory import MemoryWatch, Watched, release_own_memory
from attendance.ops.metrics import MetricsCollector
from attendance.ops.run_marker import RunMarker
from attendance.ops.sqlite import Writer
from attendance.ops.stop_request import StopRequest
from attendance.ops.watchdog import WatchdogTimer
from attendance.ops.webserver import Streams

log = logging.getLogger(__name__)

_ALIVE_S = 5.0
"""How often the main loop shows life; half of the shortest useful ``WatchdogSec``."""
_DATABASE_DEADLINE_S = 5.0
"""A damaged database does not get better by waiting."""
_HEALTH_DEADLINE_S = 30.0
"""It looks every two seconds, and answers requests."""
_STOP_S = 1.5
AGAIN = 75
"""What a supervisor takes for a reason to start the gate again (``EX_TEMPFAIL`` of sysexits.h)."""
_LOST_PHOTO = "The gate was interrupted before a face was found."


class Gate:
    """A gate, from its lock to its pages. Constructing it starts and opens nothing but small files."""

    def __init__(self, settings: Settings, paths: Paths, clock: Clock, options: RunOptions) -> None:
        self._settings = settings
        self._paths = paths
        self._clock = clock
        self._options = options
        self._stopping = StopRequest()
        self._started = False
        self._again = False
        self._zone = ZoneInfo(settings.school.timezone)
        self._access = plan.access(settings)
        logs = paths.resolve(settings.logging.log_dir)

        self._lock = InstanceLock(paths.data_dir)
        self._marker = RunMarker(paths.data_dir, clock)
        self._board = HealthBoard(clock.boot_ns)
        self._metrics = MetricsCollector(
            paths.resolve(settings.metrics.export_file),
            settings.metrics.export_interval_seconds,
            settings.metrics.enabled,
            catalogue=CATALOGUE,
            clock=clock,
            zone=self._zone,
        )
        self._watchdog = WatchdogTimer(
            settings.watchdog.timeout_seconds,
            settings.watchdog.restart_command,
            settings.watchdog.enabled,
            paths.resolve(settings.watchdog.log_file),
            restarts_per_hour=settings.watchdog.restarts_per_hour,
            zone=self._zone,
            clock=clock,
            before_restart=self._marker.expect_end,
            not_restarted=self._marker.go_on,
        )
        self._writer = Writer(lambda: sqlite.connect(paths.database), lambda error: note_damage(paths.database, error))
        self._backups = DatabaseBackupManager(
            configuration=(settings, paths), clock=clock, on_made=lambda ms: measures.backup(self._metrics, ms)
        )
        disk = settings.disk_monitor
        self._retention = Retention(
            paths.database,
            paths.data_dir,
            self._writer,
            clock,
            self._zone,
            Policy(disk.photo_retention_days, settings.cloud.enabled and settings.cloud.photos),
            DiskWatch(
                paths.data_dir,
                warn_percent=disk.warn_threshold_percent,
                critical_percent=disk.critical_threshold_percent,
            ),
            Reserve(paths.data_dir / ".reserve"),
        )
        self._recording = Recording(
            settings,
            paths,
            self._writer,
            clock,
            options,
            board=self._board,
            accepts=lambda: self._started,
            photos_have_room=lambda: self._retention.photos_have_room,
            shown=self._shown,
            photo_done=self._photo_done,
            replaced=lambda reason: self._watchdog.restarts.append("vision replaced", reason),
            ended=self._source_ended,
        )
        self._redating = Redating(paths.database, self._writer, clock, self._recording.rules.schedule, self._zone)
        self._logs = LogKeeper(logs, [logs / "vision.log"], disk.log_retention_days, clock)
        core = Watched("core", os.getpid, settings.memory.core_budget_mb, release_own_memory)
        self._memory = MemoryWatch([core, self._recording.memory])
        self._webhook = SMSWebhookReceiver(
            **as_configured(settings, paths),
            zone=self._zone,
            clock=clock,
            access=self._access,
            writer=self._writer,
            answers=sms_plan.answers(settings),
        )
        self._restart = OrderlyRestart(lambda: self._recording.quiet_s, self._end_for_restart, clock)
        self._sync = self._make_sync() if settings.cloud.enabled else None
        self._messages = self._make_messages() if settings.sms_notifications.enabled else None
        self._alerting = Alerting(
            plan.alerts(settings),
            paths.data_dir,
            clock,
            self._zone,
            snapshot=self._board.snapshot,
            in_contact=lambda: self._sync is not None and self._sync.in_contact,
            send_sms=self._alert_by_sms,
            poster=Poster(),
        )
        streams = Streams(settings.screen.max_streams)
        self._health = HealthEndpoint(
            settings.health_endpoint.port,
            settings.health_endpoint.host,
            settings.health_endpoint.enabled,
            paths.database,
            token=settings.health_endpoint.token,
            board=self._board,
            clock=clock,
            zone=self._zone,
            access=self._access,
            streams=streams,
            screen=self._recording.screen(streams, self._zone),
            blueprints=[metrics_blueprint(self._exposition().text, self._access)],
            started=lambda: self._started,
            ready=lambda: self._recording.ready,
        )
        self._database_probe = DatabaseProbe(paths.database, clock, self._zone, self._has_centre)
        self._parts = self._all_parts()
        for part in self._parts:
            if part.beat_boot_ns is not None:
                self._watchdog.watch(part.name, part.deadline_s, part.beat_boot_ns)
        self._add_probes()

    @property
    def port(self) -> int:
        """The port of the pages, once started."""
        return self._health.port

    def run(self) -> int:
        """Start, work until told to stop, stop; the exit code, ``AGAIN`` if another run is to begin at once."""
        faulthandler.enable()  # a supervisor ends a hang with SIGABRT: then the log has every thread's stack
        try:
            with self._stopping, self._marker:
                try:
                    self.start()
                    self._announce()
                    while not self._stopping.wait(systemd.beat_s(self._alive_s())):
                        self._watchdog.heartbeat()
                        if self._watchdog.vouches:
                            systemd.notify(systemd.ALIVE)
                finally:
                    systemd.notify(systemd.STOPPING)
                    self._end_parts()
        finally:
            self._lock.release()
        return AGAIN if self._again else 0

    def _alive_s(self) -> float:
        return min(_ALIVE_S, float(self._settings.watchdog.timeout_seconds) / 3)

    def start(self) -> None:
        """Take the data directory, bring the store up to date, start every part.

        Raises:
            AttendanceError: something a person must change; nothing is left running after ``stop``.
        """
        self._retention.make_room()
        self._lock.acquire()
        if unseen := self._marker.begin():
            self._watchdog.restarts.append("unclean end", unseen)
        recovery.at_start(self._backups.copies, self._recording.rules.schedule, self._clock.now())
        create_or_migrate(self._paths.database, self._clock.now())
        erasure.reapply(self._paths.database, self._paths.data_dir)
        if self._messages is not None:
            with reading(self._paths.database) as conn:
                self._messages.weigh(*roster.told(conn))
        for part in self._parts:
            part.start()
        self._writer.run(lambda conn: ledger.close_photos(conn, _LOST_PHOTO))
        self._started = True
        systemd.notify(systemd.READY)

    def stop(self) -> None:
        """End every part in reverse; what was handed over is finished. May be called twice."""
        self._end_parts()
        self._lock.release()

    def _end_parts(self) -> None:
        self._started = False
        for part in reversed(self._parts):
            if not part.stop(_STOP_S):
                log.error("%s did not end in time", part.name)

    def _all_parts(self) -> Sequence[Part]:
        """Every part in the order of starting: each needs only those before it."""
        settings, webhook, health = self._settings, self._webhook, self._health
        return [
            Part("metrics", nothing, self._metrics.stop),  # their last export has what everybody counted
            of_service(self._writer.service, stop=self._writer.stop),
            *self._recording.recorders,
            of_service(
                self._backups.service,
                start=self._backups.start,
                stop=self._backups.stop,
                deadline_s=backups.DEADLINE_S,
                switched_on=settings.database_backup.enabled,
            ),
            *(of_service(part.service) for part in (self._retention, self._redating, self._logs, self._memory)),
            of_service(self._restart.service),
            *self._recording.signals,
            *self._courier_parts(),
            of_service(
                webhook.service, start=webhook.start, stop=webhook.stop, switched_on=settings.sms_webhook.enabled
            ),
            Part(
                "SMS webhook's port",
                nothing,
                beat_boot_ns=(lambda: webhook.beat_boot_ns) if settings.sms_webhook.enabled else None,
            ),
            Part("database", nothing, self._close_database_probe, _DATABASE_DEADLINE_S, self._database_well_boot_ns),
            Part("health", health.start, health.stop, _HEALTH_DEADLINE_S, lambda: health.beat_boot_ns),
            Part(
                "metrics export",  # after health's first look, to have it
                self._metrics.start,
                beat_boot_ns=(lambda: self._metrics.beat_boot_ns) if settings.metrics.enabled else None,
            ),
            self._recording.vision,
            of_service(self._alerting.service, deadline_s=DEADLINE_S + LONGEST_S),
            Part("watchdog", self._watchdog.start, self._watchdog.stop),
        ]

    def _exposition(self) -> Exposition:
        return Exposition(self._metrics, __version__, lambda: self._board.snapshot().problems)

    def _has_centre(self) -> bool:
        return self._settings.cloud.enabled and is_enrolled(self._paths.data_dir)

    @property
    def _couriers(self) -> list[Messages | Sync]:
        """Who carries what must leave; each does so in its own time."""
        return [each for each in (self._messages, self._sync) if each is not None]

    def _courier_parts(self) -> list[Part]:
        slow = self._sync.slow_service if self._sync else None
        return [
            of_service(service, deadline_s=backups.DEADLINE_S if service is slow else DEADLINE_S + couriers.longest_s)
            for couriers in self._couriers
            for service in couriers.services
        ]

    def _database_well_boot_ns(self) -> int:
        """Zero once SQLite has called the database damaged: it is repaired at a start."""
        return 0 if damage_mark(self._paths.database).exists() else self._clock.boot_ns()

    def _make_messages(self) -> Messages:
        return Messages(
            self._settings,
            self._paths,
            self._writer,
            self._clock,
            works=lambda: self._recording.works,
            phone=lambda: self._webhook.status().get("phone"),
            on_sent=lambda: self._metrics.increment(SMS_SENT),
            others_confirmed=self._sync.others_confirmed if self._sync else None,
        )

    def _make_sync(self) -> Sync:
        return Sync(
            self._settings,
            self._paths,
            self._writer,
            self._clock,
            on_taken=lambda count: self._metrics.increment(CLOUD_SYNC_SUCCESS, count),
            seams=Seams(
                snapshot=self._board.snapshot,
                restart=self._restart.ask,
                back_up=lambda: self._backups.make().path.name,
                check_settings=self._check_settings,
                works=None if self._settings.sms_notifications.enabled else (lambda: self._recording.works),
            ),
        )

    def _check_settings(self, layer: Mapping[str, Any]) -> None:
        settings = check_decided(self._paths, dict(layer))
        sms_plan.texts(settings)
        sms_plan.answers(settings)

    def _alert_by_sms(self, phone: str, text: str) -> None:
        if self._messages is None:
            raise AttendanceError("messages are off; set sms_notifications.enabled")
        self._writer.run(lambda conn: outbox.send(conn, text, self._clock.now(), phone=phone))
        self._messages.wake()

    def _end_for_restart(self, reason: str) -> None:
        self._watchdog.restarts.append("ordered restart", reason)
        self._again = True
        self._stopping.set()

    def _add_probes(self) -> None:
        settings, board, clock = self._settings, self._board, self._clock
        machine = MachineProbe(
            self._paths.data_dir,
            self._processes,
            disk_warn_percent=float(settings.disk_monitor.warn_threshold_percent),
            disk_critical_percent=float(settings.disk_monitor.critical_threshold_percent),
        )
        board.add_probe("system", machine)
        board.add_probe("database", self._database_probe)
        self._recording.add_probes(board, self._zone)
        watchdog, copies = self._watchdog, self._backups
        of_watchdog = self._once_started(lambda: statuses.watchdog(watchdog.get_status(), watchdog.problems))
        board.add_probe("watchdog", of_watchdog)
        board.add_probe("backup", lambda: statuses.backup(copies.get_status(), copies.problems))
        board.add_probe("sms_webhook", self._webhook.probe)
        for couriers in self._couriers:
            couriers.add_probes(board)
        board.add_probe("clock", probes.ClockProbe(clock))
        board.add_probe("flow", FlowProbe(self._paths.database, clock, self._zone))
        board.add_probe("photos", self._retention)
        board.add_probe("memory", self._memory)
        board.add_probe("metrics", self._metrics.probe)
        board.add_probe("alerts", self._alerting.probe)
        board.add_probe("scans", ScanTimesProbe(self._metrics))
        deadlines = {part.service: part.deadline_s for part in self._parts if part.service is not None}
        board.add_probe("services", self._once_started(probes.services_probe(deadlines, clock)))
        self._metrics.add_source(measures.SnapshotMeasures(self._metrics, board.snapshot))
        self._metrics.add_source(lambda: measures.gauges(self._metrics, copies.gauges()))

    def _once_started(self, probe: Probe) -> Probe:
        """Until every part has been started, and from when they end, nothing is wrong with one that does not run."""

        def looked() -> ProbeResult:
            found = probe()
            return found if self._started else replace(found, problems=())

        return looked

    def _processes(self) -> list[int]:
        vision = self._recording.vision_pid
        return [os.getpid(), *([vision] if vision else [])]

    def _announce(self) -> None:
        log.info("gate %s is ready", self._settings.device.device_id)
        page = "health" if self._options.headless or not self._settings.screen.enabled else ""
        where = f" Open http://localhost:{self.port}/{page}" if self._health.serving else ""
        print(f"The gate runs.{where}", *self._options.also, sep="\n", flush=True)

    def _close_database_probe(self, timeout_s: float) -> bool:
        self._database_probe.close()  # the last connection to go takes the write-ahead log along
        return True

    def _shown(self, outcome: Outcome) -> None:
        measures.outcome(self._metrics, outcome)
        for couriers in self._couriers:
            couriers.wake()

    def _photo_done(self, entry: Entry, kept: bool) -> None:
        measures.photo(self._metrics, kept, (self._clock.boot_ns() - entry.read_boot_ns) / 1e9)

    def _source_ended(self) -> None:
        if self._options.exit_at_end:
            self._stopping.set()
