"""Where log lines go: standard error, and a file that rotates. And how long, and how large, log files stay."""

import errno
import logging
import logging.handlers
import os
import sys
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TextIO

from attendance.clock import Clock
from attendance.errors import StorageError
from attendance.ops.service import Service

log = logging.getLogger(__name__)

_FILE_BYTES = 5 * 1024 * 1024
_FILES = 5
_FORMAT = "%(asctime)s %(levelname)-7s %(name)s: %(message)s"
_FULL = (errno.ENOSPC, errno.EDQUOT)

CHILD_LOG_BYTES = 1024 * 1024
"""How large the log of another process may grow before it is moved aside."""
_KEEP_S = 60.0
_EXPIRE_S = 3600.0


class _LogFile(logging.handlers.RotatingFileHandler):
    """A log file on a disk that may be full: a line that cannot be written is lost here, and only here."""

    def handleError(self, record: logging.LogRecord) -> None:
        """Stay silent, standard error has the same line; the next line begins with the file opened anew."""
        stream: TextIO | None = self.stream
        self.stream = None
        if stream is not None:
            with suppress(OSError):
                stream.close()


def log_to(folder: Path | None, level: str) -> None:
    """Log to ``attendance.log`` in ``folder`` and to standard error, in UTC.

    Args:
        folder: ``None``: to standard error only, which several processes may share.

    Raises:
        StorageError: the folder cannot be written, for another reason than that the disk is full.
    """
    root = logging.getLogger()
    form = logging.Formatter(_FORMAT, "%Y-%m-%dT%H:%M:%SZ")
    form.converter = time.gmtime
    for handler in (logging.StreamHandler(sys.stderr), _file(folder) if folder else None):
        if handler is not None:
            handler.setFormatter(form)
            root.addHandler(handler)
    root.setLevel(level)


def _file(folder: Path) -> logging.Handler | None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return _LogFile(folder / "attendance.log", maxBytes=_FILE_BYTES, backupCount=_FILES, encoding="utf-8")
    except OSError as error:
        if error.errno in _FULL:  # a gate with a full disk must start: it can still record
            log.error("no log file can be made in %s: the disk is full", folder)
            return None
        raise StorageError(
            f"The log folder {str(folder)!r} cannot be written ({error.strerror}). "
            "Check its owner, or set logging.log_dir."
        ) from error


class LogKeeper:
    """Bounds the logs of other processes and deletes rotated logs that are old.

    Args:
        children: logs that other processes append to.
        keep_days: how long rotated logs stay, by a trusted clock.
    """

    def __init__(self, folder: Path, children: list[Path], keep_days: int, clock: Clock) -> None:
        self._folder = folder
        self._children = children
        self._keep = timedelta(days=keep_days)
        self._clock = clock
        self._expired_ns: int | None = None
        self.service = Service("logs", self)

    def step(self) -> float:
        for path in self._children:
            bound(path)
        now = self._clock.now()
        due = self._expired_ns is None or now.boot_ns - self._expired_ns >= _EXPIRE_S * 1e9
        if due and now.trusted:
            self._expired_ns = now.boot_ns
            expire(self._folder, now.at - self._keep)
        return _KEEP_S


def bound(path: Path, limit_bytes: int = CHILD_LOG_BYTES) -> None:
    """Move a log that has grown too large aside, under its name with ``.1``, and let its writer begin anew.

    The writer keeps its descriptor, which must be open for appending; lines of the very moment may be lost.
    """
    try:
        with path.open("r+b") as file:
            size = file.seek(0, os.SEEK_END)
            if size <= limit_bytes:
                return
            file.seek(size - limit_bytes)
            newest = file.read(limit_bytes)
            file.truncate(0)  # first: it makes the room that the copy needs
        path.with_name(f"{path.name}.1").write_bytes(newest)
    except FileNotFoundError:
        return
    except OSError as error:
        log.warning("%s could not be made smaller: %s", path, error.strerror)


def expire(folder: Path, before: datetime) -> int:
    """Delete rotated logs that were last written before; how many."""
    deleted = 0
    for path in sorted(folder.glob("*.log.*")):
        try:
            if datetime.fromtimestamp(path.stat().st_mtime, UTC) < before:
                path.unlink()
                deleted += 1
        except OSError as error:
            log.warning("%s could not be deleted: %s", path, error.strerror)
    return deleted
