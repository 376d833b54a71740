"""The page of a school's register of one day: numbers for all who see the school, names for those who may."""

from collections.abc import Sequence
from datetime import date
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from flask import Blueprint, render_template, request

from attendance.access.web.guard import account
from attendance.domain.directory import Closure
from attendance.fleet import directory
from attendance.fleet.permits import Deed, may
from attendance.fleet.register import Register, Seen, register
from attendance.fleet.store import register as store
from attendance.fleet.store.engine import reading
from attendance.fleet.store.schools import School
from attendance.fleet.web.desk import Desk, permits


def add(pages: Blueprint, desk: Desk) -> None:
    @pages.get("/schools/<uuid:school_id>/register", endpoint="register")
    def of_day(school_id: UUID) -> str:
        school = desk.school(str(school_id), Deed.SEE_GATES)
        zone = ZoneInfo(school.timezone)
        day = _day(request.args.get("day", ""), desk.centre.clock.now().at.astimezone(zone).date())
        with reading(desk.centre.engine) as conn:
            closures = directory.closures(conn, school.school_id).values()
            found = register(
                store.roster(conn, school.school_id), store.passages(conn, school.school_id, day.isoformat()), zone
            )
        return _page(
            school, day, found, [each for each in closures if each.first_day <= day.isoformat() <= each.last_day]
        )


def _page(school: School, day: date, found: Register, closed: Sequence[Closure]) -> str:
    names = may(account(), Deed.SEE_NAMES, school.school_id)
    sections = [
        {
            "name": section.name,
            "counts": section.counts,
            "students": [
                {"name": line.name, "student_id": line.student_id, "cells": [_cell(each) for each in line.seen]}
                for line in (section.lines if names else ())
            ],
        }
        for section in found.sections
    ]
    return render_template(
        "fleet/register.html",
        school=school,
        day=day.isoformat(),
        day_text=f"{day:%A}, {day.day} {day:%B %Y}",
        sessions=found.sessions,
        sections=sections,
        strangers=found.strangers,
        closed=closed,
        may=permits(school.school_id),
    )


def _cell(seen: Seen) -> dict[str, Any]:
    if not seen.present:
        return {"session": seen.session, "state": "silent" if seen.expected else "", "text": _absent(seen)}
    came = f"{seen.came}{', late' if seen.late else ''}" if seen.came else "no scan in"
    left = f", out {seen.left}" if seen.left else ""
    return {"session": seen.session, "state": "warning" if seen.late else "ok", "text": came + left}


def _absent(seen: Seen) -> str:
    return "not seen" if seen.expected else "–"


def _day(text: str, otherwise: date) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return otherwise
