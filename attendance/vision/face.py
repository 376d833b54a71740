"""Where faces are: BlazeFace and the face mesh through OpenCV, or OpenCV's own Haar cascade without the models.

Sources: MediaPipe's ``face_detection_short_range`` and ``face_landmark`` models; anchors and decoding as published with
them. Both networks run in about 2 ms each on a PC, a fortieth of the cascade.
"""

import logging
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from attendance.vision.assets import Assets
from attendance.vision.frames import Image
from attendance.vision.messages import Point

log = logging.getLogger(__name__)

Floats = NDArray[np.float32]
_DETECTOR_SIDE = 128
_MESH_SIDE = 192
_MESH_MARGIN = 1.5
"""Side of the mesh's crop over the longer side of the detector's box, which ends at brows and chin."""
_CONFIDENT = 0.5
_OVERLAP = 0.3
_WIDE = 1.5
_SMALL = 0.2
"""Faces of 1280×720 below this share of its width have been given boxes twice as wide as they are."""
_CASCADE = Path(cv2.__file__).parent / "data" / "haarcascade_frontalface_default.xml"
_RIGHT_EDGE, _LEFT_EDGE, _FOREHEAD, _CHIN = 234, 454, 10, 152


@dataclass(frozen=True, slots=True)
class Face:
    """A face's box in pixels of the frame; ``eyes`` are right and left eye where the detector knows them."""

    x: float
    y: float
    width: float
    height: float
    confidence: float
    eyes: tuple[Point, Point] | None = None

    @property
    def area(self) -> float:
        return self.width * self.height

    @property
    def centre(self) -> Point:
        return self.x + self.width / 2, self.y + self.height / 2


@dataclass(frozen=True, slots=True)
class Mesh:
    """A face's surface: 468×3 points, x and y in pixels of the frame, z in the same unit towards the back.

    ``yaw``, ``pitch`` and ``roll`` in degrees; zero looks into the camera.
    """

    points: Floats
    yaw: float
    pitch: float
    roll: float


class FaceEngine(Protocol):
    """Finds faces. ``mesh`` may know nothing."""

    name: str

    def detect(self, image: Image) -> list[Face]: ...

    def mesh(self, image: Image, face: Face) -> Mesh | None: ...


def open_engine(assets: Assets) -> FaceEngine:
    """The best engine that the assets allow."""
    if assets.detector is not None and assets.mesh is not None:
        try:
            return BlazeFace(assets)
        except cv2.error as error:
            log.error("the face models cannot be used, the simpler detector is: %s", error)
    return Haar()


class BlazeFace:
    """BlazeFace for boxes, the face mesh for a face's surface."""

    name = "blazeface+mesh"

    def __init__(self, assets: Assets) -> None:
        self._detector = cv2.dnn.readNetFromTFLite(str(assets.detector))
        self._mesh = cv2.dnn.readNetFromTFLite(str(assets.mesh))
        self._anchors = _anchors()
        self._misses = -1

    def detect(self, image: Image) -> list[Face]:
        """Faces, the largest first.

        Looks at the whole frame, and if it shows none at one part of it, closer: the middle, the left, the right, in
        turn, so that a smaller face is found within a few frames at the price of one. In a wide frame the closer look
        goes to a small face that was found: there its box is only a guess.
        """
        height, width = image.shape[:2]
        faces = _largest_first(self._in_square(image, 0, 0))
        if not faces and width > height:
            self._misses += 1
            left = ((width - height) // 2, 0, width - height)[self._misses % 3]
            faces = self._in_square(image[:, left : left + height], left, 0)
        elif width >= _WIDE * height and faces[0].width < _SMALL * width:
            left = min(max(int(faces[0].centre[0]) - height // 2, 0), width - height)
            faces = self._in_square(image[:, left : left + height], left, 0) or faces
        return _largest_first(faces)

    def _in_square(self, image: Image, left: int, top: int) -> list[Face]:
        height, width = image.shape[:2]
        side = max(height, width)
        scale = _DETECTOR_SIDE / side
        canvas = np.zeros((_DETECTOR_SIDE, _DETECTOR_SIDE, 3), np.uint8)
        small = cv2.resize(
            image, (max(1, round(width * scale)), max(1, round(height * scale))), interpolation=cv2.INTER_AREA
        )
        canvas[: small.shape[0], : small.shape[1]] = small
        self._detector.setInput(cv2.dnn.blobFromImage(canvas, 1 / 127.5, mean=(127.5,) * 3, swapRB=True))
        boxes, logits = self._detector.forward(["regressors", "classificators"])
        scores = 1 / (1 + np.exp(-np.clip(logits.reshape(-1), -80, 80)))
        chosen = np.flatnonzero(scores > _CONFIDENT)
        if not chosen.size:
            return []
        values = boxes.reshape(-1, 16)[chosen] / _DETECTOR_SIDE
        values[:, :2] += self._anchors[chosen]
        values[:, 4:] += np.tile(self._anchors[chosen], 6)
        values *= side
        rectangles = np.column_stack((values[:, :2] - values[:, 2:4] / 2, values[:, 2:4]))
        kept = cv2.dnn.NMSBoxes(rectangles.tolist(), scores[chosen].tolist(), _CONFIDENT, _OVERLAP)
        return [
            _face(rectangles[i], values[i], float(scores[chosen][i]), left, top) for i in np.array(kept).reshape(-1)
        ]

    def mesh(self, image: Image, face: Face) -> Mesh | None:
        """The face's surface, or None when the network sees no face there."""
        to_crop = _upright_crop(face)
        crop = cv2.warpAffine(image, to_crop, (_MESH_SIDE, _MESH_SIDE))
        self._mesh.setInput(cv2.dnn.blobFromImage(crop, 1 / 255, swapRB=True))
        outputs = self._mesh.forward(self._mesh.getUnconnectedOutLayersNames())
        points = next(out for out in outputs if out.size == 468 * 3).reshape(468, 3)
        flag = next(float(out.reshape(-1)[0]) for out in outputs if out.size == 1)
        if flag < 0:
            return None
        back = cv2.invertAffineTransform(to_crop)
        scale = math.hypot(back[0, 0], back[1, 0])
        flat = points[:, :2] @ back[:, :2].T + back[:, 2]
        return _measured(np.column_stack((flat, points[:, 2] * scale)).astype(np.float32))


def _largest_first(faces: list[Face]) -> list[Face]:
    return sorted(faces, key=lambda face: face.area, reverse=True)


class Haar:
    """OpenCV's cascade: boxes only, and slow."""

    name = "haar"

    def __init__(self) -> None:
        self._cascade = cv2.CascadeClassifier(str(_CASCADE))

    def detect(self, image: Image) -> list[Face]:
        grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
        scale = max(1.0, grey.shape[1] / 320)
        small = cv2.resize(grey, (max(1, int(grey.shape[1] / scale)), max(1, int(grey.shape[0] / scale))))
        boxes = self._cascade.detectMultiScale(small, 1.1, 5, minSize=(36, 36))
        return _largest_first([_scaled(box, scale) for box in boxes])

    def mesh(self, image: Image, face: Face) -> Mesh | None:
        return None


def _scaled(box: Sequence[float], scale: float) -> Face:
    x, y, width, height = (float(value) * scale for value in box)
    return Face(x, y, width, height, 1.0)


def _anchors() -> Floats:
    """Centres of the detector's 896 anchors, as shares of its input: 16×16 cells of 2, then 8×8 cells of 6."""
    rows = []
    for cells, each in ((16, 2), (8, 6)):
        centres = (np.arange(cells) + 0.5) / cells
        x, y = np.meshgrid(centres, centres)
        rows.append(np.repeat(np.column_stack((x.ravel(), y.ravel())), each, axis=0))
    return np.concatenate(rows).astype(np.float32)


def _face(rectangle: Floats, values: Floats, score: float, left: int, top: int) -> Face:
    x, y, width, height = (float(v) for v in rectangle)
    eyes = (float(values[4]) + left, float(values[5]) + top), (float(values[6]) + left, float(values[7]) + top)
    return Face(x + left, y + top, width, height, score, eyes)


def _upright_crop(face: Face) -> Floats:
    """The affine map from the frame to the mesh's square input, with the eyes level."""
    angle = 0.0
    if face.eyes is not None:
        (right_x, right_y), (left_x, left_y) = face.eyes
        angle = math.degrees(math.atan2(left_y - right_y, left_x - right_x))
    side = _MESH_MARGIN * max(face.width, face.height)
    matrix = cv2.getRotationMatrix2D(face.centre, angle, _MESH_SIDE / side)
    matrix[0, 2] += _MESH_SIDE / 2 - face.centre[0]
    matrix[1, 2] += _MESH_SIDE / 2 - face.centre[1]
    return np.asarray(matrix, np.float32)


def _measured(points: Floats) -> Mesh:
    across = points[_LEFT_EDGE] - points[_RIGHT_EDGE]
    down = points[_CHIN] - points[_FOREHEAD]
    return Mesh(
        points,
        yaw=math.degrees(math.atan2(across[2], math.hypot(across[0], across[1]))),
        pitch=math.degrees(math.atan2(down[2], math.hypot(down[0], down[1]))),
        roll=math.degrees(math.atan2(across[1], across[0])),
    )
