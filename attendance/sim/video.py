"""Recorded videos of a gate, with what a correct gate must find in them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from attendance.errors import BadInput
from attendance.sim.damage import DAMAGES
from attendance.sim.gate_camera import FPS, HEIGHT, PASSAGE_S, WIDTH, GateScene, Passer

GAP_S = 0.6


@dataclass(frozen=True, slots=True)
class Passage:
    """One student's passage, ``start_s`` into the video."""

    passer: Passer
    start_s: float


def one_after_another(passers: Sequence[Passer], gap_s: float = GAP_S) -> list[Passage]:
    """Passages with ``gap_s`` between them."""
    return [Passage(passer, gap_s + i * (PASSAGE_S + gap_s)) for i, passer in enumerate(passers)]


def record(
    path: Path,
    passages: Sequence[Passage],
    *,
    portrait: Path | None,
    damages: Sequence[str] = (),
    seed: int = 0,
    fps: float = FPS,
) -> float:
    """Write the video (MJPEG in AVI); its length in seconds.

    Args:
        damages: names of ``sim.damage.DAMAGES``; passage n suffers from the n-th, in turn.

    Raises:
        BadInput: the file cannot be written, or there is no such damage.
    """
    unknown = [name for name in damages if name not in DAMAGES]
    if unknown:
        raise BadInput(f"There is no damage {unknown[0]!r}. Known: {', '.join(DAMAGES)}.")
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), fps, (WIDTH, HEIGHT))
    if not writer.isOpened():
        raise BadInput(
            f"{str(path)!r} cannot be written as a video. Name a file that ends in .avi in a folder you may write."
        )
    length_s = max((p.start_s for p in passages), default=0.0) + PASSAGE_S + GAP_S
    scene, rng = GateScene(portrait, seed), np.random.default_rng(seed)
    for number in range(round(length_s * fps)):
        t = number / fps
        here = [(i, p) for i, p in enumerate(passages) if p.start_s <= t < p.start_s + PASSAGE_S]
        image = scene.draw([(p.passer, t - p.start_s) for _, p in here])
        if damages and here:
            image = DAMAGES[damages[here[0][0] % len(damages)]](image, rng)
        writer.write(image)
    writer.release()
    return length_s
