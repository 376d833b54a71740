"""A small file that is there while the gate runs: found at a start, it tells of an end that nobody saw."""

import json
import logging
import os
from pathlib import Path
from types import TracebackType
from typing import Any

from attendance.clock import Clock, rfc3339
from attendance.errors import AttendanceError

log = logging.getLogger(__name__)


class RunMarker:
    """Owns ``.running`` in the data directory, from ``begin`` until a clean end.

    As a context manager it encloses the whole run: an end that was asked for, or that is explained to a person by an
    ``AttendanceError``, is clean; any other exception leaves the file, as a kill or a power cut does.
    """

    def __init__(self, data_dir: Path, clock: Clock) -> None:
        self._path = data_dir / ".running"
        self._clock = clock
        self._ours = False

    def begin(self) -> str:
        """Mark the run. How the run before ended, if not cleanly and not by its own watchdog; else empty.

        Call it with the data directory's lock held.
        """
        cause = self._unseen_end()
        self._write(expected=False)
        self._ours = True
        return cause

    def expect_end(self) -> None:
        """The watchdog restarts the gate and has entered it: an end from here on needs no further word."""
        if self._ours:
            self._write(expected=True)

    def go_on(self) -> None:
        """The restart that was expected is no longer needed."""
        if self._ours:
            self._write(expected=False)

    def clear(self) -> None:
        if self._ours:
            self._ours = False
            self._path.unlink(missing_ok=True)

    def __enter__(self) -> "RunMarker":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None or issubclass(kind, AttendanceError):
            self.clear()

    def _unseen_end(self) -> str:
        try:
            text = self._path.read_text(encoding="utf-8", errors="replace")
        except FileNotFoundError:
            return ""
        except OSError as error:
            log.error("%s cannot be read: %s", self._path, error.strerror)
            return ""
        earlier = _parsed(text)
        if earlier.get("expected"):
            return ""
        if earlier.get("boot_id") == self._clock.boot_id:
            return f"process {earlier.get('pid')} ended without stopping: it crashed, or was killed by the supervisor"
        return "ended without stopping: the power was lost, or the machine restarted"

    def _write(self, expected: bool) -> None:
        now = self._clock.now()
        facts = {"pid": os.getpid(), "boot_id": now.boot_id, "written": rfc3339(now.at), "expected": expected}
        new = self._path.with_name(self._path.name + ".new")
        try:
            with new.open("w", encoding="utf-8") as file:
                json.dump(facts, file)
                file.flush()
                os.fsync(file.fileno())
            new.replace(self._path)
        except OSError as error:
            log.error("%s cannot be written: %s", self._path, error.strerror)


def _parsed(text: str) -> dict[str, Any]:
    """The facts; none of a file that a power cut left half written."""
    try:
        facts = json.loads(text)
    except ValueError:
        return {}
    return facts if isinstance(facts, dict) else {}
