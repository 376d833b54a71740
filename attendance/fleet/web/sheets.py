"""The parts of a school's analytics: for each its drawings, the tables beside them, and its rows for a spreadsheet."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from markupsafe import Markup
from sqlalchemy import Connection

from attendance.clock import from_rfc3339
from attendance.domain import scan_time
from attendance.domain.scan import Refusal
from attendance.fleet.analytics import (
    WEEKDAYS,
    Attended,
    Steps,
    attended_by,
    busiest,
    by,
    days_with,
    in_order,
    weekday,
)
from attendance.fleet.store import analytics, gates, scan_times
from attendance.fleet.store.analytics import GateDay, Period
from attendance.fleet.store.rollups import SLOT_MINUTES
from attendance.fleet.store.schools import School
from attendance.fleet.web import graphs
from attendance.fleet.web.graphs import Column

Row = Sequence[Any]
_NO_SECTION = "Without a section"
_LISTED = 200
REFUSAL_WORDS: Mapping[str, str] = {
    Refusal.DUPLICATE: "held up again",
    Refusal.UNKNOWN_CARD: "unknown card",
    Refusal.REVOKED_CARD: "called back",
    Refusal.FORGED_CARD: "forged",
    Refusal.UNSIGNED_CARD: "not signed",
    Refusal.WRONG_TIME: "outside all sessions",
    Refusal.WRONG_SESSION: "another session",
    Refusal.NO_CLASSES: "no classes",
}


@dataclass(frozen=True, slots=True)
class Table:
    """Cells are texts or numbers; the first of each row names it."""

    caption: str
    head: Sequence[str]
    rows: Sequence[Row]


@dataclass(frozen=True, slots=True)
class Block:
    """Drawings, and the same as numbers."""

    heading: str
    drawings: Sequence[Markup] = ()
    table: Table | None = None
    note: str = ""
    legend: Sequence[tuple[str, str]] = ()


@dataclass(frozen=True, slots=True)
class Sheet:
    """
    Attributes:
        head, rows: for a spreadsheet, finer than the tables.
        empty: there is nothing in this time.
    """

    blocks: Sequence[Block]
    head: Sequence[str]
    rows: Iterable[Row] = field(default_factory=tuple)
    empty: bool = False


@dataclass(frozen=True, slots=True)
class Question:
    """What a sheet is made for.

    Attributes:
        names: whoever asks may see names of students.
    """

    conn: Connection
    school: School
    period: Period
    names: bool

    def gate_names(self) -> dict[str, str]:
        return {each.gate_id: each.name for each in gates.of_school(self.conn, self.school.school_id, revoked=True)}


def arrivals(asked: Question) -> Sheet:
    """Who came, by gate, over the days and over the day."""
    names = asked.gate_names()
    days = analytics.by_gate_and_day(asked.conn, asked.school.school_id, asked.period)
    slots = analytics.by_gate_and_slot(asked.conn, asked.school.school_id, asked.period)
    steps = Steps(asked.period.first, asked.period.last)
    of_gate = by(days, lambda row: row.gate_id)
    order = in_order(of_gate, names)
    sums = {gate: steps.sums(of_gate[gate], lambda row: row.came) for gate in order}
    late = {gate: steps.sums(of_gate[gate], lambda row: row.late) for gate in order}
    top = max((value for each in sums.values() for value in each), default=1)
    drawings = [
        graphs.columns(
            [Column(_short(at), *both) for at, *both in zip(steps.all(), sums[gate], late[gate], strict=True)],
            key=f"came-{place}",
            title=f"{names[gate]}: arrivals each {steps.word}",
            desc=f"{sum(sums[gate]):,} came, at most {max(sums[gate]):,} in a {steps.word}; {sum(late[gate]):,} late.",
            top=top,
        )
        for place, gate in enumerate(order)
    ]
    rows = [_arrivals_row(names[gate], of_gate[gate], _came(slots, gate)) for gate in order]
    if len(rows) > 1:
        rows.append(_arrivals_row("All gates", days, _came(slots, None)))
    table = Table("Arrivals by gate", ("Gate", "Arrivals", "A day", "Late", "Most in ten minutes, a day", "At"), rows)
    note = f"A bar is a {steps.word}; all gates have the same scale."
    block = Block("Arrivals by gate", drawings, table, note, (("whole", "on time"), ("part", "late")))
    return Sheet(
        [block],
        ("day", "weekday", "gate", "came", "went", "late", "refused"),
        ((each.day, WEEKDAYS[weekday(each)], names[each.gate_id], *each[2:]) for each in days),
        empty=not days,
    )


def balance(asked: Question) -> Sheet:
    """Whether as many go as come, and by which gates."""
    names = asked.gate_names()
    days = analytics.by_gate_and_day(asked.conn, asked.school.school_id, asked.period)
    slots = analytics.by_gate_and_slot(asked.conn, asked.school.school_id, asked.period)
    of_gate = by(days, lambda row: row.gate_id)
    order = in_order(of_gate, names)
    worked = {gate: days_with(of_gate[gate], lambda row: row.came + row.went) or 1 for gate in order}
    flows = {
        gate: {
            slot: (came / worked[gate], went / worked[gate])
            for (other, slot), (came, went) in slots.items()
            if other == gate
        }
        for gate in order
    }
    top = max((value for each in flows.values() for both in each.values() for value in both), default=1.0)
    all_came, all_went = sum(row.came for row in days), sum(row.went for row in days)
    drawings, rows = [], []
    for place, gate in enumerate(order):
        came, went = sum(row.came for row in of_gate[gate]), sum(row.went for row in of_gate[gate])
        desc = f"On average {came / worked[gate]:,.0f} came and {went / worked[gate]:,.0f} went on a day."
        title = f"{names[gate]}: in and out by ten minutes"
        drawings.append(graphs.mirrored(flows[gate], key=f"flow-{place}", title=title, desc=desc, top=top))
        rows.append((names[gate], came, went, came - went, _percent(came, all_came), _percent(went, all_went)))
    if len(rows) > 1:
        rows.append(("All gates", all_came, all_went, all_came - all_went, _percent(1, 1), _percent(1, 1)))
    head = ("Gate", "In", "Out", "In less out", "Of all in", "Of all out")
    note = "An average day: above the line who came, below it who went."
    block = Block(
        "Flow by gate", drawings, Table("In and out by gate", head, rows), note, (("whole", "in"), ("out", "out"))
    )
    return Sheet(
        [block],
        ("gate", "from", "came", "went"),
        ((names[gate], _clock(slot), *both) for (gate, slot), both in sorted(slots.items(), key=lambda each: each[0])),
        empty=not days,
    )


def at_the_gate(asked: Question) -> Sheet:
    """How long scans take, and why cards are refused."""
    names = asked.gate_names()
    school_id, period = asked.school.school_id, asked.period
    times = scan_times.of_school(asked.conn, school_id, period.first, period.last)
    refused = analytics.refusals(asked.conn, school_id, period)
    days = by(analytics.by_gate_and_day(asked.conn, school_id, period), lambda row: row.gate_id)
    order = in_order({*times, *days, *(gate for gate, _ in refused)}, names)
    measured = {gate: times[gate][-1] if gate in times else 0 for gate in order}
    taken = {
        gate: [scan_time.percentile_ms(times[gate], part) for part in (0.5, 0.95)] for gate in order if gate in times
    }
    return Sheet(
        [_scan_times(measured, taken, names), _refused(refused, days, order, names)],
        ("gate", "what", "value"),
        [
            *((names[gate], f"refused: {reason}", count) for (gate, reason), count in sorted(refused.items())),
            *((names[gate], "scans measured", count) for gate, count in measured.items()),
            *(
                (names[gate], f"scan time ms, {word}", round(value, 1))
                for gate, both in taken.items()
                for word, value in zip(("half", "95 of 100"), both, strict=True)
                if value is not None
            ),
        ],
        empty=not order,
    )


def _scan_times(
    measured: Mapping[str, int], taken: Mapping[str, Sequence[float | None]], names: Mapping[str, str]
) -> Block:
    """By gate: how many scans, and within how many milliseconds half and 95 of 100 of them were done."""
    rows = [
        (names[gate], count, *(_ms(each) for each in taken.get(gate, (None, None)))) for gate, count in measured.items()
    ]
    slow = [Column(names[gate], most) for gate, (_, most) in taken.items() if most is not None]
    drawing = graphs.columns(
        slow,
        key="times",
        title="Scan time by gate, 95 of 100 scans",
        desc="; ".join(f"{each.label} {_ms(each.value)}" for each in slow),
        top=max((each.value for each in slow), default=0.0),
        unit=" ms",
    )
    return Block(
        "Scan time",
        [drawing] if slow else (),
        Table("Scan time by gate", ("Gate", "Scans measured", "Half within", "95 of 100 within"), rows),
        "From the picture that shows the card until the scan is safe on the disk.",
    )


def _refused(
    refused: Mapping[tuple[str, str], int],
    days: Mapping[str, Sequence[GateDay]],
    order: Sequence[str],
    names: Mapping[str, str],
) -> Block:
    """By gate and reason, and of 1,000 cards that were read."""
    reasons = [each for each in REFUSAL_WORDS if any(reason == each for _, reason in refused)]
    reasons += sorted({reason for _, reason in refused} - set(reasons))
    rates, rows = [], []
    for gate in order:
        counts = [refused.get((gate, reason), 0) for reason in reasons]
        read = sum(row.came + row.went for row in days.get(gate, ())) + sum(counts)
        rates.append(Column(names[gate], 1000 * sum(counts) / read if read else 0.0))
        rows.append((names[gate], *counts, sum(counts), f"{rates[-1].value:.1f}"))
    drawing = graphs.columns(
        rates,
        key="refused",
        title="Cards refused of 1,000, by gate",
        desc="; ".join(f"{each.label} {each.value:.1f}" for each in rates),
        top=max((each.value for each in rates), default=0.0),
    )
    heads = [REFUSAL_WORDS.get(each, each.replace("_", " ")).capitalize() for each in reasons]
    return Block(
        "Cards refused",
        [drawing] if any(each.value for each in rates) else (),
        Table("Cards refused by gate and reason", ("Gate", *heads, "All", "Of 1,000"), rows),
    )


def lateness(asked: Question) -> Sheet:
    """Who was late or absent, by section and weekday."""
    days = analytics.by_section_and_day(asked.conn, asked.school.school_id, asked.period)
    sections = attended_by(days, lambda row: row.section)
    weekdays = attended_by(days, weekday)
    steps = Steps(asked.period.first, asked.period.last)
    over_time = attended_by(days, lambda row: steps.of(row.day))
    held = [at for at in steps.all() if at in over_time]
    blocks = [
        Block(
            f"Each {steps.word}",
            [
                _shares([(_short(at), over_time[at]) for at in held], what, f"time-{what}", f"each {steps.word}")
                for what in _SHARES
            ],
            Table(
                f"Each {steps.word}",
                (steps.word.capitalize(), *_ATTENDED),
                [_attended(at.isoformat(), over_time[at]) for at in held],
            ),
        ),
        Block(
            "By weekday",
            [
                _shares(
                    [(WEEKDAYS[n][:3], weekdays[n]) for n in sorted(weekdays)], what, f"weekday-{what}", "by weekday"
                )
                for what in _SHARES
            ],
            Table(
                "By weekday", ("Weekday", *_ATTENDED), [_attended(WEEKDAYS[n], weekdays[n]) for n in sorted(weekdays)]
            ),
        ),
        Block(
            "By section",
            table=Table(
                "By section",
                ("Section", *_ATTENDED),
                [_attended(name or _NO_SECTION, sections[name]) for name in sorted(sections)],
            ),
            note="Of students in the centre's directory, in sessions that took place.",
        ),
    ]
    return Sheet(
        blocks,
        ("day", "weekday", "section", "expected", "present", "late", "absent"),
        ((each.day, WEEKDAYS[weekday(each)], each.section, *each[2:], each.expected - each.present) for each in days),
        empty=not days,
    )


def together(asked: Question) -> Sheet:
    """The same card at two gates at once."""
    names = asked.gate_names()
    school_id, zone = asked.school.school_id, ZoneInfo(asked.school.timezone)
    pairs = analytics.together_between(asked.conn, school_id, asked.period)
    found = analytics.together(asked.conn, school_id, asked.period, _LISTED)
    rows = [
        (
            each.day,
            *((each.name or "–",) if asked.names else ()),
            each.section or _NO_SECTION,
            *(
                f"{names.get(gate, '–')} {from_rfc3339(at).astimezone(zone):%H:%M:%S}"
                for gate, at in ((each.first_gate, each.first_at), (each.second_gate, each.second_at))
            ),
        )
        for each in found
    ]
    head = ("Day", *(("Student",) if asked.names else ()), "Section", "First seen", "Then seen")
    between = [
        (f"{names.get(first, '–')}, then {names.get(second, '–')}", count)
        for (first, second), count in sorted(pairs.items(), key=lambda each: -each[1])
    ]
    note = "Within a minute nobody carries a card from one gate to another: a copy of it is used, or a clock is wrong."
    shown = f" The newest {_LISTED} of {sum(pairs.values()):,}." if sum(pairs.values()) > _LISTED else ""
    blocks = [
        Block("Between which gates", table=Table("Between which gates", ("Gates", "Times"), between), note=note),
        Block("Each time", table=Table("Each time", head, rows), note=shown.strip()),
    ]
    return Sheet(blocks, [each.lower() for each in head], rows, empty=not found)


SHEETS: Mapping[str, tuple[str, Callable[[Question], Sheet]]] = {
    "arrivals": ("Arrivals", arrivals),
    "balance": ("In and out", balance),
    "gates": ("At the gate", at_the_gate),
    "lateness": ("Late and absent", lateness),
    "together": ("Two gates at once", together),
}
"""By the last part of the address; in the order of the menu."""

_ATTENDED = ("Expected", "Present", "Late", "Absent", "Late of present", "Absent of expected")
_SHARES: Mapping[str, Callable[[Attended], float]] = {
    "absent": lambda each: each.absent_percent,
    "late": lambda each: each.late_percent,
}


def _shares(points: Sequence[tuple[str, Attended]], what: str, key: str, where: str) -> Markup:
    drawn = [Column(label, _SHARES[what](each)) for label, each in points]
    top = max((each.value for each in drawn), default=1.0)
    worst = max(drawn, key=lambda each: each.value, default=Column("–", 0))
    return graphs.columns(
        drawn,
        key=key,
        title=f"{what.capitalize()} {where}, in percent",
        desc=f"The most: {worst.value:.1f} % ({worst.label}).",
        top=top,
        unit=" %",
    )


def _attended(name: str, each: Attended) -> Row:
    shares = (f"{each.late_percent:.1f} %", f"{each.absent_percent:.1f} %")
    return name, each.expected, each.present, each.late, each.absent, *shares


def _arrivals_row(name: str, days: Sequence[GateDay], slots: Mapping[int, float]) -> Row:
    came, late = sum(row.came for row in days), sum(row.late for row in days)
    worked = days_with(days, lambda row: row.came) or 1
    most = busiest(slots)
    at = (f"{slots[most] / worked:,.0f}", _clock(most)) if most is not None else ("–", "–")
    return name, came, round(came / worked), late, *at


def _came(slots: Mapping[tuple[str, int], tuple[int, int]], gate: str | None) -> dict[int, float]:
    found: dict[int, float] = {}
    for (other, slot), (came, _) in slots.items():
        if gate in (None, other):
            found[slot] = found.get(slot, 0.0) + came
    return found


def _clock(slot: int) -> str:
    hours, minutes = divmod(slot * SLOT_MINUTES, 60)
    return f"{hours:02}:{minutes:02}"


def _short(at: date) -> str:
    return f"{at.day} {at:%b}"


def _ms(value: float | None) -> str:
    return "–" if value is None else f"{value:,.0f} ms"


def _percent(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f} %" if whole else "–"
