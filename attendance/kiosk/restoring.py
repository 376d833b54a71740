"""Putting another database in the place of the live one, so that a kill between any two steps does no harm.

Owns the directories ``restore`` and ``damaged`` in the data directory; who works in ``restore`` holds a lock on it, for
a backup may be laid ready at any time. What lies in ``restore`` says how far it came:

1. a backup with its manifest: verified, it waits for the next start (staged);
2. ``prepared.db`` with ``report.json``: whole, migrated, under its new epoch; only the names have to be changed;
3. ``report.json`` alone: done, but for the report.

Each start goes on from there. What was live ends in ``damaged``, in a folder of its own, with the report.
"""

import json
import logging
import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

from attendance.clock import Moment, rfc3339
from attendance.errors import StorageError
from attendance.kiosk import erasure
from attendance.kiosk.store.database import begin_epoch, clear_marks, create_or_migrate, settle, writing
from attendance.ops import backup, manifest, sqlite
from attendance.ops.backup import PRIVATE, Stop
from attendance.ops.files import sync_folder, write_atomically
from attendance.ops.manifest import BadBackup
from attendance.ops.shelf import Stored, first_free, take_turn

log = logging.getLogger(__name__)

_EVIDENCE_KEPT = 3
_ACKNOWLEDGED = "acknowledged"


class Replacement:
    """The steps from a backup to the live database. Call all but ``stage`` with the data directory's lock held, and
    ``alone`` from the look at what is staged until it is swapped in.

    Args:
        database: the live one.
    """

    def __init__(self, database: Path) -> None:
        self._database = database
        self._data_dir = database.parent
        self._folder = self._data_dir / "restore"
        self._prepared = self._folder / "prepared.db"
        self._report = self._folder / "report.json"
        self._evidence = self._data_dir / "damaged"

    @property
    def untouched(self) -> bool:
        """Whether nothing was ever laid ready or prepared here."""
        return not self._folder.is_dir()

    @contextmanager
    def alone(self, stop: Stop) -> Iterator[None]:
        """In the folder, which is made, among all processes; the lock is on the folder itself.

        Raises:
            StorageError: it cannot be made, or another process is at work for very long.
        """
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            fd = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError as error:
            raise StorageError(
                f"{str(self._folder)!r} cannot be used ({error.strerror}). Check its owner and the disk."
            ) from error
        try:
            if not take_turn(fd, stop):
                raise StorageError("Another database is just being put in place. Try again when the gate runs.")
            yield
        finally:
            os.close(fd)

    def stage(self, stored: Stored, stop: Stop) -> None:
        """Lay a verified backup ready for the next start, in the place of any that is there.

        Raises:
            StorageError: the disk refused, or a start puts a database in place for very long.
            BadBackup: the copy is not what the manifest says.
        """
        with self.alone(stop):
            self._drop(self._all_staged())
            self._sweep()
            staged = self._folder / stored.path.name
            part = self._part_of(staged)
            backup.copy_file(stored.path, part, stop)
            if backup.digest(part, stop) != stored.manifest.sha256:
                part.unlink()
                raise BadBackup(f"{str(stored.path)!r} changed while it was copied. Try again, or use another.")
            part.rename(staged)
            write_atomically(manifest.path_of(staged), manifest.render(stored.manifest), mode=PRIVATE)

    def staged(self) -> Stored | None:
        """The backup that waits to be restored.

        Raises:
            BadBackup: it went bad; it is no longer there.
        """
        for staged in self._all_staged():
            try:
                return Stored(staged, backup.verify(staged, Stop()))
            except BadBackup:
                self._drop([staged])
                raise
        return None

    def prepare(
        self,
        base: Stored | None,
        reason: str,
        now: Moment,
        *,
        fill: Callable[[Path], Mapping[str, Any]] = lambda path: {},
        more: Mapping[str, Any] | None = None,
    ) -> None:
        """Make the database that shall be live: a backup or a fresh one, what ``fill`` adds, and a new epoch.

        A staged backup goes when it was the base; another waits for its turn.

        Args:
            base: ``None`` begins an empty one.
            fill: adds to the database at a path; what it says goes into the report.
            more: further facts for the report.

        Raises:
            StorageError: the disk refused.
            BadBackup: the base is not whole.
        """
        part = self._part_of(self._prepared)
        if base is not None:
            erasure.remember(self._data_dir, list(base.manifest.facts.get("erased", ())))
            backup.copy_file(base.path, part, Stop())
            if backup.digest(part, Stop()) != base.manifest.sha256:
                raise BadBackup(f"{str(base.path)!r} changed while it was copied.")
        create_or_migrate(part, now, keep_copy=False)
        added = fill(part)
        erasure.reapply(part, self._data_dir)
        with writing(part) as conn:
            begin_epoch(conn, reason, now)
        settle(part)
        report = {
            "reason": reason,
            "at": rfc3339(now.at),
            "clock_trusted": now.trusted,
            "backup": base.path.name if base is not None else None,
            "backup_made_at": base.manifest.created_at if base is not None else None,
            "evidence": _free_name(self._evidence, f"{rfc3339(now.at):.19}".replace(":", "")),
            **added,
            **(more or {}),
        }
        part.rename(self._prepared)
        write_atomically(self._report, _json(report), mode=PRIVATE)  # from here on it counts
        if base is not None and base.path.parent == self._folder:
            self._drop([base.path])

    def finish(self) -> Mapping[str, Any] | None:
        """Swap in what is prepared, if anything is, and file the report; the report of what was done.

        Raises:
            StorageError: the disk refused; the next call goes on.
        """
        try:
            return self._finish()
        except OSError as error:
            raise StorageError(
                f"The restored database could not be put in its place ({error.strerror}). "
                "Make room on the disk and start the gate again; it goes on where it stopped."
            ) from error

    def _finish(self) -> Mapping[str, Any] | None:
        report = _read(self._report)
        if report is None:
            self._sweep()
            return None
        aside = self._evidence / str(report["evidence"])
        if self._prepared.exists():
            aside.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._move_live(aside)
            self._prepared.rename(self._database)
            sync_folder(self._data_dir)
        clear_marks(self._database)
        aside.mkdir(mode=0o700, parents=True, exist_ok=True)
        nothing_lost = report.get("safety_copy") or not (aside / self._database.name).exists()
        if report["reason"] == "restored" and nothing_lost:
            shutil.rmtree(aside)
            self._report.unlink()
        else:
            self._report.rename(aside / "report.json")
            sync_folder(aside)
        self._bound_evidence(aside)
        self._sweep()
        log.warning("the database was %s from %s", report["reason"], report["backup"] or "what could be read of it")
        return report

    def _move_live(self, aside: Path) -> None:
        """The database first: side files without it are of no use to anybody who opens it in between."""
        for live in (self._database, *sqlite.side_files(self._database)):
            if live.exists():
                live.rename(aside / _free_name(aside, live.name))
        sync_folder(aside)
        sync_folder(self._data_dir)

    def _bound_evidence(self, newest: Path) -> None:
        others = sorted(path for path in self._evidence.iterdir() if path.is_dir() and path != newest)
        for path in others[: 1 - _EVIDENCE_KEPT]:
            shutil.rmtree(path)

    def _part_of(self, path: Path) -> Path:
        """A temporary name beside ``path``, with nothing there from an earlier attempt."""
        part = path.with_name(f".{path.name}.part")
        for each in (part, *sqlite.side_files(part)):
            each.unlink(missing_ok=True)
        return part

    def _all_staged(self) -> list[Path]:
        return [beside.with_suffix("") for beside in self._folder.glob("*.db.json")]

    def _drop(self, staged: Sequence[Path]) -> None:
        """The manifest first: without it the rest counts for nothing."""
        for path in staged:
            manifest.path_of(path).unlink(missing_ok=True)
            path.unlink(missing_ok=True)

    def _sweep(self) -> None:
        """Remove what an interrupted attempt left."""
        wanted = {self._report, self._prepared} if self._report.exists() else set()
        for staged in self._all_staged():
            wanted |= {staged, manifest.path_of(staged)}
        for path in set(self._folder.iterdir()) - wanted:
            path.unlink()


def reports(data_dir: Path) -> list[Mapping[str, Any]]:
    """What was repaired here and not yet acknowledged, the oldest first."""
    folder = data_dir / "damaged"
    found = []
    for path in sorted(folder.glob("*/report.json")):
        report = _read(path)
        if report is not None and not (path.parent / _ACKNOWLEDGED).exists():
            found.append(report)
    return found


def acknowledge(data_dir: Path) -> int:
    """A person has read the reports; how many there were."""
    found = reports(data_dir)
    for report in found:
        (data_dir / "damaged" / str(report["evidence"]) / _ACKNOWLEDGED).touch()
    return len(found)


def _read(path: Path) -> Mapping[str, Any] | None:
    try:
        found = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) and {"reason", "evidence", "backup"} <= found.keys() else None


def _json(report: Mapping[str, Any]) -> bytes:
    return json.dumps(report, indent=1).encode() + b"\n"


def _free_name(folder: Path, name: str) -> str:
    """``name``, with something behind it if it is taken in ``folder``."""
    return first_free((name + "+" * again for again in count()), folder)
