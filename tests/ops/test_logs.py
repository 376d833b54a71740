"""Log files: they rotate, stay bounded, and a full disk stops nobody."""

import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from attendance.clock import ManualClock
from attendance.errors import StorageError
from attendance.ops import logs
from attendance.ops.logs import LogKeeper, bound, expire, log_to

NOW = datetime(2026, 6, 8, 12, tzinfo=UTC)
FULL = Path("/dev/full")


@pytest.fixture
def root() -> Iterator[logging.Logger]:
    """The root logger, given back as it was."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield root
    for handler in set(root.handlers) - set(handlers):
        root.removeHandler(handler)
        handler.close()
    root.setLevel(level)


def aged(path: Path, days: float) -> Path:
    path.write_text("old\n")
    at = (NOW - timedelta(days=days)).timestamp()
    os.utime(path, (at, at))
    return path


def test_the_log_file_rotates(tmp_path: Path, root: logging.Logger, monkeypatch: pytest.MonkeyPatch) -> None:
    """It never grows past its size, and only so many old ones stay."""
    monkeypatch.setattr(logs, "_FILE_BYTES", 1000)
    log_to(tmp_path, "INFO")
    for number in range(200):
        logging.getLogger("gate").info("line %d of a long day at the gate", number)
    files = sorted(tmp_path.iterdir())
    assert [file.name for file in files] == ["attendance.log", *(f"attendance.log.{n}" for n in range(1, 6))]
    assert all(file.stat().st_size <= 1000 for file in files)


def test_a_full_disk_loses_lines_and_nothing_else(
    tmp_path: Path, root: logging.Logger, capfd: pytest.CaptureFixture[str]
) -> None:
    """Lines that cannot be written raise nothing, print no stack, and still reach standard error; with room the file
    goes on."""
    (tmp_path / "attendance.log").symlink_to(FULL)
    log_to(tmp_path, "INFO")
    for number in range(3):
        logging.getLogger("gate").warning("full here %d", number)
    seen = capfd.readouterr().err
    assert [line.partition(": ")[2] for line in seen.splitlines()] == ["full here 0", "full here 1", "full here 2"]
    (tmp_path / "attendance.log").unlink()
    logging.getLogger("gate").warning("room again")
    assert (tmp_path / "attendance.log").read_text().endswith("room again\n")


def test_a_folder_that_may_not_be_written_is_an_error(tmp_path: Path, root: logging.Logger) -> None:
    """A mistake of the configuration stops the start with what to do."""
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match=r"logging\.log_dir"):
        log_to(tmp_path / "file" / "logs", "INFO")


def test_a_child_s_log_is_bounded_while_it_writes(tmp_path: Path) -> None:
    """The writer goes on in the same file, which begins anew; the newest lines are kept beside it."""
    path = tmp_path / "vision.log"
    writer = subprocess.Popen(
        [sys.executable, "-c", "import sys\nfor line in sys.stdin: print(line, end='', file=sys.stderr, flush=True)"],
        stdin=subprocess.PIPE,
        stderr=path.open("ab"),
        text=True,
    )
    writer.stdin.write("old " * 500 + "newest\n")
    writer.stdin.flush()
    while path.stat().st_size < 2007:
        assert writer.poll() is None
    bound(path, 1000)
    assert path.stat().st_size == 0
    assert (tmp_path / "vision.log.1").read_text().endswith("old newest\n")
    assert (tmp_path / "vision.log.1").stat().st_size == 1000
    writer.communicate("after\n")
    assert path.read_text() == "after\n"


def test_a_small_or_missing_log_is_left_alone(tmp_path: Path) -> None:
    """Nothing happens below the limit."""
    (tmp_path / "vision.log").write_text("short\n")
    bound(tmp_path / "vision.log", 6)
    bound(tmp_path / "none.log", 6)
    assert [file.name for file in tmp_path.iterdir()] == ["vision.log"]


def test_old_rotated_logs_go(tmp_path: Path) -> None:
    """Only rotated ones, only those older than their days."""
    for name, days in (("attendance.log.1", 6.9), ("attendance.log.2", 7.1), ("vision.log.1", 30), ("notes.txt", 99)):
        aged(tmp_path / name, days)
    aged(tmp_path / "watchdog_restarts.log", 99)
    assert expire(tmp_path, NOW - timedelta(days=7)) == 2
    assert {file.name for file in tmp_path.iterdir()} == {"attendance.log.1", "notes.txt", "watchdog_restarts.log"}


def test_nothing_goes_by_an_untrusted_clock(tmp_path: Path) -> None:
    """A gate that thinks it is years later deletes no log until it knows."""
    old = aged(tmp_path / "attendance.log.1", 8)
    clock = ManualClock(NOW, trusted=False)
    keeper = LogKeeper(tmp_path, [], 7, clock)
    keeper.step()
    assert old.exists()
    clock.trusted = True
    keeper.step()
    assert not old.exists()
