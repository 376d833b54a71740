"""Memory of every process of the program against its budget, and relief before a budget is spent."""

import ctypes
import functools
import gc
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import psutil

from attendance.clock import boot_ns
from attendance.ops.health import ProbeResult, Problem
from attendance.ops.service import Service

RELIEF_SHARE = 0.85
"""Of its budget a process may use so much before it is relieved."""
_LOOK_S = 5.0
_AGAIN_S = 600.0
"""Relief that was given is not given again for so long: what did not help just now will not help yet."""

MEMORY_HIGH = Problem(
    "memory-high",
    "warning",
    "The {process} process uses {used_mb:.0f} MB of its {budget_mb:.0f} MB of memory.",
    "It is relieved by itself. If this stays for an hour, restart the gate and tell whoever looks after it.",
)


@dataclass(frozen=True, slots=True)
class Watched:
    """A process with its budget.

    Attributes:
        pid: its id now, ``None`` while there is no such process.
        budget_mb: decimal megabytes of resident memory.
        relieve: makes it smaller, for a reason; whether it could do so now. It is asked again until it could.
    """

    name: str
    pid: Callable[[], int | None]
    budget_mb: float
    relieve: Callable[["Use"], bool]


@dataclass(frozen=True, slots=True)
class Use:
    """What a process has of its budget, in decimal megabytes."""

    used_mb: float
    budget_mb: float

    @property
    def high(self) -> bool:
        return self.used_mb > self.budget_mb * RELIEF_SHARE

    @property
    def over(self) -> bool:
        return self.used_mb > self.budget_mb

    def __str__(self) -> str:
        return f"{self.used_mb:.0f} MB of {self.budget_mb:.0f} MB"


class MemoryWatch:
    """Looks at every process and relieves those that grow. Also the probe ``memory``."""

    def __init__(self, processes: Sequence[Watched], now_ns: Callable[[], int] = boot_ns) -> None:
        self._processes = list(processes)
        self._now_ns = now_ns
        self._uses: dict[str, Use] = {}
        self._relieved_ns: dict[str, tuple[int | None, int]] = {}
        self.service = Service("memory", self)

    def step(self) -> float:
        self._uses = {process.name: Use(resident_mb(process.pid()), process.budget_mb) for process in self._processes}
        for process in self._processes:
            use = self._uses[process.name]
            if use.high and not self._just_relieved(process) and process.relieve(use):
                self._relieved_ns[process.name] = (process.pid(), self._now_ns())
        return _LOOK_S

    def __call__(self) -> ProbeResult:
        uses = dict(self._uses)
        values = {
            name: {"used_mb": round(use.used_mb, 1), "budget_mb": round(use.budget_mb, 1)} for name, use in uses.items()
        }
        problems = [
            MEMORY_HIGH.said(process=name, used_mb=use.used_mb, budget_mb=use.budget_mb)
            for name, use in uses.items()
            if use.high
        ]
        return ProbeResult("memory", values, problems)

    def _just_relieved(self, process: Watched) -> bool:
        """Whether this very process, not one that has taken its place, was relieved a moment ago."""
        pid, at_ns = self._relieved_ns.get(process.name, (None, 0))
        return pid == process.pid() is not None and self._now_ns() - at_ns < _AGAIN_S * 1e9


def resident_mb(pid: int | None) -> float:
    """Resident memory in decimal megabytes; 0 for a process that has ended."""
    if pid is None:
        return 0.0
    try:
        return float(_process(pid).memory_info().rss) / 1e6
    except psutil.Error:
        return 0.0


@functools.lru_cache(maxsize=8)
def _process(pid: int) -> psutil.Process:
    """Made once for each id: that costs three times what asking it for its memory does."""
    return psutil.Process(pid)


def release_own_memory(use: Use) -> bool:
    """Collect garbage and give the heap's free pages back to the kernel, which C libraries' freed blocks keep."""
    gc.collect()
    trim = _malloc_trim()
    if trim is not None:
        trim(0)
    return True


@functools.cache
def _malloc_trim() -> Callable[[int], int] | None:
    """glibc's own; other C libraries have none."""
    try:
        return ctypes.CDLL(None).malloc_trim
    except AttributeError:
        return None
