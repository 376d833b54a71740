"""Cameras that OpenCV can open: V4L2 devices and network streams."""

import os

import cv2

from attendance.vision.frames import Frame, SourceLost
from attendance.vision.newest import Newest

NETWORK_TIMEOUT_MS = 5_000
_V4L2_TIMEOUT_S = 2
_FAILURES = 3


def quiet_opencv() -> None:
    """One thread, short waits, and no lines on standard error for what is not there. Before OpenCV is used."""
    cv2.setNumThreads(1)
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
    os.environ.setdefault("OPENCV_VIDEOIO_V4L_SELECT_TIMEOUT", str(_V4L2_TIMEOUT_S))


class OpenCvCamera:
    """A V4L2 device (index or path) or a network stream. Owns the device.

    Raises:
        SourceLost: it cannot be opened.
    """

    live = True

    def __init__(self, device: int | str, width: int, height: int, fps: float) -> None:
        if isinstance(device, str) and "://" in device:
            self.name = "the network stream"  # the address may hold a password
            timeouts = [cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, NETWORK_TIMEOUT_MS]
            timeouts += [cv2.CAP_PROP_READ_TIMEOUT_MSEC, NETWORK_TIMEOUT_MS]
            self._capture = cv2.VideoCapture(device, cv2.CAP_FFMPEG, timeouts)
        else:
            self.name = f"v4l2:{device}"
            self._capture = cv2.VideoCapture(device, cv2.CAP_V4L2)
            for key, value in (
                (cv2.CAP_PROP_FRAME_WIDTH, width),
                (cv2.CAP_PROP_FRAME_HEIGHT, height),
                (cv2.CAP_PROP_FPS, fps),
                (cv2.CAP_PROP_BUFFERSIZE, 1),
            ):
                self._capture.set(key, value)
        if not self._capture.isOpened():
            self.close()
            raise SourceLost(f"{self.name} cannot be opened.")
        self._newest = Newest(self._capture.grab, fps)
        self._failures = 0

    def read(self) -> Frame | None:
        taken_ns = self._newest.grab()
        if taken_ns is not None:
            good, image = self._capture.retrieve()
            if good and image is not None and image.size:
                self._failures = 0
                return Frame(image, taken_ns)
        self._failures += 1
        if self._failures >= _FAILURES:
            raise SourceLost(f"{self.name} gives no pictures.")
        return None

    def close(self) -> None:
        self._capture.release()
