"""Faces, their quality, and which of them becomes the photo."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from attendance.vision import assets
from attendance.vision.face import BlazeFace, Face, FaceEngine, Haar, open_engine
from attendance.vision.frames import Image
from attendance.vision.lookback import Lookback
from attendance.vision.messages import Point, Verdict
from attendance.vision.portrait import NOBODY, PhotoStyle, PortraitSearch, with_comment
from attendance.vision.quality import Thresholds, assess, is_printed

SECOND = 1_000_000_000
NAMES = [
    *("face_count", "face_size", "centred", "head_pose", "eyes_open"),
    *("mouth_closed", "sharpness", "brightness", "even_light"),
]


@pytest.fixture(scope="module")
def portrait(assets_dir: Path) -> Image:
    image = cv2.imread(str(assets_dir / "astronaut.png"))
    assert image is not None
    return image


@pytest.fixture(scope="module")
def engine(assets_dir: Path) -> FaceEngine:
    return open_engine(assets.find(assets_dir))


def scene(portrait: Image, scale: float = 1.0, x: int = 150, y: int = 60) -> Image:
    """The portrait in a grey frame of 640×480."""
    frame = np.full((480, 640, 3), 120, np.uint8)
    part = cv2.resize(portrait[0:400, 0:400], None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    height, width = min(part.shape[0], 480 - y), min(part.shape[1], 640 - x)
    frame[y : y + height, x : x + width] = part[:height, :width]
    return frame


def failed(image: Image, engine: FaceEngine) -> set[str]:
    face, *others = engine.detect(image)
    assessment = assess(image, face, others, engine.mesh(image, face))
    assert [check.name for check in assessment.checks] == NAMES
    assert all(check.passed or check.advice for check in assessment.checks)
    return {check.name for check in assessment.checks if not check.passed}


def test_the_models_are_used_when_they_are_there_and_the_cascade_when_not(assets_dir: Path, tmp_path: Path) -> None:
    """A gate without internet at its first start still finds faces; a damaged model counts as missing."""
    assert isinstance(open_engine(assets.find(assets_dir)), BlazeFace)
    assert isinstance(open_engine(assets.find(tmp_path)), Haar)
    (tmp_path / "face_landmark.tflite").write_bytes(b"damaged")
    assert assets.find(tmp_path).mesh is None


@pytest.mark.parametrize("make", [lambda e: e, lambda e: Haar()])
def test_a_face_is_found_where_it_is(portrait: Image, engine: FaceEngine, make: object) -> None:
    """Both engines find the portrait's face and nothing in an empty frame."""
    used: FaceEngine = make(engine)  # type: ignore[operator]
    [face] = used.detect(scene(portrait))
    assert abs(face.centre[0] - (150 + 225)) < 25
    assert abs(face.centre[1] - (60 + 120)) < 30
    assert used.detect(np.full((480, 640, 3), 120, np.uint8)) == []


def test_a_good_face_passes_all_nine_checks(portrait: Image, engine: FaceEngine) -> None:
    """The checks are not so strict that nobody passes."""
    assert failed(scene(portrait), engine) == set()


@pytest.mark.parametrize(
    ("spoil", "check"),
    [
        (lambda image: cv2.GaussianBlur(image, (0, 0), 6), "sharpness"),
        (lambda image: (image * 0.12).astype(np.uint8), "brightness"),
        (
            lambda image: (
                (image * np.where(np.arange(640) < 320, 0.25, 1.2)[None, :, None]).clip(0, 255).astype(np.uint8)
            ),
            "even_light",
        ),
    ],
)
def test_a_spoiled_face_fails_the_check_for_it(portrait: Image, engine: FaceEngine, spoil: object, check: str) -> None:
    """Each check reacts to its own fault."""
    assert check in failed(spoil(scene(portrait, x=95)), engine)  # type: ignore[operator]


def test_roll_is_measured_and_a_tilted_head_still_fits_the_mesh(portrait: Image, engine: FaceEngine) -> None:
    """A head tilted by 20 degrees reads as about 20 degrees."""
    upright = scene(portrait)
    turn = cv2.getRotationMatrix2D((375, 180), -20, 1)
    tilted = cv2.warpAffine(upright, turn, (640, 480), borderMode=cv2.BORDER_REPLICATE)
    angles = []
    for image in (upright, tilted):
        face = engine.detect(image)[0]
        mesh = engine.mesh(image, face)
        assert mesh is not None
        angles.append(mesh.roll)
    assert abs((angles[1] - angles[0]) - 20) < 4


@pytest.mark.parametrize(
    ("face", "printed"),
    [
        (Face(300, 300, 60, 60, 1.0), True),
        (Face(250, 60, 180, 180, 1.0), False),
        (Face(20, 20, 60, 60, 1.0), False),
    ],
)
def test_the_portrait_on_the_card_is_not_the_student(face: Face, printed: bool) -> None:
    """Small and beside the code: printed. Larger than a card's portrait, or far from the code: a person."""
    corners: tuple[Point, ...] = ((400, 300), (480, 300), (480, 380), (400, 380))
    assert is_printed(face, corners) is printed
    assert is_printed(face, ()) is False


def search(engine: FaceEngine, lookback: Lookback, corners: tuple[Point, ...] = (), style: PhotoStyle = PhotoStyle()):  # noqa: B008
    verdict = Verdict("s", True, 2 * SECOND, None, corners, "attendance/1 proof")
    found = PortraitSearch(verdict, engine, style, Thresholds(), SECOND // 2)
    return found, found.look_back(lookback)


def fill(lookback: Lookback, engine: FaceEngine, images: list[Image]) -> None:
    for number, image in enumerate(images):
        lookback.add(image, number * SECOND // 4, engine.detect(image))


def test_the_sharpest_frame_of_the_last_seconds_becomes_the_photo(portrait: Image, engine: FaceEngine) -> None:
    """The student looked up before the card was read; no waiting is needed."""
    good = scene(portrait)
    lookback = Lookback(2.0)
    fill(lookback, engine, [cv2.GaussianBlur(good, (0, 0), 2), good, cv2.GaussianBlur(good, (0, 0), 3)])
    found, portrait_message = search(engine, lookback)
    assert portrait_message is not None
    assert portrait_message.boot_ns == SECOND // 4
    assert portrait_message.final
    assert found.done
    assert b"attendance/1 proof" in portrait_message.jpeg
    decoded = cv2.imdecode(np.frombuffer(portrait_message.jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert decoded is not None
    assert decoded.shape == (480, 640, 3)


def test_a_better_face_in_the_look_ahead_replaces_and_the_time_ends_it(portrait: Image, engine: FaceEngine) -> None:
    """Half a second after the card the search is over, whatever came."""
    poor, good = cv2.GaussianBlur(scene(portrait, 0.8), (0, 0), 1.2), scene(portrait)
    lookback = Lookback(2.0)
    found, first = search(engine, lookback)
    assert first is None
    assert found.offer(poor, 2 * SECOND + SECOND // 10, []) is None
    better = found.offer(good, 2 * SECOND + SECOND // 5, engine.detect(good))
    assert better is not None
    assert better.jpeg
    late, _ = search(engine, lookback)
    last = late.offer(good, 3 * SECOND, engine.detect(good))
    assert last is not None
    assert (last.final, last.reason, last.jpeg) == (True, NOBODY, b"")


def test_without_a_usable_face_the_advice_is_the_reason(portrait: Image, engine: FaceEngine) -> None:
    """The office reads why there is no photo."""
    dark = (scene(portrait) * 0.12).astype(np.uint8)
    lookback = Lookback(2.0)
    fill(lookback, engine, [dark])
    found, first = search(engine, lookback)
    assert first is None
    assert "dark" in found.finish().reason


def test_a_cropped_photo_holds_the_face_and_its_margin(portrait: Image, engine: FaceEngine) -> None:
    """``save_full_frame`` off keeps face, padding and hair only."""
    lookback = Lookback(2.0)
    fill(lookback, engine, [scene(portrait)])
    _, message = search(engine, lookback, style=PhotoStyle(save_full_frame=False, crop_padding=20, extra_top=10))
    assert message is not None
    decoded = cv2.imdecode(np.frombuffer(message.jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert decoded is not None
    assert decoded.shape[0] < 220
    assert len(engine.detect(decoded)) == 1


def test_the_lookback_keeps_few_frames_however_many_come(portrait: Image) -> None:
    """Memory is bounded by the number of buckets."""
    lookback, image = Lookback(2.0, buckets=8), scene(portrait)
    for number in range(300):
        lookback.add(image, number * SECOND // 30, [Face(300, 100, 100, 100, 0.9)])
    assert len(lookback.best(10 * SECOND, 100)) <= 9


def test_a_jpeg_with_a_comment_is_still_a_jpeg() -> None:
    """The proof in the photo does not harm the picture."""
    jpeg = bytes(cv2.imencode(".jpg", np.full((8, 8, 3), 90, np.uint8))[1])
    assert cv2.imdecode(np.frombuffer(with_comment(jpeg, "ñ" * 200), np.uint8), cv2.IMREAD_COLOR) is not None


def test_a_face_in_the_middle_wins_over_a_slightly_sharper_one_at_the_side(portrait: Image, engine: FaceEngine) -> None:
    """Who walks in is photographed in the middle of the picture, not at its side."""
    lookback = Lookback(2.0)
    side, middle = (scene(portrait, x=x)[:, 170:] for x in (20, 200))
    fill(lookback, engine, [side, cv2.GaussianBlur(middle, (0, 0), 0.7)])
    assert [len(candidate.faces) for candidate in lookback.best(2 * SECOND, 9)] == [1, 1]
    _, message = search(engine, lookback)
    assert message is not None
    assert message.boot_ns == SECOND // 4


@pytest.mark.parametrize("x", [0, 440, 880])
def test_a_small_face_is_found_wherever_it_is_within_three_frames(assets_dir: Path, portrait: Image, x: int) -> None:
    """In a wide frame each part gets its closer look in turn, not only the middle."""
    engine = open_engine(assets.find(assets_dir))
    frame = np.full((720, 1280, 3), 120, np.uint8)
    frame[200:600, x : x + 400] = portrait[0:400, 0:400]
    seen = [faces[0] for faces in (engine.detect(frame) for _ in range(3)) if faces]
    assert any(abs(face.centre[0] - (x + 225)) < 15 and face.width < 120 for face in seen)


def test_the_light_is_judged_on_the_face_and_not_on_the_wall_behind(portrait: Image, engine: FaceEngine) -> None:
    """A lit face before a black or a white wall has the brightness and evenness that it has before a grey one."""
    image = scene(portrait)
    face, *_ = engine.detect(image)
    mesh = engine.mesh(image, face)
    assert mesh is not None
    outline = cv2.convexHull(np.round(mesh.points[:, :2]).astype(np.int32))
    skin = cv2.fillConvexPoly(np.zeros(image.shape[:2], np.uint8), outline, (1,)).astype(bool)
    values = []
    for wall in (0, 120, 255):
        before = np.where(skin[..., None], image, np.uint8(wall))
        checks = {check.name: check.value for check in assess(before, face, [], mesh).checks}
        values.append((checks["brightness"], checks["even_light"]))
    assert values[0] == values[1] == values[2]
