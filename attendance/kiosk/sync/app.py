"""The composition root of the exchange with the centre: what exists, who gets what, and in which order it starts."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from attendance.clock import Clock, age
from attendance.config import Paths, Settings, masked
from attendance.config.catalogue import flat
from attendance.config.load import plain
from attendance.kiosk.sms import plan as sms_plan
from attendance.kiosk.store import sync_queue
from attendance.kiosk.store.database import reading
from attendance.kiosk.store.sync_queue import Waiting
from attendance.kiosk.sync.applying import Limits
from attendance.kiosk.sync.client import CentreClient, longest_s
from attendance.kiosk.sync.courier import Courier
from attendance.kiosk.sync.down import Down, DownPlan, Seams
from attendance.kiosk.sync.down_problems import ROSTER_OLD
from attendance.kiosk.sync.foreign import OthersConfirmed
from attendance.kiosk.sync.photo_files import PhotoFiles
from attendance.kiosk.sync.photos import PhotoLane
from attendance.kiosk.sync.problems import CHAIN_BROKEN, NOT_TAKEN, of_fault
from attendance.ops import sqlite
from attendance.ops.health import HealthBoard, ProbeResult, Problem
from attendance.ops.service import Service
from attendance.ops.sqlite import Writer

_ROSTER_OLD_DAYS = 3
"""Of a long weekend: a school enrols on any day."""
_IN_CONTACT_S = 600.0
"""Several calls of a gate: then the centre itself finds it silent."""


class Sync:
    """Everything that speaks with the centre. It does nothing until the gate is enrolled, and notices when it is.

    Args:
        seams: what the running gate offers to the centre.
        on_taken: told how many records the centre took.
    """

    def __init__(
        self,
        settings: Settings,
        paths: Paths,
        writer: Writer,
        clock: Clock,
        seams: Seams,
        *,
        on_taken: Callable[[int], object] = lambda count: None,
    ) -> None:
        self._writer = writer
        self._clock = clock
        self._began = clock.now()
        self._roster = settings.cloud.roster
        self.longest_s = longest_s(settings.cloud.timeout_seconds)
        self._client = client(settings, paths, clock)
        files = photo_files(settings, paths)
        self._courier = courier(settings, paths, writer, clock, self._client, files, on_taken)
        self._photos = PhotoLane(
            paths.database, writer, self._client, clock, files, timeout_s=settings.cloud.timeout_seconds
        )
        self._down = Down(down_plan(settings, paths), seams, writer, self._client, clock, self._look)

    @property
    def services(self) -> Sequence[Service]:
        """In the order of starting. A step may last ``longest_s``, but for ``slow_service``."""
        return [self._courier.service, self._photos.service, *self._down.services]

    @property
    def slow_service(self) -> Service:
        """The one of them that makes backups, which take their time."""
        return self._down.slow_service

    @property
    def others_confirmed(self) -> OthersConfirmed:
        """Whether the scans of the school's other gates are here."""
        return self._down.others_confirmed

    @property
    def in_contact(self) -> bool:
        """Whether the centre knows how this gate is."""
        return (
            self._client.credentials is not None and self._client.heard is not None and self._silent_s() < _IN_CONTACT_S
        )

    def add_probes(self, board: HealthBoard) -> None:
        """Let health ask how the exchange stands."""
        board.add_probe("sync", self._probe)
        self._down.add_probes(board)

    def wake(self) -> None:
        """There is something new to send."""
        self._courier.service.nudge()

    def _look(self) -> None:
        """Somebody wants everything exchanged now."""
        self._writer.run(sync_queue.end_pauses)
        for service in self.services:
            service.nudge()

    def _probe(self) -> ProbeResult:
        place = self._client.credentials
        fault = self._client.fault or self._courier.fault
        waiting = self._courier.waiting
        values: dict[str, Any] = {
            "enrolled": place is not None,
            "school": place.school if place else None,
            "heard_seconds_ago": self._silent_s() if self._client.heard else None,
            "waiting": waiting.items,
            "pictures_waiting": waiting.pictures,
            "not_taken": waiting.dead,
        }
        if place is None and fault is None:
            return ProbeResult("sync", values, status="stopped")
        return ProbeResult(
            "sync", values, [*of_fault(fault, self._silent_s() / 60), *self._left_behind(), *self._old()]
        )

    def _old(self) -> list[Problem]:
        """Every contact says whether the list has changed, so it is as old as that."""
        days = self._silent_s() / 86_400
        return [ROSTER_OLD.said(days=days)] if self._roster and days >= _ROSTER_OLD_DAYS else []

    def _left_behind(self) -> list[Problem]:
        waiting = self._courier.waiting
        problems = [NOT_TAKEN.said(count=waiting.dead, why=waiting.why_dead)] if waiting.dead else []
        return problems + [CHAIN_BROKEN.said(seq=seq, epoch=epoch) for epoch, seq in self._courier.broken]

    def _silent_s(self) -> float:
        since = self._client.heard or self._began
        return round(age(since, self._clock.now()).total_seconds(), 1)


def client(settings: Settings, paths: Paths, clock: Clock) -> CentreClient:
    """The centre, as configured."""
    ca_file = settings.cloud.ca_file
    return CentreClient(paths.data_dir, clock, ca_file=paths.resolve(ca_file) if ca_file else None)


@dataclass(frozen=True, slots=True)
class Done:
    """What one go at everything that waits did; ``left``: what is still here."""

    taken: int
    pictures: int
    left: Waiting


def at_once(settings: Settings, paths: Paths, clock: Clock) -> Done:
    """Send all that waits, whether a gate runs beside or not: what both send, the centre takes once.

    Raises:
        CentreError: the centre does not answer; what was sent until then is settled.
        StorageError: the database refused.
    """
    taken = 0

    def count(more: int) -> None:
        nonlocal taken
        taken += more

    writer = Writer(lambda: sqlite.connect(paths.database))
    centre, files = client(settings, paths, clock), photo_files(settings, paths)
    records = courier(settings, paths, writer, clock, centre, files, count)
    lane = PhotoLane(paths.database, writer, centre, clock, files, timeout_s=settings.cloud.timeout_seconds)
    writer.start()
    try:
        while records.send():
            pass
        while files.leave and lane.send():
            pass
        with reading(paths.database) as conn:
            return Done(taken, lane.finished, sync_queue.waiting(conn))
    finally:
        records.close()
        lane.close()
        writer.stop()


def photo_files(settings: Settings, paths: Paths) -> PhotoFiles:
    """The gate's photos, which leave it or not, as configured."""
    return PhotoFiles(paths.data_dir, leave=settings.cloud.photos)


def courier(
    settings: Settings,
    paths: Paths,
    writer: Writer,
    clock: Clock,
    centre: CentreClient,
    files: PhotoFiles,
    on_taken: Callable[[int], object],
) -> Courier:
    """Who carries records, as configured."""
    cloud = settings.cloud
    return Courier(
        paths.database,
        writer,
        centre,
        clock,
        photo_item=files.item,
        batch_size=cloud.batch_size,
        timeout_s=cloud.timeout_seconds,
        on_taken=on_taken,
    )


def down_plan(settings: Settings, paths: Paths) -> DownPlan:
    """What comes down, as configured."""
    cloud = settings.cloud
    logs = paths.resolve(settings.logging.log_dir)
    return DownPlan(
        database=paths.database,
        data_dir=paths.data_dir,
        rules=sms_plan.absence_rules(settings),
        limits=Limits(wanted=cloud.roster, smallest_percent=float(cloud.smallest_roster_percent)),
        interval_s=cloud.sync_interval,
        timeout_s=cloud.timeout_seconds,
        logs=[
            logs / "attendance.log",
            paths.resolve(settings.watchdog.log_file),
            logs / "vision.log",
            logs / "attendance.log.1",
        ],
        secrets=secrets(settings),
    )


def secrets(settings: Settings) -> list[str]:
    """Every secret of the settings, for whoever must not let one out."""
    shown = dict(flat(masked(settings)))
    return [str(value) for path, value in flat(plain(settings)) if value and value != shown.get(path)]
