"""What the centre decides of this gate's settings. Owns ``centre-settings.json`` in the data directory.

The database is what counts: decisions come in with the directory, or as a command. The file is made from it, because
settings are read before there is a database.
"""

import json
import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from attendance.errors import AttendanceError, BadInput
from attendance.kiosk.sms.texts import TEMPLATE_KEYS
from attendance.ops.files import write_atomically

log = logging.getLogger(__name__)

FILE = "centre-settings.json"
TEXT_KEYS = frozenset({*TEMPLATE_KEYS.values(), "language"})
"""Of ``sms_notifications``: what is said, and not to whom or by whose account."""
OPEN_TO_COMMANDS = (
    *("buzzer.", "rgb_led.", "photo.", "vision.", "memory.", "disk_monitor.", "device.location.", "device.device_name"),
    *("camera.resolution.", "camera.fps", "camera.picamera.", "cards.require_signature", "logging.level"),
    *("school.name", "school.gates", "screen.max_streams", "metrics.export_interval_seconds"),
    *("watchdog.timeout_seconds", "watchdog.vision_timeout_seconds", "watchdog.restarts_per_hour"),
    *("cloud.sync_interval", "cloud.batch_size", "cloud.timeout_seconds"),
    *(f"database_backup.{name}" for name in ("backup_interval_seconds", "keep_backups", "keep_daily", "keep_weekly")),
    *("database_backup.check_integrity", "database_backup.drill_at"),
    *(f"sms_notifications.{name}." for name in ("notification_preferences", "quiet_hours", "rate_limiting", "absence")),
    *(f"sms_notifications.{name}" for name in sorted(TEXT_KEYS)),
    *(f"sms_notifications.{name}" for name in ("duplicate_sms_cooldown_minutes", "daily_max_parts")),
    *(f"sms_notifications.{name}" for name in ("monthly_max_parts", "report_after_minutes", "transliterate")),
)
"""Settings, and sections that end with a dot, that a command may change: how the gate works. Not to whom it listens or
sends, what it runs, where its files lie, what keeps it safe, and nothing that is secret."""
_PRIVATE = 0o600

Tree = Mapping[str, Any]
Check = Callable[[Tree], None]
"""Raises ``AttendanceError`` if the settings would have faults with a layer on top."""


def layer(decided: Tree) -> dict[str, Any]:
    """The layer of settings that decisions make.

    Args:
        decided: ``schedule`` and ``texts``, sections as in the configuration; ``command``: values by their paths.

    Raises:
        BadInput: it decides what is not the centre's to decide.
    """
    tree: dict[str, Any] = {}
    for path, value in decided.get("command", {}).items():
        *parents, name = path.split(".")
        section = tree
        for parent in parents:
            section = section.setdefault(parent, {})
        section[name] = value
    if schedule := decided.get("schedule"):
        tree["school_schedule"] = schedule
    if texts := decided.get("texts"):
        if strange := sorted(set(texts) - TEXT_KEYS):
            raise BadInput(f"texts: {strange[0][:80]!r} is no text of a message")
        tree.setdefault("sms_notifications", {}).update(texts)
    return tree


def commanded(held: Tree, arguments: Tree) -> dict[str, Any]:
    """The values that commands have decided, after one more of them.

    Args:
        held: those before it, by their paths.
        arguments: of the command; ``None`` takes a value back.

    Raises:
        BadInput: a setting is not for commands.
    """
    for path in arguments:
        if not any(path == name or (name.endswith(".") and path.startswith(name)) for name in OPEN_TO_COMMANDS):
            raise BadInput(f"{path[:80]!r} is no setting that the centre may change; change it at the gate.")
    return {path: value for path, value in (dict(held) | dict(arguments)).items() if value is not None}


class CentreSettings:
    """Judges decisions, and lets the configuration know of those that hold.

    Args:
        check: judges a layer together with everything else that this gate is told.
        changed: called when the settings that hold from the next start on are others; says why.
    """

    def __init__(self, data_dir: Path, check: Check, changed: Callable[[str], object]) -> None:
        self._file = data_dir / FILE
        self._check = check
        self._changed = changed

    def fault(self, decided: Tree) -> str:
        """What is wrong with decisions; empty: nothing."""
        try:
            self._check(layer(decided))
        except AttendanceError as error:
            return " ".join(str(error).split())
        return ""

    def publish(self, decided: Tree) -> bool:
        """Write the file if it does not say what is decided; whether it did not.

        Raises:
            StorageError: the disk refused.
            BadInput: the decisions are none, which ``fault`` would have said.
        """
        content = json.dumps(layer(decided), indent=1, sort_keys=True).encode() + b"\n"
        if content == (self._file.read_bytes() if self._file.exists() else b"{}\n"):
            return False
        write_atomically(self._file, content, mode=_PRIVATE)
        log.info("the centre has decided other settings")
        self._changed("new settings of the centre")
        return True
