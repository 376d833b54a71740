"""Who came and went at a school's gates, as several sheets show it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from attendance.fleet.analytics import by, in_order
from attendance.fleet.store import analytics
from attendance.fleet.store.analytics import GateDay
from attendance.fleet.web.sheets.sheet import Question


@dataclass(frozen=True, slots=True)
class GateFlows:
    """
    Attributes:
        names: of all gates of the school, by id.
        days: of all gates, in order.
        of_gate: the same by id; the gates by name.
        slots: over all days, who came and went by gate and ten-minute slot.
    """

    names: Mapping[str, str]
    days: Sequence[GateDay]
    of_gate: Mapping[str, Sequence[GateDay]]
    slots: Mapping[tuple[str, int], tuple[int, int]]


def gate_flows(asked: Question) -> GateFlows:
    names = asked.gate_names()
    days = analytics.by_gate_and_day(asked.conn, asked.school.school_id, asked.period)
    of_gate = by(days, lambda row: row.gate_id)
    slots = analytics.by_gate_and_slot(asked.conn, asked.school.school_id, asked.period)
    return GateFlows(names, days, {gate: of_gate[gate] for gate in in_order(of_gate, names)}, slots)
