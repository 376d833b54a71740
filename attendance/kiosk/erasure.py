"""Forgetting a person. Owns ``erased-keys.txt`` in the data directory.

The erased keys stand outside the database, because a database that is restored from a backup knows the person again.
They say nothing about anybody: a key is random.
"""

import os
from collections.abc import Sequence
from pathlib import Path

from attendance.kiosk.store import roster
from attendance.kiosk.store.database import reading, writing


def erase(database: Path, data_dir: Path, student_keys: Sequence[str]) -> None:
    """Note the keys, then forget the persons behind them and delete their photos."""
    with (data_dir / "erased-keys.txt").open("a", encoding="ascii") as file:
        file.writelines(f"{key}\n" for key in student_keys)
        file.flush()
        os.fsync(file.fileno())
    _forget(database, data_dir, student_keys)


def reapply(database: Path, data_dir: Path) -> int:
    """Erase again whoever a restored database brought back; how many."""
    try:
        keys = (data_dir / "erased-keys.txt").read_text("ascii").split()
    except FileNotFoundError:
        return 0
    with reading(database) as conn:
        returned = roster.known_keys(conn, keys)
    if returned:
        _forget(database, data_dir, returned)
    return len(returned)


def _forget(database: Path, data_dir: Path, student_keys: Sequence[str]) -> None:
    with writing(database) as conn:
        paths = roster.erase(conn, student_keys)
    for path in paths:
        (data_dir / path).unlink(missing_ok=True)
