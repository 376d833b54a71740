"""Invitations: a one-time code with which a gate becomes one of a school's, and how it is used."""

from typing import Any
from uuid import UUID

from flask import Blueprint, redirect, render_template, request, url_for

from attendance.access.web.guard import account
from attendance.errors import BadInput
from attendance.fleet import invitations
from attendance.fleet.permits import Deed
from attendance.fleet.store import audit, invites
from attendance.fleet.store.engine import transaction
from attendance.fleet.store.schools import School
from attendance.fleet.web.desk import Desk, text_field
from attendance.fleet.web.pages_schools import school_page


def add(pages: Blueprint, desk: Desk) -> None:
    @pages.post("/schools/<uuid:school_id>/invites")
    def invite(school_id: UUID) -> Any:
        school = desk.school(str(school_id), Deed.ENROL)
        try:
            return _invite(desk, school, text_field("name", 100), text_field("gate_id", 64))
        except BadInput as error:
            return school_page(desk, school, str(error)), 400

    @pages.post("/schools/<uuid:school_id>/invites/withdrawal")
    def withdraw_invites(school_id: UUID) -> Any:
        school, now = desk.school(str(school_id), Deed.ENROL), desk.centre.clock.now().at
        with transaction(desk.centre.engine) as conn:
            count = invites.withdraw(conn, school.school_id)
            told = {"count": count}
            audit.note(conn, school.school_id, account().login, "invites-withdrawn", school.school_id, told, now)
        return redirect(url_for("fleet.school", school_id=school.school_id), 303)


def _invite(desk: Desk, school: School, name: str, replaced_id: str) -> str:
    """Make a code and show it, this once.

    Args:
        replaced_id: of the gate whose place the new machine takes; empty: it will be a new gate.
    """
    replaced = desk.gate(replaced_id, Deed.ENROL) if replaced_id else None
    name = replaced.name if replaced else name
    if not name:
        raise BadInput("The gate needs a name, as North gate.")
    with transaction(desk.centre.engine) as conn:
        code = invitations.invite(conn, school, name, replaced, account().login, desk.centre.clock.now().at)
    return render_template(
        "fleet/secret.html",
        heading=f"Invitation of {name}",
        text=f"The code is for one gate of {school.name}, once, within {invitations.VALID_FOR.days} days.",
        secret=code,
        command=f"attendance sync enroll {request.url_root.rstrip('/')} {code}",
        warning="The code is shown only now. If it is lost, make another one and withdraw this.",
        trail=[("Schools", url_for("fleet.schools")), (school.name, _page(school))],
        back=_page(school),
    )


def _page(school: School) -> str:
    return url_for("fleet.school", school_id=school.school_id)
