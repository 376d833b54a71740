"""Where frames come from: the choice of a source, and files."""

import logging
import time
from datetime import UTC, datetime
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image as Picture

from attendance.errors import BadInput
from attendance.vision import camera
from attendance.vision.camera import CameraPlan, open_source
from attendance.vision.frames import Frame, Source, SourceEnded

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


def seconds(found: list[Frame]) -> list[float]:
    return [(frame.wall - AT).total_seconds() for frame in found if frame.wall]


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
    assert seconds(found) == pytest.approx([n / 10 for n in range(20)])
    assert [f.boot_ns - found[0].boot_ns for f in found] == pytest.approx([n * SECOND // 10 for n in range(20)], abs=99)
    assert [round(f.image.mean() / 10) for f in found] == list(range(20))


def test_a_video_of_changing_rate_keeps_its_own_times(tmp_path: Path) -> None:
    """A recorder that slows down does not move the scans."""
    pictures = [Picture.fromarray(np.full((48, 64, 3), v, np.uint8)) for v in (10, 90, 170, 250)]
    path = tmp_path / "v.gif"
    pictures[0].save(path, save_all=True, append_images=pictures[1:], duration=[100, 1500, 200, 100])
    assert seconds(frames(open_source(plan(f"video:{path}")))) == pytest.approx([0, 0.1, 1.6, 1.8])


def test_a_video_without_time_stamps_goes_by_its_frame_rate(tmp_path: Path) -> None:
    """Bare JPEG pictures one after another are a video, too."""
    path = tmp_path / "bare.mjpeg"
    pictures = [cv2.imencode(".jpg", np.full((48, 64, 3), v, np.uint8))[1].tobytes() for v in range(0, 100, 10)]
    path.write_bytes(b"".join(pictures))
    assert seconds(frames(open_source(plan(f"video:{path}")))) == pytest.approx([n / 25 for n in range(10)])


def test_a_paced_video_gives_no_frame_early_and_drops_none(video: Path) -> None:
    """A recording plays at its own speed, and a reader that is late gets every frame all the same."""
    source = open_source(plan(f"video:{video}", fast=False))
    began = time.monotonic()
    first = [source.read(), source.read()]
    assert time.monotonic() - began >= 0.095
    late_until = time.monotonic() + 0.6
    while time.monotonic() < late_until:
        pass
    found = [f for f in first if f] + frames(source)
    assert len(found) == 20
    assert time.monotonic() - began >= 1.85


def test_good_frames_behind_damage_are_found_and_the_damage_is_told(
    video: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A scratch in the recording costs the frames it hit; the log says that some are missing."""
    content = bytearray(video.read_bytes())
    chunks = [at for at in range(len(content)) if content[at : at + 4] == b"00dc"][:20]
    for place in (5, 9, 13):
        content[chunks[place] : chunks[place] + 40] = b"\xa5" * 40
    video.write_bytes(content)
    with caplog.at_level(logging.WARNING):
        found = frames(open_source(plan(f"video:{video}")))
    assert 10 <= len(found) < 18
    assert round(found[-1].image.mean() / 10) == 19
    assert "is damaged" in caplog.text


def test_half_a_video_is_half_a_morning(video: Path) -> None:
    """A recording cut off by a power failure gives what it has."""
    content = video.read_bytes()
    chunks = [at for at in range(len(content)) if content[at : at + 4] == b"00dc"]
    video.write_bytes(content[: chunks[12] + 20])
    assert 10 <= len(frames(open_source(plan(f"video:{video}")))) <= 13


@pytest.mark.parametrize("content", [b"", b"words " * 1000, b"RIFF\0\0\0\0AVI LIST"])
def test_a_file_without_one_frame_is_refused_at_once(tmp_path: Path, content: bytes) -> None:
    """The message names the file, before anything is played."""
    path = tmp_path / "v.avi"
    path.write_bytes(content)
    with pytest.raises(BadInput, match=r"v\.avi' is not a video"):
        open_source(plan(f"video:{path}"))


def test_a_video_of_no_frames_is_refused(tmp_path: Path) -> None:
    """A recorder that was stopped at once leaves a file that opens and holds nothing."""
    path = tmp_path / "v.avi"
    cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 10, (64, 48)).release()
    with pytest.raises(BadInput):
        open_source(plan(f"video:{path}"))


def test_pictures_come_by_name_at_the_camera_rate_and_damaged_ones_are_skipped(tmp_path: Path) -> None:
    """A folder is a slow video."""
    for value, name in ((180, "b.png"), (90, "a.jpg"), (20, "d.bmp")):
        cv2.imwrite(str(tmp_path / name), np.full((20, 20, 3), value, np.uint8))
    (tmp_path / "c.png").write_bytes(b"no picture")
    (tmp_path / "notes.txt").write_text("x")
    found = frames(open_source(plan(f"images:{tmp_path}")))
    assert seconds(found) == pytest.approx([0.0, 0.1, 0.2])
    assert [round(f.image.mean()) for f in found] == [90, 180, 20]


def test_a_folder_without_pictures_is_refused(tmp_path: Path) -> None:
    """Whether it is empty or holds something else."""
    with pytest.raises(BadInput, match="holds no picture"):
        open_source(plan(f"images:{tmp_path}"))
    (tmp_path / "broken.png").write_bytes(b"x")
    with pytest.raises(BadInput, match="holds no picture"):
        open_source(plan(f"images:{tmp_path}"))


@pytest.mark.parametrize(
    "source",
    ["", "webcam", "auto:1", "demo:x", "picamera:0", "video:", "video:/none.mp4", "images:/none", "v4l2:", "rtsp:x"],
)
def test_what_is_no_source_is_refused_with_what_would_be(source: str) -> None:
    """A typing error is explained."""
    with pytest.raises(BadInput):
        open_source(plan(source))


def test_a_mistyped_address_does_not_give_its_password_away() -> None:
    """What is shown to whoever reads the screen or the log is no secret."""
    with pytest.raises(BadInput) as refused:
        open_source(plan("rtsp:/office:secret@camera/1"))
    assert "secret" not in str(refused.value)


def test_usb_cameras_are_tried_before_codecs(tmp_path: Path) -> None:
    """A Raspberry Pi lists its codecs as V4L2 devices; the configured camera comes first, then USB cameras."""
    for number, driver in ((0, "uvcvideo"), (2, "uvcvideo"), (10, "bcm2835-codec"), (1, "bcm2835-isp")):
        device = tmp_path / f"video{number}" / "device"
        device.mkdir(parents=True)
        (tmp_path / "drivers" / driver).mkdir(parents=True, exist_ok=True)
        (device / "driver").symlink_to(tmp_path / "drivers" / driver)
    (tmp_path / "v4l-subdev0").mkdir()
    assert camera.v4l2_indexes(2, tmp_path) == [2, 0, 1, 10]
    assert camera.v4l2_indexes(0, tmp_path / "none") == []
