"""First passwords: made, noted, and shown this once."""

from collections.abc import Sequence

from flask import render_template

from attendance.access.identity import Account
from attendance.access.web.guard import account
from attendance.fleet.store import audit, sessions, users
from attendance.fleet.store.engine import transaction
from attendance.fleet.web.desk import Desk


def first_password(
    desk: Desk, person: Account, school_id: str | None, back: str, trail: Sequence[tuple[str, str]]
) -> str:
    """Give somebody a new password, which ends all their sessions; the page that shows it.

    Args:
        school_id: in whose audit it stands; ``None``: in the centre's.
    """
    password, hashed = desk.centre.door.first_password()
    now = desk.centre.clock.now().at
    with transaction(desk.centre.engine) as conn:
        users.set_password(conn, person.user_id, hashed, now, must_change=True)
        sessions.remove_of(conn, person.user_id)
        audit.note(conn, school_id, account().login, "password-set", person.user_id, {"login": person.login}, now)
    return shown_once(person.login, password, back, trail)


def shown_once(login: str, password: str, back: str, trail: Sequence[tuple[str, str]]) -> str:
    """The page with a first password."""
    return render_template(
        "fleet/secret.html",
        heading=f"First password of {login}",
        text=f"With it {login} logs in once, and must choose another one then.",
        secret=password,
        command="",
        warning="It is shown only now. Give it to nobody else; if it is lost, make a new one.",
        trail=trail,
        back=back,
    )
