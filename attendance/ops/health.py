"""What is known of this process and what is wrong with it, as one snapshot that is replaced every two seconds.

Parts tell the board facts, with how long they stay true, or are asked by probes on the board's own thread. Whoever
wants to know (a page, a monitor) only reads the last snapshot: asking often costs nothing and reaches no database.
"""

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from attendance.clock import boot_ns
from attendance.errors import AttendanceError

PERIOD_S = 2.0
"""Looking costs a third of a millisecond; what is found is for people."""

Severity = Literal["notice", "warning", "error"]
_GRAVEST_FIRST: Mapping[Severity, int] = {"error": 0, "warning": 1, "notice": 2}
Status = Literal["healthy", "degraded", "unhealthy"]


@dataclass(frozen=True, slots=True)
class Problem:
    """Something unhealthy. Each kind is a constant beside the part that finds it.

    Attributes:
        code: stable, for machines: lower case words with hyphens.
        severity: ``error`` if a scan could be lost or refused, or nobody is looking; ``notice`` for what is worth
            knowing but is a choice that somebody may have made: it is listed and makes nothing unhealthy; else
            ``warning``.
        text: what is wrong, for the office. The constants may have ``{placeholders}``, see ``said``.
        remedy: what a person must do.
    """

    code: str
    severity: Severity
    text: str
    remedy: str

    def said(self, **values: object) -> "Problem":
        """This problem with the placeholders of its text and remedy filled in."""
        return replace(self, text=self.text.format(**values), remedy=self.remedy.format(**values))


STALE = Problem(
    "component-stale",
    "error",
    "Nothing has been heard from {component} for more than {seconds:.0f} s.",
    "If it does not come back by itself in a minute, restart the gate and send the log to whoever looks after it.",
)
PROBE_FAILED = Problem(
    "probe-failed",
    "error",
    "The state of {component} could not be found out: {error}",
    "Run `attendance doctor` at the gate.",
)
SNAPSHOT_OLD = Problem(
    "health-stale",
    "error",
    "The gate has not looked after itself for {seconds:.0f} s.",
    "Restart the gate and send the log to whoever looks after it.",
)


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """What one component is like now.

    Attributes:
        values: plain JSON values, shown as they are.
        status: overrides what the problems say; ``stopped`` for a part that is switched off.
    """

    component: str
    values: Mapping[str, Any] = field(default_factory=dict)
    problems: Sequence[Problem] = ()
    status: Literal["", "stopped"] = ""


Probe = Callable[[], ProbeResult]


@dataclass(frozen=True, slots=True)
class Component:
    """One component in a snapshot; ``status`` is a ``Status`` or ``stopped``."""

    status: str
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The health of the process at one instant, ``boot_ns``.

    Attributes:
        problems: the gravest first.
    """

    overall: Status
    components: Mapping[str, Component]
    problems: tuple[Problem, ...]
    boot_ns: int


class HealthBoard:
    """Collects facts and problems; a ``Service`` runs it as a stepper.

    Args:
        now_ns: boot time.
    """

    def __init__(self, now_ns: Callable[[], int] = boot_ns) -> None:
        self._now_ns = now_ns
        self._lock = threading.Lock()
        self._probes: list[tuple[str, Probe]] = []
        self._reports: dict[str, tuple[ProbeResult, float | None, int]] = {}
        self._looked = threading.Event()
        self._snapshot = Snapshot("degraded", {}, (), now_ns())

    def add_probe(self, component: str, probe: Probe) -> None:
        """Ask ``probe`` at each look. It must be cheap: milliseconds."""
        self._probes.append((component, probe))

    def report(
        self,
        component: str,
        values: Mapping[str, Any],
        problems: Sequence[Problem] = (),
        *,
        ttl_s: float | None = None,
        stopped: bool = False,
    ) -> None:
        """Tell what ``component`` is like; replaces what it told before.

        Args:
            ttl_s: without a newer report in this time the component is unhealthy; ``None``: stays true.
        """
        result = ProbeResult(component, dict(values), tuple(problems), "stopped" if stopped else "")
        with self._lock:
            self._reports[component] = (result, ttl_s, self._now_ns())

    def forget(self, component: str) -> None:
        """Take a report back: nothing is known of ``component``, which is neither good nor bad."""
        with self._lock:
            self._reports.pop(component, None)

    def snapshot(self) -> Snapshot:
        return self._snapshot

    def wait_for_look(self, timeout_s: float) -> bool:
        """Wait until there is a first snapshot of facts; whether there is."""
        return self._looked.wait(timeout_s)

    def step(self) -> float:
        now = self._now_ns()
        with self._lock:
            reports = list(self._reports.values())
        results = [_ask(component, probe) for component, probe in self._probes]
        results += [_aged(result, ttl_s, now - told_ns) for result, ttl_s, told_ns in reports]
        self._snapshot = _summary(results, now)
        self._looked.set()
        return PERIOD_S


def with_age(snapshot: Snapshot, now_ns: int, longest_s: float = 10.0) -> Snapshot:
    """The snapshot, unhealthy when it is too old: then the board itself no longer works."""
    age_s = (now_ns - snapshot.boot_ns) / 1e9
    if age_s <= longest_s:
        return snapshot
    old = SNAPSHOT_OLD.said(seconds=age_s)
    return replace(snapshot, overall="unhealthy", problems=(old, *snapshot.problems))


def _ask(component: str, probe: Probe) -> ProbeResult:
    try:
        return probe()
    except (OSError, AttendanceError) as error:
        return ProbeResult(component, {"error": str(error)}, (PROBE_FAILED.said(component=component, error=error),))


def _aged(result: ProbeResult, ttl_s: float | None, age_ns: int) -> ProbeResult:
    if ttl_s is None or age_ns <= ttl_s * 1e9:
        return result
    stale = STALE.said(component=result.component, seconds=ttl_s)
    return replace(result, problems=(*result.problems, stale))


def _summary(results: Sequence[ProbeResult], now_ns: int) -> Snapshot:
    components = {
        result.component: Component(result.status or verdict(result.problems), result.values) for result in results
    }
    problems = gravest_first([problem for result in results for problem in result.problems])
    return Snapshot(verdict(problems), components, problems, now_ns)


def gravest_first(problems: Sequence[Problem]) -> tuple[Problem, ...]:
    return tuple(sorted(problems, key=lambda problem: _GRAVEST_FIRST[problem.severity]))


def verdict(problems: Sequence[Problem]) -> Status:
    """What the gravest of the problems makes of the whole."""
    severities = {problem.severity for problem in problems}
    if "error" in severities:
        return "unhealthy"
    return "degraded" if "warning" in severities else "healthy"
