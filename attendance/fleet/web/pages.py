"""The pages of the centre: which there are, the menu, and what is said when one cannot be shown."""

from collections.abc import Sequence
from typing import Any

from flask import Blueprint, Flask, Response, g, make_response, render_template, request, url_for
from werkzeug.exceptions import HTTPException

from attendance.access.identity import Account
from attendance.access.web.door_pages import DoorPages, door_blueprint
from attendance.access.web.guard import protect
from attendance.access.web.headers import secure
from attendance.errors import BadInput, StorageError
from attendance.fleet.centre import Centre
from attendance.fleet.permits import Deed, may_anywhere
from attendance.fleet.web import (
    pages_accounts,
    pages_analytics,
    pages_audit,
    pages_gate,
    pages_invites,
    pages_letters,
    pages_orders,
    pages_overview,
    pages_people,
    pages_register,
    pages_schools,
    words,
)
from attendance.fleet.web.desk import Desk

TITLE = "Attendance centre"
_PAGES = (
    pages_overview,
    pages_gate,
    pages_orders,
    pages_letters,
    pages_audit,
    pages_schools,
    pages_invites,
    pages_people,
    pages_accounts,
    pages_register,
    pages_analytics,
)
FORM_LIMIT_BYTES = 64 * 1024
_TRY_AGAIN_S = 10


def install(app: Flask, centre: Centre) -> None:
    """Serve the pages, and the door in front of them, with an application."""
    door, desk = centre.door, Desk(centre)
    pages = Blueprint("fleet", __name__, template_folder="templates", static_folder="static", static_url_path="/fleet")
    protect(pages, door)
    words.teach(pages, centre.clock)
    for each in _PAGES:
        each.add(pages, desk)
    pages.app_context_processor(lambda: {"site_title": TITLE, "menu": _menu(g.get("account"))})
    for owner in (pages, door_blueprint(DoorPages(door, lambda asked: desk.peer(), TITLE, "/"))):
        owner.register_error_handler(StorageError, lambda error: _not_now(centre, error))
        owner.register_error_handler(BadInput, lambda error: _refused("That cannot be done", str(error), 400))
        app.register_blueprint(owner)
    app.config["MAX_CONTENT_LENGTH"] = FORM_LIMIT_BYTES
    app.register_error_handler(HTTPException, _explain)
    app.after_request(secure)


def _menu(who: Account | None) -> Sequence[dict[str, Any]]:
    """The entries that lead somewhere for whoever asks; ``here`` for the one that leads to this page's part."""
    if who is None:
        return ()
    entries: list[tuple[str, str, tuple[str, ...], bool]] = [
        ("Gates", "fleet.overview", ("overview", "gate", "ordering", "revoking"), True),
        ("Schools", "fleet.schools", ("school", "schools", "register", "invite"), True),
        ("Analytics", "fleet.analytics_overview", ("analytics_overview", "analytics_part"), True),
        ("Dead letters", "fleet.letters", ("letters",), may_anywhere(who, Deed.SETTLE)),
        ("People", "fleet.people", ("people",), who.operator),
        ("Audit", "fleet.audit", ("audit",), may_anywhere(who, Deed.READ_AUDIT)),
    ]
    here = (request.endpoint or "").removeprefix("fleet.")
    return [
        {"text": text, "href": url_for(endpoint), "here": here in members}
        for text, endpoint, members, shown in entries
        if shown
    ]


def _explain(error: HTTPException) -> Response:
    if error.response is not None:
        return make_response(error.response)
    answer = _refused(error.name, error.description or "", error.code or 500)
    answer.headers.extend((name, value) for name, value in error.get_headers() if name in ("Allow", "Retry-After"))
    return answer


def _not_now(centre: Centre, error: StorageError) -> Response:
    centre.storage_log(str(error))
    answer = _refused(
        "Not now", "The centre's database does not answer. Gates keep what they record. Try again in a moment.", 503
    )
    answer.headers["Retry-After"] = str(_TRY_AGAIN_S)
    return answer


def _refused(heading: str, text: str, status: int) -> Response:
    page = render_template("fleet/refused.html", heading=heading, text=text, site_title=TITLE, menu=())
    return make_response(page, status)
