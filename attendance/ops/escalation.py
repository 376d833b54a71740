"""What is done about a part that shows no life: the restart command, again with growing pauses, then the supervisor.

Every restart is in the restart log before it happens, and that log is the memory of the budget: a gate that starts
again and hangs again does not restart for ever.
"""

import logging
import os
import shlex
import signal
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import IO

from attendance.clock import Clock
from attendance.ops import systemd
from attendance.ops.health import Problem
from attendance.ops.restart_log import RestartLog

log = logging.getLogger(__name__)

_COMMAND_TIMEOUT_S = 20.0
_KILL_S = 1.0
_LOOK_S = 0.2
"""How often a running command is looked at."""
_FIRST_DISTANCE_S = 30.0
"""Between two restarts; doubles with each restart of the last hour."""
_FIRST_RETRY_S = 5.0
_LONGEST_RETRY_S = 300.0
_FAILURES_BEFORE_SUPERVISOR = 2
_HOUR_S = 3600.0

HANGS = Problem(
    "part-hangs",
    "error",
    "A part of the gate shows no sign of life: {cause}.",
    "The gate restarts itself. If this stays for ten minutes, switch it off and on.",
)
RESTART_FAILS = Problem(
    "restart-fails",
    "error",
    "A part of the gate hangs ({cause}) and the gate cannot restart itself: {error}.",
    "Switch the gate off and on. Then correct watchdog.restart_command, or run scripts/install_kiosk.sh to allow it.",
)
RESTARTS_USED_UP = Problem(
    "restarts-used-up",
    "error",
    "A part of the gate hangs ({cause}) and {count} restarts in the last hour did not help.",
    "Switch the gate off and on, and send the files of data/logs to whoever looks after it.",
)


class Escalation:
    """One incident after the other; used by the watchdog's thread only, but for ``problems`` and ``vouches``.

    Args:
        command: what restarts the gate, split as a shell would but run without one; empty for none.
        per_hour: restarts in any hour, at most.
        before_restart: called when a restart has been entered and is about to happen.
        not_restarted: called when one that was entered did not happen or is no longer needed.
    """

    def __init__(
        self,
        command: str,
        per_hour: int,
        restarts: RestartLog,
        clock: Clock,
        *,
        before_restart: Callable[[], None],
        not_restarted: Callable[[], None],
    ) -> None:
        self._command = command
        self._per_hour = per_hour
        self._restarts = restarts
        self._clock = clock
        self._before_restart = before_restart
        self._not_restarted = not_restarted
        self._cause = self._stacks = ""
        self._running: subprocess.Popen[bytes] | None = None
        self._output: IO[bytes] | None = None
        self._deadline_ns = self._next_ns = 0
        self._failures = 0
        self._problem: Problem | None = None
        self.vouches = True
        """Whether the supervisor may be told that the gate lives."""

    @property
    def problems(self) -> Sequence[Problem]:
        problem = self._problem
        return () if problem is None else (problem,)

    def pursue(self, cause: str, stacks: Callable[[], str]) -> float:
        """Go on with the incident, or begin one; how many seconds until there may be more to do."""
        if not self._cause:
            log.error("watchdog: %s", cause)
            self._stacks = stacks()
            self._problem = HANGS.said(cause=cause)
        self._cause = cause
        now_ns = self._clock.boot_ns()
        if self._running is not None:
            return self._follow(self._running, now_ns)
        if now_ns < self._next_ns:
            return (self._next_ns - now_ns) / 1e9
        return self._attempt(now_ns)

    def over(self) -> None:
        """Every part shows life again."""
        if not self._cause:
            return
        log.warning("watchdog: every part shows life again (%s)", self._cause)
        self.close()
        self._cause = self._stacks = ""
        self._failures = self._next_ns = 0
        self._problem = None
        self.vouches = True
        self._not_restarted()

    def close(self) -> None:
        """Forget a command that still runs; it is not ended, for it may be what ends us."""
        if self._output is not None:
            self._output.close()
        self._running = self._output = None

    def _attempt(self, now_ns: int) -> float:
        by_command = bool(self._command.strip()) and self._failures < _FAILURES_BEFORE_SUPERVISOR
        if not by_command and not systemd.supervised():
            if not self._command.strip():
                return self._cannot("there is no restart command and no supervisor")
            by_command = True
        wait_s = self._budget_wait_s()
        if wait_s > 0:
            self._next_ns = now_ns + round(wait_s * 1e9)
            return wait_s
        how = f"running {self._command!r}" if by_command else "asking the supervisor"
        self._restarts.append("watchdog restart", f"{self._cause}; {how}", self._stacks)
        self._stacks = ""
        self._before_restart()
        self._next_ns = now_ns + round(_FIRST_DISTANCE_S * 1e9)
        return self._run() if by_command else self._ask_supervisor()

    def _budget_wait_s(self) -> float:
        """How long the restarts of the last hour forbid another."""
        ages = [age for age in self._restarts.watchdog_restart_ages_s() if age < _HOUR_S]
        if len(ages) >= self._per_hour:
            if self._problem is None or self._problem.code != RESTARTS_USED_UP.code:
                self._problem = RESTARTS_USED_UP.said(cause=self._cause, count=len(ages))
                log.error("watchdog: no restart, there were %d in the last hour: %s", len(ages), self._cause)
                self._restarts.note(f"no restart, there were {len(ages)} in an hour: {self._cause}\n{self._stacks}")
                self._stacks = ""
            return _HOUR_S - ages[self._per_hour - 1]
        return _FIRST_DISTANCE_S * (1 << (len(ages) - 1)) - ages[0] if ages else 0.0

    def _run(self) -> float:
        """Start the command: in a session of its own and on no pipe of ours, so that it may outlive us."""
        try:
            words = shlex.split(self._command)
            self._output = tempfile.TemporaryFile()  # noqa: SIM115  (read when the command has ended)
            self._running = subprocess.Popen(
                words,
                stdin=subprocess.DEVNULL,
                stdout=self._output,
                stderr=self._output,
                start_new_session=True,
                env={name: value for name, value in os.environ.items() if name != "NOTIFY_SOCKET"},
            )
        except (OSError, ValueError) as error:
            return self._failed(str(error))
        self._deadline_ns = self._clock.boot_ns() + round(_COMMAND_TIMEOUT_S * 1e9)
        log.error("watchdog: restarting the gate by %r", self._command)
        return _LOOK_S

    def _follow(self, running: subprocess.Popen[bytes], now_ns: int) -> float:
        code = running.poll()
        if code is None and now_ns < self._deadline_ns:
            return _LOOK_S
        if code is None:
            _kill(running)
            return self._failed(f"not done after {_COMMAND_TIMEOUT_S:.0f} s")
        if code != 0:
            return self._failed(f"exit code {code}: {self._said()}")
        self.close()
        self._failures += 1  # should it not have restarted us when the next attempt is due
        return _LOOK_S

    def _said(self) -> str:
        """The last line that the command wrote."""
        if self._output is None:
            return ""
        self._output.seek(0)
        lines = self._output.read().decode(errors="replace").strip().splitlines()
        return lines[-1][:200] if lines else "it said nothing"

    def _failed(self, error: str) -> float:
        self.close()
        self._failures += 1
        self._restarts.failed(error)
        self._not_restarted()
        pause_s = min(_FIRST_RETRY_S * (1 << min(self._failures - 1, 10)), _LONGEST_RETRY_S)
        self._next_ns = self._clock.boot_ns() + round(pause_s * 1e9)
        log.error("watchdog: the restart command failed, next try in %.0f s: %s", pause_s, error)
        self._problem = RESTART_FAILS.said(cause=self._cause, error=error)
        return pause_s

    def _ask_supervisor(self) -> float:
        log.error("watchdog: asking the supervisor to kill and restart the gate")
        self.vouches = False
        systemd.notify(systemd.HUNG)
        return _FIRST_DISTANCE_S

    def _cannot(self, error: str) -> float:
        if self._problem is None or self._problem.code != RESTART_FAILS.code:
            self._restarts.note(f"no restart, {error}: {self._cause}\n{self._stacks}")
            self._problem = RESTART_FAILS.said(cause=self._cause, error=error)
        return _LONGEST_RETRY_S


def _kill(running: subprocess.Popen[bytes]) -> None:
    """End it and its children, if it can be done: sudo belongs to root, and who waits for a hung disk does not die."""
    with suppress(OSError, subprocess.TimeoutExpired):
        os.killpg(running.pid, signal.SIGKILL)
        running.wait(_KILL_S)
