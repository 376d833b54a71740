"""What a camera gives."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from cv2.typing import MatLike

Image = MatLike
"""uint8; H×W×3, BGR; or H×W, grey."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One picture and when it was taken.

    Attributes:
        image: H×W×3 BGR.
        boot_ns: ``CLOCK_BOOTTIME``; of a file: the start of playing plus the frame's own time.
        wall: a file's frames carry their own time, aware UTC; ``None`` for live frames.
    """

    image: Image
    boot_ns: int
    wall: datetime | None = None


class Source(Protocol):
    """Where frames come from.

    ``live`` sources give the newest frame and drop what came meanwhile; file sources give every frame once and raise
    ``SourceEnded`` after the last.
    """

    name: str
    live: bool

    def read(self) -> Frame | None:
        """The next frame, or None when there is none yet. Returns within about a second where the driver allows it.

        Raises:
            SourceEnded: a file has no more frames.
            SourceLost: the camera has gone.
        """
        ...

    def close(self) -> None: ...


class SourceEnded(Exception):
    """A file source has given its last frame."""


class SourceLost(Exception):
    """The camera has gone; open it again. The message says what is known, for a person."""
