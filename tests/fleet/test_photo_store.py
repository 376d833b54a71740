"""Photos on the centre's disk: whole under their digest, or not there."""

import hashlib
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from attendance.clock import ManualClock
from attendance.domain.contact import LARGEST_LOG_BYTES
from attendance.errors import BadInput, StorageError
from attendance.fleet import photo_store
from attendance.fleet.log_store import LogStore
from attendance.fleet.photo_store import PhotoStore, Progress, WrongPhoto

SCHOOL, OTHER = "school-a", "school-b"
CONTENT = bytes(range(256)) * 10
DIGEST = hashlib.sha256(CONTENT).hexdigest()


@settings(max_examples=80, deadline=None, derandomize=True)
@given(asked=st.lists(st.tuples(st.integers(0, len(CONTENT)), st.integers(1, 900)), max_size=30))
def test_parts_in_any_order_make_the_photo_or_none(
    tmp_path_factory: pytest.TempPathFactory, asked: list[tuple[int, int]]
) -> None:
    """Parts that overlap, repeat, or leave gaps: what was received only grows, and what is whole is right."""
    store = PhotoStore(tmp_path_factory.mktemp("photos"))
    received = 0
    for offset, length in asked:
        part = CONTENT[offset : offset + length]
        if not part:
            continue
        progress = store.add(SCHOOL, DIGEST, offset, len(CONTENT), part)
        expected = max(received, offset + len(part)) if offset <= received else received
        assert progress == Progress(expected, expected == len(CONTENT))
        received = expected
    assert store.read(SCHOOL, DIGEST) == (CONTENT if received == len(CONTENT) else None)


def test_a_photo_is_of_one_school(tmp_path: Path) -> None:
    """The same picture at two schools is two files, and erasing one leaves the other."""
    store = PhotoStore(tmp_path)
    for school in (SCHOOL, OTHER):
        store.add(school, DIGEST, 0, len(CONTENT), CONTENT)
    store.erase(SCHOOL, [DIGEST, "0" * 64])
    assert store.read(SCHOOL, DIGEST) is None
    assert store.read(OTHER, DIGEST) == CONTENT


def test_a_wrong_photo_leaves_nothing(tmp_path: Path) -> None:
    """Not even a beginning."""
    store = PhotoStore(tmp_path)
    with pytest.raises(WrongPhoto):
        store.add(SCHOOL, DIGEST, 0, len(CONTENT), CONTENT[::-1])
    assert store.progress(SCHOOL, DIGEST) == Progress(0, False)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


@pytest.mark.parametrize(
    ("offset", "size", "part"),
    [(0, 10, b""), (5, 10, b"123456"), (0, 5 * 2**20, b"x"), (0, 2**20, b"x" * (64 * 1024 + 1)), (10, 10, b"x")],
)
def test_what_cannot_be_a_part_is_refused(tmp_path: Path, offset: int, size: int, part: bytes) -> None:
    """Empty, beyond the end, or of something too large."""
    with pytest.raises(BadInput):
        PhotoStore(tmp_path).add(SCHOOL, DIGEST, offset, size, part)


def test_scans_have_the_last_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without room for the database no photo is taken; the gate keeps it meanwhile."""
    monkeypatch.setattr(photo_store, "ROOM_KEPT_BYTES", 2**60)
    with pytest.raises(StorageError, match="kept for scans"):
        PhotoStore(tmp_path).add(SCHOOL, DIGEST, 0, len(CONTENT), CONTENT)


def test_a_folder_that_is_closed_is_explained(tmp_path: Path) -> None:
    """Which one, and what to look at."""
    (tmp_path / "photos").write_text("a file")
    with pytest.raises(StorageError, match="Check the folder"):
        PhotoStore(tmp_path / "photos").add(SCHOOL, DIGEST, 0, len(CONTENT), CONTENT)


def test_what_nobody_goes_on_with_is_forgotten(tmp_path: Path) -> None:
    """After a month; whole photos and fresh beginnings stay."""
    store, clock = PhotoStore(tmp_path), ManualClock(datetime.now(UTC))
    store.add(SCHOOL, DIGEST, 0, len(CONTENT), CONTENT[:100])
    store.add(OTHER, DIGEST, 0, len(CONTENT), CONTENT)
    assert store.forget_unfinished(clock) == 0
    clock.advance(timedelta(days=31).total_seconds())
    assert store.forget_unfinished(clock) == 1
    assert store.progress(SCHOOL, DIGEST).received == 0
    assert store.read(OTHER, DIGEST) == CONTENT


def test_logs_are_kept_for_a_month(tmp_path: Path) -> None:
    """Packed, bounded, and gone when they are old."""
    store, clock = LogStore(tmp_path), ManualClock(datetime.now(UTC))
    packed = b"\x1f\x8b" + os.urandom(100)
    assert store.keep(SCHOOL, "command-1", packed) == len(packed)
    assert store.read(SCHOOL, "command-1") == packed
    assert store.read(OTHER, "command-1") is None
    for wrong in (b"plain", packed + b"x" * LARGEST_LOG_BYTES):
        with pytest.raises(BadInput):
            store.keep(SCHOOL, "command-2", wrong)
    clock.advance(timedelta(days=31).total_seconds())
    assert store.forget_old(clock) == 1
    assert store.read(SCHOOL, "command-1") is None
