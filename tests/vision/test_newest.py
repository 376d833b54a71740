"""Frames that waited in a buffer are skipped; frames of a camera that keeps up are not."""

from collections import deque

import pytest

from attendance.vision.newest import Newest

MS = 1_000_000


class Buffered:
    """A camera of 20 ms with a driver that keeps frames in ``buffer``, in time that the test drives."""

    def __init__(self, waiting: int = 0, capacity: int = 100) -> None:
        self.now = 0
        self.made = 0
        self.given = -1
        self.buffer: deque[int] = deque(range(-waiting, 0), maxlen=capacity)

    def pass_time(self, ms: int) -> None:
        self.now += ms * MS
        while (self.made + 1) * 20 * MS <= self.now:
            self.made += 1
            self.buffer.append(self.made)

    def grab(self) -> bool:
        if self.buffer:
            self.pass_time(1)
        else:
            self.pass_time((self.made + 1) * 20 - self.now // MS)
        self.given = self.buffer.popleft()
        return True

    def newest(self) -> Newest:
        return Newest(self.grab, 50.0, lambda: self.now)


def test_what_waited_before_the_first_look_is_skipped() -> None:
    """A stream that begins with seconds of old pictures shows the present at once."""
    camera = Buffered(waiting=20)
    camera.newest().grab()
    assert camera.given >= 1


@pytest.mark.parametrize("work_ms", [2, 10, 14, 17, 19])
def test_a_loop_that_keeps_up_gets_every_frame(work_ms: int) -> None:
    """However little of a frame's time is left, nothing is skipped."""
    camera = Buffered()
    newest = camera.newest()
    given = []
    for _ in range(50):
        newest.grab()
        given.append(camera.given)
        camera.pass_time(work_ms)
    assert given == list(range(given[0], given[0] + 50))


@pytest.mark.parametrize("work_ms", [50, 300])
def test_a_slow_loop_sees_the_present(work_ms: int) -> None:
    """A loop slower than its camera never falls further behind than two frames."""
    camera = Buffered()
    newest = camera.newest()
    for _ in range(30):
        newest.grab()
        assert camera.made - camera.given <= 2
        camera.pass_time(work_ms)


def test_a_driver_that_never_waits_does_not_hold_the_loop() -> None:
    """Frames that always come at once end the skipping after a while."""
    count = iter(range(1000))
    newest = Newest(lambda: next(count) >= 0, 30.0, lambda: 0)
    assert newest.grab() == 0
    assert next(count) <= 40


def test_no_frame_is_none() -> None:
    """A grab that failed is told, not dated."""
    assert Newest(lambda: False, 30.0).grab() is None
