"""The documented list of the files in the backup folder."""

from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from attendance.ops.shelf import Shelf

_MB = 1e6


def rows(shelf: Shelf, zone: ZoneInfo) -> list[dict[str, Any]]:
    """The backups, the newest first, then files of that name without a sound manifest. Times are the school's."""
    known = shelf.backups()
    found = []
    for each in known:
        with suppress(OSError):  # it may have just gone
            found.append(_row(each.path, each.manifest.kind, each.manifest.made.at, zone, verified=True))
    for path in sorted(set(shelf.files()) - {each.path for each in known}, reverse=True):
        with suppress(OSError):
            written = datetime.fromtimestamp(path.stat().st_mtime, UTC)
            found.append(_row(path, "unknown", written, zone, verified=False))
    return found


def _row(path: Path, kind: str, at: datetime, zone: ZoneInfo, *, verified: bool) -> dict[str, Any]:
    size = path.stat().st_size
    return {
        "filename": path.name,
        "path": str(path),
        "size_bytes": size,
        "size_mb": round(size / _MB, 2),
        "created": at.astimezone(zone).replace(tzinfo=None).isoformat(timespec="seconds"),
        "created_utc": at.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="seconds") + "Z",
        "kind": kind,
        "verified": verified,
    }
