"""The guardian: what supervises the gate where there is no systemd. Real processes; the program is a few lines."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from attendance.ops import guardian

Eventually = Callable[..., None]

NOTIFY = f"""
import os, signal, sys, time
sys.path.insert(0, {str(Path(__file__).parents[2])!r})
from pathlib import Path
from attendance.ops.systemd import notify
folder = Path(sys.argv[1])
life = len(list(folder.glob("life-*")))
(folder / f"life-{{life}}").write_text(str(os.getpid()))
"""
LIVE = """
notify("READY=1")
while True:
    notify("WATCHDOG=1")
    time.sleep(0.05)
"""


class Guarded:
    """A guardian on a program, with deadlines of a second, so that nobody has to wait."""

    def __init__(self, folder: Path, program: str) -> None:
        self.folder = folder
        code = "import sys; sys.path.insert(0, sys.argv.pop(1)); import guardian\n"
        code += "sys.exit(guardian.Guardian(sys.argv[1:], watchdog_s=1.0, start_s=2.0).run())"
        command = [sys.executable, "-I", "-c", code, str(Path(guardian.__file__).parent)]
        self.process = subprocess.Popen(
            [*command, sys.executable, "-c", NOTIFY + program, str(folder)], stderr=(folder / "errors").open("wb")
        )

    def lives(self) -> list[int]:
        """The process ids of the program's lives so far."""
        files = sorted(self.folder.glob("life-*"))
        return [int(text) for text in (file.read_text() for file in files) if text]

    def end(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(5)

    @property
    def errors(self) -> str:
        return (self.folder / "errors").read_text()


@pytest.fixture
def guard(tmp_path: Path) -> Iterator[Callable[[str], Guarded]]:
    started: list[Guarded] = []

    def start(program: str) -> Guarded:
        started.append(Guarded(tmp_path, program))
        return started[-1]

    yield start
    for each in started:
        each.process.kill()
        each.process.wait()


def dead(pid: int) -> bool:
    return not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


@pytest.mark.parametrize(
    "fault",
    [
        "os._exit(1)",
        "os.kill(os.getpid(), signal.SIGSEGV)",
        "time.sleep(60)",
        "os.kill(os.getpid(), signal.SIGSTOP)",
        "notify('WATCHDOG=trigger'); time.sleep(60)",
        "import ctypes; ctypes.PyDLL(None).sleep(60)",
    ],
    ids=["crash", "segfault", "silence", "stopped", "asks-for-it", "holds-the-interpreter"],
)
def test_a_ready_program_that_fails_is_started_again(
    guard: Callable[[str], Guarded], eventually: Eventually, fault: str
) -> None:
    """Whatever takes it, the next life is there within the deadline and a second or two."""
    guarded = guard(f"if life == 0:\n notify('READY=1')\n {fault}\n" + LIVE)
    eventually(lambda: len(guarded.lives()) == 2, within_s=8)
    assert dead(guarded.lives()[0])
    assert guarded.end() == 128 + signal.SIGTERM


def test_a_start_that_never_gets_ready_is_repeated(guard: Callable[[str], Guarded], eventually: Eventually) -> None:
    """Beats before READY do not count; the start has a deadline of its own."""
    guarded = guard("while life == 0:\n notify('WATCHDOG=1')\n time.sleep(0.05)\n" + LIVE)
    eventually(lambda: len(guarded.lives()) == 2, within_s=8)
    assert "no life for 2 s" in guarded.errors


def test_a_hanging_program_prints_its_stacks(guard: Callable[[str], Guarded], eventually: Eventually) -> None:
    """It is ended by SIGABRT first: the fault handler says where every thread was."""
    guarded = guard(
        "import faulthandler\nfaulthandler.enable()\nnotify('READY=1')\ndef stuck(): time.sleep(60)\nstuck()"
    )
    eventually(lambda: len(guarded.lives()) == 2, within_s=8)
    assert "in stuck" in guarded.errors


@pytest.mark.parametrize(
    ("program", "code"),
    [("sys.exit(0)", 0), ("notify('READY=1')\nsys.exit(0)", 0), ("sys.exit(2)", 2), ("sys.exit(1)", 1)],
)
def test_an_end_that_a_restart_cannot_mend_is_passed_on(
    guard: Callable[[str], Guarded], program: str, code: int
) -> None:
    """It ended as it should, the configuration is faulty, or it could not start the first time: a person must look."""
    guarded = guard(program)
    assert guarded.process.wait(5) == code
    assert len(guarded.lives()) == 1


def test_a_later_start_that_fails_is_repeated_with_growing_pauses(
    guard: Callable[[str], Guarded], eventually: Eventually
) -> None:
    """What ran once will run again: nobody is there to start it by hand."""
    guarded = guard("if life == 0: notify('READY=1')\nif life < 3: sys.exit(1)\n" + LIVE)
    eventually(lambda: len(guarded.lives()) == 4, within_s=12)
    pauses = [line.split()[-2] for line in guarded.errors.splitlines() if "next start in" in line]
    assert pauses == ["0.5", "1.0", "2.0"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_is_passed_on_and_ends_both(
    guard: Callable[[str], Guarded], eventually: Eventually, number: int
) -> None:
    """The program may finish; its exit code is the guardian's."""
    program = "for n in (2, 15): signal.signal(n, lambda *_: sys.exit(0))\n(folder / 'handlers-set').touch()\n"
    guarded = guard(program + LIVE)
    eventually((guarded.folder / "handlers-set").exists)
    assert guarded.end(number) == 0
    assert len(guarded.lives()) == 1


def test_a_signal_during_the_pause_ends_it(guard: Callable[[str], Guarded], eventually: Eventually) -> None:
    """Between two lives the guardian does not make anybody wait."""
    guarded = guard("notify('READY=1')\nsys.exit(1)")
    eventually(lambda: "next start in 2.0" in guarded.errors)
    began = time.monotonic()
    assert guarded.end() == 0
    assert time.monotonic() - began < 1


def test_the_program_dies_with_its_guardian(guard: Callable[[str], Guarded], eventually: Eventually) -> None:
    """After ``kill -9`` of the guardian nothing is left that nobody watches."""
    guarded = guard(LIVE)
    eventually(guarded.lives)
    guarded.process.kill()
    guarded.process.wait()
    eventually(lambda: dead(guarded.lives()[0]))


def test_a_stopped_guardian_does_not_blame_its_program(guard: Callable[[str], Guarded], eventually: Eventually) -> None:
    """Ctrl-Z and ``fg`` stop both; after it the program has its time anew."""
    guarded = guard(LIVE)
    eventually(guarded.lives)
    pid = guarded.lives()[0]
    for process in (guarded.process.pid, pid):
        os.kill(process, signal.SIGSTOP)
    time.sleep(4)  # longer than every deadline: this is the claim
    os.kill(guarded.process.pid, signal.SIGCONT)
    time.sleep(0.3)
    os.kill(pid, signal.SIGCONT)
    time.sleep(1.5)
    assert guarded.lives() == [pid]
    assert not dead(pid)


def test_nobody_else_can_speak_for_the_program(guard: Callable[[str], Guarded], eventually: Eventually) -> None:
    """A child of the program that beats on does not hide that the program hangs."""
    child = "import time\nwhile True:\n notify('WATCHDOG=1')\n time.sleep(0.05)"
    program = "notify('READY=1')\nif os.fork() == 0:\n import ctypes; ctypes.CDLL(None).prctl(1, 9)\n"
    program += "".join(f" {line}\n" for line in child.splitlines())
    guarded = guard(f"{program}time.sleep(60)")
    eventually(lambda: len(guarded.lives()) >= 2, within_s=8)


def test_a_command_that_is_not_there_is_said_so(tmp_path: Path) -> None:
    """A wrong path is a mistake of a person, not a crash to be repeated."""
    command = [sys.executable, "-I", guardian.__file__, "--", str(tmp_path / "none")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "cannot be started" in done.stderr
    assert "Traceback" not in done.stderr
