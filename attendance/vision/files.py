"""Frames from files: they carry their own time, and none is ever dropped."""

import logging
import time
from datetime import datetime, timedelta
from pathlib import Path

import cv2

from attendance.clock import boot_ns
from attendance.errors import BadInput
from attendance.vision.frames import Frame, Image, SourceEnded

log = logging.getLogger(__name__)

_PICTURES = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".webp", ".tif", ".tiff"})
_LONGEST_WAIT_S = 0.5
"""A paced source waits in pieces of this, so that the loop goes on beating."""
_UNKNOWN_FPS = 30.0
_FASTEST_FPS = 1000.0
_LONGEST_GAP_S = 24 * 3600.0
"""A time stamp further ahead than this is damage."""
_DAMAGED_READS = 100
"""Behind damage there may be good frames: the file ends with so many failed reads in a row."""


class Pace:
    """Dates frames by the file's own time and, unless ``fast``, holds them back until they are due."""

    def __init__(self, at: datetime, fast: bool) -> None:
        self._at = at
        self._fast = fast
        self._start_ns = boot_ns()

    def wait(self, media_s: float) -> bool:
        """Wait for a frame's time, at most ``_LONGEST_WAIT_S``; whether it is due."""
        remaining_s = media_s - (boot_ns() - self._start_ns) / 1e9
        if self._fast or remaining_s <= 0:
            return True
        time.sleep(min(remaining_s, _LONGEST_WAIT_S))
        return remaining_s <= _LONGEST_WAIT_S

    def frame(self, image: Image, media_s: float) -> Frame:
        return Frame(image, self._start_ns + round(media_s * 1e9), self._at + timedelta(seconds=media_s))


class VideoFile:
    """A recorded video, by its frames' own time stamps; by its frame rate where they do not grow.

    Raises:
        BadInput: not one frame can be read.
    """

    live = False

    def __init__(self, path: Path, at: datetime, fast: bool) -> None:
        self.name = f"video:{path}"
        self._capture = cv2.VideoCapture(str(path) if path.is_file() else "")
        fps = self._capture.get(cv2.CAP_PROP_FPS)
        self._fps = fps if 0 < fps <= _FASTEST_FPS else _UNKNOWN_FPS
        self._announced = self._capture.get(cv2.CAP_PROP_FRAME_COUNT)
        self._count = 0
        self._media_s: float | None = None
        self._next = self._decode()
        if self._next is None:
            self.close()
            raise BadInput(f"{str(path)!r} is not a video that can be read. Name a video file after `video:`.")
        self._pace = Pace(at, fast)

    def read(self) -> Frame | None:
        """The next frame, or None when it is not due yet.

        Raises:
            SourceEnded: there is no further one.
        """
        if self._next is None:
            raise SourceEnded
        image, media_s = self._next
        if not self._pace.wait(media_s):
            return None
        self._next = self._decode()
        return self._pace.frame(image, media_s)

    def close(self) -> None:
        self._capture.release()

    def _decode(self) -> tuple[Image, float] | None:
        for _ in range(_DAMAGED_READS if self._capture.isOpened() else 0):
            good, image = self._capture.read()
            if good:
                self._count += 1
                return image, self._dated(self._capture.get(cv2.CAP_PROP_POS_MSEC) / 1000)
        if 0 < self._count < 0.9 * self._announced:
            log.warning("%s is damaged: %d of its %.0f frames could be read", self.name, self._count, self._announced)
        return None

    def _dated(self, stamp_s: float) -> float:
        """The frame's time: its stamp if that makes sense after the one before."""
        if self._media_s is None:
            self._media_s = stamp_s if 0 <= stamp_s < _LONGEST_GAP_S else 0.0
        elif 0 < stamp_s - self._media_s < _LONGEST_GAP_S:
            self._media_s = stamp_s
        else:
            self._media_s += 1 / self._fps
        return self._media_s


class PictureFolder:
    """A folder of pictures, by name, one after another at ``fps``. What is no picture is passed over.

    Raises:
        BadInput: there is not one picture in it.
    """

    live = False

    def __init__(self, folder: Path, at: datetime, fast: bool, fps: float) -> None:
        self.name = f"images:{folder}"
        try:
            paths = sorted(p for p in folder.iterdir() if p.suffix.lower() in _PICTURES)
        except OSError as error:
            raise BadInput(
                f"The folder {str(folder)!r} cannot be read ({error.strerror}). Name one after `images:`."
            ) from error
        self._paths = iter(paths)
        self._fps = fps
        self._count = 0
        self._next = self._load()
        if self._next is None:
            raise BadInput(f"The folder {str(folder)!r} holds no picture that can be read ({_listed()}).")
        self._pace = Pace(at, fast)

    def read(self) -> Frame | None:
        """The next picture, or None when it is not due yet.

        Raises:
            SourceEnded: there is no further one.
        """
        if self._next is None:
            raise SourceEnded
        media_s = self._count / self._fps
        if not self._pace.wait(media_s):
            return None
        image, self._count = self._next, self._count + 1
        self._next = self._load()
        return self._pace.frame(image, media_s)

    def close(self) -> None:
        """Nothing is held."""

    def _load(self) -> Image | None:
        for path in self._paths:
            image = cv2.imread(str(path))
            if image is not None:
                return image
            log.warning("%s is no picture that can be read; it is passed over", path)
        return None


def _listed() -> str:
    return " ".join(sorted(_PICTURES))
