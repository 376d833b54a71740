"""Who came, by gate: over the days, and in the ten minutes with the most."""

from collections.abc import Mapping, Sequence

from markupsafe import Markup

from attendance.fleet.analytics import WEEKDAYS, Steps, busiest, days_with, weekday
from attendance.fleet.store.analytics import GateDay
from attendance.fleet.web import graphs
from attendance.fleet.web.graphs import Column
from attendance.fleet.web.sheets.gate_flows import GateFlows, gate_flows
from attendance.fleet.web.sheets.sheet import Block, Question, Row, Sheet, Table
from attendance.fleet.web.sheets.wording import clock, short
from attendance.fleet.web.words import UNKNOWN

_TABLE_HEAD = ("Gate", "Arrivals", "A day", "Late", "Most in ten minutes, a day", "At")


def arrivals(asked: Question) -> Sheet:
    """Who came, by gate, over the days and over the day."""
    flows = gate_flows(asked)
    steps = Steps(asked.period.first, asked.period.last)
    rows = [_row(flows.names[gate], days, _came(flows, gate)) for gate, days in flows.of_gate.items()]
    if len(rows) > 1:
        rows.append(_row("All gates", flows.days, _came(flows, None)))
    block = Block(
        "Arrivals by gate",
        _drawings(flows, steps),
        Table("Arrivals by gate", _TABLE_HEAD, rows),
        f"A bar is a {steps.word}; all gates have the same scale.",
        (("whole", "on time"), ("part", "late")),
    )
    return Sheet(
        [block],
        ("day", "weekday", "gate", "came", "went", "late", "refused"),
        ((each.day, WEEKDAYS[weekday(each)], flows.names[each.gate_id], *each[2:]) for each in flows.days),
        empty=not flows.days,
    )


def _drawings(flows: GateFlows, steps: Steps) -> list[Markup]:
    came = {gate: steps.sums(days, lambda row: row.came) for gate, days in flows.of_gate.items()}
    late = {gate: steps.sums(days, lambda row: row.late) for gate, days in flows.of_gate.items()}
    top = max((value for each in came.values() for value in each), default=1)
    return [
        graphs.columns(
            [Column(short(at), *both) for at, *both in zip(steps.all(), came[gate], late[gate], strict=True)],
            key=f"came-{place}",
            title=f"{flows.names[gate]}: arrivals each {steps.word}",
            desc=f"{sum(came[gate]):,} came, at most {max(came[gate]):,} in a {steps.word}; {sum(late[gate]):,} late.",
            top=top,
        )
        for place, gate in enumerate(came)
    ]


def _row(name: str, days: Sequence[GateDay], slots: Mapping[int, int]) -> Row:
    came, late = sum(row.came for row in days), sum(row.late for row in days)
    worked = days_with(days, lambda row: row.came) or 1
    most = busiest(slots)
    at = (f"{slots[most] / worked:,.0f}", clock(most)) if most is not None else (UNKNOWN, UNKNOWN)
    return name, came, round(came / worked), late, *at


def _came(flows: GateFlows, gate: str | None) -> dict[int, int]:
    """By ten minutes of the day; ``None``: at any gate."""
    found: dict[int, int] = {}
    for (other, slot), (came, _) in flows.slots.items():
        if gate in (None, other):
            found[slot] = found.get(slot, 0) + came
    return found
