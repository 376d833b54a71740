"""Logs that gates have sent because somebody asked for them: ``<folder>/<school_id>/<command_id>.gz``."""

from pathlib import Path

from attendance.clock import Clock
from attendance.domain.contact import LARGEST_LOG_BYTES
from attendance.errors import BadInput, StorageError
from attendance.ops.files import write_atomically

KEPT_S = 30 * 86_400
"""They are for the person who asked, and hold what gates did in a school."""
_GZIP = b"\x1f\x8b"


class LogStore:
    """Keeps packed logs in a folder; ids come from the database and so are no paths."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def keep(self, school_id: str, command_id: str, packed: bytes) -> int:
        """Keep the logs that answer a command, in the place of earlier ones; how many bytes they are.

        Raises:
            BadInput: they are not gzip, or too long.
            StorageError: the disk refused.
        """
        if not packed.startswith(_GZIP) or len(packed) > LARGEST_LOG_BYTES:
            raise BadInput(f"Send the logs packed with gzip, at most {LARGEST_LOG_BYTES} bytes.")
        write_atomically(self._file(school_id, command_id), packed, mode=0o640)
        return len(packed)

    def read(self, school_id: str, command_id: str) -> bytes | None:
        """The packed logs, or ``None`` if they are not here."""
        try:
            return self._file(school_id, command_id).read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StorageError(f"The logs of the command {command_id} cannot be read ({error.strerror}).") from error

    def has(self, school_id: str, command_id: str) -> bool:
        """Whether the logs are here."""
        return self._file(school_id, command_id).is_file()

    def forget_old(self, clock: Clock) -> int:
        """Delete those older than ``KEPT_S``; how many that were."""
        latest, forgotten = clock.now().at.timestamp() - KEPT_S, 0
        try:
            for file in self._folder.glob("*/*.gz"):
                if file.stat().st_mtime < latest:
                    file.unlink(missing_ok=True)
                    forgotten += 1
        except OSError as error:
            raise StorageError(f"Old logs in {str(self._folder)!r} cannot be deleted ({error.strerror}).") from error
        return forgotten

    def _file(self, school_id: str, command_id: str) -> Path:
        return self._folder / school_id / f"{command_id}.gz"
