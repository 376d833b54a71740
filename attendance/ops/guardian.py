"""Supervises one command where there is no systemd: ``python guardian.py -- COMMAND …``.

Speaks systemd's notify protocol (``NOTIFY_SOCKET``, ``WATCHDOG_USEC``), so that the supervised program knows only one
way to be watched. A command that crashes, or says nothing in time, is killed and started again, after a pause that
grows and never gives up. Ends with the command when that ends as asked (a signal, exit code 0), or for a mistake that a
person must see: exit code 2 (a faulty configuration), and 1 when its very first start fails.

Small on purpose, with nothing but the standard library, so that what watches is simpler than what is watched.

Source: sd_notify(3), systemd.service(5).
"""

import contextlib
import ctypes
import itertools
import os
import select
import signal
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Sequence

WATCHDOG_S = 15.0
START_S = 90.0
"""How long a start may take before the command says that it is ready."""
STOP_S = 10.0
_ABORT_S = 1.0
"""What a hanging command gets to print its stacks on SIGABRT before it is killed."""
_FIRST_PAUSE_S = 0.5
_LONGEST_PAUSE_S = 30.0
_HEALTHY_AFTER_S = 60.0
"""Who lived this long starts with the first pause again."""
_OVERSLEPT_S = 2.0
"""Who wakes so late was stopped itself (Ctrl-Z), with the command: that has its time anew."""
_MISTAKE, _FAULTY_CONFIG = 1, 2
_FORWARDED = (signal.SIGTERM, signal.SIGINT)
_PR_SET_PDEATHSIG = 1
_CREDENTIALS = struct.Struct("3i")
"""``struct ucred``: process, user, group."""

_libc = ctypes.CDLL(None)


class Guardian:
    """Owns the notify socket, the signal handlers and the child."""

    def __init__(self, command: Sequence[str], watchdog_s: float = WATCHDOG_S, start_s: float = START_S) -> None:
        self._command = list(command)
        self._watchdog_s = watchdog_s
        self._start_s = start_s
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        self._socket.setblocking(False)
        self._address = f"attendance-guardian-{os.getpid()}-{os.urandom(8).hex()}"
        self._socket.bind(f"\0{self._address}")
        self._wake_read, self._wake_write = socket.socketpair()
        self._wake_read.setblocking(False)
        self._wake_write.setblocking(False)
        self._child: subprocess.Popen[bytes] | None = None
        self._asked = 0
        self._ready = False
        self._verdict = ""
        self._deadline = float("inf")
        self._silence_s = 0.0

    def run(self) -> int:
        """Supervise until the command ends for good; its exit code, 128 and the signal's number if it died of one."""
        for number in _FORWARDED:
            signal.signal(number, self._forward)
        signal.signal(signal.SIGCHLD, lambda number, frame: None)
        signal.set_wakeup_fd(self._wake_write.fileno(), warn_on_full_buffer=False)
        pause_s = _FIRST_PAUSE_S
        for life in itertools.count():
            began = time.monotonic()
            code = self._once()
            never_started = life == 0 and code == _MISTAKE and not self._ready
            if self._asked or never_started or code in (0, _FAULTY_CONFIG):
                return code if code >= 0 else 128 - code
            if time.monotonic() - began > _HEALTHY_AFTER_S:
                pause_s = _FIRST_PAUSE_S
            _say(f"{self._verdict or 'the gate ended by itself'} (exit code {code}); next start in {pause_s:.1f} s")
            self._rest(pause_s)
            if self._asked:
                break
            pause_s = min(pause_s * 2, _LONGEST_PAUSE_S)
        return 0

    def _once(self) -> int:
        """One life of the command; its exit code, negative for a signal."""
        self._ready, self._verdict = False, ""
        self._grant(self._start_s)
        try:
            child = self._child = subprocess.Popen(
                self._command,
                env={
                    **{name: value for name, value in os.environ.items() if name != "WATCHDOG_PID"},
                    "NOTIFY_SOCKET": f"@{self._address}",
                    "WATCHDOG_USEC": str(round(self._watchdog_s * 1e6)),
                },
                preexec_fn=_die_with_parent,  # this process has one thread, so code between fork and exec is safe
            )
        except OSError as error:
            _say(f"{self._command[0]!r} cannot be started: {error.strerror}")
            return _FAULTY_CONFIG
        if self._asked:
            child.send_signal(self._asked)  # the signal came while it was being started
        while child.poll() is None:
            if self._verdict or time.monotonic() >= self._deadline:
                return self._kill(child)
            self._listen(child.pid)
        return child.returncode

    def _listen(self, pid: int) -> None:
        """Wait for a message, a signal or the deadline, and take in all messages there are."""
        until = self._deadline
        select.select([self._socket, self._wake_read], [], [], min(3600.0, max(0.0, until - time.monotonic())))
        if time.monotonic() - until > _OVERSLEPT_S:
            self._grant(self._silence_s)
        with contextlib.suppress(BlockingIOError):
            self._wake_read.recv(4096)
        with contextlib.suppress(BlockingIOError):
            while True:
                data, extra, _, _ = self._socket.recvmsg(4096, socket.CMSG_SPACE(_CREDENTIALS.size))
                sender = [_CREDENTIALS.unpack(value)[0] for _, kind, value in extra if kind == socket.SCM_CREDENTIALS]
                if sender == [pid]:
                    self._hear(data.decode(errors="replace").splitlines())

    def _hear(self, words: Sequence[str]) -> None:
        for word in words:
            name, _, value = word.partition("=")
            if word == "READY=1":
                self._ready = True
                self._grant(self._watchdog_s)
            elif word == "WATCHDOG=1" and self._ready and not self._asked:
                self._grant(self._watchdog_s)
            elif word == "WATCHDOG=trigger":
                self._verdict = "the gate asked to be restarted"
            elif word == "STOPPING=1":
                self._grant(STOP_S)
            elif name == "EXTEND_TIMEOUT_USEC" and value.isdecimal() and not self._ready:
                self._deadline = max(self._deadline, time.monotonic() + int(value) / 1e6)

    def _grant(self, silence_s: float) -> None:
        self._silence_s = silence_s
        self._deadline = time.monotonic() + silence_s

    def _kill(self, child: "subprocess.Popen[bytes]") -> int:
        self._verdict = self._verdict or f"the gate showed no life for {self._silence_s:.0f} s"
        child.send_signal(signal.SIGABRT)
        try:
            return child.wait(_ABORT_S)
        except subprocess.TimeoutExpired:
            child.kill()
            return child.wait()

    def _forward(self, number: int, frame: object) -> None:
        self._asked = number
        self._grant(STOP_S)
        if self._child is not None:
            self._child.send_signal(number)

    def _rest(self, pause_s: float) -> None:
        """Wait, no longer than until a signal asks for the end."""
        self._child = None
        until = time.monotonic() + pause_s
        while not self._asked and (left := until - time.monotonic()) > 0:
            select.select([self._wake_read], [], [], left)
            with contextlib.suppress(BlockingIOError):
                self._wake_read.recv(4096)


def _die_with_parent() -> None:
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _say(text: str) -> None:
    with contextlib.suppress(OSError):
        print(f"guardian: {text}", file=sys.stderr, flush=True)


def main(words: Sequence[str]) -> int:
    command = list(words[1:]) if words[:1] == ["--"] else list(words)
    if not command or command[0].startswith("-"):
        _say("usage: guardian.py -- COMMAND [ARGUMENT ...]")
        return _FAULTY_CONFIG
    return Guardian(command).run()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
