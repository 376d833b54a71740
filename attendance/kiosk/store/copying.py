"""Making one verified copy of a database of ours on a shelf of backups."""

import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import attendance
from attendance.clock import Moment
from attendance.errors import StorageError
from attendance.kiosk.store import contents, room
from attendance.kiosk.store.contents import Contents
from attendance.ops import backup, manifest, sqlite
from attendance.ops.backup import Cancelled, Stop
from attendance.ops.manifest import Manifest
from attendance.ops.shelf import Shelf, Stored

STEM = "attendance"
_EVIDENCE_KEPT = 3


class Damaged(StorageError):
    """SQLite finds faults in the database. A copy of it as it is lies aside, as evidence and as a last resort."""


@dataclass(frozen=True, slots=True)
class Order:
    """What copy is wanted.

    Attributes:
        kind: why, as ``hourly``.
        local: the school's time now, which names it.
        facts: what else its manifest tells.
        files: finds the files that belong to the database: folder to name to bytes.
        check: whether SQLite checks the database before, and the copy after.
        accept: raises ``StorageError`` if what was copied must not become a backup.
    """

    kind: str
    when: Moment
    local: datetime
    facts: Mapping[str, Any]
    files: Callable[[], Mapping[str, Mapping[str, int]]]
    check: bool
    accept: Callable[[Contents], None]


def shelf(folder: Path) -> Shelf:
    """The backups of our databases in a folder."""
    return Shelf(folder, STEM)


def make(database: Path, onto: Shelf, order: Order, stop: Stop) -> Stored:
    """Copy ``database``; the copy counts only when it is whole, ours, accepted and durable.

    Raises:
        Damaged: it is kept in the folder ``damaged`` of the shelf instead, if there is room; no other copy goes for it.
        StorageError: it was refused, or the disk did; the shelf is as it was.
    """
    backup.refuse_empty(database)
    damage = _live_faults(database, stop) if order.check else ""
    if damage and not room.for_repair(database, and_copies=1):
        raise Damaged(
            f"The database {str(database)!r} is damaged ({damage}); a copy would take the room of its repair."
        )
    try:
        return _made(database, onto, order, damage, stop)
    except (Damaged, Cancelled):
        raise
    except StorageError as error:
        if damage:
            raise Damaged(f"The database {str(database)!r} is damaged ({damage}), and not copied: {error}") from error
        raise


def _made(database: Path, onto: Shelf, order: Order, damage: str, stop: Stop) -> Stored:
    with onto.locked(stop):
        name = onto.free_name(order.local)
        part = onto.unfinished(name)
        try:
            backup.snapshot(database, part, stop)
            found, fault = _inspected(part, order.check and not damage, stop)
            damage = damage or _whose(fault, database, part, stop)
            if found is not None and not damage:
                order.accept(found)
            files = manifest.listed(order.files())
            made = Manifest(
                number=onto.next_number(),
                kind="damaged" if damage else order.kind,
                program=attendance.__version__,
                source=str(database),
                size_bytes=part.stat().st_size,
                sha256=backup.digest(part, stop),
                integrity=order.check and not damage,
                facts={**order.facts, **(found.facts() if found is not None else {})},
                files=files.totals,
                list_sha256=files.sha256,
                **manifest.created(order.when),
            )
            if damage:
                _keep_aside(part, onto.tier("damaged"), name, made, files.content)
                raise Damaged(f"The database {str(database)!r} is damaged ({damage}).")
            return onto.publish(name, made, files.content)
        except OSError as error:
            raise StorageError(f"The backup {name} could not be written ({error.strerror}).") from error
        finally:
            part.unlink(missing_ok=True)


def _live_faults(database: Path, stop: Stop) -> str:
    try:
        with closing(sqlite.connect(database, read_only=True)) as conn, stop.covering(conn):
            return contents.faults(conn)
    except sqlite3.Error as error:
        raise StorageError(f"The database {str(database)!r} cannot be checked ({error}).") from error


def _inspected(part: Path, check: bool, stop: Stop) -> tuple[Contents | None, str]:
    """The numbers of a copy, if they can be read, and what is wrong with it."""
    try:
        with backup.opened_alone(part) as conn, stop.covering(conn):
            fault = contents.faults(conn) if check else ""
            return contents.read(conn), fault
    except sqlite3.DatabaseError as error:
        return None, str(error)


def _whose(fault: str, database: Path, part: Path, stop: Stop) -> str:
    """What is wrong with the live database, of which a copy has a fault; empty without a fault.

    Raises:
        StorageError: the live one is whole; it is the copy alone.
    """
    damage = _live_faults(database, stop) if fault else ""
    if fault and not damage:
        raise StorageError(
            f"The copy in {str(part.parent)!r} is not what was written ({fault}); the database is whole. "
            "Replace the disk of the backups."
        )
    return damage


def _keep_aside(part: Path, aside: Shelf, name: str, made: Manifest, files: bytes) -> None:
    aside.folder.mkdir(mode=0o700, exist_ok=True)
    part.rename(aside.unfinished(name))
    aside.publish(name, made, files)
    aside.keep_newest(_EVIDENCE_KEPT)
