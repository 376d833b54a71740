"""Hourly backups of the gate's database, their rehearsal every night, and what is wrong with them."""

import logging
import sqlite3
import threading
import time as timing
from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from attendance.clock import Clock, Moment, SystemClock
from attendance.errors import AlreadyRunning, AttendanceError, StorageError
from attendance.kiosk import backup_problems, recovery, restoring
from attendance.kiosk.backup_schedule import age_s, drill_due, least_age_s
from attendance.kiosk.copies import BackupPlan, Copies, NoSecondTarget, Shrunk
from attendance.kiosk.drill import Drill, DrillResult
from attendance.kiosk.restoring import Replacement
from attendance.kiosk.store import contents
from attendance.kiosk.store.copying import Damaged
from attendance.kiosk.store.database import mark_damaged, reading
from attendance.ops import backup, manifest
from attendance.ops.backup import Cancelled, Stop
from attendance.ops.health import Problem
from attendance.ops.instance import InstanceLock
from attendance.ops.manifest import BadBackup
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
            second_dir, drill_at, device_id, zone: as in the configuration, which says each that is not given. An empty
            ``second_dir`` means none.
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
        own = settings.database_backup
        second = own.second_dir if second_dir is None else str(second_dir)
        self.plan = BackupPlan(
            enabled=own.enabled if enabled is None else enabled,
            database=Path(db_path or paths.database).absolute(),
            folder=Path(backup_dir or paths.resolve(own.backup_dir)).absolute(),
            interval_s=own.backup_interval_seconds if backup_interval is None else backup_interval,
            keep=max(1, own.keep_backups if keep_backups is None else keep_backups),
            keep_daily=own.keep_daily if keep_daily is None else keep_daily,
            keep_weekly=own.keep_weekly if keep_weekly is None else keep_weekly,
            second_dir=paths.resolve(second).absolute() if second else None,
            check=own.check_integrity if check_integrity is None else check_integrity,
            drill_at=drill_at or own.drill_at,
            device_id=device_id or settings.device.device_id,
            zone=zone or ZoneInfo(settings.school.timezone),
        )
        self._clock = clock or SystemClock(settings.clock.trust_rtc)
        self.copies = Copies(self.plan, self._clock)
        self.rehearsal = Drill(self.copies, self._clock)
        self._on_made = on_made
        self._stop = Stop()
        self._busy = threading.Lock()
        self._started_ns = self._clock.boot_ns()
        self._retry_at_ns: int | None = None
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
        try:
            if self._backup_due(now):
                self._make("hourly", self._stop)
            elif self._drill_due(now):
                self.rehearsal.run(self._stop)
        except Cancelled:
            return 0
        except StorageError as error:
            self._retry_at_ns = now.boot_ns + round(min(_RETRY_S, self.plan.interval_s) * 1e9)
            log.error("%s", error)
        return min(_CHECK_S, self.plan.interval_s)

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
            damage = self._live_damage() if path is None else self._damage_of(Path(path))
        except (AttendanceError, sqlite3.Error, OSError) as error:
            damage = str(error)
        if damage:
            log.error("integrity check failed: %s", damage)
        if path is None:
            self._integrity = "corrupted" if damage else "ok"
        return not damage

    def list_backups(self) -> list[dict[str, Any]]:
        """The files in the backup folder, the newest first. Times are the school's."""
        known = self._stored()
        strangers = set(self.copies.shelf.files()) - {each.path for each in known}
        rows = [self._row(each.path, each.manifest.kind, each.manifest.made.at, verified=True) for each in known]
        for path in sorted(strangers, reverse=True):
            try:
                written = datetime.fromtimestamp(path.stat().st_mtime, UTC)
                rows.append(self._row(path, "unknown", written, verified=False))
            except OSError:
                continue  # it has just gone
        return rows

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
        found = self.copies.verify(path, Stop())
        if not other_gate and not self.copies.is_ours(found):
            raise BadBackup(
                f"{str(path)!r} is of the gate {found.facts.get('device_id')!r}, this is {self.plan.device_id!r}. "
                "Add --other-gate if it is right so."
            )
        lock = InstanceLock(self.plan.data_dir)
        with self._busy:
            Replacement(self.plan.database).stage(Stored(path, found), Stop())
            try:
                lock.acquire()
            except AlreadyRunning:
                return False
            try:
                recovery.swap_in(self.copies, self._clock.now())
            finally:
                lock.release()
        return True

    def drill(self) -> DrillResult:
        """Rehearse a restore of the newest backup now.

        Raises:
            AttendanceError: its result could not be kept.
        """
        with self._busy:
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
        found += [*([self._failure] if self._failure is not None else []), *self.second_problems]
        drill = self.last_drill()
        if drill is not None and not drill.ok:
            found.append(backup_problems.DRILL_FAILED.said(why=drill.why))
        if self.plan.enabled:
            found += self._lateness(self._clock.now())
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
        with self._busy:
            began = timing.monotonic()
            try:
                made = self.copies.make(kind, stop, accept_shrunk=accept_shrunk)
            except Cancelled:
                raise
            except StorageError as error:
                self._failure = self._explained(error)
                raise
            finally:
                self._listing = None
            self._failure = None
            self._integrity = "ok" if made.manifest.integrity else self._integrity
            self._on_made((timing.monotonic() - began) * 1000)
            self._copy_to_second(made, stop)
            return made

    def _explained(self, error: StorageError) -> Problem:
        if isinstance(error, Damaged):
            self._integrity = "corrupted"
            mark_damaged(self.plan.database, str(error))
            return backup_problems.DAMAGED.said(why=error)
        if isinstance(error, Shrunk):
            return backup_problems.SHRUNK.said(why=error)
        return backup_problems.FAILED.said(why=error)

    def _copy_to_second(self, made: Stored, stop: Stop) -> None:
        """A second copy that fails is a problem; the first one is there all the same."""
        self._second_failure = None
        try:
            self.copies.copy_to_second(made, stop)
        except Cancelled:
            raise
        except NoSecondTarget as error:
            self._second_failure = backup_problems.SECOND_MISSING.said(why=error)
        except (StorageError, OSError) as error:
            self._second_failure = backup_problems.SECOND_FAILED.said(why=error)

    def _backup_due(self, now: Moment) -> bool:
        """Measured from the newest backup that exists: a loop of restarts makes none."""
        if self._retry_at_ns is not None and now.boot_ns < self._retry_at_ns:
            return False
        self._retry_at_ns = None
        known = self.copies.shelf.everything()
        return not known or least_age_s(known[0].manifest.made, now) >= self.plan.interval_s

    def _drill_due(self, now: Moment) -> bool:
        if self.copies.newest() is None:
            return False
        last = self.last_drill()
        running = timedelta(microseconds=(now.boot_ns - self._started_ns) / 1000)
        return drill_due(last.done if last else None, now, self.plan.drill_at, self.plan.zone, running)

    def _lateness(self, now: Moment) -> list[Problem]:
        known, late_s = self._stored(), _LATE_INTERVALS * self.plan.interval_s
        if known:
            age = least_age_s(known[0].manifest.made, now)
            return [backup_problems.OLD.said(hours=age / 3600)] if age > late_s else []
        waited = (now.boot_ns - self._started_ns) / 1e9
        return [backup_problems.MISSING] if waited > late_s else []

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

    def _live_damage(self) -> str:
        backup.refuse_empty(self.plan.database)
        with reading(self.plan.database) as conn:
            contents.read(conn)
            return contents.faults(conn)

    def _damage_of(self, path: Path) -> str:
        backup.refuse_empty(path)
        if manifest.path_of(path).exists():
            backup.verify(path, Stop())
        with backup.opened_alone(path) as conn:
            contents.read(conn)
            return contents.faults(conn)

    def _row(self, path: Path, kind: str, at: datetime, *, verified: bool) -> dict[str, Any]:
        size = path.stat().st_size
        local = at.astimezone(self.plan.zone).replace(tzinfo=None)
        return {
            "filename": path.name,
            "path": str(path),
            "size_bytes": size,
            "size_mb": round(size / _MB, 2),
            "created": local.isoformat(timespec="seconds"),
            "created_utc": at.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="seconds") + "Z",
            "kind": kind,
            "verified": verified,
        }
