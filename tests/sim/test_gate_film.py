"""The simulated gate: what it draws is what it says it draws, and the same every time."""

import json
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from attendance.cli import main
from attendance.sim.damage import DAMAGES
from attendance.sim.gate_camera import HEIGHT, PASSAGE_S, WIDTH, GateScene, Passer
from attendance.vision import assets, face
from attendance.vision.files import VideoFile
from attendance.vision.frames import SourceEnded
from attendance.vision.qr import QrReader
from attendance.vision.sightings import CardsInView

AT = datetime(2026, 6, 1, tzinfo=UTC)
PASSER = Passer("2026-0001", "Santos, Maria", "2026-0001", "7-Narra", 3)


def seen_in(film: Path) -> list[tuple[str, float]]:
    """Payload and second of every card shown in a film."""
    source, reader, cards, found = VideoFile(film, AT, fast=True), QrReader(), CardsInView(2.0), []
    while True:
        try:
            frame = source.read()
        except SourceEnded:
            return found
        assert frame is not None
        assert frame.wall is not None
        codes = cards.new(reader.read(frame.image), frame.boot_ns)
        found += [(code.payload.decode(), (frame.wall - AT).total_seconds()) for code in codes]


def test_a_recorded_film_shows_exactly_the_expected_cards(tmp_path: Path) -> None:
    """Nobody missing, nobody twice, each while his passage lasts, though the frames are damaged."""
    film, home = tmp_path / "gate.avi", ["--data-dir", str(tmp_path / "data")]
    damages = ["--damage", "blur", "--damage", "low_light", "--damage", "noise"]
    assert main(["sim", "video", str(film), "--count", "4", *damages, *home]) == 0
    expected = json.loads(film.with_suffix(".expected.json").read_text())
    seen = seen_in(film)
    assert [payload for payload, _ in seen] == [passage["payload"] for passage in expected]
    for (_, second), passage in zip(seen, expected, strict=True):
        assert 0 < second - passage["start_s"] < PASSAGE_S


@pytest.mark.parametrize("words", [["--seed", "-1"], ["--fps", "0"], ["--fps", "nan"], ["--fps", "1e9"]])
def test_a_film_that_cannot_be_made_is_refused(
    words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The message names the option, and no file is begun."""
    film = tmp_path / "gate.avi"
    assert main(["sim", "video", str(film), "--count", "1", *words, "--data-dir", str(tmp_path / "data")]) == 1
    assert words[0] in capsys.readouterr().err
    assert not film.exists()


def test_the_face_is_seen_before_the_card_can_be_read(assets_dir: Path) -> None:
    """So that the lookback has something to look back at."""
    found = assets.find(assets_dir)
    scene, reader, engine = GateScene(found.portrait), QrReader(), face.open_engine(found)
    first_face = first_code = None
    for number in range(60):
        image = scene.draw([(PASSER, number / 30)])
        if first_face is None and engine.detect(image):
            first_face = number
        if first_code is None and reader.read(image):
            first_code = number
    assert first_face is not None
    assert first_code is not None
    assert first_face < first_code


def test_a_seed_decides_every_pixel() -> None:
    """Two scenes of a seed are the same film; another seed has other noise."""
    films = [[scene.draw([(PASSER, n / 5)]) for n in range(15)] for scene in (GateScene(None, s) for s in (1, 1, 2))]
    assert films[0][0].shape == (HEIGHT, WIDTH, 3)
    assert np.array_equal(films[0], films[1])
    assert not np.array_equal(films[0], films[2])


@pytest.mark.parametrize("name", DAMAGES)
def test_a_damage_is_a_function_of_picture_and_seed(name: str) -> None:
    """It changes the picture, not its size nor the original, and the same seed damages alike."""
    picture = GateScene(None).draw([(PASSER, 1.5)])
    before = picture.copy()
    once, again = (DAMAGES[name](picture, np.random.default_rng(7)) for _ in range(2))
    assert np.array_equal(picture, before)
    assert (once.shape, once.dtype) == (picture.shape, picture.dtype)
    assert np.array_equal(once, again)
    assert not np.array_equal(once, picture)
