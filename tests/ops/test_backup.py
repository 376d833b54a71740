"""The engine of backups: one instant in one file, and every byte of it proved."""

import random
import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from attendance.clock import ManualClock
from attendance.errors import StorageError
from attendance.ops import backup, manifest, rotation
from attendance.ops.backup import Cancelled, Stop
from attendance.ops.manifest import BadBackup, Manifest
from attendance.ops.shelf import Shelf, Stored

ZONE = ZoneInfo("Asia/Manila")
CLOCK = ManualClock(datetime(2026, 6, 8, tzinfo=UTC))


PHOTOS = manifest.listed({"photos/2026-06-08": {"a.jpg": 12, "b.jpg": 30}})


def described(path: Path, number: int = 1) -> Manifest:
    return Manifest(
        number=number,
        kind="hourly",
        program="1",
        source="/somewhere/live.db",
        size_bytes=path.stat().st_size,
        sha256=backup.digest(path, Stop()),
        integrity=True,
        facts={"rows": {"t": 200}, "name": "Peñafrancia"},
        files=PHOTOS.totals,
        list_sha256=PHOTOS.sha256,
        **manifest.created(CLOCK.now()),
    )


@pytest.fixture
def live(tmp_path: Path) -> Path:
    path = tmp_path / "live.db"
    with closing(sqlite3.connect(path)) as conn, conn:
        conn.execute("PRAGMA journal_mode=WAL")
        conn.execute("CREATE TABLE t (x)")
        conn.executemany("INSERT INTO t VALUES (?)", [("x" * 100,)] * 200)
    return path


@pytest.fixture
def stored(tmp_path: Path, live: Path) -> Stored:
    shelf = Shelf(tmp_path / "shelf", "live")
    with shelf.locked(Stop()):
        name = shelf.free_name(datetime(2026, 6, 8, 8, tzinfo=ZONE))
        backup.snapshot(live, shelf.unfinished(name), Stop())
        return shelf.publish(name, described(shelf.unfinished(name)), PHOTOS.content)


def test_a_whole_backup_is_verified(stored: Stored) -> None:
    """And its manifest is read back as it was written."""
    assert backup.verify(stored.path, Stop()) == stored.manifest


def test_a_list_of_photos_that_is_not_as_it_was_written_is_found(stored: Stored) -> None:
    """Any change of it, and its absence; the database beside it is a backup all the same."""
    beside = manifest.list_of(stored.path)
    backup.verify_list(stored.path, stored.manifest, Stop())
    beside.write_bytes(beside.read_bytes().replace(b"30", b"31"))
    with pytest.raises(BadBackup, match="is damaged"):
        backup.verify_list(stored.path, stored.manifest, Stop())
    beside.unlink()
    with pytest.raises(BadBackup, match="cannot be read"):
        backup.verify_list(stored.path, stored.manifest, Stop())
    assert backup.verify(stored.path, Stop()) == stored.manifest


def test_a_manifest_does_not_grow_with_the_photos(stored: Stored) -> None:
    """It is read at every look at the folder; the list is longer than many a database."""
    many = manifest.listed({"photos/2026-06-08": {f"{number:040}.jpg": 50_000 for number in range(4000)}})
    assert many.totals == {"photos/2026-06-08": {"count": 4000, "bytes": 200_000_000}}
    assert len(manifest.render(replace(stored.manifest, files=many.totals, list_sha256=many.sha256))) < 2000


@given(seed=st.integers(), xor=st.integers(1, 255))
def test_no_byte_of_a_backup_can_be_changed(shared_backup: Path, seed: int, xor: int) -> None:
    """Wherever it lies and whatever it becomes."""
    content = bytearray(shared_backup.read_bytes())
    position = random.Random(seed).randrange(len(content))
    content[position] ^= xor
    changed = shared_backup.with_name("changed.db")
    changed.write_bytes(content)
    manifest.path_of(changed).write_bytes(manifest.path_of(shared_backup).read_bytes())
    with pytest.raises(BadBackup):
        backup.verify(changed, Stop())


@pytest.fixture(scope="module")
def shared_backup(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("shared") / "whole.db"
    path.write_bytes(random.Random(1).randbytes(20_000))
    manifest.path_of(path).write_bytes(manifest.render(described(path)))
    return path


def test_no_byte_of_a_manifest_can_be_changed(stored: Stored) -> None:
    """Not even a space or a letter of a name: every position is tried, with several values."""
    path = manifest.path_of(stored.path)
    whole = path.read_bytes()
    values = random.Random(2)
    for position in range(len(whole)):
        for xor in {1, 0x20, values.randrange(1, 256)}:
            path.write_bytes(whole[:position] + bytes([whole[position] ^ xor]) + whole[position + 1 :])
            with pytest.raises(BadBackup):
                manifest.read(stored.path)


@pytest.mark.parametrize("cut", [0, 1, 4096, -1])
def test_a_shorter_or_longer_file_is_no_backup(stored: Stored, cut: int) -> None:
    """Truncated by any amount, to nothing, or with something behind it."""
    whole = stored.path.read_bytes()
    stored.path.write_bytes(whole[: cut if cut >= 0 else len(whole) - 1] if cut != 1 else whole + b"\0")
    with pytest.raises(BadBackup):
        backup.verify(stored.path, Stop())


@pytest.mark.parametrize("text", [b"", b"{}", b"[]", b"null", b"\xff\xfe", b"[" * 100_000, b'{"number": 1}'])
def test_any_nonsense_for_a_manifest_is_refused(stored: Stored, text: bytes) -> None:
    """With a sentence, not with a crash."""
    manifest.path_of(stored.path).write_bytes(text)
    with pytest.raises(BadBackup):
        manifest.read(stored.path)


@pytest.mark.parametrize("wrong", [{"number": "1"}, {"size_bytes": 1.5}, {"created_at": "soon"}, {"facts": []}])
def test_a_manifest_of_another_make_is_refused(stored: Stored, wrong: dict[str, object]) -> None:
    """Its checksum may be right and its values nonsense."""
    manifest.path_of(stored.path).write_bytes(manifest.render(replace(stored.manifest, **wrong)))  # type: ignore[arg-type]
    with pytest.raises(BadBackup):
        manifest.read(stored.path)


def test_a_missing_source_is_never_made(tmp_path: Path) -> None:
    """Copying nothing is an error, and leaves nothing."""
    with pytest.raises(StorageError):
        backup.snapshot(tmp_path / "typo.db", tmp_path / "copy.db", Stop())
    assert list(tmp_path.iterdir()) == []


def test_a_copy_ends_when_it_is_asked_to(tmp_path: Path, live: Path, stored: Stored) -> None:
    """Each long piece of work looks whether it shall end."""
    stop = Stop()
    stop.ask()
    for work in (
        lambda: backup.snapshot(live, tmp_path / "a", stop),
        lambda: backup.copy_file(live, tmp_path / "b", stop),
        lambda: backup.verify(stored.path, stop),
    ):
        with pytest.raises(Cancelled):
            work()


def test_what_is_running_is_interrupted(live: Path) -> None:
    """A statement that would take forever ends when somebody else asks."""
    stop = Stop()
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n"
    conn = sqlite3.connect(live, check_same_thread=False)
    conn.create_function("ask", 1, lambda _: stop.ask())
    with pytest.raises(Cancelled), stop.covering(conn):
        conn.execute(endless.replace("SELECT i + 1 FROM n", "SELECT i + 1 FROM n WHERE i <> 1000 OR ask(i) IS NULL"))
    conn.close()


def test_a_copy_on_another_shelf_is_read_back(tmp_path: Path, stored: Stored) -> None:
    """It has the same bytes and, if need be, a higher number there."""
    other = Shelf(tmp_path / "stick", "live")
    with other.locked(Stop()):
        copy = other.take(stored, Stop(), number_at_least=7)
    assert backup.verify(copy.path, Stop()).number == 7
    assert [each.path for each in other.backups()] == [copy.path]
    backup.verify_list(copy.path, copy.manifest, Stop())


def test_a_file_without_a_sound_manifest_is_not_on_the_shelf(stored: Stored, tmp_path: Path) -> None:
    """Nor is one whose size has changed."""
    shelf = Shelf(stored.path.parent, "live")
    assert len(shelf.backups()) == 1
    stored.path.write_bytes(b"short")
    assert shelf.backups() == []


backups = st.builds(
    rotation.Dated,
    name=st.uuids().map(str),
    number=st.integers(1, 10_000),
    day=st.dates(date(2026, 1, 1), date(2026, 3, 1)),
    trusted=st.booleans(),
)
shelves = st.lists(backups, max_size=40, unique_by=lambda each: each.number)


@given(shelves, st.integers(0, 10))
def test_rotation_keeps_the_newest_periods_and_only_the_last_of_each(found: list[rotation.Dated], keep: int) -> None:
    """What stays is the last of its day; days of a doubtful clock never push out a known one."""
    gone = rotation.surplus_periods(found, keep, rotation.day_of)
    stay = [each for each in found if each not in gone]
    for each in stay:
        rivals = [other for other in found if rotation.day_of(other) == rotation.day_of(each)]
        assert each.number == max(rival.number for rival in rivals)
    known = {each.day for each in found if each.trusted}
    assert sum(each.trusted for each in stay) == min(keep, len(known))
    assert sum(not each.trusted for each in stay) <= keep


@given(shelves)
def test_the_period_that_goes_on_is_not_finished(found: list[rotation.Dated]) -> None:
    """The newest backup's own day or week is still to have a last one."""
    finished = rotation.finished(found, rotation.week_of)
    if found:
        newest = max(found, key=lambda each: each.number)
        assert all(rotation.week_of(each) != rotation.week_of(newest) for each in finished)


def test_a_backup_before_the_clock_was_right_gets_its_true_day(stored: Stored) -> None:
    """From a later one of the same boot."""
    early = replace(stored.manifest, created_at="1970-01-01T00:00:00.000000Z", clock_trusted=False, boot_ns=0)
    later = replace(stored.manifest, boot_ns=round(timedelta(hours=30).total_seconds() * 1e9))
    [first, _] = rotation.dated([("a", early), ("b", later)], ZONE)
    assert (first.day, first.trusted) == (date(2026, 6, 7), True)
    [alone] = rotation.dated([("a", early)], ZONE)
    assert (alone.day, alone.trusted) == (date(1970, 1, 1), False)
