"""Documented import path of ``DatabaseBackupManager``."""

from attendance.kiosk.backups import DatabaseBackupManager

__all__ = ["DatabaseBackupManager"]
