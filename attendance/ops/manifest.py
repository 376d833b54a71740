"""The manifest of a backup: a JSON file beside it that proves every byte of both.

What lies outside the database, as its photos, is not in a backup; a list of it is, in a file of its own, because it may
be longer than the database and manifests are read often.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from attendance.clock import Moment, from_rfc3339, rfc3339
from attendance.errors import AttendanceError

FORMAT = "attendance-backup/1"


class BadBackup(AttendanceError):
    """A file is not a whole, verified backup."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """What is known of a backup, written when it was made.

    Attributes:
        number: one more than that of the backup before: the order of backups, whatever the clock said.
        kind: why it was made, as ``hourly``.
        created_at: RFC 3339, UTC; true only if ``clock_trusted``.
        boot_id, boot_ns: the same instant in boot time.
        source: the file that was copied.
        integrity: whether SQLite's integrity check was run and passed.
        facts: what the database held, for its owner to compare; plain JSON without fractions.
        files: how many files there were that the database speaks of, and how large, by folder: ``count`` and ``bytes``.
        list_sha256: of the list of those files (see ``list_of``); empty if there were none.
    """

    number: int
    kind: str
    created_at: str
    clock_trusted: bool
    boot_id: str
    boot_ns: int
    program: str
    source: str
    size_bytes: int
    sha256: str
    integrity: bool
    facts: Mapping[str, Any]
    files: Mapping[str, Mapping[str, int]]
    list_sha256: str

    @property
    def made(self) -> Moment:
        """When it was made, as the machine knew it."""
        return Moment(from_rfc3339(self.created_at), self.boot_id, self.boot_ns, self.clock_trusted)


@dataclass(frozen=True, slots=True)
class FileList:
    """The files that a database speaks of.

    Attributes:
        content: folder to name to bytes, as JSON; empty if there are none.
    """

    content: bytes
    totals: Mapping[str, Mapping[str, int]]

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.content).hexdigest() if self.content else ""


def listed(files: Mapping[str, Mapping[str, int]]) -> FileList:
    """The list of files.

    Args:
        files: folder to name to bytes.
    """
    if not any(files.values()):
        return FileList(b"", {})
    totals = {folder: {"count": len(each), "bytes": sum(each.values())} for folder, each in files.items()}
    return FileList(json.dumps(files, separators=(",", ":")).encode() + b"\n", totals)


def path_of(backup: Path) -> Path:
    """Where the manifest of a backup lies."""
    return backup.with_name(backup.name + ".json")


def list_of(backup: Path) -> Path:
    """Where the list of the files that belong to a backup lies. It tells what is missing; no restore needs it."""
    return backup.with_name(backup.name + ".photos.json")


def render(manifest: Manifest) -> bytes:
    """The bytes of a manifest: one member a line, the last one the SHA-256 of all before it."""
    members = {"format": FORMAT, **asdict(manifest)}
    body = "{\n" + ",\n".join(f" {json.dumps(name)}: {json.dumps(value)}" for name, value in members.items())
    return f'{body},\n "checksum": "{hashlib.sha256(body.encode()).hexdigest()}"\n}}\n'.encode()


def read(backup: Path) -> Manifest:
    """The manifest beside a backup.

    Raises:
        BadBackup: there is none, or a byte of it is not as it was written.
    """
    path = path_of(backup)
    try:
        raw = path.read_bytes()
    except FileNotFoundError as error:
        raise BadBackup(
            f"{str(backup)!r} has no manifest beside it ({path.name}), so nothing proves that it is whole. "
            "Copy backups together with their .json files."
        ) from error
    except OSError as error:
        raise BadBackup(f"The manifest {str(path)!r} cannot be read ({error.strerror}).") from error
    manifest = _parsed(raw)
    if manifest is None or render(manifest) != raw:
        raise BadBackup(f"The manifest {str(path)!r} is damaged. Use another backup.")
    return manifest


def _parsed(raw: bytes) -> Manifest | None:
    try:
        members = json.loads(raw)
        values = {field.name: members[field.name] for field in fields(Manifest)}
        manifest = Manifest(**values)
        from_rfc3339(manifest.created_at)
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
    numbers = (manifest.number, manifest.boot_ns, manifest.size_bytes)
    plain = (
        all(type(each) is int for each in numbers)
        and isinstance(manifest.facts, dict)
        and isinstance(manifest.files, dict)
        and isinstance(manifest.list_sha256, str)
    )
    return manifest if plain else None


def created(when: Moment) -> dict[str, Any]:
    """The members of a manifest that say when it was made."""
    return {
        "created_at": rfc3339(when.at),
        "clock_trusted": when.trusted,
        "boot_id": when.boot_id,
        "boot_ns": when.boot_ns,
    }
