"""Threads, in one place: a service does small steps, and one generic runner owns the thread that takes them."""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from attendance.clock import boot_ns

FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 60.0
IDLE_S = 1.0
"""How long a step may wait for work: it returns that often even when idle, so that a dead thread can be told from one
that has nothing to do."""

log = logging.getLogger(__name__)


class Stepper(Protocol):
    """Something that runs on and on.

    ``step`` does one bounded thing and returns how many seconds to rest before the next (0: none).
    """

    def step(self) -> float: ...


@dataclass(frozen=True, slots=True)
class ServiceState:
    """What a service's runner knows of it.

    Attributes:
        failures: steps that raised, since the start.
        failing: the last step raised; ``error`` names the exception.
        beat_boot_ns: when the step that is running began or, during a rest, when the next is due, in boot time; 0 if no
            thread runs. Who is older than the longest step should be hangs.
    """

    name: str
    running: bool
    failures: int
    failing: bool
    error: str
    beat_boot_ns: int


class Service:
    """Owns the thread of one stepper. Constructors store; ``start`` starts; ``stop`` may be called twice.

    A step that raises is logged, counted and repeated after a pause that grows up to ``LONGEST_PAUSE_S``.

    Args:
        wake: what to call so that a blocking step returns early on ``stop`` (closing its pipe, say).
        close: called on the thread when it ends.
    """

    def __init__(
        self,
        name: str,
        stepper: Stepper,
        *,
        wake: Callable[[], None] | None = None,
        close: Callable[[], object] | None = None,
    ) -> None:
        self.name = name
        self._stepper = stepper
        self._wake = wake
        self._close = close
        self._stopping = threading.Event()
        self._nudged = threading.Event()
        self._thread: threading.Thread | None = None
        self._failures = 0
        self._error = ""
        self._beat = boot_ns()

    def start(self) -> None:
        if self._thread is not None:
            return
        self._beat = boot_ns()
        self._thread = threading.Thread(target=self._run, name=self.name, daemon=True)
        self._thread.start()

    def nudge(self) -> None:
        """End the current rest: there is work."""
        self._nudged.set()

    def stop(self, timeout_s: float = 2.0) -> bool:
        """Ask the thread to end; whether it did within ``timeout_s``."""
        self._stopping.set()
        self._nudged.set()
        if self._wake is not None:
            self._wake()
        if self._thread is None or self._thread is threading.current_thread():
            return True
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    @property
    def state(self) -> ServiceState:
        running = self._thread is not None and self._thread.is_alive()
        beat = self._beat if running else 0
        return ServiceState(self.name, running, self._failures, bool(self._error), self._error, beat)

    def _run(self) -> None:
        pause = FIRST_PAUSE_S
        while not self._stopping.is_set():
            self._beat = boot_ns()
            try:
                rest = self._stepper.step()
                if self._error:
                    log.info("service %s works again", self.name)
                pause, self._error = FIRST_PAUSE_S, ""
            except (
                BaseException
            ) as error:  # the one place where a service may fail in any way, SystemExit too, and go on
                if self._stopping.is_set():
                    break
                self._failures += 1
                if not self._error:
                    log.exception("service %s failed; next try in %.1f s", self.name, pause)
                self._error = f"{type(error).__name__}: {error}"
                rest, pause = pause, min(pause * 2, LONGEST_PAUSE_S)
            if rest > 0:
                self._beat = boot_ns() + round(rest * 1e9)
                self._nudged.wait(rest)
                self._nudged.clear()
        if self._close is not None:
            self._close()
