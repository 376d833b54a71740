"""When a simulated gate provably worked, in memory."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from attendance.clock import Moment
from attendance.domain.absence import Span, holes
from attendance.domain.contact import Window
from attendance.domain.proof import ended_windows
from attendance.sim.school import ABSENCE_AFTER, SCHEDULE

_BLIND = timedelta(seconds=60)
"""Who has not looked for so long cannot vouch for what was in between."""


class GateProof:
    """Spans of naive local time that grow while the gate works."""

    def __init__(self, zone: ZoneInfo) -> None:
        self._zone = zone
        self._spans: list[Span] = []

    def worked(self, since: datetime, until: datetime) -> None:
        """It worked from one time to another, both after what is known so far."""
        self._spans.append((self._local(since), self._local(until)))

    def look(self, now: Moment) -> None:
        """It works; only a trusted clock proves that."""
        if not now.trusted:
            return
        at = self._local(now.at)
        if self._spans and timedelta() <= at - self._spans[-1][1] <= _BLIND:
            self._spans[-1] = (self._spans[-1][0], at)
        else:
            self._spans.append((at, at))

    def windows(self, now: datetime) -> list[Window]:
        """What a heartbeat says of the last days."""
        return list(ended_windows(SCHEDULE, ABSENCE_AFTER, self._local(now), self._whole))

    def _whole(self, day: date, span: Span) -> bool:
        return not holes(self._spans, *span)

    def _local(self, at: datetime) -> datetime:
        return at.astimezone(self._zone).replace(tzinfo=None)
