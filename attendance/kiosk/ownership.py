"""Whose the data is: what root leaves in the data directory, the gate's own user cannot open."""

import os
import pwd
from contextlib import suppress
from pathlib import Path

from attendance.errors import StorageError
from attendance.ops import sqlite


def refuse_closed(database: Path) -> None:
    """Look whether this user may use the database and what lies beside it; nothing is opened.

    Raises:
        StorageError: a file is closed to this user. That is no damage.
    """
    for path in (database, *sqlite.side_files(database)):
        if path.exists() and not os.access(path, os.R_OK | os.W_OK):
            raise StorageError(
                f"{str(path)!r} belongs to {_name(path.stat().st_uid)} and is closed to the user "
                f"{_name(os.geteuid())}. Give it back: sudo chown --reference={path.parent} {path}"
            )


def refuse_root(data_dir: Path) -> None:
    """Root may do everything, and so notices nothing.

    Raises:
        StorageError: this is root and the data is another user's.
    """
    if os.geteuid() != 0:
        return
    with suppress(FileNotFoundError):
        owner = data_dir.stat().st_uid
        if owner != 0:
            raise StorageError(
                f"The data directory {str(data_dir)!r} belongs to {_name(owner)}, who could not open what root writes "
                f"there. Run it as that user: sudo -u {_name(owner)} …"
            )


def _name(uid: int) -> str:
    """The name of a user; the number as sudo takes it if there is none."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"'#{uid}'"
