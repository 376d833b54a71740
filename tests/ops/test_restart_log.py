"""The list of restarts and the marker of a run: what is known of earlier ends."""

import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from attendance.clock import ManualClock
from attendance.errors import StorageError
from attendance.ops import restart_log
from attendance.ops.restart_log import RestartLog
from attendance.ops.run_marker import RunMarker

AT = datetime(2026, 6, 8, 7, 30, tzinfo=UTC)
NowLog = Callable[..., RestartLog]


@pytest.fixture
def clock() -> ManualClock:
    clock = ManualClock(AT, boot_id="aaaaaaaa-1")
    clock.advance(1000)
    return clock


@pytest.fixture
def entries(tmp_path: Path, clock: ManualClock) -> RestartLog:
    return RestartLog(tmp_path / "logs" / "restarts.log", clock, ZoneInfo("Asia/Manila"))


def test_entries_are_counted_and_their_details_are_not(entries: RestartLog) -> None:
    """One line an entry; stacks and notes below it are indented, whatever they contain."""
    assert entries.count() == 0
    entries.append("vision replaced", "silent for\n12.0 s", "2026-06-08T07:00:00 watchdog restart: not an entry\n\nend")
    entries.note("2026-06-08T07:00:00 no entry either")
    entries.append("unclean end", "the power was lost")
    assert entries.count() == 2
    lines = entries.path.read_text().splitlines()
    assert lines[0].startswith("2026-06-08T15:46:40 vision replaced: silent for 12.0 s [")
    assert [line for line in lines if not line.startswith("    ")] == [lines[0], lines[-1]]


def test_lines_of_another_hand_count_too(entries: RestartLog) -> None:
    """A log that was there before, or that a person wrote in, is no error."""
    entries.path.parent.mkdir()
    entries.path.write_bytes(b"2025-12-10 15:30:00 - RESTART\nnoise \xff\n\n")
    entries.append("unclean end", "x")
    assert entries.count() == 3
    assert entries.watchdog_restart_ages_s() == []


def test_the_age_of_a_restart_does_not_know_wall_time_within_a_boot(entries: RestartLog, clock: ManualClock) -> None:
    """A clock that is set right changes no budget."""
    entries.append("watchdog restart", "main silent")
    entries.append("vision replaced", "does not count here")
    clock.advance(60)
    clock.step(-7200)
    assert entries.watchdog_restart_ages_s() == [pytest.approx(60, abs=0.1)]


@pytest.mark.parametrize(("wall_s", "age_s"), [(600, 600), (-3600, 100), (0, 100)])
def test_after_a_reboot_it_is_at_least_as_old_as_the_boot(
    entries: RestartLog, tmp_path: Path, wall_s: float, age_s: float
) -> None:
    """Without a clock chip wall time may have stood still or gone back; the boot itself has passed."""
    entries.append("watchdog restart", "main silent")
    later = ManualClock(AT, boot_id="bbbbbbbb-2")
    later.advance(100)
    later.step(1000 + wall_s - 100)
    again = RestartLog(entries.path, later, ZoneInfo("Asia/Manila"))
    assert again.watchdog_restart_ages_s() == [pytest.approx(age_s, abs=0.1)]


def test_a_failed_restart_is_neither_counted_nor_in_the_budget(entries: RestartLog) -> None:
    """Only the newest one is meant."""
    entries.append("watchdog restart", "one")
    entries.append("watchdog restart", "two", "stack")
    entries.failed("exit code 1")
    assert entries.count() == 1
    assert len(entries.watchdog_restart_ages_s()) == 1


def test_the_file_stays_short_and_the_count_true(entries: RestartLog) -> None:
    """Years of restarts fit on the card; how many there were is not forgotten."""
    for number in range(200):
        entries.append("watchdog restart", f"number {number}", "stack\n" * 1000)
    assert entries.path.stat().st_size <= restart_log._LONGEST_FILE + 10_000
    assert entries.count() == 200
    assert "number 199" in entries.path.read_text()
    assert all(line.startswith(("    ", "2026-", "# older")) for line in entries.path.read_text().splitlines())


def test_a_disk_that_refuses_costs_the_entry_only(tmp_path: Path, clock: ManualClock) -> None:
    """A file where the folder should be: logged, not raised."""
    (tmp_path / "logs").write_text("")
    entries = RestartLog(tmp_path / "logs" / "restarts.log", clock, ZoneInfo("Asia/Manila"))
    entries.append("unclean end", "x")
    assert entries.count() == 0


KILLED = """
import os, sys
from pathlib import Path
from attendance.clock import SystemClock
from attendance.ops.run_marker import RunMarker
marker = RunMarker(Path(sys.argv[1]), SystemClock())
with marker:
    print(repr(marker.begin()))
    sys.stdout.flush()
    exec(sys.argv[2])
"""


def ended(folder: Path, how: str) -> str:
    """What a process, that then ends in this way, found of the one before."""
    done = subprocess.run(
        [sys.executable, "-c", KILLED, str(folder), how],
        capture_output=True,
        text=True,
        check=False,
        env={"PYTHONPATH": str(Path(__file__).parents[2])},
    )
    return done.stdout.strip()


@pytest.mark.parametrize("how", ["os.kill(os.getpid(), 9)", "os._exit(1)", "raise RuntimeError", "sys.exit(1)"])
def test_an_end_that_nobody_asked_for_is_found_at_the_next_start(tmp_path: Path, how: str) -> None:
    """A kill, a crash, an exception: each is told once."""
    assert ended(tmp_path, how) == "''"
    assert "ended without stopping: it crashed, or was killed" in ended(tmp_path, "pass")
    assert ended(tmp_path, "pass") == "''"


def test_an_end_that_the_watchdog_entered_is_not_told_again(tmp_path: Path) -> None:
    """It ran the restart command, which killed it: one restart, one entry."""
    ended(tmp_path, "marker.expect_end(); os._exit(1)")
    assert ended(tmp_path, "marker.expect_end(); marker.go_on(); os._exit(1)") == "''"
    assert "ended without stopping" in ended(tmp_path, "pass")


def test_a_reboot_is_told_from_a_kill(tmp_path: Path, clock: ManualClock) -> None:
    """Another boot: the power was lost."""
    RunMarker(tmp_path, clock).begin()
    assert "power was lost" in RunMarker(tmp_path, ManualClock(AT, boot_id="other")).begin()


def test_a_half_written_marker_is_an_unclean_end_too(tmp_path: Path, clock: ManualClock) -> None:
    """A power cut may leave anything in it."""
    (tmp_path / ".running").write_bytes(b"\x00\xff{")
    assert "ended without stopping" in RunMarker(tmp_path, clock).begin()


def test_a_refused_start_is_clean_and_does_not_touch_what_is_not_its_own(tmp_path: Path, clock: ManualClock) -> None:
    """A second gate on the directory, which ends at the lock, must not remove the first one's marker."""
    first = RunMarker(tmp_path, clock)
    first.begin()
    with pytest.raises(StorageError), RunMarker(tmp_path, clock):
        raise StorageError("held")
    assert (tmp_path / ".running").exists()
    with pytest.raises(StorageError), first:
        raise StorageError("no disk")
    assert not (tmp_path / ".running").exists()
