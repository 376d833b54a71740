"""Where log lines go: standard error, and a file that rotates."""

import logging
import logging.handlers
import sys
import time
from pathlib import Path

from attendance.errors import StorageError

_FILE_BYTES = 5 * 1024 * 1024
_FILES = 5
_FORMAT = "%(asctime)s %(levelname)-7s %(name)s: %(message)s"


def log_to(folder: Path, level: str) -> None:
    """Log to ``attendance.log`` in ``folder`` and to standard error, in UTC.

    Raises:
        StorageError: the folder cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file = logging.handlers.RotatingFileHandler(
            folder / "attendance.log", maxBytes=_FILE_BYTES, backupCount=_FILES, encoding="utf-8"
        )
    except OSError as error:
        raise StorageError(
            f"The log folder {str(folder)!r} cannot be written ({error.strerror}). "
            "Check its owner, or set logging.log_dir."
        ) from error
    form = logging.Formatter(_FORMAT, "%Y-%m-%dT%H:%M:%SZ")
    form.converter = time.gmtime
    for handler in (file, logging.StreamHandler(sys.stderr)):
        handler.setFormatter(form)
        logging.getLogger().addHandler(handler)
    logging.getLogger().setLevel(level)
