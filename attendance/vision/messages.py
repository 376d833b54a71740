"""What the vision process and the core say to each other over their pipe. Plain values: no numpy, no pickle.

A message is one JSON object, and after a NUL byte the bytes it carries (a JPEG, a card's payload). JSON, because the
process that parses whatever a camera shows must not be able to make the core run code.

Times: ``boot_ns`` is ``CLOCK_BOOTTIME`` of the frame, the same in both processes. ``wall`` is set by file sources
only, whose frames carry their own time (RFC 3339, UTC); live frames are dated by the core.
"""

import json
from dataclasses import asdict, dataclass, field
from typing import Any

Point = tuple[float, float]
"""x, y in pixels of the frame the message speaks of."""


@dataclass(frozen=True, slots=True)
class Check:
    """One of the nine quality checks on a face.

    Attributes:
        name: ``face_count face_size centred head_pose eyes_open mouth_closed sharpness brightness even_light``.
        value: the measure, in the unit its threshold has.
        threshold: what the value is held against.
        passed: the verdict.
        advice: a sentence that tells the student what to do; empty when passed.
    """

    name: str
    value: float
    threshold: float
    passed: bool
    advice: str = ""


@dataclass(frozen=True, slots=True)
class Hello:
    """The first message of a vision process: it is alive and has loaded its engines."""

    pid: int
    face_engine: str


@dataclass(frozen=True, slots=True)
class Beat:
    """Sent every turn of the loop, with or without a frame."""

    turn: int


@dataclass(frozen=True, slots=True)
class Status:
    """What the vision process knows of itself, about once a second.

    Attributes:
        camera: ``starting ok missing lost black frozen ended``, or ``unusable``: the source can never be opened.
        detail: a sentence on what is wrong, or empty.
        frames: frames read since the process began.
        fps: frames per second over the last second or so.
        last_frame_boot_ns: when the newest frame was taken; 0 before the first.
        face: advice for the face in view now, empty when there is none or it is good.
        faces: how many faces are in view.
    """

    camera: str
    detail: str
    frames: int
    fps: float
    last_frame_boot_ns: int
    face: str = ""
    faces: int = 0


@dataclass(frozen=True, slots=True)
class Sighting:
    """One reading of a card: sent once for a card that stays in view.

    Attributes:
        sighting_id: unique in this run of the gate; ``Verdict`` and ``Portrait`` name it.
        payload: what the card says, any bytes.
        corners: the code's four corners, clockwise from its own top left, or empty for a reader.
        boot_ns, wall: when the frame was taken (see the module).
        decoded_boot_ns: when the payload was known; the difference is the vision latency.
    """

    sighting_id: str
    boot_ns: int
    wall: str | None
    decoded_boot_ns: int
    corners: tuple[Point, ...]
    payload: bytes


@dataclass(frozen=True, slots=True)
class Verdict:
    """The core's answer to a sighting.

    Attributes:
        photo: whether a photo of the student is wanted. Refused sightings keep none.
        boot_ns, wall, corners: as in the sighting; sent back because the vision process has not seen what a USB reader
            read.
        comment: text to be kept inside the JPEG (its comment segment), so that a photo can prove its record.
    """

    sighting_id: str
    photo: bool
    boot_ns: int
    wall: str | None = None
    corners: tuple[Point, ...] = ()
    comment: str = ""


@dataclass(frozen=True, slots=True)
class Portrait:
    """The best face found for a sighting, or why there is none.

    The first one looks back; a later one with the same id is better and replaces it. ``final`` ends the search.

    Attributes:
        reason: empty with a usable photo, else the advice of the check that failed worst, or that no face was seen.
        score: 0 to 100.
        boot_ns: when the frame was taken.
        jpeg: the photo, empty when there is none.
    """

    sighting_id: str
    final: bool
    reason: str
    score: float
    boot_ns: int
    checks: tuple[Check, ...] = ()
    jpeg: bytes = b""


@dataclass(frozen=True, slots=True)
class Preview:
    """One picture of the live view."""

    jpeg: bytes


@dataclass(frozen=True, slots=True)
class Ended:
    """A file source has no more frames, and every sighting has had its last portrait."""

    frames: int


@dataclass(frozen=True, slots=True)
class Watch:
    """How many previews a second are wanted; 0 when nobody looks."""

    fps: float


@dataclass(frozen=True, slots=True)
class Stop:
    """End the process; it answers by closing the pipe."""

    reason: str = field(default="stop")


Message = Hello | Beat | Status | Sighting | Verdict | Portrait | Preview | Ended | Watch | Stop
_KINDS: dict[str, type[Any]] = {
    kind.__name__: kind for kind in (Hello, Beat, Status, Sighting, Verdict, Portrait, Preview, Ended, Watch, Stop)
}
_BYTES = {"Sighting": "payload", "Portrait": "jpeg", "Preview": "jpeg"}


def encode(message: Message) -> bytes:
    """The bytes of one message, for ``multiprocessing.connection.Connection.send_bytes``."""
    kind = type(message).__name__
    values = asdict(message)
    blob = values.pop(_BYTES[kind]) if kind in _BYTES else b""
    return json.dumps({"kind": kind, **values}, separators=(",", ":")).encode() + b"\0" + blob


def decode(data: bytes) -> Message:
    """The message that ``encode`` wrote.

    Raises:
        ValueError: the bytes are no message of this version.
    """
    header, _, blob = data.partition(b"\0")
    try:
        values = json.loads(header)
        kind = values.pop("kind")
        if kind in _BYTES:
            values[_BYTES[kind]] = blob
        if "corners" in values:
            values["corners"] = tuple((float(x), float(y)) for x, y in values["corners"])
        if "checks" in values:
            values["checks"] = tuple(Check(**check) for check in values["checks"])
        message: Message = _KINDS[kind](**values)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ValueError(f"not a message of the vision pipe: {header[:80]!r}") from error
    return message
