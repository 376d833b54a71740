"""The pages of the door, asked as a browser and as an attacker would."""

from dataclasses import replace
from typing import Any

import pytest
from argon2 import PasswordHasher
from door_of_pages import PASSWORD, Doorstep, hidden, log_in
from flask.testing import FlaskClient

from attendance.access.passwords import Passwords
from attendance.access.web.guard import local_path


@pytest.fixture
def step() -> Doorstep:
    return Doorstep()


@pytest.fixture
def client(step: Doorstep) -> FlaskClient:
    return step.app().test_client()


def test_without_a_session_one_is_sent_to_the_login_and_back(client: FlaskClient) -> None:
    """The page that was asked for comes after the login."""
    answer = client.get("/?q=x")
    assert (answer.status_code, answer.location) == (303, "/login?next=%2F%3Fq%3Dx")
    assert log_in(client, next="/?q=x").location == "/?q=x"
    assert client.get("/").get_data(as_text=True) == "Good morning, Maria"


@pytest.mark.parametrize(
    "text",
    [
        "https://evil.example/",
        "//evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "javascript:alert(1)",
        "/\t/evil",
        "/\n",
    ],
)
def test_the_login_leads_nowhere_else(client: FlaskClient, text: str) -> None:
    """A link to our login cannot end on a foreign page."""
    assert local_path(text, "/") == "/"
    assert log_in(client, next=text).location == "/"


def test_the_cookie_is_for_the_server_only(client: FlaskClient) -> None:
    """HttpOnly and SameSite; Secure, with the name that pins it to the host, under TLS."""
    plain = next(each for each in log_in(client).headers.getlist("Set-Cookie") if each.startswith("attendance="))
    assert "HttpOnly" in plain
    assert "SameSite=Lax" in plain
    secured = client.application.test_client()
    page = secured.get("/login", base_url="https://centre.example").get_data(as_text=True)
    form = {"login": "maria", "password": PASSWORD, "form_token": hidden(page)}
    answer = secured.post("/login", data=form, base_url="https://centre.example")
    cookie = next(each for each in answer.headers.getlist("Set-Cookie") if each.startswith("__Host-attendance="))
    assert all(part in cookie for part in ("Secure", "HttpOnly", "Path=/", "SameSite=Lax"))
    assert "Domain" not in cookie
    assert answer.headers["Strict-Transport-Security"] == "max-age=31536000"


def test_a_planted_session_is_not_taken_over(client: FlaskClient) -> None:
    """Whatever cookie the browser had before the login, it has another one after it."""
    client.set_cookie("attendance", "planted")
    log_in(client)
    cookie = client.get_cookie("attendance")
    assert cookie is not None
    assert cookie.value != "planted"
    thief = client.application.test_client()
    thief.set_cookie("attendance", "planted")
    assert thief.get("/").status_code == 303


@pytest.mark.parametrize("path", ["/ring", "/logout", "/password"])
def test_a_forged_form_does_nothing(client: FlaskClient, path: str) -> None:
    """Without the token, with another session's, and with the right one from a foreign page."""
    log_in(client)
    right = hidden(client.get("/password").get_data(as_text=True))
    other = client.application.test_client()
    log_in(other)
    theirs = hidden(other.get("/password").get_data(as_text=True))
    assert client.post(path).status_code == 403
    assert client.post(path, data={"form_token": theirs}).status_code == 403
    foreign = {"Origin": "https://evil.example"}
    assert client.post(path, data={"form_token": right}, headers=foreign).status_code == 403
    assert client.post(path, data={"form_token": right}, headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403
    assert client.get("/").status_code == 200
    assert client.post("/ring", data={"form_token": right}).get_data(as_text=True) == "It rings"


def test_nobody_is_logged_in_by_a_foreign_page(client: FlaskClient) -> None:
    """The login's form has a token as well."""
    form = {"login": "maria", "password": PASSWORD}
    assert client.post("/login", data=form).status_code == 403
    client.get("/login")
    assert client.post("/login", data=form).status_code == 403
    other = client.application.test_client()
    theirs = hidden(other.get("/login").get_data(as_text=True))
    assert client.post("/login", data={**form, "form_token": theirs}).status_code == 403


def test_an_unknown_name_looks_like_a_wrong_password(client: FlaskClient) -> None:
    """Same status, same page but for what was typed."""
    known, unknown = log_in(client, password="wrong"), log_in(client, login="maxim", password="wrong")
    assert known.status_code == unknown.status_code == 401
    assert known.get_data(as_text=True) == unknown.get_data(as_text=True).replace("maxim", "maria")


def test_an_unknown_name_costs_the_same_work_as_a_wrong_password() -> None:
    """The hash is compared for nobody, too: how long an answer takes does not tell who has an account."""

    class Counting(PasswordHasher):
        compared = 0

        def verify(self, *words: Any) -> Any:
            self.compared += 1
            return super().verify(*words)

    hasher = Counting(time_cost=1, memory_cost=64, parallelism=1)
    step = Doorstep(passwords=Passwords(hasher))
    for count, login in enumerate(("maria", "nobody"), 1):
        step.door.enter(login, "wrong", "192.0.2.7")
        assert hasher.compared == count


def test_too_many_wrong_ones_are_put_off(step: Doorstep, client: FlaskClient) -> None:
    """429 with how long, also for the right one; after that it opens."""
    for _ in range(5):
        assert log_in(client, password="wrong").status_code == 401
    answer = log_in(client)
    assert answer.status_code == 429
    assert answer.headers["Retry-After"] == "1"
    assert "Try again in 1 s" in answer.get_data(as_text=True)
    step.clock.advance(1)
    assert log_in(client).status_code == 303


def test_a_page_that_looks_by_itself_is_told_that_the_session_is_over(client: FlaskClient) -> None:
    """401, not a login page to be pasted into the page."""
    assert client.get("/", headers={"X-Live": "1"}).status_code == 401


def test_logging_out_takes_everything_away(step: Doorstep, client: FlaskClient) -> None:
    """Cookie, session, and what the browser kept."""
    log_in(client)
    token = hidden(client.get("/password").get_data(as_text=True))
    answer = client.post("/logout", data={"form_token": token})
    assert answer.location == "/login"
    assert "cache" in answer.headers["Clear-Site-Data"]
    assert step.session_store.kept == {}
    assert client.get("/").status_code == 303


def test_somebody_else_s_password_must_be_changed_first(step: Doorstep, client: FlaskClient) -> None:
    """Nothing but that, and logging out, until it is done."""
    step.accounts.kept["u1"] = replace(step.accounts.kept["u1"], must_change=True)
    assert log_in(client).location == "/password"
    assert client.get("/").location == "/password"
    token = hidden(client.get("/password").get_data(as_text=True))
    assert client.post("/ring", data={"form_token": token}).location == "/password"
    form = {"form_token": token, "current": PASSWORD, "new": "other words of mine", "again": "other words of mine"}
    assert client.post("/password", data={**form, "again": "else"}).status_code == 400
    assert client.post("/password", data=form).location == "/"
    assert client.get("/").status_code == 200


def test_every_answer_is_guarded_against_other_pages(client: FlaskClient) -> None:
    """Also those to addresses that do not exist."""
    for path in ("/login", "/", "/nowhere", "/door/pages.css"):
        headers = client.get(path).headers
        policy = headers["Content-Security-Policy"]
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "same-origin"
    assert client.get("/login").headers["Cache-Control"] == "no-store"


def test_what_was_typed_is_text(client: FlaskClient) -> None:
    """A login name with markup in it comes back as it is."""
    page = log_in(client, login='"><script>alert(1)</script>', password="x").get_data(as_text=True)
    assert "<script>alert" not in page


@pytest.mark.parametrize(
    "form", [{}, {"login": "\x00"}, {"password": "x" * 100_000}, {"login": "é" * 5000, "password": "\ud800"}]
)
def test_no_form_breaks_the_login(client: FlaskClient, form: dict[str, str]) -> None:
    """It is wrong, like any other."""
    page = client.get("/login").get_data(as_text=True)
    body = {name: value.encode("utf-8", "surrogatepass") for name, value in form.items()}
    assert client.post("/login", data={**body, "form_token": hidden(page)}).status_code == 401
