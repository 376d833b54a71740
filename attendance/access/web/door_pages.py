"""The pages of the door: login, logout, another password."""

import math
import secrets
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, Response, make_response, redirect, render_template, request
from werkzeug.exceptions import Forbidden

from attendance.access.door import Door
from attendance.access.passwords import LONGEST, SHORTEST
from attendance.access.sessions import form_token, form_token_right
from attendance.access.web.guard import (
    FORM_FIELD,
    Peer,
    account,
    from_own_page,
    give_token,
    local_path,
    page_values,
    protect,
    session_token,
)
from attendance.errors import BadInput

_BEFORE_LOGIN = "attendance_form"
_LONGEST_LOGIN = 200
_WRONG = "The login name or the password is wrong."


@dataclass(frozen=True, slots=True)
class DoorPages:
    """What the pages of the door need.

    Attributes:
        title: whose pages are behind the door.
        home: where one gets to after the login.
    """

    door: Door
    peer: Peer
    title: str
    home: str


def door_blueprint(pages: DoorPages) -> Blueprint:
    """``/login``, ``/logout`` and ``/password``; templates and styles that other pages may use as well."""
    blueprint = Blueprint(
        "door", __name__, template_folder="templates", static_folder="static", static_url_path="/door"
    )
    inner = Blueprint("inner", __name__)
    protect(inner, pages.door)
    blueprint.app_context_processor(page_values)

    @blueprint.get("/login")
    def login() -> Response:
        return _login_page(pages)

    @blueprint.post("/login")
    def enter() -> Any:
        return _enter(pages)

    @inner.post("/logout")
    def leave() -> Any:
        pages.door.leave(session_token(request), account(), pages.peer(request))
        answer = redirect("/login", 303)
        give_token(answer, "", 0)
        answer.headers["Clear-Site-Data"] = '"cache", "storage"'
        return answer

    @inner.route("/password", methods=["GET", "POST"], endpoint="password")
    def change_password() -> Any:
        return _password_page(pages) if request.method == "GET" else _change_password(pages)

    blueprint.register_blueprint(inner)
    return blueprint


def _login_page(pages: DoorPages, fault: str = "", status: int = 200, wait_s: float = 0.0) -> Response:
    seed = request.cookies.get(_BEFORE_LOGIN, "") or secrets.token_urlsafe(32)
    answer = make_response(
        render_template(
            "door/login.html",
            title=pages.title,
            fault=fault,
            login=request.form.get("login", "")[:_LONGEST_LOGIN],
            next=local_path(request.values.get("next", ""), pages.home),
            seed_token=form_token(seed),
        ),
        status,
    )
    if wait_s:
        answer.headers["Retry-After"] = str(math.ceil(wait_s))
    answer.set_cookie(_BEFORE_LOGIN, seed, httponly=True, samesite="Strict", secure=request.is_secure, path="/login")
    return answer


def _enter(pages: DoorPages) -> Any:
    seed = request.cookies.get(_BEFORE_LOGIN, "")
    given = request.form.get(FORM_FIELD, "")
    # else a foreign page could log its visitor in as somebody else, who then reads what the visitor does
    if not from_own_page(request) or not form_token_right(seed, given):
        raise Forbidden("The form does not come from this page. Open the login page anew; it needs cookies.")
    login, password = request.form.get("login", "")[:_LONGEST_LOGIN], request.form.get("password", "")
    entry = pages.door.enter(login, password, pages.peer(request), session_token(request))
    if entry.wait_s:
        text = f"Too many wrong passwords. Try again in {_waiting(entry.wait_s)}."
        return _login_page(pages, text, 429, entry.wait_s)
    if not entry.token:
        return _login_page(pages, _WRONG, 401)
    answer = redirect("/password" if entry.must_change else local_path(request.form.get("next", ""), pages.home), 303)
    give_token(answer, entry.token, pages.door.longest.total_seconds())
    answer.delete_cookie(_BEFORE_LOGIN, path="/login")
    return answer


def _waiting(seconds: float) -> str:
    return f"{math.ceil(seconds)} s" if seconds < 90 else f"{math.ceil(seconds / 60)} minutes"


def _password_page(pages: DoorPages, fault: str = "", status: int = 200) -> Any:
    page = render_template(
        "door/password.html", title=pages.title, home=pages.home, fault=fault, shortest=SHORTEST, longest=LONGEST
    )
    return page, status


def _change_password(pages: DoorPages) -> Any:
    current, new, again = (request.form.get(name, "") for name in ("current", "new", "again"))
    try:
        if new != again:
            raise BadInput("The two new passwords are not the same.")
        token = pages.door.change_password(account(), current, new, pages.peer(request))
    except BadInput as error:
        return _password_page(pages, str(error), 400)
    answer = redirect(pages.home, 303)
    give_token(answer, token, pages.door.longest.total_seconds())
    return answer
