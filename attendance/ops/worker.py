"""Child processes: started, listened to, and replaced when they die, fall silent or grow too large.

This module owns the thread that starts the child. The child asks the kernel to be killed with that thread
(``PR_SET_PDEATHSIG`` counts threads, not processes), so the thread must live as long as the core: it is a ``Service``.
"""

import contextlib
import logging
import os
import signal
import socket
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import IO

import attendance
from attendance.clock import boot_ns
from attendance.ops.service import IDLE_S, Service

log = logging.getLogger(__name__)

_FIRST_PAUSE_S = 0.2
_LONGEST_PAUSE_S = 30.0
_HEALTHY_AFTER_S = 20.0
"""A child that lived this long is well, and replaced without a pause."""
_STACK_DUMP_S = 0.3
"""What a hanging child gets to print its stacks on SIGABRT before it is killed."""
_STOP_S = 0.6
"""What a child that is asked to end gets for that; a camera is closed in less."""


@dataclass(frozen=True, slots=True)
class WorkerState:
    """What is known of the child.

    Attributes:
        pid: None while no child runs.
        replaced: how many children were replaced.
        last_message_boot_ns: when it was last heard, in boot time.
        well_boot_ns: since when replacing has not helped, in boot time; while all is well, when the worker's thread was
            last at work.
    """

    pid: int | None
    replaced: int
    last_reason: str
    last_message_boot_ns: int
    well_boot_ns: int


class Worker:
    """One child process on a pipe.

    Args:
        command: the argument vector, given the number of the child's end of the pipe.
        on_message: called on the worker's thread with each message. Must not raise or block for long.
        on_replaced: called on the worker's thread with the reason whenever a child had to be replaced.
        timeout_s: how long the child may be silent before it counts as hanging.
        start_timeout_s: the same before its first message (it imports and loads models).
        stop_message: asks the child to end.
        log_file: where the child's standard error goes.
    """

    def __init__(
        self,
        name: str,
        command: Callable[[int], Sequence[str]],
        *,
        on_message: Callable[[bytes], None],
        on_replaced: Callable[[str], None],
        timeout_s: float,
        start_timeout_s: float,
        stop_message: bytes,
        log_file: Path,
    ) -> None:
        self.name = name
        self._command = command
        self._on_message = on_message
        self._on_replaced = on_replaced
        self._timeout_ns = round(timeout_s * 1e9)
        self._start_timeout_ns = round(start_timeout_s * 1e9)
        self._stop_message = stop_message
        self._log_file = log_file
        self._child: subprocess.Popen[bytes] | None = None
        self._pipe: Connection | None = None
        self._wake_read, self._wake_write = os.pipe()
        self._replace_reason = ""
        self._pause_s = 0.0
        self._started_ns = self._deadline_ns = self._heard_ns = self._failing_since_ns = 0
        self._replaced = 0
        self._last_reason = ""
        self.service = Service(name, self, wake=self._wake, close=self._end_child)

    def start(self) -> None:
        self.service.start()

    def stop(self, timeout_s: float = 2.0) -> bool:
        """End the child, asked first, killed after 0.6 s, and the thread."""
        ended = self.service.stop(timeout_s)
        if ended:
            for fd in (self._wake_read, self._wake_write):
                if fd >= 0:
                    os.close(fd)
            self._wake_read = self._wake_write = -1
        return ended

    def send(self, message: bytes) -> bool:
        """Whether the message went into the pipe. A child that is just being replaced gets none."""
        pipe = self._pipe
        if pipe is None:
            return False
        try:
            pipe.send_bytes(message)
        except OSError:
            return False
        return True

    def replace(self, reason: str) -> None:
        """Replace a child that is well, for ``reason``: asked to end, without a pause. Any thread may call it."""
        self._replace_reason = reason
        self._wake()

    @property
    def state(self) -> WorkerState:
        child = self._child
        well_ns = self._failing_since_ns or self.service.state.beat_boot_ns
        return WorkerState(child.pid if child else None, self._replaced, self._last_reason, self._heard_ns, well_ns)

    def step(self) -> float:
        if self._child is None:
            self._spawn()
        assert self._pipe is not None
        remaining_s = max(0.0, (self._deadline_ns - boot_ns()) / 1e9)
        ready = wait([self._pipe, self._wake_read], min(remaining_s, IDLE_S))
        if self._wake_read in ready:
            os.read(self._wake_read, 4096)
        if self._replace_reason:
            return self._relieve(self._replace_reason)
        if self._pipe in ready:
            return self._hear(self._pipe)
        if boot_ns() >= self._deadline_ns:
            return self._retire(f"silent for {(boot_ns() - self._heard_ns) / 1e9:.1f} s")
        return 0

    def _hear(self, pipe: Connection) -> float:
        try:
            message = pipe.recv_bytes()
        except (EOFError, OSError):
            self._ends_within(_STACK_DUMP_S)  # its own exit code says more than that of a kill
            return self._retire("ended by itself")
        self._heard_ns = boot_ns()
        self._deadline_ns = self._heard_ns + self._timeout_ns
        if self._failing_since_ns and self._lived_s() > _HEALTHY_AFTER_S:
            self._failing_since_ns = 0
        self._on_message(message)
        return 0

    def _spawn(self) -> None:
        ours, theirs = socket.socketpair()
        with theirs, _appended(self._log_file) as errors:
            self._child = subprocess.Popen(
                self._command(theirs.fileno()),
                pass_fds=(theirs.fileno(),),
                stdin=subprocess.DEVNULL,
                env=_environment(),
                stderr=errors,
                start_new_session=True,  # Ctrl-C in a terminal is for the core, which then asks the child to end
            )
        self._pipe = Connection(ours.detach())
        self._started_ns = self._heard_ns = boot_ns()
        self._deadline_ns = self._started_ns + self._start_timeout_ns
        log.info("%s process started, pid %d", self.name, self._child.pid)
        _first_to_go(self._child.pid)

    def _relieve(self, reason: str) -> float:
        """Replace a child that is well; no fault, so the next one starts at once."""
        self._told_replaced(reason, self._end_child())
        return 0

    def _retire(self, reason: str) -> float:
        """Kill the child for ``reason`` and say how long to wait before the next."""
        lived_s = self._lived_s()
        code = self._dump_and_kill()
        if lived_s > _HEALTHY_AFTER_S:
            self._pause_s = 0.0
        else:
            self._pause_s = min(max(self._pause_s * 2, _FIRST_PAUSE_S), _LONGEST_PAUSE_S)
        self._failing_since_ns = self._failing_since_ns or boot_ns()
        self._told_replaced(reason, code)
        return self._pause_s

    def _told_replaced(self, reason: str, code: int | None) -> None:
        self._replace_reason = ""
        self._replaced += 1
        self._last_reason = f"{reason} (exit code {code})"
        log.warning("%s process replaced: %s", self.name, self._last_reason)
        self._on_replaced(self._last_reason)

    def _lived_s(self) -> float:
        return (boot_ns() - self._started_ns) / 1e9

    def _dump_and_kill(self) -> int | None:
        if self._child is not None and self._child.poll() is None:
            self._child.send_signal(signal.SIGABRT)
            if not self._ends_within(_STACK_DUMP_S):
                self._child.kill()
        return self._reap()

    def _end_child(self) -> int | None:
        if self._child is not None:
            self.send(self._stop_message)
            if not self._ends_within(_STOP_S):
                self._child.kill()
        return self._reap()

    def _ends_within(self, seconds: float) -> bool:
        assert self._child is not None
        try:
            self._child.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        return True

    def _reap(self) -> int | None:
        code = self._child.wait() if self._child is not None else None
        if self._pipe is not None:
            self._pipe.close()
        self._child = self._pipe = None
        return code

    def _wake(self) -> None:
        if self._wake_write >= 0:
            os.write(self._wake_write, b"w")


def _appended(path: Path) -> IO[bytes]:
    """The file at ``path``, or nowhere: a full disk must not keep the child from being started."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return path.open("ab")
    except OSError as error:
        log.error("%s cannot be written: %s", path, error.strerror)
        return Path(os.devnull).open("ab")


def _first_to_go(pid: int) -> None:
    """When memory runs out the kernel is to take the child, which is replaced, not us, who hold the data."""
    with contextlib.suppress(OSError):
        Path(f"/proc/{pid}/oom_score_adj").write_text("500")


def _environment() -> dict[str, str]:
    """This process's environment, in which the child finds the same package, wherever it was started from."""
    package = str(Path(attendance.__file__).parents[1])
    others = [path for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if path]
    return {**os.environ, "PYTHONPATH": os.pathsep.join([package, *others])}
