"""What is read from frames, and what is not."""

import cv2
import numpy as np
import pytest
import segno

from attendance.sim.cards import code_image
from attendance.sim.damage import DAMAGES
from attendance.vision.qr import QrReader


def frame_with(*codes: np.ndarray, width: int = 640, height: int = 480) -> np.ndarray:
    frame = np.full((height, width, 3), 140, np.uint8)
    for place, code in enumerate(codes):
        x = 40 + place * 280
        frame[100 : 100 + code.shape[0], x : x + code.shape[1]] = code
    return frame


def shown(image: np.ndarray, reader: QrReader | None = None) -> list[bytes]:
    """What is read while a picture stays in view."""
    reader = reader or QrReader()
    for _ in range(QrReader.schedule_length):
        codes = reader.read(image)
        if codes:
            return sorted(code.payload for code in codes)
    return []


def test_several_codes_are_read_from_one_frame_with_their_corners() -> None:
    """Two students at once are two sightings; corners lie where the codes are."""
    image = frame_with(code_image("2026-0001"), code_image("2026-0002"))
    codes = sorted(QrReader().read(image), key=lambda code: code.corners[0])
    assert [code.payload for code in codes] == [b"2026-0001", b"2026-0002"]
    for place, code in enumerate(codes):
        x, y = code.corners[0]
        assert abs(x - (40 + place * 280 + 16)) < 6
        assert abs(y - 116) < 6


@pytest.mark.parametrize("payload", [b"\x00\xff\xfe binary", b"1", "Peña ☂".encode(), b"x" * 1000])
def test_any_bytes_of_any_length_come_through(payload: bytes) -> None:
    """The payload is what the card says, not what a text decoder makes of it."""
    matrix = segno.make_qr(payload, error="l", mode="byte")
    module = 3 if len(payload) < 100 else 2
    grid = np.array([list(row) for row in matrix.matrix_iter(border=4)], np.uint8)
    code = cv2.cvtColor(np.kron(255 - 255 * grid, np.ones((module, module), np.uint8)), cv2.COLOR_GRAY2BGR)
    assert shown(frame_with(code)) == [payload]


@pytest.mark.parametrize("damage", sorted(DAMAGES))
def test_each_kind_of_damage_is_read_within_the_schedule(damage: str) -> None:
    """Of ten damaged cards held still, at least eight are read; the worst kinds are the reason for the passes."""
    read = 0
    for seed in range(10):
        image = DAMAGES[damage](frame_with(code_image(f"2026-{seed:04}", module=5)), np.random.default_rng(seed))
        read += shown(image) == [f"2026-{seed:04}".encode()]
    assert read >= 8


@pytest.mark.parametrize("shape", [(1, 1, 3), (1, 640, 3), (480, 2, 3), (3000, 4000, 3), (480, 640)])
def test_frames_of_any_size_are_survived(shape: tuple[int, ...]) -> None:
    """A strange camera is no crash."""
    assert shown(np.full(shape, 90, np.uint8)) == []


def test_pictures_without_a_code_give_nothing() -> None:
    """Noise and stripes are nobody's card."""
    rng = np.random.default_rng(4)
    for image in (rng.integers(0, 255, (480, 640, 3), np.uint8), np.tile(np.uint8([[0, 255]]), (480, 320))):
        assert shown(image) == []


def test_a_poster_in_view_does_not_keep_a_hard_card_from_being_read() -> None:
    """A code that is always readable leaves the further passes to the card beside it."""
    inverted = 255 - code_image("2026-0002")
    image = frame_with(code_image("POSTER"), inverted)
    reader, seen = QrReader(), set()
    for _ in range(2 * QrReader.schedule_length):
        seen |= {code.payload for code in reader.read(image)}
    assert seen == {b"POSTER", b"2026-0002"}
