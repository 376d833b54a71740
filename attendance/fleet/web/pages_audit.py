"""The page of what people did."""

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, render_template, request, url_for
from sqlalchemy import Connection
from werkzeug.exceptions import Forbidden, NotFound

from attendance.access.web.guard import account
from attendance.fleet.permits import Deed, may, may_anywhere
from attendance.fleet.store import audit, gates, schools
from attendance.fleet.store.audit import Entry
from attendance.fleet.store.engine import reading
from attendance.fleet.web.desk import Desk

_SHOWN = 100
_HIGHEST_ID = 2**62
_WHAT: Mapping[str, str] = {
    "login": "logged in",
    "logout": "logged out",
    "password-changed": "changed the own password",
    "password-set": "gave a new password to",
    "user-added": "added",
    "user-disabled": "closed the account of",
    "user-enabled": "opened the account of",
    "role-set": "set the role of",
    "command": "gave a command to",
    "command-ended": "told what became of a command",
    "gate-invited": "invited",
    "gate-renamed": "renamed",
    "gate-revoked": "revoked",
    "invites-withdrawn": "withdrew the open invitations",
    "enrolled": "enrolled",
    "dead-letter-resolved": "settled the dead letter",
    "school-added": "added the school",
    "students-imported": "imported students",
    "students-removed": "removed students",
    "student-erased": "erased a student",
    "card-revoked": "revoked a card",
    "closure-added": "added days without classes",
    "closure-removed": "removed days without classes",
}
"""What is not here is shown by its code."""


def add(pages: Blueprint, desk: Desk) -> None:
    @pages.get("/audit")
    def audit() -> str:
        return _page(desk)


def _page(desk: Desk) -> str:
    who = account()
    if not may_anywhere(who, Deed.READ_AUDIT):
        raise Forbidden("To read what people did one must be admin of a school.")
    before = request.args.get("before", type=int)
    before = before if before is not None and 0 < before < _HIGHEST_ID else None
    with reading(desk.centre.engine) as conn:
        known = {each.school_id: each for each in schools.every(conn) if may(who, Deed.READ_AUDIT, each.school_id)}
        school_id = request.args.get("school", "")
        if not school_id and not who.operator:
            school_id = next(iter(known))
        if school_id and school_id not in known:
            raise NotFound("There is no such school, or it is none of yours.")
        found = (
            audit.of_school(conn, school_id, _SHOWN + 1, before)
            if school_id
            else audit.of_centre(conn, _SHOWN + 1, before)
        )
        names = _gate_names(conn, school_id)
    more = len(found) > _SHOWN
    return render_template(
        "fleet/audit.html",
        schools=[(each.school_id, each.name) for each in known.values()],
        school=school_id,
        zone=known[school_id].timezone if school_id else "UTC",
        entries=[_entry(each, names) for each in found[:_SHOWN]],
        older=url_for("fleet.audit", school=school_id or None, before=found[_SHOWN - 1].entry_id) if more else "",
    )


def _gate_names(conn: Connection, school_id: str) -> dict[str, str]:
    if not school_id:
        return {}
    return {each.gate_id: each.name for each in gates.of_school(conn, school_id, revoked=True)}


def _entry(entry: Entry, names: Mapping[str, str]) -> dict[str, Any]:
    """For the template. Ids say nothing to people: names stand in their place."""
    told = dict(entry.detail)
    told.pop("command_id", None)
    gate = names.get(entry.subject)
    subject = gate or told.pop("login", None) or told.pop("name", None) or entry.subject
    return {
        "at": entry.at,
        "actor": (gate or "the gate") if entry.actor == "gate" else entry.actor,
        "what": _WHAT.get(entry.action, entry.action),
        "subject": "" if subject == entry.subject and subject == entry.school_id else subject,
        "href": url_for("fleet.gate", gate_id=entry.subject) if gate else "",
        "detail": ", ".join(f"{name}: {_text(value)}" for name, value in told.items() if value not in (None, [], "")),
    }


def _text(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
