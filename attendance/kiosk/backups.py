"""Hourly backups of the gate's database, their rehearsal every night, and what is wrong with them."""

import logging
import sqlite3
import time as timing
from collections.abc import Callable
from datetime import time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from attendance.clock import Clock, Moment, SystemClock
from attendance.errors import AttendanceError, StorageError
from attendance.kiosk import backup_listing, backup_problems, recovery, restoring
from attendance.kiosk.backup_plan import configured_plan
from attendance.kiosk.backup_schedule import age_s, drill_due, least_age_s
from attendance.kiosk.copies import Copies
from attendance.kiosk.drill import Drill, DrillResult
from attendance.kiosk.store.copying import Damaged
from attendance.kiosk.store.database import mark_damaged, put_off_mark
from attendance.ops.backup import Cancelled, Stop
from attendance.ops.health import Problem
from attendance.ops.service import Service
from attendance.ops.shelf import Stored

if TYPE_CHECKING:
    from attendance.config import Paths, Settings

log = logging.getLogger(__name__)

DEADLINE_S = 1800.0
"""How long one step may take: a big database, checked twice and copied to a slow stick."""
_CHECK_S = 10.0
_RETRY_S = 300.0
_LATE_INTERVALS = 3
_LISTING_NS = 5_000_000_000
"""How long an answer about the folder is reused: whoever asks for the status may ask often."""
_MB = 1e6


class DatabaseBackupManager:
    """Makes backups while it runs, and finds, checks and restores them at any time.

    Constructing it starts and opens nothing. Documented methods never raise: they answer ``None`` or ``False`` and log
    why.

    Args:
        db_path, backup_dir, backup_interval, keep_backups, enabled, check_integrity, keep_daily, keep_weekly,
            second_dir, drill_at, device_id, zone: as in the configuration, which says each that is not given. The
            configured ``second_dir`` is for the configured database only.
        configuration: settings and places that hold instead of this installation's.
        on_made: called with the milliseconds that each backup took.
    """

    def __init__(
        self,
        db_path: str | Path | None = None,
        backup_dir: str | Path | None = None,
        backup_interval: int | None = None,
        keep_backups: int | None = None,
        enabled: bool | None = None,
        *,
        check_integrity: bool | None = None,
        keep_daily: int | None = None,
        keep_weekly: int | None = None,
        second_dir: str | Path | None = None,
        drill_at: time | None = None,
        device_id: str | None = None,
        zone: ZoneInfo | None = None,
        clock: Clock | None = None,
        configuration: "tuple[Settings, Paths] | None" = None,
        on_made: Callable[[float], None] = lambda milliseconds: None,
    ) -> None:
        if configuration is None:
            from attendance.config import configured

            configuration = configured()
        settings, paths = configuration
        self.plan = configured_plan(settings, paths).but(
            enabled=enabled,
            database=Path(db_path).absolute() if db_path else None,
            folder=Path(backup_dir).absolute() if backup_dir else None,
            interval_s=backup_interval,
            keep=max(1, keep_backups) if keep_backups is not None else None,
            keep_daily=keep_daily,
            keep_weekly=keep_weekly,
            second_dir=Path(second_dir).absolute() if second_dir else None,
            check=check_integrity,
            drill_at=drill_at,
            device_id=device_id,
            zone=zone,
        )
        self._clock = clock or SystemClock(settings.clock.trust_rtc)
        self.copies = Copies(self.plan, self._clock)
        self.rehearsal = Drill(self.copies, self._clock)
        self._on_made = on_made
        self._stop = Stop()
        self._started_ns = self._clock.boot_ns()
        self._retry_at_ns = 0
        self._integrity = "unknown"
        self._failure: Problem | None = None
        self._second_failure: Problem | None = None
        self._listing: tuple[int, list[Stored]] | None = None
        self.service = Service("backup", self, wake=self._stop.ask)

    def start(self) -> None:
        """Begin with automatic backups, if they are enabled; a second call does nothing."""
        if self.plan.enabled:
            self._started_ns = self._clock.boot_ns()
            self.service.start()

    def stop(self, timeout_s: float = 2.0) -> bool:
        """End, in the middle of a backup too; whether it has ended."""
        return self.service.stop(timeout_s)

    def step(self) -> float:
        now = self._clock.now()
        rest = min(_CHECK_S, self.plan.interval_s)
        if now.boot_ns < self._retry_at_ns:
            return rest
        try:
            if self._backup_due(now):
                self._make("hourly", self._stop)
            elif self._drill_due(now):
                self.rehearsal.run(self._stop)
        except Cancelled:
            return 0
        except AttendanceError as error:
            self._retry_at_ns = now.boot_ns + round(min(_RETRY_S, self.plan.interval_s) * 1e9)
            log.error("%s", error)
        return rest

    def create_backup(self) -> str | None:
        """Make a backup now; its path, or ``None`` if that failed."""
        try:
            return str(self.make().path)
        except AttendanceError as error:
            log.error("no backup was made: %s", error)
            return None

    def make(self, *, accept_shrunk: bool = False) -> Stored:
        """Make a backup now, even of a database that holds less than before if that is accepted.

        Raises:
            AttendanceError: why there is none.
        """
        return self._make("manual", Stop(), accept_shrunk=accept_shrunk)

    def check_integrity(self, path: str | Path | None = None) -> bool:
        """Whether the live database, or a backup, is whole. Reads it to its end; nothing is ever made."""
        try:
            damage = self.copies.damage(None if path is None else Path(path))
        except (AttendanceError, sqlite3.Error, OSError) as error:
            damage = str(error)
        if damage:
            log.error("integrity check failed: %s", damage)
        if path is None:
            self._integrity = "corrupted" if damage else "ok"
        return not damage

    def list_backups(self) -> list[dict[str, Any]]:
        """The files in the backup folder, the newest first. Times are the school's."""
        return backup_listing.rows(self.copies.shelf, self.plan.zone)

    def restore_backup(self, backup_path: str | Path | None) -> bool:
        """Restore a backup, or have a running gate do it at its next start; whether it was restored or staged."""
        try:
            self.restore(Path(backup_path or ""))
        except (AttendanceError, sqlite3.Error, OSError) as error:
            log.error("nothing was restored: %s", error)
            return False
        return True

    def restore(self, path: Path, *, other_gate: bool = False) -> bool:
        """Restore a backup.

        Args:
            other_gate: take it although it is another gate's.

        Returns:
            Whether it is in place; else a gate is running, and swaps it in at its next start.

        Raises:
            AttendanceError: it is no whole backup of ours, or the disk refused; nothing was changed.
        """
        return recovery.put_back(self.copies, path, self._clock.now(), other_gate=other_gate)

    def drill(self) -> DrillResult:
        """Rehearse a restore of the newest backup now.

        Raises:
            AttendanceError: its result could not be kept.
        """
        return self.rehearsal.run(Stop())

    def last_drill(self) -> DrillResult | None:
        """What the last rehearsal showed, before a restart too."""
        return self.rehearsal.last()

    def get_status(self) -> dict[str, Any]:
        """What is known, without reading any database: cheap enough to be asked all the time."""
        known = self._stored()
        return {
            "enabled": self.plan.enabled,
            "running": self.service.state.running,
            "backup_interval_seconds": self.plan.interval_s,
            "keep_backups": self.plan.keep,
            "backup_dir": str(self.plan.folder),
            "total_backups": len(known),
            "total_size_mb": round(sum(each.manifest.size_bytes for each in known) / _MB, 2),
            "latest_backup": known[0].path.name if known else None,
            "database_integrity": self._known_integrity(known),
        }

    @property
    def problems(self) -> list[Problem]:
        """What is wrong with the backups, or was with the database until somebody acknowledges it."""
        found = [backup_problems.of_report(report) for report in restoring.reports(self.plan.data_dir)]
        if put_off_mark(self.plan.database).exists():
            found.append(backup_problems.NO_ROOM)
        elif self._failure is not None:
            found.append(self._failure)
        found += self.second_problems
        drill = self.last_drill()
        if drill is not None and not drill.ok:
            found.append(backup_problems.DRILL_FAILED.said(why=drill.why))
        if self.plan.enabled:
            now, known = self._clock.now(), self._stored()
            newest = known[0].manifest.made if known else None
            late_s = _LATE_INTERVALS * self.plan.interval_s
            found += backup_problems.of_age(newest, now, late_s, self._running(now).total_seconds())
        return found

    @property
    def second_problems(self) -> list[Problem]:
        """What was wrong with the second place at the last backup."""
        return [self._second_failure] if self._second_failure is not None else []

    def gauges(self) -> dict[str, float]:
        """Numbers for the metrics; those that are not known are left out."""
        known, drill, now = self._stored(), self.last_drill(), self._clock.now()
        found: dict[str, float | None] = {}
        if known:
            found["backup_age_seconds"] = age_s(known[0].manifest.made, now)
            found["backup_size_bytes"] = known[0].manifest.size_bytes
        if drill is not None:
            found["recovery_point_seconds"] = drill.recovery_point_s
            found["recovery_time_seconds"] = drill.recovery_time_s
        return {name: float(value) for name, value in found.items() if value is not None}

    def _make(self, kind: str, stop: Stop, *, accept_shrunk: bool = False) -> Stored:
        began = timing.monotonic()
        try:
            made = self.copies.make(kind, stop, accept_shrunk=accept_shrunk)
        except Cancelled:
            raise
        except StorageError as error:
            self._failure = backup_problems.of_failure(error)
            if isinstance(error, Damaged):
                mark_damaged(self.plan.database, str(error))
                self._integrity = "corrupted"
            raise
        finally:
            self._listing = None
        self._failure = None
        self._integrity = "ok" if made.manifest.integrity else self._integrity
        self._on_made((timing.monotonic() - began) * 1000)
        self._copy_to_second(made, stop)
        return made

    def _copy_to_second(self, made: Stored, stop: Stop) -> None:
        """A second copy that fails is a problem; the first one is there all the same."""
        self._second_failure = None
        try:
            self.copies.copy_to_second(made, stop)
        except Cancelled:
            raise
        except StorageError as error:
            self._second_failure = backup_problems.of_second(error)

    def _backup_due(self, now: Moment) -> bool:
        """Measured from the newest backup that exists: a loop of restarts makes none."""
        known = self.copies.shelf.everything()
        return not known or least_age_s(known[0].manifest.made, now) >= self.plan.interval_s

    def _drill_due(self, now: Moment) -> bool:
        last = self.last_drill()
        due = drill_due(last.done if last else None, now, self.plan.drill_at, self.plan.zone, self._running(now))
        return due and self.copies.newest() is not None

    def _running(self, now: Moment) -> timedelta:
        return timedelta(microseconds=(now.boot_ns - self._started_ns) / 1000)

    def _stored(self) -> list[Stored]:
        now = self._clock.boot_ns()
        listing = self._listing
        if listing is None or now - listing[0] > _LISTING_NS:
            listing = self._listing = (now, self.copies.shelf.backups())
        return listing[1]

    def _known_integrity(self, known: list[Stored]) -> str:
        """What the last check in this process found, else what the newest backup says of its own."""
        if self._integrity == "unknown" and known and known[0].manifest.integrity:
            return "ok"
        return self._integrity
