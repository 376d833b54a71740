"""The pages of schools: the list, and one school with its gates, its invitations and its people."""

from typing import Any
from uuid import UUID

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.exceptions import Forbidden

from attendance.access.web.guard import account
from attendance.errors import BadInput
from attendance.fleet.permits import Deed, may_manage
from attendance.fleet.sight import STATES, GateInSight
from attendance.fleet.store import audit, invites, schools, users
from attendance.fleet.store.engine import reading, transaction
from attendance.fleet.store.schools import School
from attendance.fleet.web.desk import Desk, permits, text_field
from attendance.fleet.web.words import STATE_WORDS

_ZONE = "Asia/Manila"
"""What the form for a new school begins with."""
_ON_A_PAGE = 100


def add(pages: Blueprint, desk: Desk) -> None:
    @pages.get("/schools", endpoint="schools")
    def every() -> str:
        return _every(desk)

    @pages.post("/schools")
    def add_school() -> Any:
        who, now = account(), desk.centre.clock.now().at
        if not who.operator:
            raise Forbidden("To add a school one must be an operator of the centre.")
        try:
            with transaction(desk.centre.engine) as conn:
                school = schools.add(conn, text_field("name"), text_field("timezone", 64), now)
                audit.note(
                    conn, school.school_id, who.login, "school-added", school.school_id, {"name": school.name}, now
                )
        except BadInput as error:
            return _every(desk, str(error)), 400
        return redirect(url_for("fleet.school", school_id=school.school_id), 303)

    @pages.get("/schools/<uuid:school_id>")
    def school(school_id: UUID) -> str:
        return school_page(desk, desk.school(str(school_id), Deed.SEE_GATES))


def school_page(desk: Desk, school: School, fault: str = "") -> str:
    """One school.

    Args:
        fault: what was wrong with the form that was sent from it.
    """
    may = permits(school.school_id)
    with reading(desk.centre.engine) as conn:
        waiting = invites.waiting(conn, school.school_id, desk.centre.clock.now().at) if may["enrol"] else []
        people = users.of_school(conn, school.school_id) if may["manage_people"] else []
    gates = [each for each in desk.sight.gates() if each.gate.school_id == school.school_id]
    return render_template(
        "fleet/school.html",
        school=school,
        may=may,
        gates=sorted(gates, key=lambda each: each.rank),
        waiting=waiting,
        people=[(each, may_manage(account(), each)) for each in people],
        fault=fault,
    )


def _every(desk: Desk, fault: str = "") -> str:
    who, page = account(), max(1, request.args.get("page", 1, type=int))
    with reading(desk.centre.engine) as conn:
        own = [each for each in schools.every(conn) if who.belongs_to(each.school_id)]
    shown = own[(page - 1) * _ON_A_PAGE : page * _ON_A_PAGE]
    of_school: dict[str, list[GateInSight]] = {each.school_id: [] for each in own}
    for gate in desk.sight.gates():
        of_school.get(gate.gate.school_id, []).append(gate)
    return render_template(
        "fleet/schools.html",
        schools=[_row(each, of_school[each.school_id]) for each in shown],
        before=url_for("fleet.schools", page=page - 1) if page > 1 else "",
        after=url_for("fleet.schools", page=page + 1) if page * _ON_A_PAGE < len(own) else "",
        form=request.form,
        zone=_ZONE,
        fault=fault,
    )


def _row(school: School, gates: list[GateInSight]) -> dict[str, Any]:
    worst = min((each.state for each in gates), key=STATES.index, default="ok")
    alike = sum(1 for each in gates if each.state == worst)
    return {
        "school_id": school.school_id,
        "name": school.name,
        "timezone": school.timezone,
        "gates": len(gates),
        "state": worst,
        "word": STATE_WORDS[worst] if worst == "ok" else f"{STATE_WORDS[worst]}: {alike}",
        "scans": sum(each.passage.today for each in gates),
        "role": account().roles.get(school.school_id, "operator" if account().operator else ""),
    }
