"""How long photos stay. Works through the files of ``photos``, a portion a step, and asks the ledger about each.

Who goes, by a trusted clock only:

- photos past their days; where there is a centre, only what it has already;
- when room is short and there is a centre: what it has already, the oldest days first, but not today's;
- strays: halves of interrupted writes, and photos that the ledger has replaced, expired or erased. A file is a stray
  only if it was one at the sweep before, too: a photo is on the disk a moment before it is in the ledger.

A photo of a scan that the ledger does not know may be the only trace of it, after a restore from an old backup: it
stays its days.
"""

import logging
from collections import deque
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date, timedelta, tzinfo
from pathlib import Path

from attendance.clock import Clock
from attendance.errors import StorageError
from attendance.kiosk.store import retention
from attendance.kiosk.store.database import reading
from attendance.kiosk.store.retention import Known
from attendance.kiosk.sync import credentials
from attendance.ops.disk import DiskWatch, Level, Reserve, Room
from attendance.ops.health import ProbeResult, Problem
from attendance.ops.service import Service
from attendance.ops.sqlite import Writer

log = logging.getLogger(__name__)

PHOTO_ROOM_BYTES = 64 * 1024 * 1024
"""Below it no photo is kept: what is left is for the database, which needs a thousandth of it for a scan."""
_LOOK_S = 5.0
_BETWEEN_PORTIONS_S = 0.05
_PORTION = 200
"""Files a step: deleting them all takes a slow card about a second."""
_WRITE_S = 10.0
_SWEEP_S = 3600.0
_SWEEP_SHORT_S = 60.0

PHOTOS_NOT_KEPT = Problem(
    "photos-not-kept",
    "warning",
    "No photos are kept: only {free_mb:.0f} MB are left on the disk. Scans are recorded.",
    "Delete what does not belong on this device, or put in a larger card.",
)


@dataclass(frozen=True, slots=True)
class Policy:
    """What may go.

    Attributes:
        keep_days: how many whole days before today are kept.
        has_centre: once the gate is enrolled, photos that the centre does not have are never deleted.
        photo_room_bytes: free space that photos must leave.
    """

    keep_days: int
    has_centre: bool
    photo_room_bytes: int = PHOTO_ROOM_BYTES

    def over(self, known: Known, today: date, short: bool) -> bool:
        """Whether the photo of a scan goes."""
        if known.day is None or (self.has_centre and not known.synced):
            return False
        return self.past(known.day, today) or (short and self.has_centre and known.day < today)

    def past(self, day: date, today: date) -> bool:
        return day < today - timedelta(days=self.keep_days)


class Retention:
    """Also watches the room on the disk, holds the reserve, and is the probe ``photos``.

    Args:
        data_dir: paths in the ledger are relative to it.
        zone: of the local day.
    """

    def __init__(
        self,
        database: Path,
        data_dir: Path,
        writer: Writer,
        clock: Clock,
        zone: tzinfo,
        policy: Policy,
        disk: DiskWatch,
        reserve: Reserve,
    ) -> None:
        self._database = database
        self._data_dir = data_dir
        self._writer = writer
        self._clock = clock
        self._zone = zone
        self._policy = policy
        self._disk = disk
        self._reserve = reserve
        self._room: Room | None = None
        self._folders: deque[Path] = deque()
        self._files: deque[Path] = deque()
        self._swept_ns: int | None = None
        self._suspects: set[Path] = set()
        self._suspects_before: set[Path] = set()
        self._expired = 0
        self.service = Service("retention", self)

    @property
    def photos_have_room(self) -> bool:
        """Whether a photo may be written; any thread."""
        room = self._room
        return room is None or room.free_bytes > self._policy.photo_room_bytes

    def make_room(self) -> None:
        """On a full disk give the reserve up: before the database is opened, which needs a little."""
        if self._data_dir.is_dir():
            self._reserve.give_up(self._disk.look().free_bytes)

    def step(self) -> float:
        room = self._room = self._disk.look()
        self._reserve.keep(room.free_bytes)
        if self._files:
            self._judge_some(room)
        elif self._folders:
            self._open(self._folders.popleft())
        elif self._due(room) and self._clock.now().trusted:
            self._begin()
        else:
            return _LOOK_S
        return _BETWEEN_PORTIONS_S

    def __call__(self) -> ProbeResult:
        room, problems = self._room, []
        if room is not None and not self.photos_have_room:
            problems.append(PHOTOS_NOT_KEPT.said(free_mb=room.free_bytes / 1e6))
        return ProbeResult("photos", {"kept": not problems, "expired": self._expired}, problems)

    def _due(self, room: Room) -> bool:
        pause_s = _SWEEP_SHORT_S if room.level > Level.ENOUGH else _SWEEP_S
        return self._swept_ns is None or self._clock.boot_ns() - self._swept_ns >= pause_s * 1e9

    def _begin(self) -> None:
        self._swept_ns = self._clock.boot_ns()
        self._suspects_before, self._suspects = self._suspects, set()
        photos = self._data_dir / "photos"
        if photos.is_dir():
            self._folders.extend(sorted(folder for folder in photos.iterdir() if folder.is_dir()))

    def _open(self, folder: Path) -> None:
        self._files.extend(sorted(folder.iterdir()))
        if not self._files and folder.name != self._today().isoformat():
            with suppress(OSError):  # a photo has just come
                folder.rmdir()

    def _judge_some(self, room: Room) -> None:
        files = [self._files.popleft() for _ in range(min(_PORTION, len(self._files)))]
        if not self._clock.now().trusted:
            return
        try:
            self._judge(files, self._today(), room.level is Level.SHORT, self._policy_now())
        except StorageError as error:
            log.warning("photos of %s were not looked through: %s", files[0].parent.name, error)

    def _policy_now(self) -> Policy:
        """A gate may be enrolled while it runs, and may leave its centre."""
        return replace(self._policy, has_centre=self._policy.has_centre and credentials.is_enrolled(self._data_dir))

    def _today(self) -> date:
        return self._clock.now().at.astimezone(self._zone).date()

    def _judge(self, files: list[Path], today: date, short: bool, policy: Policy) -> None:
        with reading(self._database) as conn:
            scans = retention.known(conn, list({_scan_id(file) for file in files}))
        over: list[tuple[str, str]] = []
        for file in files:
            known = scans.get(_scan_id(file))
            path = file.relative_to(self._data_dir).as_posix()
            if known is not None and known.path == path:
                if policy.over(known, today, short):
                    over.append((_scan_id(file), path))
            elif _is_stray(file, known, today, policy):
                self._discard(file)
        if over:
            self._expire(over)

    def _expire(self, photos: list[tuple[str, str]]) -> None:
        self._writer.run(lambda conn: retention.expire(conn, photos), _WRITE_S)
        for _, path in photos:
            (self._data_dir / path).unlink(missing_ok=True)
        self._expired += len(photos)
        log.info("%d photos are past their time and were deleted", len(photos))

    def _discard(self, file: Path) -> None:
        if file in self._suspects_before:
            file.unlink(missing_ok=True)
        else:
            self._suspects.add(file)


def _is_stray(file: Path, known: Known | None, today: date, policy: Policy) -> bool:
    if file.name.endswith(".part"):
        return True
    if file.suffix != ".jpg":
        return False
    if known is None:
        day = _day(file.parent.name)
        return not policy.has_centre and day is not None and policy.past(day, today)
    return known.settled


def _scan_id(file: Path) -> str:
    """The scan that a photo, an early photo or a half of one belongs to."""
    return file.name.removeprefix(".").partition(".")[0].removesuffix("-early")


def _day(folder: str) -> date | None:
    try:
        return date.fromisoformat(folder)
    except ValueError:
        return None
