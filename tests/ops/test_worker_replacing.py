"""A child process is replaced when it fails, and relieved when it is asked to; the difference is known."""

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from attendance.clock import boot_ns
from attendance.ops import worker
from attendance.ops.worker import Worker

Eventually = Callable[..., None]

CHILD = """
import os, sys, time
from multiprocessing.connection import Connection
pipe = Connection(int(sys.argv[1]))
folder = sys.argv[2]
sys.path.insert(0, sys.argv[4])
from attendance.vision.parent import die_with_parent
die_with_parent()
exec(sys.argv[3])
while True:
    pipe.send_bytes(b"beat")
    if pipe.poll(0.02) and pipe.recv_bytes() == b"stop":
        open(os.path.join(folder, "stopped"), "a").write("x")
        sys.exit(0)
"""


class Watched:
    """A worker on a small child, and what it said."""

    def __init__(self, folder: Path, program: str) -> None:
        self.folder = folder
        self.reasons: list[str] = []
        self.heard = threading.Event()
        root = str(Path(__file__).parents[2])
        self.worker = Worker(
            "child",
            lambda fd: [sys.executable, "-c", CHILD, str(fd), str(folder), program, root],
            on_message=lambda message: self.heard.set(),
            on_replaced=self.reasons.append,
            timeout_s=1.0,
            start_timeout_s=5.0,
            stop_message=b"stop",
            log_file=folder / "child.log",
        )
        self.worker.start()

    @property
    def stopped(self) -> int:
        """How many children ended because they were asked to."""
        path = self.folder / "stopped"
        return len(path.read_text()) if path.exists() else 0


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[[str], Watched]]:
    started: list[Watched] = []

    def watched(program: str = "") -> Watched:
        started.append(Watched(tmp_path, program))
        return started[-1]

    yield watched
    for each in started:
        each.worker.stop()


def gone(pid: int | None) -> bool:
    return pid is None or not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


def test_a_relieved_child_is_asked_and_followed_at_once_and_nothing_has_failed(
    start: Callable[..., Watched], eventually: Eventually
) -> None:
    """It ends by itself, the next one starts without a pause, the reason is passed on, and it counts as well."""
    watched = start()
    assert watched.heard.wait(5)
    first = watched.worker.state.pid
    for _ in range(3):
        watched.heard.clear()
        watched.worker.replace("it had grown to 180 MB")
        assert watched.heard.wait(5)
        eventually(lambda: watched.worker.state.pid is not None)
    assert watched.worker.state.pid != first
    assert watched.reasons == ["it had grown to 180 MB (exit code 0)"] * 3
    assert watched.stopped == 3
    assert watched.worker.state.replaced == 3
    assert boot_ns() - watched.worker.state.well_boot_ns < 2e9
    assert watched.worker._pause_s == 0


def test_replacing_that_does_not_help_is_known_since_when(
    start: Callable[..., Watched], eventually: Eventually
) -> None:
    """The watchdog needs to know how long there has been no child that lives."""
    began = boot_ns()
    watched = start("sys.exit(9)")
    eventually(lambda: len(watched.reasons) >= 3)
    first = watched.worker.state.well_boot_ns
    assert began < first < boot_ns()
    eventually(lambda: len(watched.reasons) >= 4)
    assert watched.worker.state.well_boot_ns == first
    assert watched.reasons[0] == "ended by itself (exit code 9)"


def test_a_child_that_lives_again_is_well(
    start: Callable[..., Watched], eventually: Eventually, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some time after the last replacement the failing is over."""
    monkeypatch.setattr(worker, "_HEALTHY_AFTER_S", 0.3)
    watched = start("if not os.path.exists(folder + '/once'): open(folder + '/once', 'w'); sys.exit(9)")
    eventually(lambda: watched.reasons)
    failing = watched.worker.state.well_boot_ns
    eventually(lambda: watched.worker.state.well_boot_ns > failing)


def test_a_stop_lets_the_child_end_by_itself(start: Callable[..., Watched], eventually: Eventually) -> None:
    """It is asked while the thread it hangs on still lives, so the kernel does not kill it: a camera is closed
    properly."""
    watched = start()
    assert watched.heard.wait(5)
    pid = watched.worker.state.pid
    began = time.monotonic()
    assert watched.worker.stop()
    assert time.monotonic() - began < 1
    assert watched.stopped == 1
    assert gone(pid)
    assert watched.worker.stop()


def test_a_stop_ends_a_child_that_cannot_be_asked(start: Callable[..., Watched]) -> None:
    """A stopped process does not listen; it is killed in less than a second."""
    watched = start()
    assert watched.heard.wait(5)
    pid = watched.worker.state.pid
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    assert watched.worker.stop(3.0)
    assert gone(pid)


def test_memory_runs_out_for_the_child_first(start: Callable[..., Watched], eventually: Eventually) -> None:
    """The kernel is told whom to take: the one that is replaced."""
    watched = start()
    assert watched.heard.wait(5)
    score = Path(f"/proc/{watched.worker.state.pid}/oom_score_adj")
    eventually(lambda: score.read_text().strip() == "500")


def test_a_log_that_cannot_be_made_costs_no_child(tmp_path: Path, eventually: Eventually) -> None:
    """On a full or wrong disk the child runs all the same."""
    (tmp_path / "child.log").mkdir()
    watched = Watched(tmp_path, "")
    assert watched.heard.wait(5)
    watched.worker.stop()
