"""Frames from files: they carry their own time, and none is ever dropped."""

import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

import cv2

from attendance.clock import boot_ns
from attendance.errors import BadInput
from attendance.vision.frames import Frame, Image, SourceEnded

_PICTURES = {".png", ".jpg", ".jpeg", ".bmp", ".webp", ".tif", ".tiff"}
_LONGEST_WAIT_S = 0.5
"""A paced source waits in pieces of this, so that the loop goes on beating."""


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
    """A recorded video, by its frames' own time stamps; by its frame rate where they do not grow."""

    live = False

    def __init__(self, path: Path, at: datetime, fast: bool) -> None:
        self.name = f"video:{path}"
        self._capture = cv2.VideoCapture(str(path)) if path.is_file() else None
        if self._capture is None or not self._capture.isOpened():
            raise BadInput(f"{str(path)!r} is not a video that can be read. Name a video file after `video:`.")
        self._fps = self._capture.get(cv2.CAP_PROP_FPS) or 30.0
        self._pace = Pace(at, fast)
        self._media_s = -1.0
        self._pending: tuple[Image, float] | None = None

    def read(self) -> Frame | None:
        if self._pending is None:
            self._pending = self._next()
        image, media_s = self._pending
        if not self._pace.wait(media_s):
            return None
        self._pending = None
        return self._pace.frame(image, media_s)

    def _next(self) -> tuple[Image, float]:
        assert self._capture is not None
        good, image = self._capture.read()
        if not good:
            raise SourceEnded
        stamp_s = self._capture.get(cv2.CAP_PROP_POS_MSEC) / 1000
        grows = stamp_s > self._media_s or (self._media_s < 0 <= stamp_s)
        self._media_s = stamp_s if grows else self._media_s + 1 / self._fps
        return image, self._media_s

    def close(self) -> None:
        if self._capture is not None:
            self._capture.release()


class PictureFolder:
    """A folder of pictures, by name, one after another at ``fps``."""

    live = False

    def __init__(self, folder: Path, at: datetime, fast: bool, fps: float) -> None:
        self.name = f"images:{folder}"
        self._paths: Sequence[Path] = (
            sorted(p for p in folder.iterdir() if p.suffix.lower() in _PICTURES) if folder.is_dir() else ()
        )
        if not self._paths:
            raise BadInput(f"{str(folder)!r} is no folder with pictures. Name one after `images:`.")
        self._fps = fps
        self._pace = Pace(at, fast)
        self._position = 0

    def read(self) -> Frame | None:
        if self._position >= len(self._paths):
            raise SourceEnded
        media_s = self._position / self._fps
        if not self._pace.wait(media_s):
            return None
        image = cv2.imread(str(self._paths[self._position]))
        self._position += 1
        return None if image is None else self._pace.frame(image, media_s)

    def close(self) -> None:
        """Nothing is held."""
