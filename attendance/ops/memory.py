"""Memory of every process of the program against its budget, and relief before a budget is spent."""

import ctypes
import functools
import gc
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import psutil

from attendance.clock import boot_ns
from attendance.ops.growth import Growth
from attendance.ops.health import ProbeResult, Problem
from attendance.ops.service import Service

RELIEF_SHARE = 0.85
"""Of its budget a process may use so much before it is relieved."""
_LOOK_S = 5.0
_AGAIN_S = 600.0
"""Relief that was given is not given again for so long: what did not help just now will not help yet."""
_FORESEEN_HOURS = 48.0
"""A person comes by on a school day, and every second day is one even over a weekend."""

MEMORY_HIGH = Problem(
    "memory-high",
    "warning",
    "The {process} process uses {used_mb:.0f} MB of its {budget_mb:.0f} MB of memory.",
    "It is relieved by itself. If this stays for an hour, restart the gate and tell whoever looks after it.",
)
MEMORY_GROWS = Problem(
    "memory-grows",
    "warning",
    "The {process} process grows by {mb_per_hour:.1f} MB an hour. At this rate its {budget_mb:.0f} MB of memory are"
    " used up in {hours:.0f} hours.",
    "It frees itself of what it can. Restart the gate when nobody passes, and send the files of data/logs to whoever"
    " looks after it.",
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
    """What a process has of its budget, in decimal megabytes.

    Attributes:
        mb_per_hour: by how much it grows; ``None`` while that cannot be told.
    """

    used_mb: float
    budget_mb: float
    mb_per_hour: float | None = None

    @property
    def hours_left(self) -> float | None:
        """In how many hours the budget is used up if it goes on growing so; ``None`` if it does not grow."""
        return max(0.0, self.budget_mb - self.used_mb) / self.mb_per_hour if self.mb_per_hour else None

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
        self._growth = {process.name: Growth() for process in self._processes}
        self._relieved_ns: dict[str, tuple[int | None, int]] = {}
        self.service = Service("memory", self)

    def step(self) -> float:
        self._uses = {process.name: self._look(process) for process in self._processes}
        for process in self._processes:
            use = self._uses[process.name]
            if use.high and not self._just_relieved(process) and process.relieve(use):
                self._relieved_ns[process.name] = (process.pid(), self._now_ns())
        return _LOOK_S

    def __call__(self) -> ProbeResult:
        uses = dict(self._uses)
        problems = [problem for name, use in uses.items() for problem in _problems(name, use)]
        return ProbeResult("memory", {name: _values(use) for name, use in uses.items()}, problems)

    def _look(self, process: Watched) -> Use:
        pid = process.pid()
        used_mb, growth = resident_mb(pid), self._growth[process.name]
        growth.see(pid, used_mb, self._now_ns())
        return Use(used_mb, process.budget_mb, growth.mb_per_hour)

    def _just_relieved(self, process: Watched) -> bool:
        """Whether this very process, not one that has taken its place, was relieved a moment ago."""
        pid, at_ns = self._relieved_ns.get(process.name, (None, 0))
        return pid == process.pid() is not None and self._now_ns() - at_ns < _AGAIN_S * 1e9


def _values(use: Use) -> dict[str, float | None]:
    growth = None if use.mb_per_hour is None else round(use.mb_per_hour, 2)
    return {"used_mb": round(use.used_mb, 1), "budget_mb": round(use.budget_mb, 1), "growth_mb_per_hour": growth}


def _problems(name: str, use: Use) -> Iterator[Problem]:
    if use.high:
        yield MEMORY_HIGH.said(process=name, used_mb=use.used_mb, budget_mb=use.budget_mb)
    if use.mb_per_hour and use.hours_left is not None and use.hours_left < _FORESEEN_HOURS:
        yield MEMORY_GROWS.said(
            process=name, mb_per_hour=use.mb_per_hour, budget_mb=use.budget_mb, hours=use.hours_left
        )


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
