"""QR codes in frames: one cheap pass on every frame, and one of several dearer ones on every second miss.

A card is held up for a second or more, so passes that each help with another kind of damage can be spread over
successive frames: together they read what any of them reads, at little more than the price of the cheapest.
"""

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
import zxingcpp

from attendance.vision.frames import Image
from attendance.vision.messages import Point

_FORMATS = zxingcpp.BarcodeFormats([zxingcpp.BarcodeFormat.QRCode])
BLUR_SIGMA = 1.2
"""Pixels. Of the tried widths the one that reads most noisy codes (`docs/decisions/0010-qr.md`)."""


@dataclass(frozen=True, slots=True)
class Code:
    """One readable code; ``corners`` clockwise from the code's own top left, in pixels of the frame."""

    payload: bytes
    corners: tuple[Point, ...]


@dataclass(frozen=True, slots=True)
class _View:
    """An image to search, and where it lies in the frame: frame = view × scale + offset."""

    image: Image
    scale: float = 1.0
    offset: Point = (0.0, 0.0)
    thorough: bool = False


class QrReader:
    """Reads the codes of successive frames, so one reader belongs to one source.

    A frame that shows nothing new counts as a miss too: a poster's code that hangs in view all day must not keep the
    further passes from the cards before it.
    """

    schedule_length = 14
    """Frames after which a picture that stays in view has had every pass."""

    def __init__(self) -> None:
        self._misses = 0
        self._known: set[bytes] = set()

    def read(self, image: Image) -> list[Code]:
        """All codes in a frame (H×W×3 BGR or H×W grey, uint8) that this frame's passes can read."""
        grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY) if image.ndim == 3 else image
        codes = _search(_View(grey))
        payloads = {code.payload for code in codes}
        if payloads - self._known:
            self._misses, self._known = 0, payloads
            return codes
        self._misses += 1
        if self._misses % 2:
            return codes
        further = _FURTHER[(self._misses // 2 - 1) % len(_FURTHER)]
        return codes + [code for code in _search(further(grey)) if code.payload not in payloads]


def _search(view: _View) -> list[Code]:
    found = zxingcpp.read_barcodes(
        np.ascontiguousarray(view.image),
        formats=_FORMATS,
        try_rotate=view.thorough,
        try_invert=view.thorough,
        try_downscale=True,
        text_mode=zxingcpp.TextMode.Plain,
    )
    return [Code(bytes(each.bytes), _corners(each.position, view)) for each in found if each.bytes]


def _corners(position: zxingcpp.Position, view: _View) -> tuple[Point, ...]:
    points = (position.top_left, position.top_right, position.bottom_right, position.bottom_left)
    return tuple((p.x * view.scale + view.offset[0], p.y * view.scale + view.offset[1]) for p in points)


def _blurred(grey: Image) -> _View:
    """Noise and moiré."""
    return _View(cv2.GaussianBlur(grey, (3, 3), BLUR_SIGMA))


def _half(grey: Image) -> _View:
    """Blur and noise of a code that is large in the frame."""
    return _View(cv2.resize(grey, _size(grey, 0.5), interpolation=cv2.INTER_AREA), 2.0)


def _inverted_or_turned(grey: Image) -> _View:
    """The engine's own defaults: light on dark, and seldom a turned code."""
    return _View(grey, thorough=True)


def _spread(grey: Image) -> _View:
    """Low light and low contrast, at half size."""
    half = cv2.resize(grey, _size(grey, 0.5), interpolation=cv2.INTER_AREA)
    return _View(cv2.equalizeHist(half), 2.0)


def _enlarged_middle(grey: Image) -> _View:
    """A small code where cards are held: the middle of the frame, doubled."""
    height, width = grey.shape
    top, left = height * 3 // 10, width * 3 // 10
    middle = grey[top : height - top, left : width - left]
    return _View(cv2.resize(middle, _size(middle, 2.0), interpolation=cv2.INTER_CUBIC), 0.5, (left, top))


def _size(grey: Image, factor: float) -> tuple[int, int]:
    height, width = grey.shape
    return max(1, int(width * factor)), max(1, int(height * factor))


_FURTHER: tuple[Callable[[Image], _View], ...] = (
    *(_blurred, _half, _inverted_or_turned, _spread, _enlarged_middle),
    *(_half, _spread),  # again, because they are cheap and the card has moved since
)
