"""A gate's store and its couriers to the centre, without camera and pages; time passes when it is told to."""

import random
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

from attendance.clock import ManualClock
from attendance.config import Settings, locate
from attendance.domain.enrolment import Enrolment, Guardian
from attendance.domain.scan import Accepted, Direction, Refusal, Status
from attendance.kiosk.backups import DatabaseBackupManager
from attendance.kiosk.store import ledger, roster, sync_queue
from attendance.kiosk.store.database import create_or_migrate, reading, writing
from attendance.kiosk.store.ledger import CardUsed, Origin
from attendance.kiosk.sync import enrolment
from attendance.kiosk.sync.client import CentreClient
from attendance.kiosk.sync.courier import Courier
from attendance.kiosk.sync.credentials import load, save
from attendance.kiosk.sync.enrolment import Machine
from attendance.kiosk.sync.photo_files import PhotoFiles
from attendance.kiosk.sync.photos import PhotoLane
from attendance.ops import sqlite
from attendance.ops.sqlite import Writer

JPEG = b"\xff\xd8 not really, but the centre does not look at pictures \xff\xd9"
_MOST_STEPS = 5_000


class QueueingGate:
    """One gate at a centre.

    Args:
        began: what its clock says at first.
        trusted: whether that is known to be right.
        timeout_s: how long it waits for an answer, in true time.
    """

    def __init__(
        self, folder: Path, device_id: str, began: datetime, *, trusted: bool = True, timeout_s: float = 3.0
    ) -> None:
        self._timeout_s = timeout_s
        self.folder = folder
        self.device_id = device_id
        self.database = folder / "attendance.db"
        self.clock = ManualClock(began, boot_id=f"boot-of-{device_id}", trusted=trusted)
        self._chance = random.Random(device_id)
        self._passages: Counter[tuple[str, Direction]] = Counter()
        folder.mkdir(parents=True, exist_ok=True)
        create_or_migrate(self.database, self.clock.now())
        self.begin()

    def begin(self) -> None:
        """Start what sends, as a start of the gate does."""
        self.writer = Writer(lambda: sqlite.connect(self.database))
        self.writer.start()
        client = CentreClient(self.folder, self.clock)
        files = PhotoFiles(self.folder, leave=True)
        parts = (self.database, self.writer, client, self.clock)
        jitter = self._chance.random
        self.courier = Courier(*parts, photo_item=files.item, batch_size=20, timeout_s=self._timeout_s, jitter=jitter)
        self.pictures = PhotoLane(*parts, files=files, timeout_s=self._timeout_s, jitter=jitter)

    def end(self) -> None:
        self.courier.close()
        self.pictures.close()
        self.writer.stop()

    def enrol(self, url: str, code: str) -> None:
        machine = Machine(self.device_id, self.device_id, "1.0", "Test", None, self._timeout_s)
        enrolment.enrol(self.database, self.folder, url, code, machine)

    def move(self, url: str) -> None:
        """Reach the same centre another way."""
        place = load(self.folder)
        assert place is not None
        save(self.folder, type(place)(**{**{name: getattr(place, name) for name in place.__slots__}, "url": url}))

    def know(self, *numbers: str) -> None:
        with writing(self.database) as conn:
            for number in numbers:
                guardians = [Guardian("+639171234567")]
                roster.enrol(conn, Enrolment(number, f"Student {number}", guardians=guardians), self.clock.now())

    def scan(self, number: str, direction: Direction = Direction.IN, *, photo: bytes | None = None) -> str:
        """A student passes; the scan's id."""
        with writing(self.database) as conn:
            seen = self.clock.now()
            self._passages[number, direction] += 1
            passage = self._passages[number, direction]
            accepted = Accepted(seen.at.date(), "day_class", direction, Status.ON_TIME, passage, "")
            key = roster.key_of(conn, number)
            origin = Origin(self.device_id, "camera")
            scan_id = ledger.record(conn, key, accepted, seen, origin, CardUsed(0, False), None).scan_id
            if photo is not None:
                (self.folder / f"{scan_id}.jpg").write_bytes(photo)
                ledger.attach_photo(conn, scan_id, f"{scan_id}.jpg", "", 1.0, [])
        self.clock.advance(1)
        return scan_id

    def refuse(self) -> None:
        """Somebody shows a card that nobody knows."""
        with writing(self.database) as conn:
            seen = self.clock.now()
            origin = Origin(self.device_id, "camera")
            ledger.refuse(conn, Refusal.UNKNOWN_CARD, None, "whoever", seen, seen.at.date(), origin)

    def correct_clock(self, scan_id: str, at: datetime) -> None:
        with writing(self.database) as conn:
            ledger.correct_clock(conn, scan_id, at, at.date(), Status.ON_TIME, 0, self.clock.now())

    def back_up(self) -> Path:
        made = self._backups().create_backup()
        assert made is not None
        return Path(made)

    def restore(self, backup: Path) -> None:
        """Stop, put the backup in the database's place, and start."""
        self.end()
        assert self._backups().restore_backup(backup)
        self.begin()

    def try_to_send(self, times: int = 1) -> None:
        """Let both couriers take their steps, with the rests that they want, so many times."""
        for _ in range(times):
            self.clock.advance(max(0.001, min(self.courier.step(), self.pictures.step())))

    def send_all(self, over: Callable[[], bool] = lambda: False) -> None:
        """Until nothing waits any more, or it is over, which is looked for before each question."""
        for _ in range(_MOST_STEPS):
            if over() or not any(self.waiting()):
                return
            rest_s = self.courier.step()
            if over():
                return
            self.clock.advance(max(0.001, min(rest_s, self.pictures.step())))
        raise AssertionError(f"{self.device_id} still has {self.waiting()} to send")

    def waiting(self) -> tuple[int, int]:
        """Records and pictures that the centre does not have by what this gate knows."""
        with reading(self.database) as conn:
            found = sync_queue.waiting(conn)
        return found.items, found.pictures

    def dead(self) -> list[dict[str, Any]]:
        with reading(self.database) as conn:
            return sync_queue.dead(conn)

    def register(self) -> dict[str, tuple[Any, ...]]:
        """What is known of each scan, its time as corrected."""
        with reading(self.database) as conn:
            rows = conn.execute(
                "SELECT a.scan_id, s.student_id, coalesce(c.day, a.day), a.direction, a.epoch, a.seq,"
                " coalesce(c.scanned_at, a.scanned_at) FROM attendance a JOIN students s USING (student_key)"
                " LEFT JOIN clock_corrections c USING (scan_id)"
            ).fetchall()
        return {row[0]: tuple(row)[1:] for row in rows}

    def _backups(self) -> DatabaseBackupManager:
        configuration = (Settings(), locate(str(self.folder / "config.json"), str(self.folder)))
        return DatabaseBackupManager(
            self.database, self.folder / "backups", configuration=configuration, clock=self.clock
        )

    def heads(self) -> dict[tuple[str, str], int]:
        """The last number of each epoch that has any."""
        with reading(self.database) as conn:
            rows = conn.execute("SELECT device_id, epoch, max(seq) FROM attendance GROUP BY 1, 2").fetchall()
        return {(device_id, epoch): seq for device_id, epoch, seq in rows}
