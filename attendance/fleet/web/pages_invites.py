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
from attendance.fleet.store.invites import Invite
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
            audit.note(conn, school.school_id, account().login, "invites-withdrawn", school.name, told, now)
        return redirect(url_for("fleet.school", school_id=school.school_id), 303)


def _invite(desk: Desk, school: School, name: str, replaced: str) -> str:
    """Make a code and show it, this once.

    Args:
        replaced: id of the gate whose place the new machine takes; empty: a new gate.
    """
    if replaced:
        name = _name_of(desk, school, replaced)
    if not name:
        raise BadInput("The gate needs a name, as North gate.")
    code, now, who = invitations.new_code(), desk.centre.clock.now().at, account()
    expires_at = now + invitations.VALID_FOR
    students = request.form.get("students") == "yes" and not replaced
    with transaction(desk.centre.engine) as conn:
        made = Invite(school.school_id, name, replaced or None, students, who.login, now, expires_at)
        invites.add(conn, code, made)
        told = {"name": name, "replaces": bool(replaced)}
        audit.note(conn, school.school_id, who.login, "gate-invited", replaced or name, told, now)
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


def _name_of(desk: Desk, school: School, gate_id: str) -> str:
    gate = desk.gate(gate_id, Deed.ENROL)
    if gate.school_id != school.school_id:
        raise BadInput("The gate whose place the new one should take is none of this school.")
    return gate.name


def _page(school: School) -> str:
    return url_for("fleet.school", school_id=school.school_id)
