"""Is the camera giving pictures, and do they show anything?"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from attendance.clock import boot_ns
from attendance.vision.frames import Frame, Image, Source, SourceEnded, SourceLost

_BLACK_MEAN = 8.0
_BLACK_S = 3.0
_FROZEN_S = 5.0
_FIRST_PAUSE_S = 0.5
_LONGEST_PAUSE_S = 10.0
_STEP = 16
"""Every how many pixels a frame is compared: noise of a live sensor shows anywhere."""


@dataclass(slots=True)
class CameraWatch:
    """Keeps a source open and says how it is. ``state`` and ``detail`` as in ``messages.Status``.

    ``read`` never waits longer than the source itself; while the camera is away it returns None at once, and tries
    again after a pause that grows.
    """

    open_source: Callable[[], Source]
    now_ns: Callable[[], int] = boot_ns
    state: str = "starting"
    detail: str = ""
    _source: Source | None = None
    _pause_s: float = _FIRST_PAUSE_S
    _retry_ns: int = 0
    _last_image: Image | None = None
    _changed_ns: int = 0
    _lit_ns: int = 0

    @property
    def waiting_s(self) -> float:
        """How long until the next try to open; 0 while the source is open."""
        return 0.0 if self._source else max(0.0, (self._retry_ns - self.now_ns()) / 1e9)

    @property
    def live(self) -> bool:
        return self._source.live if self._source else True

    def read(self) -> Frame | None:
        """The next frame, if there is one.

        Raises:
            SourceEnded: a file source is over.
            BadInput: the source can never be opened.
        """
        if self._source is None and not self._open():
            return None
        assert self._source is not None
        try:
            frame = self._source.read()
        except SourceEnded:
            self.state, self.detail = "ended", ""
            raise
        except SourceLost as lost:
            self._lose("lost", str(lost))
            return None
        if frame is not None:
            self._look(frame)
        return frame

    def close(self) -> None:
        if self._source is not None:
            self._source.close()
            self._source = None

    def _open(self) -> bool:
        if self.now_ns() < self._retry_ns:
            return False
        try:
            self._source = self.open_source()
        except SourceLost as lost:
            self._lose("lost" if self.state == "lost" else "missing", str(lost))
            return False
        self._changed_ns = self._lit_ns = self.now_ns()
        self._last_image = None
        return True

    def _lose(self, state: str, detail: str) -> None:
        self.close()
        self.state, self.detail = state, detail
        self._retry_ns = self.now_ns() + round(self._pause_s * 1e9)
        self._pause_s = min(self._pause_s * 2, _LONGEST_PAUSE_S)

    def _look(self, frame: Frame) -> None:
        """Judge a frame of a live source: files may be black or still."""
        now = self.now_ns()
        sample = frame.image[::_STEP, ::_STEP]
        if self._last_image is None or not np.array_equal(sample, self._last_image):
            self._changed_ns = now
            self._last_image = sample.copy()
        if sample.mean() >= _BLACK_MEAN:
            self._lit_ns = now
        self.state, self.detail, self._pause_s = "ok", "", _FIRST_PAUSE_S
        if not self.live:
            return
        if now - self._lit_ns > _BLACK_S * 1e9:
            self.state, self.detail = "black", "Nothing can be seen in them."
        elif now - self._changed_ns > _FROZEN_S * 1e9:
            self._lose("frozen", f"The same for more than {_FROZEN_S:.0f} s; it is opened again.")
