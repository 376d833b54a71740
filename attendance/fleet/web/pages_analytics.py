"""The pages of the analytics: all schools of whoever asks beside each other, and the parts of one school's."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from flask import Blueprint, Response, make_response, render_template, request, url_for
from werkzeug.exceptions import NotFound

from attendance.access.web.guard import account
from attendance.fleet.analytics import WEEKDAYS, Attended, Steps, by, weekday
from attendance.fleet.permits import Deed, may
from attendance.fleet.store import analytics, schools, schools_compared
from attendance.fleet.store.analytics import Period
from attendance.fleet.store.engine import reading
from attendance.fleet.store.schools import School
from attendance.fleet.store.schools_compared import SchoolArrivals, SchoolAttendance
from attendance.fleet.web import graphs
from attendance.fleet.web.desk import Desk
from attendance.fleet.web.graphs import Column
from attendance.fleet.web.sheets import SHEETS
from attendance.fleet.web.sheets.sheet import Question
from attendance.fleet.web.sheets.wording import short
from attendance.reports.csv_text import csv_text

_USUAL_DAYS, _LONGEST_DAYS = 30, 400
_SPANS = ((7, "7 days"), (30, "30 days"), (90, "90 days"), (365, "A year"))
_ON_A_PAGE = 50
_SCHOOL_DAY = ("day", "weekday", "school", "came", "went", "expected", "present", "late", "absent")


def add(pages: Blueprint, desk: Desk) -> None:
    @pages.get("/analytics")
    def analytics_overview() -> str:
        own, page = _own(desk), max(1, request.args.get("page", 1, type=int))
        shown = own[(page - 1) * _ON_A_PAGE : page * _ON_A_PAGE]
        period = _period(_today(desk, shown))
        ids = [each.school_id for each in shown]
        with reading(desk.centre.engine) as conn:
            arrivals = schools_compared.arrivals(conn, ids, period, weekly=Steps(period.first, period.last).weekly)
            attendance = schools_compared.attendance(conn, ids, period)
            counted_at, waiting = analytics.freshness(conn, ids)
        return render_template(
            "fleet/analytics_schools.html",
            **_frame("fleet.analytics_overview", "fleet.analytics_schools_csv", period, {}),
            counted_at=counted_at,
            waiting=waiting,
            zone=shown[0].timezone if shown else "UTC",
            drawing=_drawing(arrivals, period) if attendance else None,
            schools=_compared(shown, arrivals, attendance, period),
            before=_address("fleet.analytics_overview", period, page=page - 1) if page > 1 else "",
            after=_address("fleet.analytics_overview", period, page=page + 1) if page * _ON_A_PAGE < len(own) else "",
        )

    @pages.get("/analytics/schools.csv")
    def analytics_schools_csv() -> Response:
        own = _own(desk)
        period = _period(_today(desk, own))
        names = {each.school_id: each.name for each in own}
        with reading(desk.centre.engine) as conn:
            days = schools_compared.by_day(conn, list(names), period)
        rows = (
            (each.day, WEEKDAYS[weekday(each)], names[each.school_id], *each[2:], each.expected - each.present)
            for each in days
        )
        return _download(csv_text(_SCHOOL_DAY, rows), f"schools {period.first} {period.last}")

    @pages.get("/schools/<uuid:school_id>/analytics/<part>")
    def analytics_part(school_id: UUID, part: str) -> str:
        asked_for = str(school_id)
        school = desk.school(asked_for, Deed.SEE_GATES)
        title, make = _sheet(part)
        period = _period(_today(desk, [school]))
        with reading(desk.centre.engine) as conn:
            sheet = make(Question(conn, school, period, may(account(), Deed.SEE_NAMES, asked_for)))
            counted_at, waiting = analytics.freshness(conn, [asked_for])
        place = {"school_id": asked_for}
        return render_template(
            "fleet/analytics.html",
            **_frame("fleet.analytics_part", "fleet.analytics_part_csv", period, {**place, "part": part}),
            counted_at=counted_at,
            waiting=waiting,
            school=school,
            title=title,
            sheet=sheet,
            parts_of=[
                (name, _address("fleet.analytics_part", period, **place, part=key), key == part)
                for key, (name, _) in SHEETS.items()
            ],
        )

    @pages.get("/schools/<uuid:school_id>/analytics/<part>.csv")
    def analytics_part_csv(school_id: UUID, part: str) -> Response:
        school = desk.school(str(school_id), Deed.SEE_GATES)
        _, make = _sheet(part)
        period = _period(_today(desk, [school]))
        with reading(desk.centre.engine) as conn:
            sheet = make(Question(conn, school, period, may(account(), Deed.SEE_NAMES, school.school_id)))
            text = csv_text(sheet.head, sheet.rows)
        return _download(text, f"{part} {period.first} {period.last}")


def _own(desk: Desk) -> list[School]:
    who = account()
    with reading(desk.centre.engine) as conn:
        return [each for each in schools.every(conn) if may(who, Deed.SEE_GATES, each.school_id)]


def _sheet(part: str) -> Any:
    if part not in SHEETS:
        raise NotFound("There is no such part of the analytics.")
    return SHEETS[part]


def _today(desk: Desk, shown: Sequence[School]) -> date:
    zone = ZoneInfo(shown[0].timezone if shown else "UTC")
    return desk.centre.clock.now().at.astimezone(zone).date()


def _period(today: date) -> Period:
    """What the address asks for; a date that is none, or too long a time, is set right."""
    last = _day(request.args.get("to", "")) or today
    first = _day(request.args.get("from", "")) or last - timedelta(days=_USUAL_DAYS - 1)
    if first > last:
        first, last = last, first
    return Period(max(first, last - timedelta(days=_LONGEST_DAYS)), last)


def _day(text: str) -> date | None:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if 1970 <= day.year <= 2199 else None


def _frame(page: str, csv: str, period: Period, place: dict[str, Any]) -> dict[str, Any]:
    """What every page has around its figures."""
    spans = [(word, Period(period.last - timedelta(days=days - 1), period.last), days) for days, word in _SPANS]
    return {
        "period": period,
        "steps": Steps(period.first, period.last),
        "here": url_for(page, **place),
        "csv_href": _address(csv, period, **place),
        "spans": [(word, _address(page, each, **place), each == period) for word, each, _ in spans],
    }


def _address(endpoint: str, period: Period, **place: Any) -> str:
    days: dict[str, Any] = {"from": period.first.isoformat(), "to": period.last.isoformat()}
    return url_for(endpoint, **place, **days)


def _drawing(arrivals: Sequence[SchoolArrivals], period: Period) -> Any:
    steps = Steps(period.first, period.last)
    sums = steps.sums(arrivals, lambda row: row.came)
    return graphs.columns(
        [Column(short(at), value) for at, value in zip(steps.all(), sums, strict=True)],
        key="came",
        title=f"Arrivals each {steps.word}, the schools of this page together",
        desc=f"{sum(sums):,} in all, at most {max(sums):,} in a {steps.word}.",
        top=max(sums),
    )


def _compared(
    shown: Sequence[School],
    arrivals: Sequence[SchoolArrivals],
    attendance: Sequence[SchoolAttendance],
    period: Period,
) -> list[dict[str, Any]]:
    of_school = by(arrivals, lambda row: row.school_id)
    attended = {school_id: Attended(*counts) for school_id, *counts in attendance}
    steps = Steps(period.first, period.last)
    rows = []
    for school in shown:
        own = of_school.get(school.school_id, [])
        sums = steps.sums(own, lambda row: row.came)
        came, worked = sum(sums), sum(row.days for row in own)
        rows.append(
            {
                "name": school.name,
                "href": _address("fleet.analytics_part", period, school_id=school.school_id, part="arrivals"),
                "came": came,
                "days": worked,
                "daily": came // worked if worked else 0,
                "attended": attended.get(school.school_id, Attended()),
                "line": graphs.strip(sums, name=f"{school.name}: arrivals each {steps.word}, at most {max(sums):,}"),
            }
        )
    return rows


def _download(text: str, name: str) -> Response:
    answer = make_response(text.encode("utf-8-sig"))  # the mark by which Excel tells UTF-8
    answer.mimetype = "text/csv"
    answer.headers["Content-Disposition"] = f'attachment; filename="{name.replace(" ", "_")}.csv"'
    return answer
