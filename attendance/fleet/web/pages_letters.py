"""The page of dead letters: what gates sent and the centre could not take, until somebody has looked."""

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.exceptions import Forbidden, NotFound

from attendance.access.web.guard import account
from attendance.fleet.permits import Deed, may, may_anywhere
from attendance.fleet.store import audit, dead_letters, overview
from attendance.fleet.store.engine import reading, transaction
from attendance.fleet.web.desk import Desk, require, text_field

_SHOWN = 50
_WORDS: Mapping[str, str] = {"conflict": "Conflict", "rejected": "Rejected"}
_ADVICE: Mapping[str, str] = {
    "conflict": "Another record is here under the same number, and it stays. Compare both with the gate's register; if"
    " the gate was restored from a backup, this is to be expected once.",
    "rejected": "The centre cannot take this record. Look at the gate's version and clock; the gate has the record.",
}


def add(pages: Blueprint, desk: Desk) -> None:
    @pages.get("/letters")
    def letters() -> str:
        return _page(desk)

    @pages.post("/letters/<int:letter_id>/settlement")
    def settle(letter_id: int) -> Any:
        school_id, now = text_field("school"), desk.centre.clock.now().at
        who = require(school_id, Deed.SETTLE, "There is no such letter, or it is none of your school.")
        with transaction(desk.centre.engine) as conn:
            if not dead_letters.settle(conn, school_id, letter_id, who.login, now):
                raise NotFound("There is no such letter, or somebody has settled it already.")
            audit.note(conn, school_id, who.login, "dead-letter-resolved", str(letter_id), {}, now)
        return redirect(url_for("fleet.letters"), 303)


def _page(desk: Desk) -> str:
    who = account()
    if not may_anywhere(who, Deed.SETTLE):
        raise Forbidden("To see dead letters one must be office or admin of a school: they can hold names.")
    settled = request.args.get("settled") == "yes"
    own = None if who.operator else [school_id for school_id in who.roles if may(who, Deed.SETTLE, school_id)]
    with reading(desk.centre.engine) as conn:
        found = overview.letters(conn, own, _SHOWN, settled=settled)
    return render_template(
        "fleet/letters.html",
        letters=found,
        settled=settled,
        open_href=url_for("fleet.letters"),
        settled_href=url_for("fleet.letters", settled="yes"),
        WORDS=_WORDS,
        ADVICE=_ADVICE,
    )
