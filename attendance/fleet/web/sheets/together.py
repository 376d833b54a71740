"""The same card at two gates at once."""

from collections.abc import Mapping
from datetime import tzinfo
from zoneinfo import ZoneInfo

from attendance.clock import from_rfc3339
from attendance.fleet.store import analytics
from attendance.fleet.store.analytics import Together
from attendance.fleet.web.sheets.sheet import Block, Question, Row, Sheet, Table
from attendance.fleet.web.sheets.wording import NO_SECTION
from attendance.fleet.web.words import UNKNOWN

_LISTED = 200
_NOTE = "Within a minute nobody carries a card from one gate to another: a copy of it is used, or a clock is wrong."


def together(asked: Question) -> Sheet:
    """The newest times, and between which gates how often."""
    gates, zone = asked.gate_names(), ZoneInfo(asked.school.timezone)
    found = analytics.together(asked.conn, asked.school.school_id, asked.period, _LISTED)
    rows = [_row(each, gates, zone, asked.names) for each in found]
    head = ("Day", *(("Student",) if asked.names else ()), "Section", "First seen", "Then seen")
    pairs = analytics.together_between(asked.conn, asked.school.school_id, asked.period)
    between = [
        (f"{gates.get(first, UNKNOWN)}, then {gates.get(second, UNKNOWN)}", count)
        for (first, second), count in sorted(pairs.items(), key=lambda each: -each[1])
    ]
    times = sum(pairs.values())
    blocks = [
        Block("Between which gates", table=Table("Between which gates", ("Gates", "Times"), between), note=_NOTE),
        Block(
            "Each time",
            table=Table("Each time", head, rows),
            note=f"The newest {_LISTED} of {times:,}." if times > _LISTED else "",
        ),
    ]
    return Sheet(blocks, [each.lower() for each in head], rows, empty=not found)


def _row(each: Together, gates: Mapping[str, str], zone: tzinfo, names: bool) -> Row:
    """``names``: with that of the student."""
    first, second = (
        f"{gates.get(gate, UNKNOWN)} {from_rfc3339(at).astimezone(zone):%H:%M:%S}"
        for gate, at in ((each.first_gate, each.first_at), (each.second_gate, each.second_at))
    )
    return each.day, *((each.name or UNKNOWN,) if names else ()), each.section or NO_SECTION, first, second
