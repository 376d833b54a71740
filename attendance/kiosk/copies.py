"""The gate's backups: making, refusing, keeping, and a second target that may be absent."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from attendance.clock import Clock
from attendance.errors import AttendanceError, StorageError
from attendance.kiosk import erasure, photo_records
from attendance.kiosk.backup_plan import BackupPlan
from attendance.kiosk.store import contents, copying
from attendance.kiosk.store.contents import Contents
from attendance.kiosk.store.database import migrations, reading
from attendance.ops import backup, manifest
from attendance.ops.backup import Stop
from attendance.ops.manifest import BadBackup, Manifest
from attendance.ops.shelf import Shelf, Stored

log = logging.getLogger(__name__)

ALLOWED = ".attendance-backups"
"""A file of this name in the second directory says that it is meant, although it lies on the disk of the data."""


class Shrunk(StorageError):
    """The database holds less than its newest backup, and nothing says why."""


class NoSecondTarget(StorageError):
    """The second directory cannot be used now."""


class Copies:
    """Makes backups and finds them. Every method may be called from any thread."""

    def __init__(self, plan: BackupPlan, clock: Clock) -> None:
        self.plan = plan
        self.shelf = copying.shelf(plan.folder)
        self._clock = clock

    def make(self, kind: str, stop: Stop, *, accept_shrunk: bool = False) -> Stored:
        """A new backup; older ones go only after it is whole.

        Raises:
            Shrunk: it holds less than the newest one, and ``accept_shrunk`` is not set.
            StorageError: it could not be made.
        """
        plan = self.plan
        order = self._order(kind, self.refuse_shrunk if not accept_shrunk else lambda found: None)
        made = copying.make(plan.database, self.shelf, order, stop)
        with self.shelf.locked(stop), _keeping(self.shelf):
            self.shelf.rotate(plan.keep, plan.keep_daily, plan.keep_weekly, plan.zone, stop)
        log.info("backup %s made (%d bytes)", made.path.name, made.manifest.size_bytes)
        return made

    def aside(self, kind: str, keep: int, stop: Stop) -> Stored:
        """A copy that rotation leaves alone, in the folder named like its kind.

        Raises:
            StorageError: it could not be made.
        """
        shelf = self.shelf.tier(kind)
        made = copying.make(self.plan.database, shelf, self._order(kind, lambda found: None), stop)
        with _keeping(shelf):
            shelf.keep_newest(keep)
        return made

    def copy_to_second(self, made: Stored, stop: Stop) -> None:
        """Keep the backup in the second directory too, by the same rules.

        Raises:
            NoSecondTarget: it is absent.
            StorageError: it is full or failing.
        """
        second = self.second()
        if second is None:
            return
        plan = self.plan
        with second.locked(stop), _keeping(second):
            second.take(made, stop, number_at_least=second.next_number())
            second.rotate(plan.keep, plan.keep_daily, plan.keep_weekly, plan.zone, stop)

    def second(self) -> Shelf | None:
        """This gate's folder in the second directory; ``None`` if none is configured.

        Raises:
            NoSecondTarget: the directory is absent, or it is the mount point of a disk that is not there.
        """
        folder = self.plan.second_dir
        if folder is None:
            return None
        try:
            elsewhere = folder.stat().st_dev != self.plan.data_dir.stat().st_dev
        except OSError as error:
            raise NoSecondTarget(f"{str(folder)!r} is not there ({error.strerror}).") from error
        if not folder.is_dir() or not (elsewhere or (folder / ALLOWED).exists()):
            raise NoSecondTarget(
                f"{str(folder)!r} lies on the disk of the data itself: the stick is not mounted. "
                f"If the place is meant, make an empty file {ALLOWED} in it."
            )
        return copying.shelf(folder / self.plan.device_id)

    def everything(self) -> list[Stored]:
        """All backups of this gate's database that can be reached, the fullest and newest first."""
        found = self.shelf.everything()
        try:
            second = self.second()
        except NoSecondTarget:
            second = None
        found += second.everything() if second is not None else []
        return sorted((each for each in found if self.is_ours(each.manifest)), key=_progress, reverse=True)

    def newest(self) -> Stored | None:
        """The newest backup here; one of the second directory only if there is none here."""
        here = self.shelf.everything()
        return here[0] if here else next(iter(self.everything()), None)

    def is_ours(self, found: Manifest) -> bool:
        """Whether a backup is of this gate."""
        return found.facts.get("device_id") == self.plan.device_id

    def verify(self, path: Path, stop: Stop) -> Manifest:
        """Prove that a file is a whole backup of a database that this program can use.

        Raises:
            BadBackup: it is not.
        """
        found = backup.verify(path, stop)
        try:
            contents.from_facts(found.facts)
            with backup.opened_alone(path) as conn:
                schema = contents.read(conn).schema
        except StorageError as error:
            raise BadBackup(f"{str(path)!r} cannot be used: {error}") from error
        if schema > len(migrations()):
            raise BadBackup(
                f"{str(path)!r} has schema {schema}, this program knows {len(migrations())}. Install that version."
            )
        return found

    def damage(self, path: Path | None) -> str:
        """What is wrong with a backup, or with the live database when ``path`` is ``None``; empty when it is whole.

        Raises:
            AttendanceError: it is missing, not readable, or not ours. Nothing is ever made.
        """
        live = self.plan.database
        backup.refuse_empty(path or live)
        if path is not None and manifest.path_of(path).exists():
            backup.verify(path, Stop())
        with backup.opened_alone(path) if path is not None else reading(live) as conn:
            contents.read(conn)
            return contents.faults(conn)

    def refuse_shrunk(self, found: Contents) -> None:
        """Compare with the newest backup.

        Raises:
            Shrunk: more is gone than was erased.
        """
        newest = self.newest()
        if newest is None:
            return
        erased = len(erasure.keys(self.plan.data_dir)) - len(newest.manifest.facts.get("erased", ()))
        gone = contents.shrinkage(contents.from_facts(newest.manifest.facts), found, erased)
        if gone:
            raise Shrunk(
                f"The database {str(self.plan.database)!r} holds less than the backup {newest.path.name}: {gone}. "
                "Restore that backup, or run `attendance backup create --accept-shrunk` if it is right so."
            )

    def _order(self, kind: str, accept: Callable[[Contents], None]) -> copying.Order:
        now = self._clock.now()
        plan = self.plan
        return copying.Order(
            kind,
            now,
            now.at.astimezone(plan.zone),
            facts={"device_id": plan.device_id, "erased": erasure.keys(plan.data_dir)},
            files=lambda: photo_records.sizes(plan.data_dir),
            check=plan.check,
            accept=accept,
        )


@contextmanager
def _keeping(shelf: Shelf) -> Iterator[None]:
    """Translate what a disk may do to a shelf.

    Raises:
        StorageError: it refused, or gave back other bytes than it was given.
    """
    try:
        yield
    except OSError as error:
        raise StorageError(f"The backups in {str(shelf.folder)!r} cannot be kept ({error.strerror}).") from error
    except BadBackup as error:
        raise StorageError(str(error)) from error


def _progress(stored: Stored) -> tuple[int, int, int]:
    """How far a database had come when it was copied: epochs, scans, number."""
    try:
        found = contents.from_facts(stored.manifest.facts)
    except AttendanceError:
        return 0, 0, 0
    return len(found.epochs), found.rows.get("attendance", 0), stored.manifest.number
