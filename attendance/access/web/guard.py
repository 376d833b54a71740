"""Who asks, and whether the request is theirs: the guard in front of every page behind the door."""

from collections.abc import Callable
from typing import Any, cast
from urllib.parse import urlencode, urlsplit

from flask import Blueprint, Request, Response, g, redirect, request
from werkzeug.exceptions import Forbidden

from attendance.access.door import Door
from attendance.access.identity import Account
from attendance.access.sessions import form_token, form_token_right

FORM_FIELD = "form_token"
LIVE_HEADER = "X-Live"
"""A page sends it when it looks by itself whether something changed: that is no sign of a person."""
_SAFE = ("GET", "HEAD", "OPTIONS")
_BEFORE_CHANGE = ("door.inner.password", "door.inner.leave")
"""All that somebody may whose password was chosen by somebody else."""


def cookie_name(asked: Request) -> str:
    """With TLS a name that browsers accept from this very host only, over TLS (RFC 6265bis, ``__Host-``)."""
    return "__Host-attendance" if asked.is_secure else "attendance"


def session_token(asked: Request) -> str:
    return asked.cookies.get(cookie_name(asked), "")


def give_token(answer: Any, token: str, longest_s: float) -> None:
    """Let the browser keep the token of a session; an empty one takes it away."""
    answer.set_cookie(
        cookie_name(request),
        token,
        max_age=round(longest_s) if token else 0,
        httponly=True,
        # Lax, not Strict: a link in a message to the page of a gate should work; what changes something is a POST
        samesite="Lax",
        secure=request.is_secure,
        path="/",
    )


def protect(blueprint: Blueprint, door: Door) -> None:
    """Let only people with a session ask for this blueprint's pages, and take forms only from its own pages.

    Its static files are for everybody: the same in every installation, and asked for with each page.
    """

    @blueprint.before_request
    def check() -> Any:
        if request.endpoint == f"{blueprint.name}.static":
            return None
        live = LIVE_HEADER in request.headers
        token = session_token(request)
        account = door.who(token, person=not live)
        if account is None:
            return _who_are_you(live)
        g.account, g.session_token = account, token
        if request.method not in _SAFE:
            refuse_forged(token)
        if account.must_change and request.endpoint not in _BEFORE_CHANGE:
            return redirect("/password", 303)
        return None


def refuse_forged(token: str) -> None:
    """Refuse a form that no page of ours made.

    Raises:
        Forbidden: it is one.
    """
    if not from_own_page(request) or not form_token_right(token, request.form.get(FORM_FIELD, "")):
        raise Forbidden("The form does not come from a page of this session. Open the page anew and try again.")


def from_own_page(asked: Request) -> bool:
    """Whether the browser says that a page of ours sent this; old browsers say nothing, and have the form's token."""
    if asked.headers.get("Sec-Fetch-Site", "same-origin") != "same-origin":
        return False
    origin = asked.headers.get("Origin")
    return origin is None or urlsplit(origin).netloc.lower() == asked.host.lower()


def account() -> Account:
    """Who asks. Only behind ``protect``."""
    return cast(Account, g.account)


def page_values() -> dict[str, Any]:
    """What templates need of the guard; empty where nobody has logged in."""
    who, token = g.get("account"), g.get("session_token", "")
    return {"account": who, "form_token": form_token(token) if who else "", "form_field": FORM_FIELD}


def local_path(text: str, otherwise: str) -> str:
    """``text`` if it leads to a page of ours, as a browser understands it."""
    plain = text.isprintable() and "\\" not in text and text.startswith("/") and not text.startswith("//")
    return text if plain else otherwise


def _who_are_you(live: bool) -> Any:
    if live:
        return Response("Log in again.", 401, mimetype="text/plain")
    back = request.full_path.rstrip("?") if request.method in _SAFE else ""
    query = f"?{urlencode({'next': back})}" if back not in ("", "/") else ""
    return redirect(f"/login{query}", 303)


Peer = Callable[[Request], str]
"""The address of who asks, as far as it can be believed."""
