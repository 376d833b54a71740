"""The watchdog: deadlines, the restart command, its budget, and what follows when it fails."""

import itertools
import json
import os
import signal
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from nobody import NOBODY, as_nobody, needs_root

from attendance.clock import ManualClock, boot_ns
from attendance.ops.service import Service
from attendance.ops.watchdog import WatchdogTimer

Eventually = Callable[..., None]
MANILA = ZoneInfo("Asia/Manila")
AT = datetime(2026, 6, 8, 7, 30, tzinfo=UTC)


class Bench:
    """A watchdog on a clock of its own, stepped by hand; its restart command adds a line to a file."""

    def __init__(self, folder: Path, command: str | None = None, per_hour: int = 4) -> None:
        self.folder = folder
        self.clock = ManualClock(AT - timedelta(seconds=100))
        self.clock.advance(100)
        self.expected: list[bool] = []
        self.timer = self.make(command, per_hour)

    def make(self, command: str | None = None, per_hour: int = 4) -> WatchdogTimer:
        """A watchdog as the restarted process makes it: on the same log."""
        return WatchdogTimer(
            30,
            f"sh -c 'echo restart >> {self.folder}/restarts'" if command is None else command,
            True,
            self.folder / "logs" / "watchdog_restarts.log",
            restarts_per_hour=per_hour,
            zone=MANILA,
            clock=self.clock,
            before_restart=lambda: self.expected.append(True),
            not_restarted=lambda: self.expected.append(False),
        )

    def run(self, seconds: float, timer: WatchdogTimer | None = None, *, beating: bool = False) -> None:
        """Let time pass as the thread would see it: every rest is slept exactly."""
        timer = timer or self.timer
        until = self.clock.boot_ns() + round(seconds * 1e9)
        while self.clock.boot_ns() < until:
            if beating:
                timer.heartbeat()
            rest_s = timer.step()
            time.sleep(0.002 if rest_s <= 0.2 else 0)  # a running command lives in real time
            self.clock.advance(min(rest_s, max(1e-9, (until - self.clock.boot_ns()) / 1e9)))

    @property
    def restarts(self) -> int:
        path = self.folder / "restarts"
        return path.read_text().count("restart") if path.exists() else 0

    @property
    def log(self) -> str:
        path = self.timer.restarts.path
        return path.read_text() if path.exists() else ""


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    return Bench(tmp_path)


@pytest.fixture
def supervisor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    """What systemd would read."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.bind(str(tmp_path / "notify"))
        sock.setblocking(False)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        yield sock


def test_a_loop_that_beats_is_left_alone(bench: Bench) -> None:
    """An hour of work: nothing is restarted, nothing is written."""
    bench.run(3600, beating=True)
    assert (bench.restarts, bench.log, bench.timer.problems) == (0, "", ())


def test_a_silent_loop_is_restarted_at_its_deadline_with_cause_and_stacks(bench: Bench, eventually: Eventually) -> None:
    """Not before, not a poll later; the log says in school time what was silent, and where every thread was."""
    bench.run(29.9)
    bench.timer.step()
    assert bench.log == ""
    bench.run(0.2)
    eventually(lambda: bench.restarts == 1)
    first, *rest = bench.log.splitlines()
    assert first.startswith('2026-06-08T15:30:30 watchdog restart: main silent for 30.0 s; running "sh -c')
    assert all(line.startswith("    ") for line in rest)
    assert "test_a_silent_loop_is_restarted" in bench.log
    assert bench.timer.get_status()["total_restarts"] == 1
    assert [problem.code for problem in bench.timer.problems] == ["part-hangs"]
    assert bench.expected == [True]


def test_most_of_the_time_gone_is_a_warning(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    """At 70 %, once."""
    bench.run(20.9)
    assert caplog.text == ""
    bench.run(5)
    assert caplog.text.count("main silent for 2") == 1


@pytest.mark.parametrize("hours", [1, -1])
def test_a_step_of_the_wall_clock_restarts_nothing_and_hides_nothing(bench: Bench, hours: int) -> None:
    """A Pi's clock jumps when the network comes; deadlines do not know wall time."""
    bench.run(20)
    bench.clock.step(hours * 3600)
    bench.run(9.9)
    assert bench.restarts == 0
    bench.run(1)
    assert "silent for 30.0 s" in bench.log


def test_who_was_stopped_with_everybody_else_blames_nobody(bench: Bench) -> None:
    """A suspend or SIGSTOP of the whole process counts for no part, and gives none more than it had left."""
    bench.run(20)
    bench.clock.advance(3600)
    bench.run(4.9)  # up to one rest of the watchdog may not be made up for
    assert bench.log == ""
    bench.run(5.2)
    assert "main silent for 30.0 s" in bench.log


def test_who_was_heard_after_a_stop_has_no_more_time_than_others(bench: Bench) -> None:
    """An hour in which a part could not show life is no reserve for later."""
    bench.run(25)
    bench.clock.advance(3600)
    bench.timer.heartbeat()
    bench.run(29.9)
    assert bench.log == ""
    bench.run(0.2)
    assert "main silent for 30.0 s" in bench.log


@pytest.mark.parametrize("every", [1, 3, 10])
def test_a_watchdog_that_often_wakes_late_still_sees_who_is_dead(bench: Bench, every: int) -> None:
    """A busy machine gives it the processor late, ever again: a part gets back what was lost and no more."""
    born, looks = bench.clock.boot_ns(), 0
    bench.timer.watch("writer", 60, lambda: born)
    while not bench.timer.get_status()["stale"]:
        bench.timer.heartbeat()
        bench.clock.advance(bench.timer.step() + (1.5 if looks % every == 0 else 0))
        looks += 1
        assert bench.clock.boot_ns() - born < 120e9
    assert bench.timer.get_status()["stale"] == ["writer"]


def test_every_part_has_its_own_deadline(bench: Bench, eventually: Eventually) -> None:
    """A courier that hangs is seen although the main loop beats; its name is in the cause."""
    bench.timer.watch("sms", 120, lambda: 0)
    bench.timer.watch("sync", 3600, lambda: 1)
    bench.run(119, beating=True)
    assert bench.log == ""
    bench.run(2, beating=True)
    assert "watchdog restart: sms is dead" in bench.log
    assert bench.timer.get_status()["stale"] == ["sms"]


def test_a_part_that_comes_back_ends_the_incident(bench: Bench) -> None:
    """Its problem goes, and the end of the process is no longer expected."""
    bench.run(31)
    bench.run(5, beating=True)
    assert bench.timer.problems == ()
    assert bench.expected == [True, False]
    assert bench.timer.get_status()["stale"] == []


def test_the_budget_outlives_the_restart_and_the_pauses_grow(bench: Bench, eventually: Eventually) -> None:
    """A gate that hangs at once after every start is restarted four times in an hour, ever more slowly; then a person
    is asked for."""
    at = []
    for life in range(4):
        timer = bench.make()
        timer.heartbeat()
        while bench.restarts == life:
            bench.run(1, timer)
        at.append(bench.clock.boot_ns() / 1e9)
    distances = [round(later - earlier) for earlier, later in itertools.pairwise(at)]
    assert distances == [pytest.approx(31, abs=3), pytest.approx(60, abs=3), pytest.approx(120, abs=3)]
    timer = bench.make()
    bench.run(1800, timer)
    assert bench.restarts == 4
    assert [problem.code for problem in timer.problems] == ["restarts-used-up"]
    bench.run(3600, timer)
    assert bench.restarts > 4


def test_a_command_that_fails_is_said_and_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It counts neither as a restart nor in the budget; health says what the command said."""
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    bench = Bench(tmp_path, "sh -c 'echo not allowed >&2; exit 3'")
    bench.run(400)
    failures = bench.log.count("    failed: exit code 3: not allowed")
    assert failures >= 5
    assert bench.log.count("watchdog restart:") == failures
    assert bench.timer.get_status()["total_restarts"] == 0
    [problem] = bench.timer.problems
    assert problem.code == "restart-fails"
    assert "not allowed" in problem.text
    assert bench.timer.vouches


@pytest.mark.parametrize("command", ["/none/restart", "sh -c 'unbalanced"])
def test_a_command_that_cannot_be_run_is_a_failure_like_any_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    """A wrong path or quote in the configuration ends nothing."""
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    bench = Bench(tmp_path, command)
    bench.run(100)
    assert bench.log.count("failed:") >= 3


def test_a_command_that_hangs_is_killed_with_its_children(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, eventually: Eventually
) -> None:
    """After twenty seconds it counts as failed."""
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    bench = Bench(tmp_path, f"sh -c 'sleep 1000 & echo $! > {tmp_path}/pid; wait'")
    bench.run(30.1)
    eventually(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text().strip())
    bench.run(21)
    assert "failed: not done after 20 s" in bench.log
    pid = int((tmp_path / "pid").read_text())
    eventually(lambda: not Path(f"/proc/{pid}").exists() or "Z" in Path(f"/proc/{pid}/stat").read_text().split()[2])


@needs_root
def test_a_command_that_hangs_as_root_does_not_end_the_ladder(supervisor: socket.socket) -> None:
    """sudo cannot be killed from here: it has failed, and after the second time the supervisor is asked."""
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder), f"sh -c 'echo $$ >> {folder}/pids; exec sleep 1000'")
        bench.timer.restarts.make()
        for path in (folder, *Path(folder).rglob("*")):
            os.chown(path, NOBODY, NOBODY)
        try:
            bench.run(30.1)
            with as_nobody():
                bench.run(21)
            bench.run(8)
            with as_nobody():
                bench.run(20)
            assert bench.log.count("failed: not done after 20 s") == 2
            bench.run(10)
        finally:
            for pid in Path(folder, "pids").read_text().split():
                os.kill(int(pid), signal.SIGKILL)
    assert supervisor.recv(100) == b"WATCHDOG=trigger"
    assert not bench.timer.vouches


def test_a_command_of_an_incident_that_is_over_says_nothing_about_the_next(
    bench: Bench, eventually: Eventually
) -> None:
    """It may still run when the part shows life; what it comes to is not the failure of a later restart."""
    timer = bench.make(f"sh -c 'echo $$ >> {bench.folder}/pids; exec sleep 1000'")
    pids = bench.folder / "pids"
    bench.run(30.1, timer)
    bench.run(5, timer, beating=True)
    bench.run(40, timer)
    eventually(lambda: len(pids.read_text().split()) == 2)
    for pid in pids.read_text().split():
        os.kill(int(pid), signal.SIGKILL)
    assert bench.log.count("watchdog restart:") == 2
    assert "failed:" not in bench.log


def test_when_the_command_fails_twice_the_supervisor_is_asked(tmp_path: Path, supervisor: socket.socket) -> None:
    """systemd or the guardian kills and restarts us; to be sure, it is no longer told that we live."""
    bench = Bench(tmp_path, "false")
    bench.run(34)
    assert bench.timer.vouches
    bench.run(20)
    assert supervisor.recv(100) == b"WATCHDOG=trigger"
    assert not bench.timer.vouches
    assert "asking the supervisor" in bench.log
    assert bench.expected[-1]
    assert bench.timer.get_status()["total_restarts"] == 1


def test_a_command_that_changes_nothing_leads_to_the_supervisor(tmp_path: Path, supervisor: socket.socket) -> None:
    """It says that it worked, and we are still here and hang."""
    bench = Bench(tmp_path, "true")
    bench.run(300)
    assert supervisor.recv(100) == b"WATCHDOG=trigger"


def test_without_a_command_the_supervisor_is_asked_at_once(tmp_path: Path, supervisor: socket.socket) -> None:
    """An empty command means: none."""
    bench = Bench(tmp_path, "")
    bench.run(31)
    assert supervisor.recv(100) == b"WATCHDOG=trigger"


def test_with_neither_command_nor_supervisor_a_person_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing can be done, so health says so, and the log once."""
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    bench = Bench(tmp_path, "")
    bench.run(2000)
    assert [problem.code for problem in bench.timer.problems] == ["restart-fails"]
    assert bench.log.count("no restart, ") == 1
    assert bench.timer.get_status()["total_restarts"] == 0


def test_the_status_has_the_documented_fields(bench: Bench) -> None:
    """With true values and plain JSON types."""
    bench.run(3)
    status = bench.timer.get_status()
    assert json.loads(json.dumps(status)) == {
        "enabled": True,
        "running": False,
        "timeout_seconds": 30.0,
        "elapsed_since_heartbeat": 3.0,
        "timeout_percentage": 10.0,
        "last_heartbeat": "2026-06-08T15:30:00",
        "total_restarts": 0,
        "stale": [],
        "supervised": False,
    }


def test_a_watchdog_made_with_no_argument_is_as_configured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Made on a checkout's configuration, wherever the program was started from; it starts and writes nothing."""
    (tmp_path / "config").mkdir()
    config = {"watchdog": {"timeout_seconds": 44, "enabled": False}, "school": {"timezone": "Asia/Tokyo"}}
    (tmp_path / "config/config.json").write_text(json.dumps(config))
    monkeypatch.setenv("ATTENDANCE_HOME", str(tmp_path))
    timer = WatchdogTimer()
    assert (timer.get_status()["timeout_seconds"], timer.get_status()["enabled"]) == (44.0, False)
    assert timer.restarts.path == tmp_path / "data/logs/watchdog_restarts.log"
    timer.start()
    assert timer.get_status()["running"] is False
    assert timer.stop() is True
    assert not (tmp_path / "data").exists()


def test_the_thread_fires_at_the_deadline_and_stops_at_once(tmp_path: Path, eventually: Eventually) -> None:
    """In real time: the command runs just after the deadline, and a stop does not wait for it."""
    timer = WatchdogTimer(0.5, f"sh -c 'touch {tmp_path}/fired; sleep 60'", True, tmp_path / "log", restarts_per_hour=1)
    began = time.monotonic()
    timer.start()
    timer.start()
    eventually((tmp_path / "fired").exists, within_s=5)
    assert 0.5 <= time.monotonic() - began < 1.5
    before = time.monotonic()
    assert timer.stop() is True
    assert timer.stop() is True
    assert time.monotonic() - before < 0.5
    assert timer.get_status()["running"] is False


def test_a_service_whose_step_hangs_is_seen_and_one_that_rests_is_not(tmp_path: Path, eventually: Eventually) -> None:
    """A part that waits an hour for its next work is alive; one that never comes back from a step is not."""

    class Resting:
        def step(self) -> float:
            return 3600.0

    class Hanging:
        release = threading.Event()

        def step(self) -> float:
            self.release.wait(60)
            return 3600.0

    timer = WatchdogTimer(60, "", True, tmp_path / "log", restarts_per_hour=1, zone=MANILA)
    services = [Service("resting", Resting()), Service("hanging", Hanging(), wake=Hanging.release.set)]
    for service in services:
        service.start()
        timer.watch(service.name, 0.5, lambda service=service: service.state.beat_boot_ns)
    timer.start()
    eventually(lambda: timer.get_status()["stale"] == ["hanging"], within_s=5)
    timer.stop()
    for service in services:
        service.stop()
    assert services[0].state.beat_boot_ns == 0 < boot_ns()


def test_a_heartbeat_from_a_signal_handler_or_any_thread_is_cheap_and_safe(bench: Bench) -> None:
    """It takes no lock, so it can never hang the loop that it vouches for."""
    done = threading.Event()
    previous = signal.signal(signal.SIGALRM, lambda *_: (bench.timer.heartbeat(), done.set()))
    signal.setitimer(signal.ITIMER_REAL, 0.005)
    while not done.is_set():
        bench.timer.heartbeat()
        bench.timer.get_status()
    signal.signal(signal.SIGALRM, previous)
    assert bench.timer.get_status()["elapsed_since_heartbeat"] == 0.0


@pytest.fixture
def hung_disk(tmp_path: Path) -> Iterator[Path]:
    """A file whose opening never comes back, as on a card that hangs; let go at the end of the test."""
    hung, log = tmp_path / "hung", tmp_path / "log"
    os.mkfifo(hung)
    yield hung
    log.unlink(missing_ok=True)
    os.close(os.open(hung, os.O_RDWR))  # ends the opening that waits, and what is then read or written there


def test_a_watchdog_that_hangs_does_not_vouch(hung_disk: Path, eventually: Eventually) -> None:
    """Its thread waits for a disk while it enters a restart: after half a minute the supervisor hears nothing more."""
    clock, log = ManualClock(AT), hung_disk.with_name("log")
    clock.advance(100)
    timer = WatchdogTimer(0.1, "true", True, log, restarts_per_hour=1, zone=MANILA, clock=clock)
    timer.start()
    log.unlink()
    log.hardlink_to(hung_disk)
    clock.advance(0.2)
    eventually(lambda: timer.problems)
    clock.advance(29)
    assert timer.vouches
    clock.advance(2)
    assert not timer.vouches
    assert timer.stop(0.1) is False


def test_a_watchdog_that_fails_does_not_vouch_until_it_works_again(tmp_path: Path, eventually: Eventually) -> None:
    """It watches nobody while every look ends in an error."""

    def faulty() -> int:
        if broken.is_set():
            raise OSError
        return clock.boot_ns()

    broken, clock = threading.Event(), ManualClock(AT)
    clock.advance(100)
    timer = WatchdogTimer(60, "", True, tmp_path / "log", restarts_per_hour=1, zone=MANILA, clock=clock)
    timer.watch("faulty", 0.1, faulty)
    broken.set()
    timer.start()
    clock.advance(31)
    assert not timer.vouches
    broken.clear()
    eventually(lambda: timer.vouches)
    assert timer.stop()


def test_a_watchdog_that_does_not_run_withholds_nothing(tmp_path: Path) -> None:
    """Not enabled, not started or stopped, it has no opinion: the main loop's own word is all there is."""
    clock = ManualClock(AT)
    timer = WatchdogTimer(30, "", True, tmp_path / "log", restarts_per_hour=1, zone=MANILA, clock=clock)
    clock.advance(3600)
    assert timer.vouches
    timer.start()
    assert timer.stop()
    clock.advance(3600)
    assert timer.vouches
