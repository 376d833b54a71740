"""Whether as many go as come, and by which gates."""

from attendance.fleet.analytics import days_with
from attendance.fleet.web import graphs
from attendance.fleet.web.sheets.gate_flows import GateFlows, gate_flows
from attendance.fleet.web.sheets.sheet import Block, Question, Row, Sheet, Table
from attendance.fleet.web.sheets.wording import clock
from attendance.fleet.web.words import UNKNOWN

_TABLE_HEAD = ("Gate", "In", "Out", "In less out", "Of all in", "Of all out")


def balance(asked: Question) -> Sheet:
    """By gate: who came and went on an average day, and which part of all that is."""
    flows = gate_flows(asked)
    averages = {gate: _average(flows, gate) for gate in flows.of_gate}
    top = max((value for each in averages.values() for both in each.values() for value in both), default=1.0)
    came = {gate: sum(row.came for row in days) for gate, days in flows.of_gate.items()}
    went = {gate: sum(row.went for row in days) for gate, days in flows.of_gate.items()}
    drawings = [
        graphs.mirrored(
            average,
            key=f"flow-{place}",
            title=f"{flows.names[gate]}: in and out by ten minutes",
            desc=f"On average {came[gate] / _worked(flows, gate):,.0f} came and "
            f"{went[gate] / _worked(flows, gate):,.0f} went on a day.",
            top=top,
        )
        for place, (gate, average) in enumerate(averages.items())
    ]
    all_came, all_went = sum(came.values()), sum(went.values())
    rows = [_row(flows.names[gate], came[gate], went[gate], all_came, all_went) for gate in flows.of_gate]
    if len(rows) > 1:
        rows.append(_row("All gates", all_came, all_went, all_came, all_went))
    table = Table("In and out by gate", _TABLE_HEAD, rows)
    note = "An average day: above the line who came, below it who went."
    return Sheet(
        [Block("Flow by gate", drawings, table, note, (("whole", "in"), ("out", "out")))],
        ("gate", "from", "came", "went"),
        ((flows.names[gate], clock(slot), *both) for (gate, slot), both in sorted(flows.slots.items())),
        empty=not flows.days,
    )


def _worked(flows: GateFlows, gate: str) -> int:
    """On how many days anybody passed, to divide by."""
    return days_with(flows.of_gate[gate], lambda row: row.came + row.went) or 1


def _average(flows: GateFlows, gate: str) -> dict[int, tuple[float, float]]:
    """Who came and went by ten minutes of an average day."""
    worked = _worked(flows, gate)
    return {
        slot: (came / worked, went / worked) for (other, slot), (came, went) in flows.slots.items() if other == gate
    }


def _row(name: str, came: int, went: int, all_came: int, all_went: int) -> Row:
    return name, came, went, came - went, _share(came, all_came), _share(went, all_went)


def _share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f} %" if whole else UNKNOWN
