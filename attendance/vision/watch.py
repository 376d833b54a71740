"""Is the camera giving pictures, and do they show anything?"""

from collections.abc import Callable

import numpy as np

from attendance.clock import boot_ns
from attendance.errors import BadInput
from attendance.vision.frames import Frame, Image, Source, SourceEnded, SourceLost

_BLACK_MEAN = 8.0
_BLACK_S = 3.0
_FROZEN_S = 5.0
_FIRST_PAUSE_S = 0.5
_LONGEST_PAUSE_S = 10.0
_STEP = 16
"""Every how many pixels a frame is looked at: noise of a live sensor shows anywhere."""


class CameraWatch:
    """Keeps a source open and says how it is: ``state`` and ``detail`` as in ``messages.Status``.

    Black pictures are reported and no more: it may be night. A frozen camera is opened again, and called frozen until
    its picture changes.

    Args:
        open_source: as ``camera.open_source``.
    """

    def __init__(self, open_source: Callable[[], Source], now_ns: Callable[[], int] = boot_ns) -> None:
        self._open_source = open_source
        self._now_ns = now_ns
        self._source: Source | None = None
        self._pause_s = _FIRST_PAUSE_S
        self._retry_ns = 0
        self._seen = False
        self._last_image: Image | None = None
        self._changed_ns = self._lit_ns = 0
        self.state = "starting"
        self.detail = ""

    @property
    def over(self) -> bool:
        """No frame will ever come again."""
        return self.state in ("ended", "unusable")

    @property
    def resting(self) -> bool:
        """There is nothing to read now: no camera until the next try, or no more frames at all."""
        return self.over or (self._source is None and self._now_ns() < self._retry_ns)

    @property
    def live(self) -> bool:
        """Frames are lost when nobody takes them."""
        return self._source.live if self._source is not None else not self.over

    def read(self) -> Frame | None:
        """The next frame, if there is one. Waits as long as the source's own ``read``, and while resting not at all.

        Raises:
            SourceEnded: a file source is over; once.
        """
        if self.resting:
            return None
        try:
            if self._source is None:
                self._open()
            frame = self._source.read() if self._source is not None else None
        except BadInput as unusable:
            self.state, self.detail = "unusable", str(unusable)
        except SourceLost as lost:
            self._lose("lost" if self._seen else "missing", str(lost))
        except SourceEnded:
            self.state, self.detail = "ended", ""
            raise
        else:
            if frame is not None:
                self._look(frame)
            return frame
        return None

    def close(self) -> None:
        if self._source is not None:
            self._source.close()
            self._source = None

    def _open(self) -> None:
        self._source = self._open_source()
        self._changed_ns = self._lit_ns = self._now_ns()

    def _lose(self, state: str, detail: str) -> None:
        self.close()
        self.state, self.detail = state, detail
        self._retry_ns = self._now_ns() + round(self._pause_s * 1e9)
        self._pause_s = min(self._pause_s * 2, _LONGEST_PAUSE_S)

    def _look(self, frame: Frame) -> None:
        self._seen = True
        if not self.live:
            self.state, self.detail = "ok", ""  # files may be black or still
            return
        now = self._now_ns()
        changed = self._changed(frame.image)
        if changed:
            self._changed_ns, self._pause_s = now, _FIRST_PAUSE_S
        if frame.image[::_STEP, ::_STEP].mean() >= _BLACK_MEAN:
            self._lit_ns = now
        if now - self._lit_ns > _BLACK_S * 1e9:
            self.state, self.detail = "black", f"Nothing was to be seen for more than {_BLACK_S:.0f} s."
        elif now - self._changed_ns > _FROZEN_S * 1e9:
            self._lose("frozen", f"It was the same for more than {_FROZEN_S:.0f} s; the camera is opened again.")
        elif changed or self.state != "frozen":
            self.state, self.detail = "ok", ""

    def _changed(self, image: Image) -> bool:
        """Whether the picture differs from the last one, be it from before the camera was opened again."""
        last, self._last_image = self._last_image, image
        if last is None or last.shape != image.shape:
            return True
        return not (np.array_equal(last[::_STEP, ::_STEP], image[::_STEP, ::_STEP]) and np.array_equal(last, image))
