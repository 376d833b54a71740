"""The newest frame of a live camera: what waited in its buffers while nobody looked is skipped."""

from collections.abc import Callable

from attendance.clock import boot_ns

_MOST_SKIPPED = 30


class Newest:
    """Grabs frames until one is fresh.

    A frame that had to be waited for is fresh. One that came at once may have waited itself; it is skipped only when,
    by the camera's rate, a newer one must have come since: so that a loop nearly as slow as its camera keeps every
    frame.

    Args:
        grab: takes the next frame; whether there was one.
        fps: the camera's rate, about.
    """

    def __init__(self, grab: Callable[[], bool], fps: float, now_ns: Callable[[], int] = boot_ns) -> None:
        self._grab = grab
        self._now_ns = now_ns
        self._interval_ns = round(1e9 / fps)
        self._arrived_ns: int | None = None

    def grab(self) -> int | None:
        """Take the newest frame; when it was taken, or None when there is none."""
        taken_ns = None
        for _ in range(_MOST_SKIPPED):
            before_ns = self._now_ns()
            if not self._grab():
                return taken_ns
            taken_ns = self._now_ns()
            if not self._outdated(before_ns, taken_ns):
                return taken_ns
        self._arrived_ns = taken_ns
        return taken_ns

    def _outdated(self, before_ns: int, taken_ns: int) -> bool:
        if taken_ns - before_ns > self._interval_ns // 4:
            self._arrived_ns = taken_ns
            return False
        if self._arrived_ns is None:
            return True
        self._arrived_ns = min(taken_ns, self._arrived_ns + self._interval_ns)
        return taken_ns - self._arrived_ns > self._interval_ns * 3 // 2
