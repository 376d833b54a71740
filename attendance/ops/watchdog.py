"""The watchdog inside the gate: every part has a deadline by which it must show life, else the gate is restarted.

It sees what a thread of the same process can see. A call that holds the interpreter, or a stopped process, is for the
supervisor outside (systemd, the guardian), to whom the main loop speaks only while this watchdog ``vouches``.
"""

import faulthandler
import functools
import logging
import os
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta, tzinfo
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from attendance.clock import Clock, SystemClock
from attendance.ops import systemd
from attendance.ops.escalation import Escalation
from attendance.ops.health import Problem
from attendance.ops.restart_log import RestartLog
from attendance.ops.service import IDLE_S, Service

log = logging.getLogger(__name__)

_WARN_FRACTION = 0.7
_QUIET_REST_S = 5.0
"""A part that has died is seen so late at worst; a silent one at its very deadline."""
_OVERSLEPT_S = 1.0
"""Who wakes so late was itself stopped, with everybody else (a suspend, SIGSTOP): that time counts for nobody."""
_VOUCHES_S = 30.0
"""How long one look at the parts is worth; far above the longest rest."""


@dataclass(slots=True)
class _Part:
    """Something that must show life; ``beat_ns`` says in boot time when it last did.

    ``silence_ns`` is how long it had shown none at the last look, less the time that was lost since its beat.
    """

    name: str
    timeout_ns: int
    beat_ns: Callable[[], int]
    silence_ns: int = 0
    warned: bool = False
    _heard_ns: int = -1
    _lost_ns: int = 0

    def look(self, now_ns: int, begun_ns: int, lost_from_ns: int) -> None:
        """Measure its silence; not from before ``begun_ns``, and without the time from ``lost_from_ns`` until now."""
        heard_ns = max(self.beat_ns(), begun_ns)
        if heard_ns != self._heard_ns:
            self._heard_ns, self._lost_ns = heard_ns, 0
        self._lost_ns += max(0, now_ns - max(lost_from_ns, heard_ns))
        self.silence_ns = now_ns - heard_ns - self._lost_ns

    @property
    def silent(self) -> bool:
        return self.silence_ns >= self.timeout_ns

    def __str__(self) -> str:
        return f"{self.name} silent for {self.silence_ns / 1e9:.1f} s" if self.beat_ns() else f"{self.name} is dead"


class WatchdogTimer:
    """Restarts the gate when a part of it hangs. Constructing it starts and opens nothing.

    Args:
        timeout: seconds that the main loop may go without ``heartbeat``.
        restart_command: what restarts the gate, run without a shell; empty for none.
        enabled: whether ``start`` does anything.
        log_file: where restarts are listed.
        restarts_per_hour: how often in any hour the gate is restarted, at most.
        zone: of the times it tells.
        before_restart: called on the watchdog's thread when a restart has been entered and is about to happen.
        not_restarted: called there when it did not happen or is no longer needed.

    What is not given is as the configuration says.

    Raises:
        FaultyConfig: something was not given and the configuration has faults.
    """

    def __init__(
        self,
        timeout: float | None = None,
        restart_command: str | None = None,
        enabled: bool | None = None,
        log_file: str | Path | None = None,
        *,
        restarts_per_hour: int | None = None,
        zone: tzinfo | None = None,
        clock: Clock | None = None,
        before_restart: Callable[[], None] = lambda: None,
        not_restarted: Callable[[], None] = lambda: None,
    ) -> None:
        from attendance.config import configured  # here: who gives everything needs no configuration

        known = functools.cache(configured)
        if restart_command is None:
            restart_command = known()[0].watchdog.restart_command
        if log_file is None:
            log_file = known()[1].resolve(known()[0].watchdog.log_file)
        if restarts_per_hour is None:
            restarts_per_hour = known()[0].watchdog.restarts_per_hour
        if zone is None:
            zone = ZoneInfo(known()[0].school.timezone)
        self._timeout_s = float(known()[0].watchdog.timeout_seconds if timeout is None else timeout)
        self._enabled = known()[0].watchdog.enabled if enabled is None else enabled
        self._zone = zone
        self._clock = clock or SystemClock()
        self.restarts = RestartLog(Path(log_file), self._clock, zone)
        self._escalation = Escalation(
            restart_command,
            restarts_per_hour,
            self.restarts,
            self._clock,
            before_restart=before_restart,
            not_restarted=not_restarted,
        )
        self._watching = False
        self._beat_ns = self._begun_ns = self._due_ns = self._looked_ns = self._clock.boot_ns()
        self._parts = [_Part("main", round(self._timeout_s * 1e9), lambda: self._beat_ns)]
        self._stale: list[str] = []
        self._service = Service("watchdog", self, close=self._escalation.close)

    def watch(self, name: str, timeout_s: float, beat_ns: Callable[[], int]) -> None:
        """Watch a further part, before ``start``.

        Args:
            timeout_s: how long it may show no life.
            beat_ns: when it last did, in boot time; cheap, must not raise. A ``Service`` has its
                ``state.beat_boot_ns``. Zero: it is dead.
        """
        self._parts.append(_Part(name, round(timeout_s * 1e9), beat_ns))

    def start(self) -> None:
        """Count from now on. A second call, or one while not enabled, does nothing."""
        if not self._enabled or self._service.state.running:
            return
        self.restarts.make()
        self._beat_ns = self._begun_ns = self._due_ns = self._looked_ns = self._clock.boot_ns()
        self._watching = True
        self._service.start()

    def stop(self, timeout_s: float = 2.0) -> bool:
        """Stop watching; whether it ended in time. May be called twice."""
        self._watching = False
        return self._service.stop(timeout_s)

    def heartbeat(self) -> None:
        """The main loop shows life."""
        self._beat_ns = self._clock.boot_ns()

    @property
    def vouches(self) -> bool:
        """Whether the supervisor may be told that the gate lives.

        False after all else has failed, and while the watchdog itself hangs, fails or is dead.
        """
        age_s = (self._clock.boot_ns() - self._looked_ns) / 1e9
        return self._escalation.vouches and (age_s < _VOUCHES_S or not self._watching)

    @property
    def problems(self) -> Sequence[Problem]:
        return self._escalation.problems

    def get_status(self) -> dict[str, Any]:
        """Whether it watches, how the main loop is, and how many restarts the restart log has.

        ``last_heartbeat`` is local time; until the first heartbeat it is when the watchdog was made or started.
        """
        elapsed_s = max(0.0, (self._clock.boot_ns() - self._beat_ns) / 1e9)
        beat = self._clock.now().at - timedelta(seconds=elapsed_s)
        return {
            "enabled": self._enabled,
            "running": self._service.state.running,
            "timeout_seconds": self._timeout_s,
            "elapsed_since_heartbeat": round(elapsed_s, 1),
            "timeout_percentage": round(100 * elapsed_s / self._timeout_s, 1),
            "last_heartbeat": beat.astimezone(self._zone).strftime("%Y-%m-%dT%H:%M:%S"),
            "total_restarts": self.restarts.count(),
            "stale": list(self._stale),
            "supervised": systemd.supervised(),
        }

    def step(self) -> float:
        """Look at every part once; how long until the nearest deadline."""
        now_ns = self._clock.boot_ns()
        late_s = (now_ns - self._due_ns) / 1e9
        stopped = late_s > _OVERSLEPT_S
        if stopped:
            log.warning("watchdog: the process itself was stopped for %.1f s, which count for no part", late_s)
        for part in self._parts:
            part.look(now_ns, self._begun_ns, self._due_ns if stopped else now_ns)
        silent = [part for part in self._parts if part.silent]
        self._stale = [part.name for part in silent]
        rest_s = _QUIET_REST_S
        if silent:
            rest_s = min(IDLE_S, self._escalation.pursue(", ".join(map(str, silent)), _stacks))
        else:
            self._escalation.over()
        rest_s = min([rest_s, *(_until_due_s(part) for part in self._parts if not part.silent)])
        self._looked_ns = self._clock.boot_ns()
        self._due_ns = self._looked_ns + round(rest_s * 1e9)
        return rest_s


def _until_due_s(part: _Part) -> float:
    """How long until this part must be looked at again; says once when most of its time is over."""
    nearly = part.silence_ns >= part.timeout_ns * _WARN_FRACTION
    if nearly and not part.warned:
        log.warning("watchdog: %s of %.0f s", part, part.timeout_ns / 1e9)
    part.warned = nearly
    due_ns = part.timeout_ns if nearly else round(part.timeout_ns * _WARN_FRACTION)
    return max(0.001, (due_ns - part.silence_ns) / 1e9)


def _stacks() -> str:
    """Where every thread is, by the interpreter's fault handler, which needs no cooperation."""
    with tempfile.TemporaryFile() as file:
        faulthandler.dump_traceback(file, all_threads=True)
        file.seek(0)
        return f"threads of process {os.getpid()}:\n{file.read().decode(errors='replace')}"
