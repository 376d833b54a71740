"""Faces of invented students: one public-domain portrait, varied; a drawn face where the portrait is missing."""

import random
from pathlib import Path

import cv2
import numpy as np

from attendance.errors import AssetsMissing
from attendance.vision.frames import Image

SIDE = 300
_PORTRAIT_REGION = (0, 300, 70, 370)
"""Top, bottom, left, right of head and shoulders in the NASA portrait."""


def face_image(seed: int, portrait: Path | None) -> Image:
    """A face with shoulders: SIDE × SIDE × 3, the same for the same seed."""
    chance = random.Random(seed)
    image = _photo(portrait) if portrait is not None else _drawing(chance)
    if chance.random() < 0.5:
        image = cv2.flip(image, 1)
    tint = np.array([chance.uniform(0.85, 1.1) for _ in range(3)])
    varied: Image = np.clip(image * tint * chance.uniform(0.85, 1.05), 0, 255).astype(np.uint8)
    return varied


def _photo(portrait: Path) -> Image:
    top, bottom, left, right = _PORTRAIT_REGION
    whole = cv2.imread(str(portrait))
    if whole is None:
        raise AssetsMissing(
            f"The portrait {str(portrait)!r} cannot be read. Delete it; the next start fetches it again."
        )
    return cv2.resize(whole[top:bottom, left:right], (SIDE, SIDE), interpolation=cv2.INTER_AREA)


def _drawing(chance: random.Random) -> Image:
    image = np.full((SIDE, SIDE, 3), (150, 140, 130), np.uint8)
    skin = (chance.randint(110, 170), chance.randint(150, 190), chance.randint(190, 235))
    cv2.ellipse(image, (150, 320), (120, 90), 0, 0, 360, (120, 80, 40), -1)
    cv2.ellipse(image, (150, 140), (70, 92), 0, 0, 360, skin, -1)
    cv2.ellipse(image, (150, 85), (74, 50), 0, 180, 360, (30, 25, 20), -1)
    for x in (122, 178):
        cv2.circle(image, (x, 130), 8, (255, 255, 255), -1)
        cv2.circle(image, (x, 130), 4, (40, 30, 20), -1)
    cv2.ellipse(image, (150, 190), (24, 8), 0, 0, 180, (60, 60, 160), 3)
    return image
