"""The last seconds of faces: for each stretch of time the most promising frame, and no more."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from attendance.vision.face import Face
from attendance.vision.frames import Image
from attendance.vision.quality import cheap_score


@dataclass(frozen=True, slots=True)
class Candidate:
    """A frame with faces; ``promise`` orders candidates before the mesh has looked."""

    image: Image
    boot_ns: int
    faces: tuple[Face, ...]
    promise: float


class Lookback:
    """Keeps at most ``buckets`` + 1 frames, however many come."""

    def __init__(self, seconds: float, buckets: int = 8) -> None:
        self._length_ns = round(seconds * 1e9)
        self._bucket_ns = max(1, self._length_ns // buckets)
        self._kept: deque[Candidate] = deque()
        self._origin_ns: int | None = None

    def add(self, image: Image, boot_ns: int, faces: Sequence[Face]) -> None:
        """Offer a frame; the image is kept as it is, so the caller must not draw into it."""
        while self._kept and self._kept[0].boot_ns < boot_ns - self._length_ns:
            self._kept.popleft()
        if not faces:
            return
        if self._origin_ns is None:
            self._origin_ns = boot_ns  # so that a recording gives the same photos whenever it is played
        candidate = Candidate(image, boot_ns, tuple(faces), max(cheap_score(image, face) for face in faces))
        if self._kept and self._bucket(self._kept[-1].boot_ns) == self._bucket(boot_ns):
            if candidate.promise > self._kept[-1].promise:
                self._kept[-1] = candidate
        else:
            self._kept.append(candidate)

    def _bucket(self, boot_ns: int) -> int:
        return (boot_ns - (self._origin_ns or 0)) // self._bucket_ns

    @property
    def newest(self) -> Candidate | None:
        return self._kept[-1] if self._kept else None

    def best(self, until_ns: int, count: int) -> list[Candidate]:
        """The most promising frames of the last seconds before ``until_ns``, best first."""
        kept = [c for c in self._kept if until_ns - self._length_ns <= c.boot_ns <= until_ns]
        return sorted(kept, key=lambda c: c.promise, reverse=True)[:count]
