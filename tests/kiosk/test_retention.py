"""How long photos stay, with real files and a real ledger, and what a full disk does to a gate."""

from collections import namedtuple
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from attendance.clock import ManualClock
from attendance.domain.scan import Accepted, Direction, Status
from attendance.kiosk.retention import Policy, Retention
from attendance.kiosk.store import ledger
from attendance.kiosk.store.database import create_or_migrate, reading, writing
from attendance.kiosk.sync import credentials
from attendance.ops import sqlite
from attendance.ops.disk import DiskWatch, Reserve
from attendance.ops.sqlite import Writer

MANILA = ZoneInfo("Asia/Manila")
NOON = datetime(2026, 6, 8, 4, tzinfo=UTC)
TODAY = date(2026, 6, 8)
Usage = namedtuple("Usage", "total used free")


class Photos:
    """A ledger with one scan a photo, the folder of the photos, and a disk whose room the test decides."""

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir
        self.database = data_dir / "attendance.db"
        self.clock = ManualClock(NOON)
        create_or_migrate(self.database, self.clock.now())
        self.writer = Writer(lambda: sqlite.connect(self.database))
        self.free_percent = 50
        self.scans = 0

    def add(self, days_ago: int, *, synced: bool = False, trusted: bool = True, file: bool = True) -> Path:
        """A scan with its photo; the file."""
        self.scans += 1
        day = TODAY - timedelta(days=days_ago)
        seen = replace(self.clock.moment(-days_ago * 86_400 * 10**9), trusted=trusted)
        scan = Accepted(day, "morning", Direction.IN, Status.ON_TIME, 1, "Good morning.")
        with writing(self.database) as conn:
            recorded = ledger.record(
                conn,
                f"key-{self.scans}",
                scan,
                seen,
                ledger.Origin("gate-1", "camera"),
                ledger.CardUsed(0, False),
                None,
            )
            path = f"photos/{day}/{recorded.scan_id}.jpg"
            ledger.attach_photo(conn, recorded.scan_id, path, "", 0.9, [])
            if synced:
                conn.execute("UPDATE sync_queue SET state = 'sent' WHERE record_id = ?", (recorded.scan_id,))
        return self.write(path) if file else self.data_dir / path

    def write(self, path: str) -> Path:
        file = self.data_dir / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"jpeg")
        return file

    def enrol(self, *, enrolled: bool = True) -> None:
        place = credentials.Credentials("https://centre.example", "g", "Gate", "s", "School", "Asia/Manila", "token")
        credentials.forget(self.data_dir)
        if enrolled:
            credentials.save(self.data_dir, place)

    def retention(self, *, keep_days: int = 30, has_centre: bool = False) -> Retention:
        self.enrol(enrolled=has_centre)
        return Retention(
            self.database,
            self.data_dir,
            self.writer,
            self.clock,
            MANILA,
            Policy(keep_days, has_centre, photo_room_bytes=0),
            DiskWatch(self.data_dir, usage=lambda _: Usage(100, 100 - self.free_percent, self.free_percent)),
            Reserve(self.data_dir / ".reserve"),
        )

    def sweep(self, retention: Retention) -> None:
        """One whole sweep, an hour later."""
        self.clock.advance(3600)
        while retention.step() < 1:
            pass

    def row(self, photo: Path) -> tuple[str | None, str]:
        scan_id = photo.stem.removesuffix("-early")
        with reading(self.database) as conn:
            found = conn.execute("SELECT path, reason FROM photos WHERE scan_id = ?", (scan_id,)).fetchone()
        return found["path"], found["reason"]


@pytest.fixture
def photos(tmp_path: Path) -> Iterator[Photos]:
    photos = Photos(tmp_path)
    photos.writer.start()
    yield photos
    photos.writer.stop()


def test_photos_go_after_their_days(photos: Photos) -> None:
    """The one of 31 days ago goes and the ledger says why; that of 30 days ago stays."""
    old, young = photos.add(31), photos.add(30)
    photos.sweep(photos.retention())
    assert (old.exists(), young.exists()) == (False, True)
    assert photos.row(old) == (None, "expired")
    assert photos.row(young) == (f"photos/{TODAY - timedelta(days=30)}/{young.name}", "")


def test_with_a_centre_only_what_it_has_goes(photos: Photos) -> None:
    """An unsynced photo stays, however old it is."""
    synced, unsynced = photos.add(31, synced=True), photos.add(400)
    photos.sweep(photos.retention(has_centre=True))
    assert (synced.exists(), unsynced.exists()) == (False, True)


def test_a_photo_whose_picture_is_on_its_way_waits_for_it(photos: Photos) -> None:
    """That the scan is at the centre does not mean that the picture is."""
    photo = photos.add(31, synced=True)
    with writing(photos.database) as conn:
        conn.execute(
            "UPDATE sync_queue SET state = 'announced' WHERE record_type = 'photo' AND record_id = ?", (photo.stem,)
        )
    photos.sweep(photos.retention(has_centre=True))
    assert photo.exists()


def test_a_gate_that_is_enrolled_while_it_runs_keeps_what_is_not_sent(photos: Photos) -> None:
    """And before that, and after it has left, its photos go by their days."""
    retention = photos.retention(has_centre=True)
    kept = photos.add(31)
    photos.sweep(retention)
    assert kept.exists()
    photos.enrol(enrolled=False)
    photos.sweep(retention)
    assert not kept.exists()
    again = photos.add(31)
    photos.enrol()
    photos.sweep(retention)
    assert again.exists()


@pytest.mark.parametrize("free_percent", [50, 7, 0])
@pytest.mark.parametrize("has_centre", [False, True])
def test_short_room_takes_only_what_the_centre_has(photos: Photos, free_percent: int, has_centre: bool) -> None:
    """On a disk that is short of room synced photos of earlier days go before their time; nothing else does."""
    photos.free_percent = free_percent
    synced, unsynced, today = photos.add(2, synced=True), photos.add(2), photos.add(0, synced=True)
    photos.sweep(photos.retention(has_centre=has_centre))
    gone = has_centre and free_percent == 0
    assert (synced.exists(), unsynced.exists(), today.exists()) == (not gone, True, True)


def test_the_oldest_go_first_and_no_more_than_needed(photos: Photos) -> None:
    """When the first day has made room, later days stay."""
    old, young = photos.add(3, synced=True), photos.add(2, synced=True)
    photos.free_percent = 1
    retention = photos.retention(has_centre=True)
    while old.exists():
        retention.step()
    photos.free_percent = 50
    photos.sweep(retention)
    assert young.exists()


def test_nothing_goes_by_an_untrusted_clock(photos: Photos) -> None:
    """A gate that was switched on in the wrong year deletes nothing; once it knows the time, it does so at once."""
    old = photos.add(31)
    photos.clock.trusted = False
    photos.clock.step(86_400 * 3650)
    retention = photos.retention()
    photos.sweep(retention)
    assert old.exists()
    photos.clock.step(-86_400 * 3650)
    photos.clock.trusted = True
    while retention.step() < 1:
        pass
    assert not old.exists()


def test_a_scan_of_unknown_time_keeps_its_photo(photos: Photos) -> None:
    """A scan that only seems old, because the clock was wrong then, is not old."""
    photo = photos.add(400, trusted=False)
    photos.sweep(photos.retention())
    assert photo.exists()


def test_a_corrected_day_decides(photos: Photos) -> None:
    """A scan that was dated afresh is as old as its true day, wherever its file lies."""
    photo = photos.add(400, trusted=False)
    with writing(photos.database) as conn:
        ledger.correct_clock(conn, photo.stem, NOON, TODAY, "on_time", 0, photos.clock.now())
    photos.sweep(photos.retention())
    assert photo.exists()
    photos.clock.advance(86_400 * 31)
    photos.sweep(photos.retention())
    assert not photo.exists()


@pytest.mark.parametrize("state", ["replaced", "erased", "half"])
def test_strays_go_at_the_second_look(photos: Photos, state: str) -> None:
    """What the ledger no longer names is deleted, but not at the first look: it might be just on its way in."""
    photo = photos.add(1)
    if state == "replaced":
        stray = photos.write(f"photos/{TODAY - timedelta(days=1)}/{photo.stem}-early.jpg")
    elif state == "half":
        stray = photos.write(f"photos/{TODAY - timedelta(days=1)}/.{photo.name}.part")
    else:
        stray = photo
        with writing(photos.database) as conn:
            conn.execute("UPDATE photos SET path = NULL, reason = 'erased' WHERE scan_id = ?", (photo.stem,))
    retention = photos.retention()
    photos.sweep(retention)
    assert stray.exists()
    photos.sweep(retention)
    assert not stray.exists()
    assert photo.exists() is (state != "erased")


def test_a_photo_that_comes_in_between_two_looks_stays(photos: Photos) -> None:
    """A file that the ledger names by the second look was never a stray."""
    photo = photos.add(1)
    with writing(photos.database) as conn:
        conn.execute("UPDATE photos SET path = NULL, reason = 'late' WHERE scan_id = ?", (photo.stem,))
    retention = photos.retention()
    photos.sweep(retention)
    with writing(photos.database) as conn:
        path = photo.relative_to(photos.data_dir).as_posix()
        conn.execute("UPDATE photos SET path = ?, reason = '' WHERE scan_id = ?", (path, photo.stem))
    photos.sweep(retention)
    photos.sweep(retention)
    assert photo.exists()


def test_a_photo_that_the_ledger_waits_for_stays(photos: Photos) -> None:
    """A scan without photo and without a reason is still to get its photo, however often somebody looks."""
    photo = photos.add(1)
    with writing(photos.database) as conn:
        conn.execute("DELETE FROM photos")
    retention = photos.retention()
    for _ in range(3):
        photos.sweep(retention)
    assert photo.exists()


def test_the_photo_of_an_unknown_scan_stays_its_days(photos: Photos) -> None:
    """After a restore from an old backup it may be the only trace of a scan; without a centre it goes with its day."""
    young = photos.write(f"photos/{TODAY - timedelta(days=30)}/unknown.jpg")
    old = photos.write(f"photos/{TODAY - timedelta(days=31)}/unknown.jpg")
    for has_centre in (True, False):
        retention = photos.retention(has_centre=has_centre)
        photos.sweep(retention)
        photos.sweep(retention)
        assert (young.exists(), old.exists()) == (True, has_centre)


def test_what_is_not_ours_stays(photos: Photos) -> None:
    """Other files and folders under photos are nobody's to delete; empty day folders go."""
    note = photos.write("photos/2020-01-01/note.txt")
    kept = photos.write("photos/holiday/sea.jpg")
    (photos.data_dir / "photos/2020-01-02").mkdir()
    retention = photos.retention()
    photos.sweep(retention)
    photos.sweep(retention)
    assert note.exists()
    assert kept.exists()
    assert not (photos.data_dir / "photos/2020-01-02").exists()


def test_a_crash_between_commit_and_deletion_leaves_no_photo(photos: Photos) -> None:
    """What the ledger has given up and the disk still has, goes at the next sweeps of the next run."""
    photo = photos.add(31)
    photos.sweep(photos.retention())
    photos.write(photo.relative_to(photos.data_dir).as_posix())
    again = photos.retention()
    photos.sweep(again)
    photos.sweep(again)
    assert not photo.exists()


def test_a_photo_that_is_gone_already_is_noted(photos: Photos) -> None:
    """A file that somebody deleted by hand stops no sweep."""
    photo, other = photos.add(31), photos.add(31)
    photo.unlink()
    photos.sweep(photos.retention())
    assert not other.exists()
