"""What the configuration says about backups, as plain values."""

from dataclasses import dataclass, replace
from datetime import time
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from attendance.config import Paths, Settings


@dataclass(frozen=True, slots=True)
class BackupPlan:
    """Which database is backed up, where to, when, and how much of it stays.

    Attributes:
        second_dir: where each is copied to; ``None`` for nowhere.
        check: whether SQLite checks each database before and after.
        drill_at: local time of the nightly rehearsal.
        device_id: whose database it is.
    """

    enabled: bool
    database: Path
    folder: Path
    interval_s: int
    keep: int
    keep_daily: int
    keep_weekly: int
    second_dir: Path | None
    check: bool
    drill_at: time
    device_id: str
    zone: ZoneInfo

    @property
    def data_dir(self) -> Path:
        return self.database.parent

    def but(self, **given: object) -> "BackupPlan":
        """This plan with other values; ``None`` leaves one as it is.

        Another database keeps off the second directory, which is for the gate's own.
        """
        changes = {name: value for name, value in given.items() if value is not None}
        if changes.get("database", self.database) != self.database:
            changes = {"second_dir": None, **changes}
        return replace(self, **changes)  # type: ignore[arg-type]


def configured_plan(settings: "Settings", paths: "Paths") -> BackupPlan:
    """The plan of an installation."""
    own = settings.database_backup
    return BackupPlan(
        enabled=own.enabled,
        database=paths.database.absolute(),
        folder=paths.resolve(own.backup_dir).absolute(),
        interval_s=own.backup_interval_seconds,
        keep=own.keep_backups,
        keep_daily=own.keep_daily,
        keep_weekly=own.keep_weekly,
        second_dir=paths.resolve(own.second_dir).absolute() if own.second_dir else None,
        check=own.check_integrity,
        drill_at=own.drill_at,
        device_id=settings.device.device_id,
        zone=ZoneInfo(settings.school.timezone),
    )
