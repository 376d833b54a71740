"""The live view: the newest picture, for whoever looks. Pictures that nobody fetched in time are forgotten."""

import threading
from collections.abc import Callable, Iterator

from attendance.kiosk.web.events import HEARTBEAT_S


class PreviewFeed:
    """Hands the newest picture to any number of viewers.

    Args:
        watch: told how many pictures a second are wanted, when the first viewer comes and (0) the last one goes.
        fps: how many, while somebody looks.
    """

    def __init__(self, watch: Callable[[float], None], fps: float = 12.0) -> None:
        self._watch = watch
        self._fps = fps
        self._changed = threading.Condition()
        self._telling = threading.Lock()
        self._jpeg = b""
        self._count = 0
        self._views: list[View] = []

    @property
    def wanted_fps(self) -> float:
        """What a camera process that has just started must be told."""
        return self._fps if self._views else 0.0

    def put(self, jpeg: bytes) -> None:
        """Show a new picture; returns at once."""
        with self._changed:
            self._jpeg = jpeg
            self._count += 1
            self._changed.notify_all()

    def clear(self) -> None:
        """Forget the picture: there is no camera now."""
        self.put(b"")

    def view(self) -> "View":
        view = View(self)
        with self._changed:
            self._views.append(view)
            first = len(self._views) == 1
        if first:
            self._tell()
        return view

    def leave(self, view: "View") -> None:
        with self._changed:
            view.closed = True
            left = view in self._views
            if left:
                self._views.remove(view)
            last = left and not self._views
            self._changed.notify_all()
        if last:
            self.clear()
            self._tell()

    def newer(self, view: "View", than: int) -> tuple[int, bytes]:
        """Wait for a picture after number ``than``, at most ``HEARTBEAT_S``: then the same one again."""
        with self._changed:
            self._changed.wait_for(lambda: view.closed or self._count != than, HEARTBEAT_S)
            return self._count, self._jpeg

    def _tell(self) -> None:
        with self._telling:  # read inside, so that the last one to tell, tells what is true
            self._watch(self.wanted_fps)


class View:
    """One viewer. Iterating waits for pictures: JPEG bytes, empty while there is none."""

    def __init__(self, feed: PreviewFeed) -> None:
        self.closed = False
        self._feed = feed

    def close(self) -> None:
        self._feed.leave(self)

    def __iter__(self) -> Iterator[bytes]:
        count = 0
        while not self.closed:
            count, jpeg = self._feed.newer(self, count)
            if not self.closed:
                yield jpeg
