"""The choice of a source by its name."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from attendance.clock import wall_now
from attendance.errors import BadInput
from attendance.vision.automatic import FirstCamera
from attendance.vision.files import PictureFolder, VideoFile
from attendance.vision.frames import Source
from attendance.vision.opencv_camera import OpenCvCamera
from attendance.vision.picamera import PiCamera, find_program

_V4L2_CLASS = Path("/sys/class/video4linux")


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
        case "auto" if not rest:
            return FirstCamera(_candidates(plan))
        case "picamera" if not rest:
            return _pi_camera(plan)
        case "v4l2" if rest:
            return _v4l2(plan, int(rest) if re.fullmatch(r"[0-9]{1,3}", rest) else rest)
        case "rtsp" | "rtsps" if rest.startswith("//"):
            return OpenCvCamera(plan.source, plan.width, plan.height, plan.fps)
        case "video" if rest:
            return VideoFile(Path(rest), at, plan.fast)
        case "images" if rest:
            return PictureFolder(Path(rest), at, plan.fast, plan.fps)
        case "demo" if not rest:
            return plan.demo()
    shown = f"{kind}:…" if "@" in rest else plan.source  # an address may hold a password
    raise BadInput(f"{shown!r} is no source. Use auto, picamera, v4l2:0, rtsp://…, video:FILE, images:DIR or demo.")


def _candidates(plan: CameraPlan) -> Iterator[Callable[[], Source]]:
    """The Raspberry Pi camera where its program is installed, then the V4L2 devices, the likelier ones first."""
    if not plan.opencv_only and find_program() is not None:
        yield lambda: _pi_camera(plan)
    for index in v4l2_indexes(plan.index):
        yield lambda index=index: _v4l2(plan, index)  # type: ignore[misc]


def v4l2_indexes(preferred: int, devices: Path = _V4L2_CLASS) -> list[int]:
    """``preferred``, then USB cameras, then the rest: a Raspberry Pi lists its codecs as V4L2 devices, too."""
    found = [p for p in devices.glob("video*") if p.name.removeprefix("video").isdecimal()]
    drivers = {int(p.name.removeprefix("video")): (p / "device" / "driver").resolve().name for p in found}
    return sorted(drivers, key=lambda index: (index != preferred, drivers[index] != "uvcvideo", index))


def _pi_camera(plan: CameraPlan) -> Source:
    return PiCamera(plan.width, plan.height, plan.fps, plan.picamera_options)


def _v4l2(plan: CameraPlan, device: int | str) -> Source:
    return OpenCvCamera(device, plan.width, plan.height, plan.fps)
