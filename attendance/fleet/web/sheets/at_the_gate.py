"""How long scans take, and why cards are refused."""

from collections.abc import Mapping, Sequence

from attendance.domain import scan_time
from attendance.domain.scan import Refusal
from attendance.fleet.analytics import by, in_order
from attendance.fleet.store import analytics, scan_times
from attendance.fleet.store.analytics import GateDay
from attendance.fleet.web import graphs
from attendance.fleet.web.graphs import Line
from attendance.fleet.web.sheets.sheet import Block, Question, Sheet, Table
from attendance.fleet.web.words import UNKNOWN

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
    slow = [Line(names[gate], most, _ms(most)) for gate, (_, most) in taken.items() if most is not None]
    drawing = graphs.lines(slow, key="times", title="Scan time by gate, 95 of 100 scans")
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
        rate = 1000 * sum(counts) / read if read else 0.0
        rates.append(Line(names[gate], rate, f"{rate:.1f}"))
        rows.append((names[gate], *counts, sum(counts), rates[-1].written))
    drawing = graphs.lines(rates, key="refused", title="Cards refused of 1,000, by gate")
    heads = [REFUSAL_WORDS.get(each, each.replace("_", " ")).capitalize() for each in reasons]
    return Block(
        "Cards refused",
        [drawing] if any(each.value for each in rates) else (),
        Table("Cards refused by gate and reason", ("Gate", *heads, "All", "Of 1,000"), rows),
    )


def _ms(value: float | None) -> str:
    return UNKNOWN if value is None else f"{value:,.0f} ms"
