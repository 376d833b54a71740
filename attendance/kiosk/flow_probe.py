"""Whether students pass as they usually do: the last half hour beside the same one of earlier weeks, and refusals."""

import sqlite3
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from statistics import median
from zoneinfo import ZoneInfo

from attendance.clock import Clock
from attendance.domain.calendar import closure_on
from attendance.errors import StorageError
from attendance.kiosk.store import closures, register
from attendance.kiosk.store.database import reading
from attendance.ops.health import ProbeResult, Problem

_LOOK_S = 60.0
_SPAN = timedelta(minutes=30)
"""Longer than any lull of a gate at which students come and go."""
_WEEKS = 4
_FEWEST_WEEKS = 2
_USUALLY = 20
"""Scans of a span below which none at all can be chance."""
_HOUR = timedelta(hours=1)
_REFUSED_SHARE = 0.25
_REFUSED = 20

SILENT = Problem(
    "gate-silent",
    "error",
    "Nobody has passed for {minutes:.0f} minutes; on this weekday there are usually {usual:.0f} scans in that time.",
    "Hold up a card. If nothing happens, clean the lens, look at the light and restart the gate. If there are no"
    " classes, enter the day with `attendance calendar add`.",
)
MANY_REFUSED = Problem(
    "many-refused",
    "warning",
    "{refused} of {shown} cards of the last hour were refused, most of them as {reason}.",
    "See who they are with `attendance report day --all`; docs/operations/metrics.md says what each reason asks for.",
)


class FlowProbe:
    """Looks once a minute; between two looks it repeats what it found.

    It keeps quiet by a clock that is not trusted, and until it has itself seen a whole span.
    """

    def __init__(self, database: Path, clock: Clock, zone: ZoneInfo) -> None:
        self._database = database
        self._clock = clock
        self._zone = zone
        self._began_ns: int | None = None
        self._looked_ns = 0
        self._found = ProbeResult("flow")

    def __call__(self) -> ProbeResult:
        now = self._clock.now()
        first = self._began_ns is None
        self._began_ns = now.boot_ns if self._began_ns is None else self._began_ns
        if first or (now.boot_ns - self._looked_ns) / 1e9 >= _LOOK_S:
            self._looked_ns = now.boot_ns
            seen_all = timedelta(microseconds=(now.boot_ns - self._began_ns) / 1e3) >= _SPAN
            self._found = self._look(now.at.astimezone(self._zone), seen_all) if now.trusted else ProbeResult("flow")
        return self._found

    def _look(self, now: datetime, seen_all: bool) -> ProbeResult:
        try:
            with reading(self._database) as conn:
                passed, usual = passages(conn, now, _SPAN)
                closed = closure_on(closures.around(conn, now.date()), now.date(), "") is not None
                accepted = register.accepted_between(conn, now - _HOUR, now)
                refused = register.refused_between(conn, now - _HOUR, now)
        except StorageError:
            return ProbeResult("flow")  # the database's own probe says so
        problems = []
        if seen_all and not closed and passed == 0 and usual is not None and usual >= _USUALLY:
            problems.append(SILENT.said(minutes=_SPAN.total_seconds() / 60, usual=usual))
        count = sum(refused.values())
        if count >= _REFUSED and count > (accepted + count) * _REFUSED_SHARE:
            reason = max(refused, key=lambda each: refused[each]).replace("_", " ")
            problems.append(MANY_REFUSED.said(refused=count, shown=accepted + count, reason=reason))
        return ProbeResult("flow", {"last_half_hour": passed, "usual_half_hour": usual}, problems)


def passages(conn: sqlite3.Connection, now: datetime, span: timedelta) -> tuple[int, float | None]:
    """Accepted scans of the last ``span``, and the median of the same span of the weeks before.

    Args:
        now: aware, in the school's zone: "the same" is by the clock on the wall.

    Returns:
        The second is ``None`` while fewer than two of those days had any scan at all.
    """
    days = [now - timedelta(weeks=week) for week in range(1, _WEEKS + 1)]
    with_classes: Sequence[datetime] = [at for at in days if register.scans_on(conn, at.date())]
    usual = [register.accepted_between(conn, at - span, at) for at in with_classes]
    return register.accepted_between(conn, now - span, now), median(usual) if len(usual) >= _FEWEST_WEEKS else None
