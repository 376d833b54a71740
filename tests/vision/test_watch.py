"""The camera's health, and the search for one."""

from collections.abc import Callable

import numpy as np
import pytest

from attendance.errors import BadInput
from attendance.vision.automatic import FirstCamera
from attendance.vision.frames import Frame, Source, SourceEnded, SourceLost
from attendance.vision.watch import CameraWatch

SECOND = 1_000_000_000


def grey(value: int) -> np.ndarray:
    return np.full((48, 64, 3), value, np.uint8)


class Camera:
    """A camera that does what the test says: shows pictures, nothing, or is lost."""

    name = "camera"

    def __init__(self, picture: np.ndarray | None = None, *, live: bool = True) -> None:
        self.picture = picture
        self.live = live
        self.error: Exception | None = None
        self.opened = self.closed = 0

    def open(self) -> Source:
        if isinstance(self.error, BadInput):
            raise self.error
        self.opened += 1
        if self.error is not None:
            raise self.error
        return self

    def read(self) -> Frame | None:
        if self.error is not None:
            raise self.error
        return None if self.picture is None else Frame(self.picture, 0)

    def close(self) -> None:
        self.closed += 1


class Time:
    """Seconds that pass when the test says so."""

    def __init__(self) -> None:
        self.ns = 0

    def watch(self, camera: Camera) -> CameraWatch:
        return CameraWatch(camera.open, lambda: self.ns)

    def run(self, watch: CameraWatch, seconds: float, picture: Callable[[int], None] = lambda turn: None) -> list[str]:
        """Read ten times a second; the states one after another."""
        states = []
        for turn in range(round(seconds * 10)):
            picture(turn)
            watch.read()
            if states[-1:] != [watch.state]:
                states.append(watch.state)
            self.ns += SECOND // 10
        return states


def test_a_missing_camera_is_sought_with_a_growing_pause_and_found() -> None:
    """It is tried again and again, at least every ten seconds, and the loop never waits for it."""
    time, camera = Time(), Camera(grey(90))
    camera.error = SourceLost("nothing there")
    watch = time.watch(camera)
    tries = []
    for _ in range(400):
        before = camera.opened
        watch.read()
        if camera.opened > before:
            tries.append(time.ns / SECOND)
        time.ns += SECOND // 10
    assert (watch.state, watch.detail) == ("missing", "nothing there")
    assert np.diff(tries).tolist() == pytest.approx([0.5, 1, 2, 4, 8, 10, 10], abs=0.11)
    camera.error = None
    assert "ok" in time.run(watch, 11)


def test_a_camera_that_goes_is_lost_and_taken_again() -> None:
    """Pulled out and put in again: reported, closed once, and back by itself."""
    time, camera = Time(), Camera(grey(90))
    watch = time.watch(camera)
    time.run(watch, 1)
    camera.error = SourceLost("unplugged")
    time.run(watch, 0.2)
    assert (watch.state, watch.detail, camera.closed) == ("lost", "unplugged", 1)
    time.run(watch, 20)
    assert watch.state == "lost"
    camera.error = None
    assert "ok" in time.run(watch, 11)


def test_a_dark_camera_is_black_and_left_alone() -> None:
    """It may be night: nothing is opened again, and light ends it. Half a second of dark is nothing."""
    time, camera = Time(), Camera(grey(0))
    watch = time.watch(camera)
    assert time.run(watch, 2.9) == ["ok"]
    assert time.run(watch, 60) == ["ok", "black"]
    camera.picture = grey(90)
    assert time.run(watch, 1) == ["ok"]
    assert camera.opened == 1


def test_a_frozen_camera_stays_frozen_until_its_picture_changes() -> None:
    """It is opened again with a growing pause, and giving the old picture again does not make it well."""
    time, camera = Time(), Camera(grey(90))
    watch = time.watch(camera)
    assert time.run(watch, 60) == ["ok", "frozen"]
    assert 3 <= camera.opened <= 7
    camera.picture = grey(91)
    assert "ok" in time.run(watch, 11)


def test_one_changed_pixel_is_life() -> None:
    """A quiet scene is not a frozen camera: a living sensor's noise may be small and anywhere."""
    time, camera = Time(), Camera()
    watch = time.watch(camera)

    def flicker(turn: int) -> None:
        camera.picture = grey(90)
        camera.picture[7, 7, 1] = 90 + turn % 2

    assert time.run(watch, 20, flicker) == ["ok"]


def test_a_file_may_be_black_and_still() -> None:
    """What was recorded is as it is."""
    time = Time()
    watch = time.watch(Camera(grey(0), live=False))
    assert time.run(watch, 20) == ["ok"]


def test_a_file_ends_once() -> None:
    """After its end it is not opened again."""
    time, camera = Time(), Camera(live=False)
    watch = time.watch(camera)
    watch.read()
    camera.error = SourceEnded()
    with pytest.raises(SourceEnded):
        watch.read()
    assert time.run(watch, 20) == ["ended"]
    assert camera.opened == 1


def test_what_can_never_be_opened_is_told_and_not_tried_again() -> None:
    """A wrong file name stays wrong; the loop goes on and says so."""
    time, camera = Time(), Camera()
    camera.error = BadInput("no such file")
    watch = time.watch(camera)
    assert time.run(watch, 20) == ["unusable"]
    assert (watch.detail, watch.over) == ("no such file", True)
    camera.error = None
    assert time.run(watch, 20) == ["unusable"]


def test_the_first_camera_that_gives_pictures_is_taken() -> None:
    """Candidates that cannot be opened, or open and give nothing, are passed over and closed."""
    absent, dead, good = Camera(), Camera(), Camera(grey(90))
    absent.error = SourceLost("absent")
    first = FirstCamera([absent.open, dead.open, good.open])
    for _ in range(3):
        assert first.read() is None
    dead.error = SourceLost("dead")
    frames = [first.read() for _ in range(4)]
    assert frames[-1] is not None
    assert (dead.closed, good.closed) == (1, 0)


def test_one_candidate_is_tried_at_a_time() -> None:
    """The loop beats between two of them, however long each takes."""
    cameras = [Camera() for _ in range(5)]
    for camera in cameras:
        camera.error = SourceLost("absent")
    first = FirstCamera([camera.open for camera in cameras])
    for turn in range(5):
        assert first.read() is None
        assert sum(camera.opened for camera in cameras) == turn + 1
    with pytest.raises(SourceLost):
        first.read()


def test_a_taken_camera_that_goes_is_lost() -> None:
    """Then the search begins anew, with the preferred one, in a new search."""
    good, other = Camera(grey(90)), Camera(grey(90))
    first = FirstCamera([good.open, other.open])
    assert [first.read() is None, first.read() is None] == [True, False]
    good.error = SourceLost("unplugged")
    with pytest.raises(SourceLost, match="unplugged"):
        first.read()
    assert other.opened == 0
