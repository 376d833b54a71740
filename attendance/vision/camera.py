"""Live cameras through OpenCV, and the choice of a source by its name."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import cv2

from attendance.clock import boot_ns, wall_now
from attendance.errors import BadInput
from attendance.vision.files import PictureFolder, VideoFile
from attendance.vision.frames import Frame, Source, SourceLost
from attendance.vision.picamera import PiCamera, find_program

NETWORK_TIMEOUT_MS = 5_000
_BUFFERED_GRAB_S = 0.004
"""A grab that returns sooner gave a frame that was waiting: there may be a newer one."""
_MOST_BUFFERED = 30
_FAILURES = 5


@dataclass(frozen=True, slots=True)
class CameraPlan:
    """What is asked of a source.

    Attributes:
        source: ``auto picamera v4l2:… rtsp://… video:… images:… demo``.
        at: when a file source begins; ``None`` for now.
        index: the V4L2 camera that ``auto`` tries first.
        opencv_only: ``auto`` never takes the Raspberry Pi camera.
        picamera_options: further options of ``rpicam-vid``.
        demo: makes the simulated gate's source.
    """

    source: str
    width: int
    height: int
    fps: float
    at: datetime | None
    fast: bool
    index: int
    opencv_only: bool
    picamera_options: Sequence[str]
    demo: Callable[[], Source]


def open_source(plan: CameraPlan) -> Source:
    """Open what the plan names.

    Raises:
        BadInput: there is no such kind of source, or its file cannot be used.
        SourceLost: the camera is not there now.
    """
    kind, _, rest = plan.source.partition(":")
    at = plan.at or wall_now()
    match kind:
        case "auto":
            return _automatic(plan)
        case "picamera":
            return PiCamera(plan.width, plan.height, plan.fps, plan.picamera_options)
        case "v4l2" if rest:
            return OpenCvCamera(int(rest) if rest.isdecimal() else rest, plan.width, plan.height, plan.fps)
        case "rtsp" | "rtsps" if rest.startswith("//"):
            return OpenCvCamera(plan.source, plan.width, plan.height, plan.fps)
        case "video" if rest:
            return VideoFile(Path(rest), at, plan.fast)
        case "images" if rest:
            return PictureFolder(Path(rest), at, plan.fast, plan.fps)
        case "demo":
            return plan.demo()
    raise BadInput(
        f"{plan.source!r} is no source. Use auto, picamera, v4l2:0, rtsp://…, video:FILE, images:DIR or demo."
    )


def _automatic(plan: CameraPlan) -> Source:
    """The Raspberry Pi camera where its program is installed and lists one, else the first V4L2 camera."""
    if not plan.opencv_only and find_program() is not None:
        try:
            return PiCamera(plan.width, plan.height, plan.fps, plan.picamera_options)
        except SourceLost:
            pass
    others = sorted(int(p.name.removeprefix("video")) for p in Path("/dev").glob("video[0-9]*"))
    for index in sorted(others, key=lambda number: (number != plan.index, number)):
        try:
            return OpenCvCamera(index, plan.width, plan.height, plan.fps)
        except SourceLost:
            continue
    raise SourceLost("No camera was found.")


class OpenCvCamera:
    """A V4L2 device (index or path) or a network stream."""

    live = True

    def __init__(self, device: int | str, width: int, height: int, fps: float) -> None:
        self.name = f"v4l2:{device}" if isinstance(device, int) or device.startswith("/") else "rtsp stream"
        if isinstance(device, str) and "://" in device:
            timeouts = [cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, NETWORK_TIMEOUT_MS]
            timeouts += [cv2.CAP_PROP_READ_TIMEOUT_MSEC, NETWORK_TIMEOUT_MS]
            self._capture = cv2.VideoCapture(device, cv2.CAP_FFMPEG, timeouts)
        else:
            self._capture = cv2.VideoCapture(device, cv2.CAP_V4L2)
            for key, value in (
                (cv2.CAP_PROP_FRAME_WIDTH, width),
                (cv2.CAP_PROP_FRAME_HEIGHT, height),
                (cv2.CAP_PROP_FPS, fps),
                (cv2.CAP_PROP_BUFFERSIZE, 1),
            ):
                self._capture.set(key, value)
        self._failures = 0
        if not self._capture.isOpened() or not self._capture.grab():
            self.close()
            raise SourceLost(f"{self.name} gives no pictures.")

    def read(self) -> Frame | None:
        taken_ns = self._grab_newest()
        good, image = self._capture.retrieve() if taken_ns else (False, None)
        if good and image is not None and image.size:
            self._failures = 0
            return Frame(image, taken_ns)
        self._failures += 1
        if self._failures >= _FAILURES:
            raise SourceLost(f"{self.name} gives no pictures any more.")
        return None

    def _grab_newest(self) -> int:
        """Skip frames that were waiting in the driver; when the newest was taken, or 0."""
        for _ in range(_MOST_BUFFERED):
            before = boot_ns()
            if not self._capture.grab():
                return 0
            if boot_ns() - before > _BUFFERED_GRAB_S * 1e9:
                break
        return boot_ns()

    def close(self) -> None:
        self._capture.release()


def quiet_opencv() -> None:
    """One thread, and no lines on standard error for every camera that is not there. Before OpenCV is used."""
    cv2.setNumThreads(1)
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
