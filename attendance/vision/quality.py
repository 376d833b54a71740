"""Is this face a good picture of the student? Nine checks, each with a value, a threshold and a word of advice.

Sources: ISO/IEC 29794-5 and its reference implementation OFIQ 1.0 for the measures; the thresholds are those of the
earlier system where they can be compared. T is the distance from the midpoint of the eyes to the chin, IED the distance
between the eyes, both in pixels.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from attendance.vision.face import Face, Floats, Mesh
from attendance.vision.frames import Image
from attendance.vision.messages import Check, Point

_RIGHT_EYE, _LEFT_EYE = (33, 133, 159, 145), (263, 362, 386, 374)
"""Mesh points of each eye: outer corner, inner corner, middle of the upper lid, of the lower lid."""
_UPPER_LIP, _LOWER_LIP, _CHIN = 13, 14, 152
_LIDS_NEED_IED_PX = 50.0
"""Below this the lid distance is noise."""
_SHARPNESS_SIDE = 128
"""Faces are brought to this width first, so that sharpness does not depend on distance."""
HARD = ("brightness", "face_size", "sharpness")
"""A photo that fails one of these shows nobody; one that fails another is still evidence. The first that fails is told:
in the dark every face is unsharp too."""
_PRINTED_WIDTH = 1.25
_PRINTED_REACH = 4.0
"""In sides of the code: an ID-1 card ends within four of a code of 22 mm, and a portrait on it is no wider than 1.25;
a real face, some 150 mm wide, stays wider even when it is six times as far away as the card."""


@dataclass(frozen=True, slots=True)
class Thresholds:
    """What each check asks for.

    Attributes:
        face_count: 1 − area of the second largest face ÷ area of the largest.
        face_size: IED, pixels.
        centred: the smallest distance from the face to the frame's edge, as a share of OFIQ's wish.
        head_pose: the smallest squared cosine of yaw, pitch and roll.
        eyes_open: lid distance ÷ T, of the eye that is less open.
        mouth_closed: lip distance ÷ T, at most.
        sharpness: variance of the Laplacian at a face width of 128 pixels.
        brightness_low, brightness_high: mean luminance, 0 to 1.
        even_light: intersection of the histograms of the two halves, to the power 0.3.
    """

    face_count: float = 0.5
    face_size: float = 25.0
    centred: float = 0.6
    head_pose: float = 0.67
    eyes_open: float = 0.02
    mouth_closed: float = 0.2
    sharpness: float = 40.0
    brightness_low: float = 0.16
    brightness_high: float = 0.86
    even_light: float = 0.7


@dataclass(frozen=True, slots=True)
class Assessment:
    """The nine checks in their order; ``score`` 0 to 100; ``usable`` if no hard check failed."""

    checks: tuple[Check, ...]
    score: float

    @property
    def usable(self) -> bool:
        return all(check.passed for check in self.checks if check.name in HARD)

    @property
    def advice(self) -> str:
        """What to tell the student: the first hard fault, else the first."""
        failed = {check.name: check.advice for check in self.checks if not check.passed}
        return next((failed[name] for name in (*HARD, *failed) if name in failed), "")


@dataclass(frozen=True, slots=True)
class _Geometry:
    """The face's measures in pixels; ``lids`` and ``lips`` are shares of T, None where they cannot be measured."""

    eye: Point
    ied: float
    t: float
    pose: float | None
    lids: float | None
    lips: float | None


def assess(
    image: Image, face: Face, others: Sequence[Face], mesh: Mesh | None, thresholds: Thresholds | None = None
) -> Assessment:
    """Judge one face in a frame (H×W×3 BGR).

    Args:
        others: the further faces in the frame, printed ones left out.
        mesh: without one, pose, eyes and mouth are not measured; those checks pass at their threshold.
    """
    want = thresholds or Thresholds()
    g = _from_mesh(mesh) if mesh is not None else _from_box(face)
    crop = _crop(image, face, mesh)
    second = max((other.area for other in others), default=0.0)
    mean = float(crop.grey[crop.inside].mean()) / 255
    too_dark = mean < want.brightness_low
    low, high = want.brightness_low, want.brightness_high
    checks = (
        _at_least("face_count", 1 - second / face.area, want.face_count, "Come alone, one at a time."),
        _at_least("face_size", g.ied, want.face_size, "Come closer to the camera."),
        _at_least("centred", _margin(image, g), want.centred, "Move to the middle of the picture."),
        _at_least("head_pose", g.pose, want.head_pose, "Look straight at the camera."),
        _at_least("eyes_open", g.lids, want.eyes_open, "Open your eyes."),
        _at_most("mouth_closed", g.lips, want.mouth_closed, "Close your mouth."),
        _at_least("sharpness", _sharpness(crop), want.sharpness, "Hold still."),
        Check(
            "brightness",
            round(mean, 3),
            low if too_dark else high,
            low <= mean <= high,
            "" if low <= mean <= high else f"It is too {'dark' if too_dark else 'bright'} here for a photo.",
        ),
        _at_least("even_light", _evenness(crop), want.even_light, "Turn so that the light falls on your whole face."),
    )
    return Assessment(checks, round(_score(checks, g) * _nearness(image, g), 1))


def is_printed(face: Face, corners: Sequence[Point]) -> bool:
    """Whether a face is the portrait on the card whose code has ``corners``: on the card, and too small to be real."""
    if len(corners) != 4:
        return False
    side = sum(math.dist(corners[i], corners[i - 1]) for i in range(4)) / 4
    middle = sum(x for x, _ in corners) / 4, sum(y for _, y in corners) / 4
    return face.width < _PRINTED_WIDTH * side and math.dist(face.centre, middle) < _PRINTED_REACH * side


def cheap_score(image: Image, face: Face) -> float:
    """How promising a frame is, without the mesh: larger, sharper, and far enough from the edges."""
    size = min(face.width, 160.0)
    sharp = min(1.0, _sharpness(_crop(image, face)) / 150)
    g = _from_box(face)
    return face.confidence * size * sharp * min(1.0, _margin(image, g)) ** 2 * _nearness(image, g)


def _from_mesh(mesh: Mesh) -> _Geometry:
    p = mesh.points
    right, left = p[list(_RIGHT_EYE)], p[list(_LEFT_EYE)]
    right_centre, left_centre = right[:2].mean(0), left[:2].mean(0)
    eye = (right_centre + left_centre) / 2
    ied = max(1.0, float(np.linalg.norm(right_centre - left_centre)))
    t = max(1.0, float(np.linalg.norm(p[_CHIN] - eye)))
    lids = min(float(np.linalg.norm(each[2] - each[3])) for each in (right, left)) / t
    lips = float(np.linalg.norm(p[_UPPER_LIP] - p[_LOWER_LIP])) / t
    pose = min(max(0.0, math.cos(math.radians(angle))) ** 2 for angle in (mesh.yaw, mesh.pitch, mesh.roll))
    return _Geometry((float(eye[0]), float(eye[1])), ied, t, pose, lids if ied >= _LIDS_NEED_IED_PX else None, lips)


def _from_box(face: Face) -> _Geometry:
    """Proportions of an upright face."""
    eye = (face.x + face.width / 2, face.y + 0.4 * face.height)
    return _Geometry(eye, max(1.0, 0.42 * face.width), max(1.0, 0.55 * face.height), None, None, None)


def _margin(image: Image, g: _Geometry) -> float:
    """The smallest distance of the eyes from the frame's edges, 1 where OFIQ's curve for that edge has its centre."""
    height, width = (float(side) for side in image.shape[:2])
    (x, y), across, down = g.eye, 0.9 * g.ied, g.t
    return max(0.0, min(x / across, (width - x) / across, y / (1.4 * down), (height - y) / (1.8 * down)))


def _nearness(image: Image, g: _Geometry) -> float:
    """1 in the middle of the frame's width, 0.7 at its sides: who walks in is better taken a moment later."""
    off = min(1.0, abs(2 * g.eye[0] / float(image.shape[1]) - 1))
    return 1 - 0.3 * off**2


@dataclass(frozen=True, slots=True)
class _Crop:
    """The face's box, grey, and which of its pixels are skin rather than wall or hair."""

    grey: Image
    inside: NDArray[np.bool_]


def _crop(image: Image, face: Face, mesh: Mesh | None = None) -> _Crop:
    """The face inside the frame, at least one pixel; without a mesh the whole box counts as the face."""
    height, width = image.shape[:2]
    left, top = int(min(max(face.x, 0), width - 1)), int(min(max(face.y, 0), height - 1))
    right = int(min(max(face.x + face.width, left + 1), width))
    bottom = int(min(max(face.y + face.height, top + 1), height))
    grey = cv2.cvtColor(image[top:bottom, left:right], cv2.COLOR_BGR2GRAY)
    if mesh is None:
        return _Crop(grey, np.ones(grey.shape, bool))
    mask = np.zeros(grey.shape, np.uint8)
    outline = cv2.convexHull(np.round(mesh.points[:, :2] - (left, top)).astype(np.int32))
    cv2.fillConvexPoly(mask, outline, (1,))
    inside = mask.astype(bool)
    return _Crop(grey, inside if inside.any() else np.ones(grey.shape, bool))


def _sharpness(crop: _Crop) -> float:
    grey, inside = crop.grey, crop.inside
    factor = _SHARPNESS_SIDE / grey.shape[1]
    if factor < 1:
        grey = cv2.resize(grey, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
        size = (grey.shape[1], grey.shape[0])
        inside = cv2.resize(inside.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST).astype(bool)
    return float(cv2.Laplacian(grey, cv2.CV_64F)[inside].var())


def _evenness(crop: _Crop) -> float:
    """Likeness of the face's left and right half, split at its own middle."""
    columns = np.flatnonzero(crop.inside.any(axis=0))
    middle = int((columns[0] + columns[-1] + 1) // 2)
    halves = [crop.grey[:, :middle][crop.inside[:, :middle]], crop.grey[:, middle:][crop.inside[:, middle:]]]
    if not all(half.size for half in halves):
        return 0.0
    left, right = (_histogram(half) for half in halves)
    return float(np.minimum(left, right).sum() ** 0.3)


def _histogram(part: Image) -> Floats:
    counts = cv2.calcHist([part], [0], None, [32], [0, 256]).reshape(-1)
    return np.asarray(counts / max(1.0, float(counts.sum())), np.float32)


def _at_least(name: str, value: float | None, threshold: float, advice: str) -> Check:
    value = threshold if value is None else value
    passed = value >= threshold
    return Check(name, round(value, 3), threshold, passed, "" if passed else advice)


def _at_most(name: str, value: float | None, threshold: float, advice: str) -> Check:
    value = threshold if value is None else value
    passed = value <= threshold
    return Check(name, round(value, 3), threshold, passed, "" if passed else advice)


def _score(checks: Sequence[Check], g: _Geometry) -> float:
    """Mean of the checks as shares of their thresholds, with OFIQ's sigmoid for the size."""
    size = 1 / (1 + math.exp(-(g.ied - 70) / 20))
    shares = [size]
    for check in checks:
        if check.name in ("mouth_closed", "brightness"):
            shares.append(1.0 if check.passed else 0.3)
        elif check.name != "face_size":
            shares.append(min(1.0, max(0.0, check.value / (1.5 * check.threshold))))
    return 100 * sum(shares) / len(shares)
