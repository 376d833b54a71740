"""ID cards as a camera sees them."""

import cv2
import numpy as np
import segno

from attendance.vision.frames import Image

CARD_WIDTH, CARD_HEIGHT = 428, 270
"""Pixels: ID-1 at five to the millimetre."""
_QR_SIDE = 150
_INK, _PAPER, _BAND = (61, 33, 20), (250, 250, 250), (61, 33, 20)


def code_image(payload: str | bytes, module: int = 4, border: int = 4) -> Image:
    """The QR code of a payload: H×W×3, black on white."""
    matrix = np.array([list(row) for row in segno.make_qr(payload, error="m").matrix_iter(border=border)], np.uint8)
    side = np.kron(255 - 255 * matrix, np.ones((module, module), np.uint8))
    return cv2.cvtColor(side.astype(np.uint8), cv2.COLOR_GRAY2BGR)


def card_image(payload: str | bytes, name: str, number: str, section: str, portrait: Image | None = None) -> Image:
    """A whole card, upright: ``CARD_HEIGHT`` × ``CARD_WIDTH`` × 3."""
    card = np.full((CARD_HEIGHT, CARD_WIDTH, 3), _PAPER, np.uint8)
    card[:46] = _BAND
    _text(card, "SCHOOL ID", (18, 32), 0.8, (255, 255, 255))
    code = cv2.resize(code_image(payload), (_QR_SIDE, _QR_SIDE), interpolation=cv2.INTER_AREA)
    card[75 : 75 + _QR_SIDE, CARD_WIDTH - _QR_SIDE - 20 : CARD_WIDTH - 20] = code
    if portrait is not None:
        card[62:162, 20:105] = cv2.resize(portrait, (85, 100), interpolation=cv2.INTER_AREA)
    _text(card, name[:22], (18, 192), 0.55, _INK)
    _text(card, number[:18], (18, 218), 0.55, _INK)
    _text(card, section[:18], (18, 244), 0.55, _INK)
    return card


def _text(card: Image, text: str, at: tuple[int, int], size: float, colour: tuple[int, int, int]) -> None:
    plain = text.encode("ascii", "replace").decode()
    cv2.putText(card, plain, at, cv2.FONT_HERSHEY_SIMPLEX, size, colour, 1, cv2.LINE_AA)
