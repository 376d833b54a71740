"""Pictures reach the centre in parts, behind the scans, and go on where they stopped."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from gate_data import DAY
from small_centre import SmallCentre, Told
from sync_desk import SyncDesk, opened, reopened

from attendance.domain.wire import LARGEST_PHOTO_BYTES, PHOTO_PART_BYTES
from attendance.kiosk import erasure
from attendance.kiosk.store import ledger, retention
from attendance.kiosk.store.database import writing


@pytest.fixture
def centre() -> Iterator[SmallCentre]:
    with SmallCentre() as centre:
        yield centre


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[SyncDesk]:
    with opened(tmp_path) as desk:
        yield desk


def photographed(desk: SyncDesk, size: int, passage: int = 1) -> tuple[str, Path]:
    """A scan with a photo of so many bytes."""
    made = desk.gate.scan("1", passage, photo=True)
    file = desk.gate.data / f"photos/{DAY}/{made.scan_id}.jpg"
    file.write_bytes(os.urandom(size))
    return made.scan_id, file


def parts(centre: SmallCentre) -> list[tuple[int, int]]:
    """Offset and length of each part that came in."""
    return [(int(told.query["offset"]), len(told.body)) for told in centre.asked if told.method == "PUT"]


def test_a_picture_goes_in_parts(desk: SyncDesk, centre: SmallCentre) -> None:
    """None larger than what the centre takes, and together they are the file."""
    size = 3 * PHOTO_PART_BYTES + 17
    _, file = photographed(desk, size)
    desk.enrol(centre)
    desk.work()
    [picture] = centre.pictures.values()
    assert bytes(picture) == file.read_bytes()
    assert parts(centre) == [(n * PHOTO_PART_BYTES, PHOTO_PART_BYTES) for n in range(3)] + [(3 * PHOTO_PART_BYTES, 17)]


def test_an_interrupted_picture_goes_on_in_another_run(tmp_path: Path, centre: SmallCentre) -> None:
    """The centre says how far it is, so no byte that it has goes again."""
    with opened(tmp_path) as desk:
        photographed(desk, 4 * PHOTO_PART_BYTES)
        desk.enrol(centre)
        while len(parts(centre)) < 2:
            desk.clock.advance(min(desk.courier.step(), desk.lane.step()))
    with reopened(tmp_path) as desk:
        desk.work()
    assert [offset // PHOTO_PART_BYTES for offset, _ in parts(centre)] == [0, 1, 2, 3]


def test_scans_come_before_pictures(desk: SyncDesk, centre: SmallCentre) -> None:
    """A morning's scans do not wait behind last night's pictures: a new scan is sent between two parts."""
    photographed(desk, 6 * PHOTO_PART_BYTES)
    desk.enrol(centre)
    while len(parts(centre)) < 2:
        desk.clock.advance(min(desk.courier.step(), desk.lane.step()))
    made = desk.gate.scan("2")
    assert desk.lane.step() > 0
    assert len(parts(centre)) == 2
    desk.clock.advance(desk.courier.step())
    desk.courier.step()
    assert made.scan_id in centre.ids("scan")
    assert len(parts(centre)) == 2
    desk.work()
    assert len(parts(centre)) == 6


@pytest.mark.parametrize("size", [0, LARGEST_PHOTO_BYTES + 1])
def test_a_picture_that_cannot_be_sent_is_told_of_and_over(desk: SyncDesk, centre: SmallCentre, size: int) -> None:
    """An empty or huge file holds nothing up."""
    scan_id, _ = photographed(desk, size)
    desk.enrol(centre)
    desk.work()
    item = centre.items["photo", scan_id]
    assert (item.sha256, item.size_bytes) == (None, 0)
    assert "cannot be read" in item.reason
    assert set(desk.rows().values()) == {"sent"}


def test_a_file_that_is_gone_before_its_turn_is_over(desk: SyncDesk, centre: SmallCentre) -> None:
    """Somebody deleted it by hand between the announcement and the picture."""
    _, file = photographed(desk, 1000)
    desk.enrol(centre)
    desk.courier.step()
    file.unlink()
    desk.work()
    assert desk.states("photo") == ["sent"]
    assert centre.pictures == {}


def test_a_photo_that_is_replaced_on_its_way_is_let_go_of(desk: SyncDesk, centre: SmallCentre) -> None:
    """The better one is announced and sent instead."""
    scan_id, _ = photographed(desk, 4 * PHOTO_PART_BYTES)
    desk.enrol(centre)
    while not parts(centre):
        desk.clock.advance(min(desk.courier.step(), desk.lane.step()))
    better = desk.gate.data / f"photos/{DAY}/better.jpg"
    better.write_bytes(b"better")
    with writing(desk.database) as conn:
        ledger.attach_photo(conn, scan_id, f"photos/{DAY}/better.jpg", "", 99, [])
    desk.work()
    assert len(parts(centre)) == 2
    assert bytes(centre.pictures[centre.items["photo", scan_id].sha256]) == b"better"


def test_a_photo_that_was_overwritten_is_announced_anew(desk: SyncDesk, centre: SmallCentre) -> None:
    """The centre does not expect the other picture, so it is told of it first."""
    scan_id, file = photographed(desk, 1000)
    desk.enrol(centre)
    desk.courier.step()
    file.write_bytes(b"another picture in the same file")
    desk.work()
    assert bytes(centre.pictures[centre.items["photo", scan_id].sha256]) == b"another picture in the same file"
    assert desk.states("photo") == ["sent"]


def test_the_photo_of_somebody_erased_goes_no_further(desk: SyncDesk, centre: SmallCentre) -> None:
    """Not a part of it after the erasure, and the centre is told to forget."""
    scan_id, _ = photographed(desk, 4 * PHOTO_PART_BYTES)
    desk.enrol(centre)
    while not parts(centre):
        desk.clock.advance(min(desk.courier.step(), desk.lane.step()))
    erasure.erase(desk.database, desk.gate.data, [desk.gate.key("1")])
    desk.work()
    assert len(parts(centre)) == 1
    assert centre.items["photo", scan_id].reason == "erased"
    assert len(centre.ids("erasure")) == 1


def test_an_expired_photo_is_no_news(desk: SyncDesk, centre: SmallCentre) -> None:
    """The gate's copy goes after its days; the centre's stays as it is."""
    scan_id, _ = photographed(desk, 1000)
    desk.enrol(centre)
    desk.work()
    before = centre.items["photo", scan_id]
    asked = len(centre.asked)
    with writing(desk.database) as conn:
        retention.expire(conn, [(scan_id, f"photos/{DAY}/{scan_id}.jpg")])
    desk.work()
    assert (centre.items["photo", scan_id], len(centre.asked)) == (before, asked)


def test_pictures_stay_where_they_may_not_leave(tmp_path: Path, centre: SmallCentre) -> None:
    """The centre is told why it has none; once they may leave, they follow."""
    with opened(tmp_path, photos=False) as desk:
        scan_id, file = photographed(desk, 1000)
        desk.enrol(centre)
        for _ in range(10):
            desk.clock.advance(min(desk.courier.step(), desk.lane.step()))
        assert centre.items["photo", scan_id].reason == "The photo stays at the gate."
        assert centre.pictures == {}
    with reopened(tmp_path) as later:
        later.work()
        assert bytes(centre.pictures[centre.items["photo", scan_id].sha256]) == file.read_bytes()


def test_a_slow_line_gets_smaller_parts(desk: SyncDesk, centre: SmallCentre) -> None:
    """A part that does not get through in time is halved; the next that does is doubled again."""
    photographed(desk, 3 * PHOTO_PART_BYTES)
    desk.enrol(centre)

    def breaks(told: Told) -> bool:
        return told.method != "PUT" or len(parts(centre)) > 3

    centre.before = breaks
    desk.work()
    assert [length for _, length in parts(centre)][:6] == [65536, 32768, 16384, 8192, 16384, 32768]


def test_a_centre_that_never_gets_on_with_a_picture_does_not_hold_the_others_up(
    desk: SyncDesk, centre: SmallCentre
) -> None:
    """It has another turn later."""
    stubborn, _ = photographed(desk, 1000)
    easy, _ = photographed(desk, 1000, passage=2)
    desk.enrol(centre)
    desk.courier.step()
    bad = centre.items["photo", stubborn].sha256
    centre.pictures[bad] = Forgetful()
    for _ in range(30):
        desk.clock.advance(min(desk.courier.step(), desk.lane.step()))
    assert len(centre.pictures[centre.items["photo", easy].sha256]) == 1000
    centre.pictures[bad] = bytearray()
    desk.work(2000)
    assert desk.states("photo") == ["sent", "sent"]


class Forgetful(bytearray):
    """Keeps nothing."""

    def __setitem__(self, *_: object) -> None:
        pass
