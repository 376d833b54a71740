"""The records that the photos keep of their own scans, for the day on which the ledger has lost them.

Each JPEG has a comment segment: ``attendance/1 SCAN_ID EPOCH SEQ STUDENT_KEY DIRECTION TIME``, written by
``kiosk/station.py``.
"""

import os
import re
from collections.abc import Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from attendance.domain.scan import Direction

_START = b"\xff\xd8"
_COMMENT = 0xFE
_SCAN_DATA = 0xDA
_HEAD_BYTES = 1 << 16
"""The comment stands right behind the start; a segment has at most 64 KiB."""
_EARLY = "-early"
_PATTERN = re.compile(
    r"attendance/1 ([0-9a-f-]{36}) ([0-9a-f]{1,64}) ([0-9]{1,18}) ([0-9a-f]{1,64}) (in|out) (\S{1,40})"
)


@dataclass(frozen=True, slots=True)
class PhotoRecord:
    """A scan as its photo tells it.

    Attributes:
        path: relative to the data directory.
        day: the day that the scan belongs to, from the folder.
        at: when the card was read, aware.
    """

    path: str
    scan_id: str
    epoch: str
    seq: int
    student_key: str
    direction: Direction
    day: date
    at: datetime


def sizes(data_dir: Path) -> dict[str, dict[str, int]]:
    """Every photo there is: folder (relative to the data directory) to file name to bytes."""
    found = {}
    for folder in sorted((data_dir / "photos").glob("*/")):
        with suppress(OSError), os.scandir(folder) as entries:  # a folder may go while it is looked at
            found[f"photos/{folder.name}"] = {e.name: e.stat().st_size for e in entries if e.name.endswith(".jpg")}
    return found


def by_scan(data_dir: Path) -> dict[str, Path]:
    """Scan id to its photo, as the files are named; the final one where there is an early one too."""
    photos = sorted((data_dir / "photos").glob("*/*.jpg"), key=lambda photo: not photo.stem.endswith(_EARLY))
    return {photo.stem.removesuffix(_EARLY): photo for photo in photos}


def missing(data_dir: Path, known: Collection[str]) -> list[PhotoRecord]:
    """The records of all photos whose scan is not ``known``, in the order of time; each scan once."""
    found = [
        record
        for scan_id, photo in by_scan(data_dir).items()
        if scan_id not in known and (record := read(photo, data_dir)) is not None and record.scan_id == scan_id
    ]
    return sorted(found, key=lambda each: (each.at, each.epoch, each.seq))


def read(photo: Path, data_dir: Path) -> PhotoRecord | None:
    """The record in a photo; ``None`` if there is none that makes sense."""
    try:
        with photo.open("rb") as file:
            head = file.read(_HEAD_BYTES)
        day = date.fromisoformat(photo.parent.name)
    except (OSError, ValueError):
        return None
    for comment in _comments(head):
        match = _PATTERN.fullmatch(comment.decode("ascii", errors="replace"))
        if match is None:
            continue
        scan_id, epoch, seq, student_key, direction, time = match.groups()
        try:
            at = datetime.fromisoformat(time)
        except ValueError:
            continue
        if at.tzinfo is not None:
            path = str(photo.relative_to(data_dir))
            return PhotoRecord(path, scan_id, epoch, int(seq), student_key, Direction(direction), day, at)
    return None


def _comments(jpeg: bytes) -> Iterator[bytes]:
    """The comment segments before the picture itself (ITU-T T.81, B.1.1.4)."""
    if not jpeg.startswith(_START):
        return
    at = len(_START)
    while at + 4 <= len(jpeg) and jpeg[at] == 0xFF and jpeg[at + 1] != _SCAN_DATA:
        length = int.from_bytes(jpeg[at + 2 : at + 4], "big")
        if length < 2:
            return
        if jpeg[at + 1] == _COMMENT:
            yield jpeg[at + 4 : at + 2 + length]
        at += 2 + length
