"""Which problems people are told of, and when: once they last, grouped, again only after hours, and when they are over.

Pure but for what it remembers: whoever runs it gives it what is wrong now and delivers what it says. The conditions
are the problems of health; nothing is an alert that no page shows.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from pydantic import TypeAdapter

from attendance.clock import Moment, age
from attendance.ops.health import Problem, Severity

Kind = Literal["problem", "reminder", "escalation", "recovery"]


@dataclass(frozen=True, slots=True)
class Policy:
    """After what time people are told what, in seconds.

    Attributes:
        lasts_s: how long a problem must last before it is told, by severity; notices are never told.
        again_s: it is told again after so long, if it is still there, by severity.
        calm_s: how long it must be gone before it is over: what comes and goes is one alert.
        escalate_s: an error that nobody has acknowledged for so long is told to further people; 0: never.
    """

    lasts_s: Mapping[Severity, float]
    again_s: Mapping[Severity, float]
    calm_s: float = 300.0
    escalate_s: float = 1_800.0


@dataclass(frozen=True, slots=True)
class Found:
    """A problem and whose it is; ``source`` is empty where there is only one."""

    source: str
    problem: Problem


@dataclass(frozen=True, slots=True)
class Alert:
    """A problem that is remembered.

    Attributes:
        since: when it was first seen.
        gone: since when it is not there; ``None`` while it is.
        first_told, told: when people were first and last told; ``None``: not yet.
        escalated: further people were told.
        acknowledged: somebody has said that they look after it.
    """

    source: str
    problem: Problem
    since: Moment
    gone: Moment | None = None
    first_told: Moment | None = None
    told: Moment | None = None
    escalated: bool = False
    acknowledged: bool = False

    @property
    def key(self) -> tuple[str, str]:
        return self.source, self.problem.code


@dataclass(frozen=True, slots=True)
class Notice:
    """What people are told at once; ``escalation`` is for further people, the others for the usual ones, ``recovery``
    for whoever was told of it."""

    kind: Kind
    alerts: Sequence[Alert]


class Alerts:
    """Remembers what is wrong and decides what to say.

    Args:
        known: what an earlier process remembered.
    """

    def __init__(self, policy: Policy, known: Iterable[Alert] = ()) -> None:
        self._policy = policy
        self._alerts = {alert.key: alert for alert in known}

    @property
    def all(self) -> list[Alert]:
        """What is remembered, the oldest first."""
        return sorted(self._alerts.values(), key=lambda alert: (alert.since.at, alert.key))

    def acknowledge(self, code: str, source: str = "") -> bool:
        """Somebody looks after a problem: nobody is reminded of it any more; whether it is known."""
        alert = self._alerts.get((source, code))
        if alert is not None:
            self._alerts[alert.key] = replace(alert, acknowledged=True)
        return alert is not None

    def look(self, found: Iterable[Found], now: Moment, *, quiet: bool = False) -> list[Notice]:
        """Take note of what is wrong now.

        Args:
            quiet: only errors are told; the rest waits until it is not.

        Returns:
            What people are to be told; it counts as told.
        """
        self._note(found, now)
        notices = [
            Notice("recovery", self._over(now)),
            Notice("problem", self._new(now, quiet)),
            Notice("reminder", self._old(now, quiet)),
            Notice("escalation", self._neglected(now)),
        ]
        return [notice for notice in notices if notice.alerts]

    def _note(self, found: Iterable[Found], now: Moment) -> None:
        there = {(each.source, each.problem.code): each for each in found if each.problem.severity != "notice"}
        for key, each in there.items():
            known = self._alerts.get(key)
            if known is None:
                self._alerts[key] = Alert(each.source, each.problem, since=now)
            else:
                self._alerts[key] = replace(known, problem=each.problem, gone=None)
        for key, alert in self._alerts.items():
            if key not in there and alert.gone is None:
                self._alerts[key] = replace(alert, gone=now)

    def _over(self, now: Moment) -> list[Alert]:
        """Forget what has been gone for long enough; those that people were told of."""
        over = [each for each in self.all if each.gone is not None and _for_s(each.gone, now) >= self._policy.calm_s]
        for alert in over:
            del self._alerts[alert.key]
        return [alert for alert in over if alert.told is not None]

    def _new(self, now: Moment, quiet: bool) -> list[Alert]:
        return [
            self._tell(each, now)
            for each in self.all
            if each.told is None and each.gone is None and self._lasts(each, now) and not self._held(each, quiet)
        ]

    def _old(self, now: Moment, quiet: bool) -> list[Alert]:
        return [
            self._tell(each, now)
            for each in self.all
            if each.told is not None
            and each.gone is None
            and not each.acknowledged
            and _for_s(each.told, now) >= self._policy.again_s[each.problem.severity]
            and not self._held(each, quiet)
        ]

    def _neglected(self, now: Moment) -> list[Alert]:
        after_s = self._policy.escalate_s
        neglected = [
            each
            for each in self.all
            if after_s
            and each.problem.severity == "error"
            and each.first_told is not None
            and each.gone is None
            and not each.acknowledged
            and not each.escalated
            and _for_s(each.first_told, now) >= after_s
        ]
        for alert in neglected:
            self._alerts[alert.key] = replace(alert, escalated=True)
        return neglected

    def _lasts(self, alert: Alert, now: Moment) -> bool:
        return _for_s(alert.since, now) >= self._policy.lasts_s[alert.problem.severity]

    def _held(self, alert: Alert, quiet: bool) -> bool:
        return quiet and alert.problem.severity != "error"

    def _tell(self, alert: Alert, now: Moment) -> Alert:
        told = replace(alert, told=now, first_told=alert.first_told or now)
        self._alerts[alert.key] = told
        return told


def _for_s(since: Moment, now: Moment) -> float:
    return age(since, now).total_seconds()


_REMEMBERED = TypeAdapter(list[Alert])


def to_json(alerts: Sequence[Alert]) -> bytes:
    """What an ``Alerts`` remembers, for the one that comes after it."""
    return _REMEMBERED.dump_json(list(alerts))


def from_json(text: bytes) -> list[Alert]:
    """What ``to_json`` wrote.

    Raises:
        ValueError: it is something else.
    """
    return _REMEMBERED.validate_json(text)
