"""A simulated camera at a gate: students walk up, look, show a card, and leave."""

import random
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from attendance.clock import boot_ns
from attendance.sim.cards import card_image
from attendance.sim.faces import face_image
from attendance.vision.frames import Frame, Image

WIDTH, HEIGHT, FPS = 640, 480, 30
WALK_S, HOLD_S, LEAVE_S = 1.0, 1.4, 0.7
PASSAGE_S = WALK_S + HOLD_S + LEAVE_S
_CARD_SCALE = 0.55
_NOISE_FRAMES = 8


@dataclass(frozen=True, slots=True)
class Passer:
    """Who passes: what stands on the card, and which face (by ``seed``) comes with it."""

    payload: str
    name: str
    number: str
    section: str
    seed: int


class GateScene:
    """Draws frames (HEIGHT × WIDTH × 3). Deterministic for a seed; only what moves is drawn anew."""

    def __init__(self, portrait: Path | None, seed: int = 0) -> None:
        self._portrait = portrait
        rng = np.random.default_rng(seed)
        wall = np.full((HEIGHT, WIDTH, 3), (168, 176, 170), np.uint8)
        wall[330:] = (110, 120, 125)
        cv2.rectangle(wall, (40, 60), (190, 330), (140, 120, 95), -1)
        self._wall = wall
        self._noise = [rng.integers(0, 7, (HEIGHT, WIDTH, 3), np.uint8) for _ in range(_NOISE_FRAMES)]
        self._people: dict[Passer, tuple[Image, Image]] = {}
        self._drawn = 0

    def draw(self, passers: Sequence[tuple[Passer, float]]) -> Image:
        """A frame with each passer at so many seconds into the passage (0 to ``PASSAGE_S``)."""
        image = self._wall.copy()
        for place, (passer, t) in enumerate(passers):
            shift = 0 if len(passers) == 1 else (-170, 90)[place % 2]
            self._draw_passer(image, passer, t, shift)
        self._drawn += 1
        return cv2.add(image, self._noise[self._drawn % _NOISE_FRAMES])

    def _draw_passer(self, image: Image, passer: Passer, t: float, shift: int) -> None:
        face, card = self._person(passer)
        coming = min(1.0, t / WALK_S)
        going = max(0.0, (t - WALK_S - HOLD_S) / LEAVE_S)
        x = int(150 + shift - 300 * (1 - coming) + 420 * going)
        _paste(image, face, x, 40 + int(6 * np.sin(4 * t)))
        rise = np.clip((t - WALK_S + 0.25) / 0.25, 0, 1) - np.clip(going * 3, 0, 1)
        if rise > 0:
            _paste(image, card, 300 + shift + int(3 * np.sin(9 * t)), HEIGHT - int(190 * rise) + int(2 * np.cos(7 * t)))

    def _person(self, passer: Passer) -> tuple[Image, Image]:
        if passer not in self._people:
            if len(self._people) > 64:
                self._people.clear()
            face = face_image(passer.seed, self._portrait)
            whole = card_image(passer.payload, passer.name, passer.number, passer.section, face)
            card = cv2.resize(whole, None, fx=_CARD_SCALE, fy=_CARD_SCALE, interpolation=cv2.INTER_AREA)
            self._people[passer] = face, card
        return self._people[passer]


class DemoSource:
    """An endless live camera at the gate of the invented school, with now and then something wrong."""

    live = True
    name = "demo"

    def __init__(self, students: Sequence[Mapping[str, str]], portrait: Path | None) -> None:
        passers = [Passer(s["payload"], s["name"], s["number"], s["section"], seed) for seed, s in enumerate(students)]
        self._scene = GateScene(portrait)
        self._script = _script(passers)
        self._now: list[Passer] = []
        self._began_ns = self._next_ns = boot_ns()

    def read(self) -> Frame | None:
        wait_s = (self._next_ns - boot_ns()) / 1e9
        if wait_s > 0:
            time.sleep(wait_s)
        taken_ns = boot_ns()
        self._next_ns = max(self._next_ns + 1_000_000_000 // FPS, taken_ns)
        t = (taken_ns - self._began_ns) / 1e9
        if t > PASSAGE_S + 0.8:
            self._now, self._began_ns, t = next(self._script), taken_ns, 0.0
        shown = [(passer, t) for passer in self._now] if t < PASSAGE_S else []
        return Frame(self._scene.draw(shown), taken_ns)

    def close(self) -> None:
        """Nothing is held."""


def _script(passers: Sequence[Passer]) -> Iterator[list[Passer]]:
    """Everybody in turn; every fifth passage shows a stranger, a card again, or two at once."""
    chance = random.Random(1)
    stranger = Passer("LIBRARY-CARD-77", "Visitor", "-", "-", 9_999)
    everybody = list(passers) or [stranger]
    position = 0
    for count in range(1_000_000_000):
        passer = everybody[position % len(everybody)]
        if count % 5 != 4 or len(everybody) < 2:
            position += 1
            yield [passer]
            continue
        match chance.choice(("stranger", "again", "two")):
            case "stranger":
                yield [stranger]
            case "again":
                yield [everybody[(position - 1) % len(everybody)]]
            case _:
                yield [passer, everybody[(position + 1) % len(everybody)]]
                position += 2


def _paste(image: Image, part: Image, x: int, y: int) -> None:
    """Draw ``part`` with its top left at x, y; what lies outside is cut."""
    height, width = part.shape[:2]
    left, top = max(0, x), max(0, y)
    right, bottom = min(image.shape[1], x + width), min(image.shape[0], y + height)
    if right > left and bottom > top:
        image[top:bottom, left:right] = part[top - y : bottom - y, left - x : right - x]
