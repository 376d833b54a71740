"""People of a school: who may log in, as what, and new passwords for those who lost theirs."""

from typing import Any
from uuid import UUID

from flask import Blueprint, redirect, request, url_for
from werkzeug.exceptions import Forbidden, NotFound

from attendance.access.identity import Account, Role
from attendance.access.web.guard import account
from attendance.errors import BadInput
from attendance.fleet.permits import Deed, may_manage
from attendance.fleet.store import audit, users
from attendance.fleet.store.engine import reading, transaction
from attendance.fleet.store.schools import School
from attendance.fleet.web.desk import Desk, text_field
from attendance.fleet.web.pages_schools import school_page
from attendance.fleet.web.secret import first_password, shown_once

_LOGIN = set("abcdefghijklmnopqrstuvwxyz0123456789._-@")


def add(pages: Blueprint, desk: Desk) -> None:
    @pages.post("/schools/<uuid:school_id>/people")
    def add_person(school_id: UUID) -> Any:
        school = desk.school(str(school_id), Deed.MANAGE_PEOPLE)
        try:
            return _add(desk, school)
        except BadInput as error:
            return school_page(desk, school, str(error)), 400

    @pages.post("/schools/<uuid:school_id>/people/<uuid:user_id>/role")
    def set_role(school_id: UUID, user_id: UUID) -> Any:
        school = desk.school(str(school_id), Deed.MANAGE_PEOPLE)
        person = _person(desk, school, str(user_id))
        try:
            _set_role(desk, school, person, _role(text_field("role", 16)) if request.form.get("role") else None)
        except BadInput as error:
            return school_page(desk, school, str(error)), 400
        return redirect(url_for("fleet.school", school_id=school.school_id, _anchor="people"), 303)

    @pages.post("/schools/<uuid:school_id>/people/<uuid:user_id>/password")
    def new_password(school_id: UUID, user_id: UUID) -> Any:
        school = desk.school(str(school_id), Deed.MANAGE_PEOPLE)
        person = _person(desk, school, str(user_id))
        if not may_manage(account(), person):
            raise Forbidden("They also belong to a school that is not yours, or are an operator: ask an operator.")
        return first_password(desk, person, school.school_id, _page(school), _trail(school))


def _add(desk: Desk, school: School) -> str:
    login, name, role = text_field("login", 64).lower(), text_field("name", 100), _role(text_field("role", 16))
    if not login or not set(login) <= _LOGIN:
        raise BadInput("A login name has letters a to z, digits and . _ - @ only.")
    password, hashed = desk.centre.door.first_password()
    now = desk.centre.clock.now().at
    with transaction(desk.centre.engine) as conn:
        person = users.add(conn, login, name or login, hashed, now, must_change=True)
        users.grant(conn, person.user_id, school.school_id, role)
        told = {"login": login, "role": role.value}
        audit.note(conn, school.school_id, account().login, "user-added", person.user_id, told, now)
    return shown_once(login, password, _page(school), _trail(school))


def _set_role(desk: Desk, school: School, person: Account, role: Role | None) -> None:
    if person.user_id == account().user_id:
        raise BadInput("Nobody sets their own role: let another admin or an operator do it.")
    now = desk.centre.clock.now().at
    with transaction(desk.centre.engine) as conn:
        if role is None:
            users.withdraw(conn, person.user_id, school.school_id)
        else:
            users.grant(conn, person.user_id, school.school_id, role)
        told = {"login": person.login, "role": role.value if role else "none"}
        audit.note(conn, school.school_id, account().login, "role-set", person.user_id, told, now)


def _person(desk: Desk, school: School, user_id: str) -> Account:
    with reading(desk.centre.engine) as conn:
        found = [each for each in users.of_school(conn, school.school_id) if each.user_id == user_id]
    if not found:
        raise NotFound("There is no such person in this school.")
    return found[0]


def _role(text: str) -> Role:
    try:
        return Role(text)
    except ValueError as error:
        raise BadInput(f"There is no role {text!r}. Choose viewer, office or admin.") from error


def _trail(school: School) -> list[tuple[str, str]]:
    return [("Schools", url_for("fleet.schools")), (school.name, _page(school))]


def _page(school: School) -> str:
    return url_for("fleet.school", school_id=school.school_id)
