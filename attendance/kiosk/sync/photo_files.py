"""The photo files of a gate, as they are told of and sent."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from attendance.domain.wire import LARGEST_PHOTO_BYTES
from attendance.kiosk.store.sync_items import Item, PhotoOfScan

_STAYS = "The photo stays at the gate."
_CANNOT_BE_SENT = "The photo cannot be read from the gate's disk, or is too large to be sent."


@dataclass(frozen=True, slots=True)
class PhotoFile:
    """A whole JPEG file that can be sent."""

    content: bytes

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.content).hexdigest()


class PhotoFiles:
    """Reads photos.

    Args:
        data_dir: paths in the ledger are relative to it.
        leave: whether pictures may leave the gate.
    """

    def __init__(self, data_dir: Path, *, leave: bool) -> None:
        self._data_dir = data_dir
        self.leave = leave

    def item(self, photo: PhotoOfScan) -> Item:
        """What the centre is told of a scan's photo."""
        sha256, size_bytes, reason = None, 0, photo.reason
        if photo.path is not None and not self.leave:
            reason = _STAYS
        elif photo.path is not None:
            found = self.read(photo.path)
            if found is None:
                reason = _CANNOT_BE_SENT
            else:
                sha256, size_bytes = found.sha256, len(found.content)
        return {
            "type": "photo",
            "scan_id": photo.scan_id,
            "sha256": sha256,
            "size_bytes": size_bytes,
            "reason": reason,
            "score": photo.score,
        }

    def read(self, path: str) -> PhotoFile | None:
        """A photo; ``None`` if there is none that can be sent."""
        try:
            with (self._data_dir / path).open("rb") as file:
                content = file.read(LARGEST_PHOTO_BYTES + 1)
        except OSError:
            return None
        return PhotoFile(content) if 0 < len(content) <= LARGEST_PHOTO_BYTES else None
