"""A gate with its queue, its courier and its photo lane, and a step for each."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from gate_data import GateData
from small_centre import SmallCentre

from attendance.domain import wire
from attendance.kiosk.store import sync_queue
from attendance.kiosk.store.database import reading, writing
from attendance.kiosk.sync import credentials
from attendance.kiosk.sync.client import CentreClient
from attendance.kiosk.sync.courier import Courier
from attendance.kiosk.sync.credentials import Credentials
from attendance.kiosk.sync.enrolment import Machine
from attendance.kiosk.sync.photo_files import PhotoFiles
from attendance.kiosk.sync.photos import PhotoLane
from attendance.ops import sqlite
from attendance.ops.sqlite import Writer

TOKEN = "a token that only this gate has"
MACHINE = Machine("gate-1", "Main gate", "1.0", "a board", None, 5.0)


class SyncDesk:
    """A gate's data, and what carries it to a centre. Nothing runs but what a test steps."""

    def __init__(self, gate: GateData, *, batch_size: int = 200, photos: bool = True) -> None:
        self.gate = gate
        self.clock = self.gate.clock
        self.database = self.gate.database
        self.writer = Writer(lambda: sqlite.connect(self.database))
        self.taken = 0
        files = PhotoFiles(self.gate.data, leave=photos)
        self.client = CentreClient(self.gate.data, self.clock)
        self.courier = Courier(
            self.database,
            self.writer,
            self.client,
            self.clock,
            photo_item=files.item,
            batch_size=batch_size,
            timeout_s=5.0,
            on_taken=self._count,
            jitter=lambda: 1.0,
        )
        self.lane = PhotoLane(
            self.database, self.writer, self.client, self.clock, files, timeout_s=5.0, jitter=lambda: 1.0
        )

    def enrol(self, centre: SmallCentre, token: str = TOKEN) -> None:
        """As if it had been done."""
        centre.keys.add(wire.key_hash(token))
        place = Credentials(centre.url, "gate-id", "Main gate", centre.school_id, "Mabini", "Asia/Manila", token)
        credentials.save(self.gate.data, place)

    def work(self, steps: int = 300) -> None:
        """Let courier and lane work, and the time pass that they want to rest, until both have nothing to do."""
        for _ in range(steps):
            rest_s = min(self.courier.step(), self.lane.step())
            if rest_s >= 10 and not self.unsettled:
                return
            self.clock.advance(rest_s)
        raise AssertionError(f"it does not end: {self.rows()}")

    @property
    def unsettled(self) -> int:
        return sum(state in ("waiting", "announced") for state in self.rows().values())

    def rows(self) -> dict[tuple[str, str], str]:
        """Type and key of each row of the queue, to its state."""
        with reading(self.database) as conn:
            return {
                (row["record_type"], row["record_id"]): row["state"] for row in conn.execute("SELECT * FROM sync_queue")
            }

    def states(self, record_type: str) -> list[str]:
        return [state for (kind, _), state in self.rows().items() if kind == record_type]

    def dead(self) -> list[dict[str, Any]]:
        with reading(self.database) as conn:
            return sync_queue.dead(conn)

    def change(self, sql: str, *values: Any) -> None:
        with writing(self.database) as conn:
            conn.execute(sql, values)

    def close(self) -> None:
        self.courier.close()
        self.lane.close()
        self.writer.stop()

    def _count(self, taken: int) -> None:
        self.taken += taken


@contextmanager
def opened(folder: Path, **options: Any) -> Iterator[SyncDesk]:
    """A new gate with three students, and a desk whose writer runs meanwhile."""
    with reopened(folder, GateData(folder).create(3), **options) as desk:
        yield desk


@contextmanager
def reopened(folder: Path, gate: GateData | None = None, **options: Any) -> Iterator[SyncDesk]:
    """The desk of another run of a gate that is there already."""
    desk = SyncDesk(gate or GateData(folder), **options)
    desk.writer.start()
    try:
        yield desk
    finally:
        desk.close()
