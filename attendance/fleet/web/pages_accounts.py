"""Everybody who may log in, for operators: who they are where, new passwords, closed accounts."""

from typing import Any
from uuid import UUID

from flask import Blueprint, redirect, render_template, url_for
from werkzeug.exceptions import Forbidden, NotFound

from attendance.access.identity import Account
from attendance.access.web.guard import account
from attendance.errors import BadInput
from attendance.fleet.store import audit, schools, sessions, users
from attendance.fleet.store.engine import reading, transaction
from attendance.fleet.web.desk import Desk, text_field
from attendance.fleet.web.secret import first_password


def add(pages: Blueprint, desk: Desk) -> None:
    @pages.get("/people")
    def people() -> str:
        return _page(desk)

    @pages.post("/people/<uuid:user_id>/password")
    def new_password_of(user_id: UUID) -> str:
        person = _other(desk, str(user_id))
        return first_password(desk, person, None, url_for("fleet.people"), [("People", url_for("fleet.people"))])

    @pages.post("/people/<uuid:user_id>/state")
    def close(user_id: UUID) -> Any:
        person, closed = _other(desk, str(user_id)), text_field("closed") == "yes"
        now = desk.centre.clock.now().at
        with transaction(desk.centre.engine) as conn:
            users.disable(conn, person.user_id, now if closed else None)
            sessions.remove_of(conn, person.user_id)
            action = "user-disabled" if closed else "user-enabled"
            audit.note(conn, None, account().login, action, person.user_id, {"login": person.login}, now)
        return redirect(url_for("fleet.people"), 303)


def _page(desk: Desk) -> str:
    _require_operator()
    with reading(desk.centre.engine) as conn:
        everybody = users.every(conn)
        names = {each.school_id: each.name for each in schools.every(conn)}
    rows = [
        (each, [(names[school_id], school_id, role.value) for school_id, role in each.roles.items()])
        for each in everybody
    ]
    return render_template("fleet/people.html", people=rows)


def _other(desk: Desk, user_id: str) -> Account:
    _require_operator()
    with reading(desk.centre.engine) as conn:
        person = users.get(conn, user_id)
    if person is None:
        raise NotFound("There is no such person.")
    if person.user_id == account().user_id:
        raise BadInput("Nobody does that to themselves. Your own password is changed where your name stands on top.")
    return person


def _require_operator() -> None:
    if not account().operator:
        raise Forbidden("To see everybody one must be an operator of the centre.")
