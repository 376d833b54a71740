"""Who was late or absent, over time, by weekday and by section."""

from collections.abc import Callable, Mapping, Sequence

from markupsafe import Markup

from attendance.fleet.analytics import WEEKDAYS, Attended, Steps, attended_by, weekday
from attendance.fleet.store import analytics
from attendance.fleet.store.analytics import Attendance
from attendance.fleet.web import graphs
from attendance.fleet.web.graphs import Column
from attendance.fleet.web.sheets.sheet import Block, Question, Row, Sheet, Table
from attendance.fleet.web.sheets.wording import NO_SECTION, short
from attendance.fleet.web.words import UNKNOWN

_ATTENDED = ("Expected", "Present", "Late", "Absent", "Late of present", "Absent of expected")
_SHARES: Mapping[str, Callable[[Attended], float]] = {
    "absent": lambda each: each.absent_percent,
    "late": lambda each: each.late_percent,
}


def lateness(asked: Question) -> Sheet:
    """Who was late or absent, by section and weekday."""
    days = analytics.by_section_and_day(asked.conn, asked.school.school_id, asked.period)
    steps = Steps(asked.period.first, asked.period.last)
    return Sheet(
        [_over_time(days, steps), _by_weekday(days), _by_section(days)],
        ("day", "weekday", "section", "expected", "present", "late", "absent"),
        ((each.day, WEEKDAYS[weekday(each)], each.section, *each[2:], each.expected - each.present) for each in days),
        empty=not days,
    )


def _over_time(days: Sequence[Attendance], steps: Steps) -> Block:
    found = sorted(attended_by(days, lambda row: steps.of(row.day)).items())
    heading, points = f"Each {steps.word}", [(short(at), each) for at, each in found]
    rows = [_row(at.isoformat(), each) for at, each in found]
    drawings = [_shares(points, what, f"time-{what}", f"each {steps.word}") for what in _SHARES]
    return Block(heading, drawings, Table(heading, (steps.word.capitalize(), *_ATTENDED), rows))


def _by_weekday(days: Sequence[Attendance]) -> Block:
    found = sorted(attended_by(days, weekday).items())
    points = [(WEEKDAYS[n][:3], each) for n, each in found]
    rows = [_row(WEEKDAYS[n], each) for n, each in found]
    drawings = [_shares(points, what, f"weekday-{what}", "by weekday") for what in _SHARES]
    return Block("By weekday", drawings, Table("By weekday", ("Weekday", *_ATTENDED), rows))


def _by_section(days: Sequence[Attendance]) -> Block:
    found = sorted(attended_by(days, lambda row: row.section).items())
    rows = [_row(name or NO_SECTION, each) for name, each in found]
    note = "Of students in the centre's directory, in sessions that took place."
    return Block("By section", table=Table("By section", ("Section", *_ATTENDED), rows), note=note)


def _shares(points: Sequence[tuple[str, Attended]], what: str, key: str, where: str) -> Markup:
    drawn = [Column(label, _SHARES[what](each)) for label, each in points]
    top = max((each.value for each in drawn), default=1.0)
    worst = max(drawn, key=lambda each: each.value, default=Column(UNKNOWN, 0))
    return graphs.columns(
        drawn,
        key=key,
        title=f"{what.capitalize()} {where}, in percent",
        desc=f"The most: {worst.value:.1f} % ({worst.label}).",
        top=top,
        unit=" %",
    )


def _row(name: str, each: Attended) -> Row:
    shares = (f"{each.late_percent:.1f} %", f"{each.absent_percent:.1f} %")
    return name, each.expected, each.present, each.late, each.absent, *shares
