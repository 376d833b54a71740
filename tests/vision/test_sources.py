"""Where frames come from, and what happens when they don't."""

import os
from datetime import UTC, datetime
from pathlib import Path

import cv2
import numpy as np
import pytest

from attendance.errors import BadInput
from attendance.vision.camera import CameraPlan, open_source
from attendance.vision.frames import Frame, Source, SourceEnded, SourceLost
from attendance.vision.qr import Code
from attendance.vision.sightings import CardsInView
from attendance.vision.watch import CameraWatch

AT = datetime(2026, 6, 8, 6, 40, tzinfo=UTC)
SECOND = 1_000_000_000


def plan(source: str, **changes: object) -> CameraPlan:
    values: dict[str, object] = {
        **{"source": source, "width": 640, "height": 480, "fps": 10.0, "at": AT, "fast": True, "index": 0},
        **{"opencv_only": False, "picamera_options": (), "demo": lambda: None},
        **changes,
    }
    return CameraPlan(**values)  # type: ignore[arg-type]


def frames(source: Source) -> list[Frame]:
    found = []
    try:
        while True:
            frame = source.read()
            if frame is not None:
                found.append(frame)
    except SourceEnded:
        return found
    finally:
        source.close()


@pytest.fixture
def video(tmp_path: Path) -> Path:
    """Twenty frames at ten a second."""
    path = tmp_path / "v.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 10, (64, 48))
    for number in range(20):
        writer.write(np.full((48, 64, 3), 10 * number, np.uint8))
    writer.release()
    return path


def test_a_video_gives_every_frame_at_its_own_time(video: Path) -> None:
    """Played at any speed, the register's times are those of the recording."""
    found = frames(open_source(plan(f"video:{video}")))
    assert len(found) == 20
    seconds = [(frame.wall - AT).total_seconds() for frame in found if frame.wall]
    assert seconds == pytest.approx([n / 10 for n in range(20)], abs=0.051)
    assert found[-1].boot_ns - found[0].boot_ns == pytest.approx(1.9 * SECOND, abs=0.051 * SECOND)


def test_a_damaged_video_gives_what_it_has(video: Path) -> None:
    """Half a file is half a morning, not a crash."""
    content = video.read_bytes()
    video.write_bytes(content[: len(content) * 2 // 3])
    assert 0 < len(frames(open_source(plan(f"video:{video}")))) <= 20


def test_pictures_come_by_name_at_the_camera_rate_and_damaged_ones_are_skipped(tmp_path: Path) -> None:
    """A folder is a slow video."""
    for name in ("b.png", "a.jpg"):
        cv2.imwrite(str(tmp_path / name), np.full((20, 20, 3), 90, np.uint8))
    (tmp_path / "c.png").write_bytes(b"no picture")
    (tmp_path / "notes.txt").write_text("x")
    found = frames(open_source(plan(f"images:{tmp_path}")))
    assert [(frame.wall - AT).total_seconds() for frame in found if frame.wall] == [0.0, 0.1]


@pytest.mark.parametrize("source", ["", "webcam", "video:", "video:/none.mp4", "images:/none", "v4l2:", "rtsp:x"])
def test_what_is_no_source_is_refused_with_what_would_be(source: str) -> None:
    """A typing error is explained."""
    with pytest.raises(BadInput):
        open_source(plan(source))


def test_the_picamera_program_is_read_frame_by_frame(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Raw YUV frames of a stand-in for ``rpicam-vid`` become pictures; its end is a lost camera."""
    program = tmp_path / "rpicam-vid"
    size = 128 * 48 * 3 // 2
    program.write_text(f"#!/bin/sh\nhead -c {3 * size} /dev/zero | tr '\\000' '\\200'\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    source = open_source(plan("auto", width=140, height=48))
    found = []
    with pytest.raises(SourceLost):  # noqa: PT012
        while True:
            frame = source.read()
            if frame is not None:
                found.append(frame)
    source.close()
    source.close()
    assert 1 <= len(found) <= 3
    assert found[0].image.shape == (48, 128, 3)
    assert 120 < found[0].image.mean() < 140


class Flaky:
    """A live camera that does what the test says."""

    live = True
    name = "flaky"

    def __init__(self, picture: np.ndarray) -> None:
        self.picture = picture
        self.lost = False
        self.closed = 0
        self.count = 0

    def read(self) -> Frame | None:
        if self.lost:
            raise SourceLost("unplugged")
        self.count += 1
        return Frame(self.picture, self.count)

    def close(self) -> None:
        self.closed += 1


def watch_over(camera: Flaky, clock: list[int], there: list[bool]) -> CameraWatch:
    def opened() -> Source:
        if not there[0]:
            raise SourceLost("no camera")
        return camera

    return CameraWatch(opened, now_ns=lambda: clock[0])


def test_a_camera_that_appears_later_is_picked_up() -> None:
    """It is tried again with a pause that grows to ten seconds, and the loop never waits for it."""
    clock, there = [0], [False]
    watch = watch_over(Flaky(np.full((48, 64, 3), 90, np.uint8)), clock, there)
    assert watch.read() is None
    assert (watch.state, watch.waiting_s) == ("missing", 0.5)
    for _ in range(10):
        clock[0] += round(watch.waiting_s * SECOND)
        assert watch.read() is None
    assert watch.waiting_s == 10.0
    there[0] = True
    clock[0] += 10 * SECOND
    assert watch.read() is not None
    assert watch.state == "ok"


def test_black_frozen_and_lost_cameras_are_told_apart() -> None:
    """Black is reported and left alone (it may be night); frozen and lost ones are opened again."""
    clock, there = [0], [True]
    camera = Flaky(np.zeros((48, 64, 3), np.uint8))
    watch = watch_over(camera, clock, there)
    for second in range(5):
        clock[0] = second * SECOND
        camera.picture = np.full((48, 64, 3), second % 2, np.uint8)
        watch.read()
    assert (watch.state, camera.closed) == ("black", 0)
    camera.picture = np.full((48, 64, 3), 90, np.uint8)
    for second in range(5, 12):
        clock[0] = second * SECOND
        watch.read()
    assert (watch.state, camera.closed) == ("frozen", 1)
    clock[0] += SECOND
    camera.lost = True
    assert watch.read() is None
    assert watch.state == "lost"


def test_a_card_held_in_view_is_one_sighting() -> None:
    """Misses shorter than two seconds are the same card; after that it is shown anew."""
    cards, code = CardsInView(2.0), Code(b"1", ())
    seen = [len(cards.new([code] if n not in (5, 6, 7) else [], n * SECOND // 2)) for n in range(20)]
    assert seen == [1] + [0] * 19
    assert cards.new([code], 20 * SECOND)
    assert [c.payload for c in cards.new([code, Code(b"2", ())], 21 * SECOND)] == [b"2"]
