"""The rehearsal of a restore: a backup that was never restored is a hope. Owns ``drill.json`` in the backup folder."""

import json
import logging
import time
from dataclasses import asdict, dataclass, fields

from attendance.clock import Clock, Moment, from_rfc3339, rfc3339
from attendance.errors import StorageError
from attendance.kiosk.backup_schedule import age_s
from attendance.kiosk.copies import Copies
from attendance.kiosk.store import contents
from attendance.kiosk.store.database import create_or_migrate, reading, settle
from attendance.ops import backup
from attendance.ops.backup import PRIVATE, Cancelled, Stop
from attendance.ops.files import write_atomically
from attendance.ops.manifest import BadBackup
from attendance.ops.shelf import Stored

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class DrillResult:
    """What a rehearsal showed.

    Attributes:
        why: empty when the backup could be restored.
        recovery_point_s: age of the backup: what would be lost if the disk died at that moment; ``None`` if the clock
            could not tell.
        recovery_time_s: how long the restore took, from reading the backup to a database that answers.
        scans_behind: scans that are in the live database and not in the backup.
    """

    at: str
    clock_trusted: bool
    boot_id: str
    boot_ns: int
    ok: bool
    why: str
    backup: str
    recovery_point_s: float | None
    recovery_time_s: float
    scans_behind: int

    @property
    def done(self) -> Moment:
        """When, as the machine knew it."""
        return Moment(from_rfc3339(self.at), self.boot_id, self.boot_ns, self.clock_trusted)


class Drill:
    """Restores the newest backup beside the live database, and forgets it again."""

    def __init__(self, copies: Copies, clock: Clock) -> None:
        self._copies = copies
        self._clock = clock
        self._file = copies.plan.folder / "drill.json"

    def last(self) -> DrillResult | None:
        """The result of the last one; it survives restarts."""
        try:
            found = json.loads(self._file.read_bytes())
            result = DrillResult(**{field.name: found[field.name] for field in fields(DrillResult)})
            from_rfc3339(result.at)
        except (OSError, ValueError, TypeError, KeyError):
            return None
        return result

    def run(self, stop: Stop) -> DrillResult:
        """Rehearse now, and keep the result.

        Raises:
            StorageError: the result could not be kept.
            Cancelled: ``stop`` was asked.
        """
        newest = self._copies.newest()
        began = time.monotonic()
        behind, why = 0, "There is no backup."
        if newest is not None:
            try:
                behind, why = self._restored(newest, stop), ""
            except Cancelled:
                raise
            except (StorageError, BadBackup) as error:
                why = str(error)
        now = self._clock.now()
        result = DrillResult(
            at=rfc3339(now.at),
            clock_trusted=now.trusted,
            boot_id=now.boot_id,
            boot_ns=now.boot_ns,
            ok=not why,
            why=why,
            backup=newest.path.name if newest is not None else "",
            recovery_point_s=age_s(newest.manifest.made, now) if newest is not None else None,
            recovery_time_s=round(time.monotonic() - began, 3),
            scans_behind=behind,
        )
        write_atomically(self._file, json.dumps(asdict(result), indent=1).encode() + b"\n", mode=PRIVATE)
        log.log(logging.INFO if result.ok else logging.ERROR, "restore drill: %s", why or "the newest backup is good")
        return result

    def _restored(self, newest: Stored, stop: Stop) -> int:
        """Restore, open and count; how many scans the live database is ahead.

        Raises:
            StorageError, BadBackup: it cannot be done.
        """
        self._copies.verify(newest.path, stop)
        with self._copies.shelf.locked(stop):
            copy = self._copies.shelf.unfinished("drill.db")
            backup.copy_file(newest.path, copy, stop)
            try:
                create_or_migrate(copy, self._clock.now(), keep_copy=False)
                with reading(copy) as conn:
                    found = contents.read(conn)
                settle(copy)
            finally:
                copy.unlink(missing_ok=True)
        expected = contents.from_facts(newest.manifest.facts)
        wrong = [name for name, count in expected.rows.items() if found.rows.get(name) != count]
        if wrong:
            raise StorageError(
                f"The restored {newest.path.name} has other counts than its manifest: {', '.join(wrong)}."
            )
        with reading(self._copies.plan.database) as conn:
            live = contents.scans(conn)
        return max(0, live - found.rows["attendance"])
