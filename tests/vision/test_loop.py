"""The vision process's loop, turn by turn, on a pipe whose other end the test holds."""

from collections.abc import Callable, Iterator, Sequence
from multiprocessing import Pipe
from pathlib import Path

import cv2
import numpy as np
import pytest

from attendance.clock import boot_ns
from attendance.sim.gate_camera import PASSAGE_S, GateScene, Passer
from attendance.vision import assets
from attendance.vision.face import FaceEngine, open_engine
from attendance.vision.frames import Frame, Image, SourceLost
from attendance.vision.loop import Plan, Stopped, VisionLoop
from attendance.vision.messages import (
    Beat,
    Message,
    Portrait,
    Preview,
    Sighting,
    Status,
    Stop,
    Verdict,
    Watch,
    decode,
    encode,
)
from attendance.vision.portrait import PhotoStyle
from attendance.vision.quality import Thresholds
from attendance.vision.watch import CameraWatch

ANA, BEN = (Passer(f"2026-000{n}", f"Student {n}", f"2026-000{n}", "7-A", n) for n in (1, 2))
EMPTY = np.full((480, 640, 3), 150, np.uint8)


class Film:
    """A live camera that shows some frames, and then waits or is lost."""

    name = "film"
    live = True

    def __init__(self, images: Sequence[Image]) -> None:
        self.images = list(images)
        self.lost = False

    def read(self) -> Frame | None:
        if self.lost:
            raise SourceLost("unplugged")
        return Frame(self.images.pop(0), boot_ns()) if self.images else None

    def close(self) -> None:
        """Nothing is held."""


class Core:
    """The core's end of the pipe, and the loop at the other."""

    def __init__(self, film: Film, engine: FaceEngine, **plan: float) -> None:
        self.film = film
        self.pipe, theirs = Pipe()
        times = {"lookback_s": 2.0, "lookahead_s": 0.5, "card_gone_s": 2.0, **plan}
        watch = CameraWatch(lambda: film)
        self.loop = VisionLoop(theirs, watch, engine, Plan(**times, style=PhotoStyle(), thresholds=Thresholds()))
        self.heard: list[Message] = []

    def say(self, message: Message) -> None:
        self.pipe.send_bytes(encode(message))

    def turn(self, times: int = 1) -> list[Message]:
        """Let the loop turn; what it said."""
        new = []
        for _ in range(times):
            self.loop.turn()
            while self.pipe.poll():
                new.append(decode(self.pipe.recv_bytes()))
        self.heard += new
        return new

    def until(self, kind: type[Message], turns: int = 400) -> Message:
        for _ in range(turns):
            for message in self.turn():
                if isinstance(message, kind):
                    return message
        raise AssertionError(f"no {kind.__name__} came")

    def all(self, kind: type[Message]) -> list[Message]:
        return [message for message in self.heard if isinstance(message, kind)]


@pytest.fixture(scope="module")
def engine(assets_dir: Path) -> FaceEngine:
    return open_engine(assets.find(assets_dir))


@pytest.fixture(scope="module")
def draw(assets_dir: Path) -> Callable[..., list[Image]]:
    """The frames of a passage, all of them or those of a stretch of it."""
    scene = GateScene(assets.find(assets_dir).portrait)

    def frames(*passers: Passer, from_s: float = 0.0, to_s: float = PASSAGE_S) -> list[Image]:
        return [scene.draw([(p, n / 30) for p in passers]) for n in range(round(from_s * 30), round(to_s * 30))]

    return frames


@pytest.fixture
def core(engine: FaceEngine) -> Iterator[Callable[..., Core]]:
    cores: list[Core] = []

    def make(images: Sequence[Image], **plan: float) -> Core:
        cores.append(Core(Film(images), engine, **plan))
        return cores[-1]

    yield make
    for each in cores:
        each.pipe.close()


def verdict(sighting: Message, *, photo: bool = True) -> Verdict:
    assert isinstance(sighting, Sighting)
    return Verdict(sighting.sighting_id, photo, sighting.boot_ns, sighting.wall, sighting.corners, "proof")


def photo_bytes(portraits: Sequence[Message]) -> list[bytes]:
    return [p.jpeg for p in portraits if isinstance(p, Portrait) and p.jpeg]


def test_every_turn_beats_with_and_without_frames(core: Callable[..., Core]) -> None:
    """The watchdog of the core sees each turn, also those that wait for a camera."""
    gate = core([EMPTY] * 3)
    gate.turn(6)
    gate.film.lost = True
    gate.turn(3)
    assert [beat.turn for beat in gate.all(Beat) if isinstance(beat, Beat)] == list(range(1, 10))


def test_the_state_of_the_camera_is_told(core: Callable[..., Core]) -> None:
    """About once a second: how many frames, how it is, and what is wrong."""
    gate = core([EMPTY] * 3)
    first = gate.until(Status)
    assert isinstance(first, Status)
    assert (first.camera, first.frames, first.faces) == ("ok", 1, 0)
    gate.film.lost = True
    second = gate.until(Status)
    assert isinstance(second, Status)
    assert (second.camera, second.detail) == ("lost", "unplugged")
    assert second.last_frame_boot_ns >= first.last_frame_boot_ns > 0


def test_a_passage_is_one_sighting_with_its_payload_and_corners(core: Callable[..., Core], draw: Callable) -> None:
    """The first readable frame wins, and the same card later in the passage is no second sighting."""
    gate = core(draw(ANA))
    gate.turn(100)
    (sighting,) = gate.all(Sighting)
    assert isinstance(sighting, Sighting)
    assert (sighting.payload, sighting.wall) == (b"2026-0001", None)
    assert len(sighting.corners) == 4
    assert sighting.boot_ns <= sighting.decoded_boot_ns < sighting.boot_ns + 500_000_000


def test_two_cards_at_once_are_two_sightings(core: Callable[..., Core], draw: Callable) -> None:
    """Each with an id of its own."""
    gate = core(draw(ANA, BEN))
    gate.turn(100)
    found = {s.payload: s.sighting_id for s in gate.all(Sighting) if isinstance(s, Sighting)}
    assert set(found) == {b"2026-0001", b"2026-0002"}
    assert len(set(found.values())) == 2


def test_a_wanted_photo_comes_from_before_the_card_was_read(core: Callable[..., Core], draw: Callable) -> None:
    """The face walked up first: the answer to the verdict is a photo, once final, with the proof inside."""
    gate = core(draw(ANA), lookahead_s=0.1)
    sighting = gate.until(Sighting)
    gate.say(verdict(sighting))
    gate.turn(60)
    portraits = gate.all(Portrait)
    assert [p.final for p in portraits if isinstance(p, Portrait)].count(True) == 1
    photos = photo_bytes(portraits)
    assert photos
    assert all(jpeg[:2] == b"\xff\xd8" and b"proof" in jpeg[:40] for jpeg in photos)
    first = portraits[0]
    assert isinstance(first, Portrait)
    assert isinstance(sighting, Sighting)
    assert (first.sighting_id, len(first.checks)) == (sighting.sighting_id, 9)
    assert first.boot_ns <= sighting.boot_ns


def test_an_unwanted_photo_is_not_taken(core: Callable[..., Core], draw: Callable) -> None:
    """Refused cards leave no picture."""
    gate = core(draw(ANA))
    gate.say(verdict(gate.until(Sighting), photo=False))
    gate.turn(60)
    assert gate.all(Portrait) == []


def test_a_card_without_a_face_gets_a_reason(core: Callable[..., Core], draw: Callable) -> None:
    """One final portrait without a picture, that says why."""
    images = []
    for image in draw(ANA, from_s=1.2, to_s=1.6):
        image[:275] = 150
        images.append(image)
    gate = core(images + [EMPTY] * 30, lookahead_s=0.05)
    gate.say(verdict(gate.until(Sighting)))
    final = gate.until(Portrait)
    assert isinstance(final, Portrait)
    assert (final.final, final.jpeg) == (True, b"")
    assert final.reason


def test_a_reader_gets_the_photo_of_the_moment(core: Callable[..., Core], draw: Callable) -> None:
    """A card that a USB reader read, and the camera did not, has the face of that moment."""
    gate = core(draw(ANA, from_s=0.6, to_s=0.75))
    gate.turn(4)
    gate.say(Verdict("reader-1", True, boot_ns()))
    portrait = gate.until(Portrait)
    assert isinstance(portrait, Portrait)
    assert portrait.sighting_id == "reader-1"
    assert portrait.jpeg


def test_a_camera_that_goes_in_the_middle_of_a_search_ends_it(core: Callable[..., Core], draw: Callable) -> None:
    """The record learns that there is no photo though no frame comes any more."""
    gate = core([EMPTY] * 3, lookahead_s=0.1)
    gate.turn(3)
    gate.say(Verdict("reader-1", True, boot_ns()))
    gate.turn()
    gate.film.lost = True
    final = gate.until(Portrait, turns=20)
    assert isinstance(final, Portrait)
    assert final.final
    assert final.reason
    gate.turn(2)
    assert len(gate.all(Portrait)) == 1


def test_the_live_view_has_the_wanted_rate_and_size(core: Callable[..., Core]) -> None:
    """Nobody looks: nothing is sent. Somebody looks: small pictures, not more often than wanted."""
    gate = core([np.full((960, 1280, 3), 150, np.uint8)] * 90)
    gate.turn(5)
    assert gate.all(Preview) == []
    gate.say(Watch(20.0))
    began = boot_ns()
    gate.turn(60)
    passed_s = (boot_ns() - began) / 1e9
    previews = gate.all(Preview)
    assert 1 <= len(previews) <= 20 * passed_s * 1.1 + 1
    assert isinstance(previews[0], Preview)
    assert cv2.imdecode(np.frombuffer(previews[0].jpeg, np.uint8), cv2.IMREAD_COLOR).shape == (480, 640, 3)
    gate.say(Watch(0.0))
    gate.turn(20)
    assert len(gate.all(Preview)) == len(previews)


def test_stop_and_a_closed_pipe_end_the_loop(core: Callable[..., Core]) -> None:
    """Asked or abandoned, it ends."""
    asked, abandoned = core([EMPTY]), core([EMPTY])
    asked.say(Stop())
    with pytest.raises(Stopped):
        asked.turn()
    abandoned.pipe.close()
    with pytest.raises(Stopped):
        abandoned.loop.turn()
