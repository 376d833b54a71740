"""What people read of alerts: a line for a phone's lock screen, and what to do below it."""

from collections.abc import Sequence
from dataclasses import dataclass

from attendance.ops.alerts import Alert, Kind, Notice

_LONGEST_TITLE = 120
_BEGIN: dict[Kind, str] = {
    "problem": "",
    "reminder": "Still: ",
    "escalation": "Nobody has looked after it yet: ",
    "recovery": "Over: ",
}


@dataclass(frozen=True, slots=True)
class Words:
    """``severity`` is that of the gravest alert, or ``recovery``."""

    title: str
    body: str
    severity: str


def words(notice: Notice, place: str) -> Words:
    """A notice in words.

    Args:
        place: whose it is, where the alerts do not say so themselves: the gate, or the school.
    """
    gravest = [each for each in notice.alerts if each.problem.severity == "error"] or list(notice.alerts)
    more = len(notice.alerts) - 1
    title = f"{place}: {_BEGIN[notice.kind]}{_named(gravest[0])}{gravest[0].problem.text}"
    if more:
        title = f"{_cut(title, _LONGEST_TITLE - 12)} (+{more} more)"
    severity = "recovery" if notice.kind == "recovery" else gravest[0].problem.severity
    return Words(_cut(title, _LONGEST_TITLE), _body(notice.kind, notice.alerts), severity)


def _body(kind: Kind, alerts: Sequence[Alert]) -> str:
    if kind == "recovery":
        return "\n".join(f"Over: {_named(each)}{each.problem.text}" for each in alerts)
    return "\n\n".join(
        f"{each.problem.severity.upper()}: {_named(each)}{each.problem.text}\nWhat to do: {each.problem.remedy}"
        for each in alerts
    )


def _named(alert: Alert) -> str:
    return f"{alert.source}: " if alert.source else ""


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else f"{text[: length - 1]}…"
