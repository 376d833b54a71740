"""The list of restarts: of the gate by its watchdog, its supervisor or an order, and of the vision process.

One entry is one line: local time, kind, cause, and in brackets the same instant for machines. What belongs to an entry
(stacks, a failure) is indented below it. The list is also the memory of the budget of restarts: it survives them.
Owns its file and keeps it short.
"""

import logging
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import tzinfo
from pathlib import Path
from typing import Literal

from attendance.clock import Clock, from_rfc3339, rfc3339

log = logging.getLogger(__name__)

Kind = Literal["watchdog restart", "vision replaced", "unclean end", "ordered restart"]

_INDENT = "    "
_FAILED = f"{_INDENT}failed: "
_DROPPED = "# older entries dropped: "
_LONGEST_CAUSE = 500
_LONGEST_DETAIL = 20_000
_LONGEST_FILE = 512 * 1024
"""Above it, the older half goes."""
_ENTRY = re.compile(
    r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\S* (?P<kind>[a-z]+ [a-z]+): .*"
    r" \[boot (?P<boot>\S+) at (?P<second>[\d.]+) s, (?P<utc>\S+Z)\]"
)


@dataclass(frozen=True, slots=True)
class _Read:
    """What a state of the file (its size and change time) says."""

    state: tuple[int, int]
    count: int
    attempts: tuple[re.Match[str], ...]


class RestartLog:
    """The restarts so far. Any thread may use it; a disk that refuses is logged and costs the entry only.

    Args:
        path: the file; it and its folder are made when they are needed.
        zone: in which the lines' times are.
    """

    def __init__(self, path: Path, clock: Clock, zone: tzinfo) -> None:
        self.path = path
        self._clock = clock
        self._zone = zone
        self._lock = threading.Lock()
        self._read: _Read | None = None

    def make(self) -> None:
        """Make the file, so that whoever follows it finds it before there is an entry."""
        self._write("")

    def append(self, kind: Kind, cause: str, detail: str = "") -> None:
        """Enter a restart. ``detail`` may have many lines, as the stacks of all threads."""
        now = self._clock.now()
        machine = f"[boot {now.boot_id[:8]} at {now.boot_ns / 1e9:.1f} s, {rfc3339(now.at)}]"
        local = now.at.astimezone(self._zone).strftime("%Y-%m-%dT%H:%M:%S")
        self._write(f"{local} {kind}: {' '.join(cause.split())[:_LONGEST_CAUSE]} {machine}\n{_indented(detail)}")

    def note(self, text: str) -> None:
        """Write lines that are no entry of their own."""
        self._write(_indented(text))

    def failed(self, error: str) -> None:
        """The newest watchdog restart did not happen: it counts neither as a restart nor in the budget."""
        self._write(f"{_FAILED}{' '.join(error.split())[:_LONGEST_CAUSE]}\n")

    def count(self) -> int:
        """How many restarts there were, those that have since been dropped from the file included."""
        return self._now_read().count

    def watchdog_restart_ages_s(self) -> list[float]:
        """How long ago each restart by the watchdog was, newest first; at least so long after a reboot."""
        return sorted(self._age_s(entry) for entry in self._now_read().attempts)

    def _age_s(self, entry: re.Match[str]) -> float:
        now = self._clock.now()
        since_boot_s = now.boot_ns / 1e9
        if entry["boot"] == now.boot_id[:8]:
            return since_boot_s - float(entry["second"])
        return max(since_boot_s, (now.at - from_rfc3339(entry["utc"])).total_seconds())

    def _now_read(self) -> _Read:
        with self._lock:
            try:
                stat = self.path.stat()
                state = (stat.st_size, stat.st_mtime_ns)
                if self._read is None or self._read.state != state:
                    lines = self.path.read_text(encoding="utf-8", errors="replace").splitlines()
                    self._read = _Read(state, _count(lines), tuple(_attempts(lines)))
            except FileNotFoundError:
                self._read = _Read((0, 0), 0, ())
            except OSError as error:
                log.error("%s cannot be read: %s", self.path, error.strerror)
                return self._read or _Read((0, 0), 0, ())
            return self._read

    def _write(self, text: str) -> None:
        with self._lock:
            try:
                self.path.parent.mkdir(parents=True, exist_ok=True)
                with self.path.open("a", encoding="utf-8", errors="replace") as file:
                    file.write(text)
                    too_long = file.tell() > _LONGEST_FILE
                if too_long:
                    self._shorten()
            except OSError as error:
                log.error("%s cannot be written: %s", self.path, error.strerror)

    def _shorten(self) -> None:
        lines = self.path.read_text(encoding="utf-8", errors="replace").splitlines(keepends=True)
        kept, size = len(lines), 0
        for number in range(len(lines) - 1, -1, -1):
            size += len(lines[number].encode())
            if size > _LONGEST_FILE // 2:
                break
            if not lines[number].startswith(_INDENT):
                kept = number
        shorter = self.path.with_name(self.path.name + ".new")
        shorter.write_text(f"{_DROPPED}{_count(lines[:kept])}\n{''.join(lines[kept:])}", encoding="utf-8")
        shorter.replace(self.path)


def _indented(text: str) -> str:
    lines = text.encode("utf-8", errors="replace")[:_LONGEST_DETAIL].decode(errors="ignore").splitlines()
    return "".join(f"{_INDENT}{line}\n" for line in lines)


def _count(lines: list[str]) -> int:
    total = 0
    for line in lines:
        if line.startswith(_DROPPED):
            total += int(line.removeprefix(_DROPPED).strip() or 0)
        elif line.startswith(_FAILED):
            total -= 1
        elif line.strip() and not line.startswith((_INDENT, "#")):
            total += 1
    return max(0, total)


def _attempts(lines: list[str]) -> Iterator[re.Match[str]]:
    """The watchdog restarts that did not fail."""
    newest: re.Match[str] | None = None
    for line in lines:
        if line.startswith(_FAILED):
            newest = None
        elif (entry := _ENTRY.fullmatch(line)) and entry["kind"] == "watchdog restart":
            if newest is not None:
                yield newest
            newest = entry
    if newest is not None:
        yield newest
