"""Forgetting a person. Owns ``erased-keys.txt`` in the data directory.

The erased keys stand outside the database, because a database that is restored from a backup knows the person again.
They say nothing about anybody: a key is random.
"""

import os
from collections.abc import Sequence
from pathlib import Path

from attendance.kiosk.store import roster, sync_queue
from attendance.kiosk.store.database import reading, writing


def erase(database: Path, data_dir: Path, student_keys: Sequence[str]) -> None:
    """Note the keys, then forget the persons behind them and delete their photos."""
    remember(data_dir, student_keys)
    _forget(database, data_dir, student_keys)


def keys(data_dir: Path) -> list[str]:
    """The keys of everybody who was erased here."""
    try:
        return _file(data_dir).read_text("ascii", errors="replace").split()
    except FileNotFoundError:
        return []


def remember(data_dir: Path, student_keys: Sequence[str]) -> None:
    """Note keys that are not noted yet, durably."""
    known = set(keys(data_dir))
    new = [key for key in student_keys if key not in known]
    if not new:
        return
    with _file(data_dir).open("a", encoding="ascii") as file:
        # begins with a line end: what a power cut left of an earlier line must not become part of this one
        file.write("\n" + "".join(f"{key}\n" for key in new))
        file.flush()
        os.fsync(file.fileno())


def reapply(database: Path, data_dir: Path) -> int:
    """Erase again whoever a restored database brought back; how many. Whom the centre was never told of, it is told."""
    erased = keys(data_dir)
    with reading(database) as conn:
        returned = roster.known_keys(conn, erased)
        untold = sync_queue.unqueued_erasures(conn, erased)
    if returned or untold:
        _forget(database, data_dir, [*returned, *(key for key in untold if key not in returned)])
    return len(returned)


def _file(data_dir: Path) -> Path:
    return data_dir / "erased-keys.txt"


def _forget(database: Path, data_dir: Path, student_keys: Sequence[str]) -> None:
    with writing(database) as conn:
        paths = roster.erase(conn, student_keys)
        sync_queue.queue_erasures(conn, student_keys)
    for path in paths:
        (data_dir / path).unlink(missing_ok=True)
