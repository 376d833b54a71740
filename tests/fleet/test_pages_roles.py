"""Who may see and do what, tried for every page and every action, with every role and with another school's people."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from visitors import ROLES, PagesDesk

NOBODY, VIEWER, OFFICE, ADMIN, STRANGER, OPERATOR = range(len(ROLES))
SEES, NOT_YOURS, NOT_YOU, LOG_IN, DONE = 200, 404, 403, 303, 303


@dataclass(frozen=True)
class Address:
    """What each of ``ROLES`` gets; ``{...}`` are ids of the first school."""

    method: str
    path: str
    expected: tuple[int, ...]
    form: tuple[tuple[str, str], ...] = ()


def for_school(least: int, right: int) -> tuple[int, ...]:
    """The answers if one must be at least this of the school; strangers do not even learn that it exists."""
    within = tuple(right if role >= least else NOT_YOU for role in (VIEWER, OFFICE, ADMIN))
    return (LOG_IN, *within, NOT_YOURS, right)


GATE, DOOMED, SCHOOL = "/gates/{gate}", "/gates/{doomed}", "/schools/{north}"
ADDRESSES = (
    Address("GET", "/", (LOG_IN, SEES, SEES, SEES, SEES, SEES)),
    Address("GET", "/schools", (LOG_IN, SEES, SEES, SEES, SEES, SEES)),
    Address("POST", "/schools", (LOG_IN, NOT_YOU, NOT_YOU, NOT_YOU, NOT_YOU, 400)),
    Address("GET", "/letters", (LOG_IN, NOT_YOU, SEES, SEES, SEES, SEES)),
    Address("GET", "/audit", (LOG_IN, NOT_YOU, NOT_YOU, SEES, SEES, SEES)),
    Address("GET", "/audit?school={north}", (LOG_IN, NOT_YOU, NOT_YOU, SEES, NOT_YOURS, SEES)),
    Address("GET", "/analytics", (LOG_IN, SEES, SEES, SEES, SEES, SEES)),
    Address("GET", "/analytics/schools.csv", (LOG_IN, SEES, SEES, SEES, SEES, SEES)),
    Address("GET", f"{SCHOOL}/analytics/lateness", for_school(VIEWER, SEES)),
    Address("GET", f"{SCHOOL}/analytics/lateness.csv", for_school(VIEWER, SEES)),
    Address("GET", "/people", (LOG_IN, NOT_YOU, NOT_YOU, NOT_YOU, NOT_YOU, SEES)),
    Address("POST", "/people/{north}/password", (LOG_IN, NOT_YOU, NOT_YOU, NOT_YOU, NOT_YOU, 404)),
    Address("POST", "/people/{other}/state", (LOG_IN, NOT_YOU, NOT_YOU, NOT_YOU, NOT_YOU, DONE), (("closed", "no"),)),
    Address("GET", "/password", (LOG_IN, SEES, SEES, SEES, SEES, SEES)),
    Address("GET", SCHOOL, for_school(VIEWER, SEES)),
    Address("GET", f"{SCHOOL}/register", for_school(VIEWER, SEES)),
    Address("GET", GATE, for_school(VIEWER, SEES)),
    Address("GET", f"{GATE}/commands/restart", for_school(OFFICE, SEES)),
    Address("POST", f"{GATE}/commands/restart", for_school(OFFICE, DONE)),
    Address("GET", f"{GATE}/commands/config", for_school(ADMIN, SEES)),
    Address("POST", f"{GATE}/commands/config", for_school(ADMIN, DONE), (("settings", "buzzer.enabled = false"),)),
    Address("GET", f"{GATE}/logs/{{north}}", for_school(OFFICE, 404)),
    Address("POST", f"{GATE}/name", for_school(ADMIN, DONE), (("name", "Main gate"),)),
    Address("GET", f"{DOOMED}/revocation", for_school(ADMIN, SEES)),
    Address("POST", "/letters/999/settlement", for_school(OFFICE, 404), (("school", "{north}"),)),
    Address("POST", f"{SCHOOL}/invites", for_school(ADMIN, SEES), (("name", "West gate"),)),
    Address("POST", f"{SCHOOL}/invites/withdrawal", for_school(ADMIN, DONE)),
    Address("POST", f"{SCHOOL}/people", for_school(ADMIN, 400)),
    Address("POST", f"{SCHOOL}/people/{{person}}/role", for_school(ADMIN, DONE), (("role", "viewer"),)),
    Address("POST", f"{SCHOOL}/people/{{north}}/password", for_school(ADMIN, 404)),
    Address("POST", f"{DOOMED}/revocation", for_school(ADMIN, DONE)),
)


@pytest.fixture(scope="module")
def desk(sqlite_template: object, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PagesDesk]:
    folder = tmp_path_factory.mktemp("pages")
    desk = PagesDesk(f"sqlite:///{folder / 'centre.db'}", folder)
    yield desk
    desk.close()


def fill(desk: PagesDesk, text: str) -> str:
    made = desk.made
    return text.format(
        gate=made.gates["Main gate"],
        doomed=made.gates["Gymnasium"],
        person=made.people["north-viewer"],
        other=made.people["roque-viewer"],
        north=desk.north,
    )


@pytest.mark.parametrize("role", range(len(ROLES)), ids=ROLES)
@pytest.mark.parametrize("address", ADDRESSES, ids=lambda each: f"{each.method} {each.path}")
def test_each_address_answers_each_role_as_it_should(desk: PagesDesk, address: Address, role: int) -> None:
    """Nobody is sent to the login, strangers hear that there is nothing, and each role may what it is for."""
    visitor, path = desk.visitor(ROLES[role]), fill(desk, address.path)
    if address.method == "GET":
        answer = visitor.get(path)
    else:
        answer = visitor.post(path, **{name: fill(desk, value) for name, value in address.form})
    assert answer.status_code == address.expected[role]
    if role == NOBODY:
        assert answer.location.startswith("/login")


def test_every_address_of_the_pages_was_tried(desk: PagesDesk) -> None:
    """A page that is added must say who may see it."""
    tried = {(each.method, each.path.split("?")[0].format(**dict.fromkeys(NAMES, "x"))) for each in ADDRESSES}
    tried |= {("POST", "/logout"), ("POST", "/password"), ("GET", "/login"), ("POST", "/login")}
    for rule in desk.process.app.url_map.iter_rules():
        if rule.endpoint.startswith(("fleet.", "door.")) and not rule.endpoint.endswith("static"):
            path = "".join("x" if dynamic else text for dynamic, text in rule._trace[1:])
            for method in (rule.methods or set()) & {"GET", "POST"}:
                shapes = {(each, shape(of)) for each, of in tried}
                assert (method, shape(path.lstrip("|"))) in shapes, f"{method} {rule.rule} was not tried"


NAMES = ("gate", "doomed", "north", "person", "other")


def shape(path: str) -> tuple[str, ...]:
    """The path without its variable parts."""
    fixed = {
        "gates",
        "schools",
        "people",
        "analytics",
        "invites",
        "commands",
        "logs",
        "letters",
        "audit",
        "password",
        "login",
    }
    fixed |= {"logout", "role", "state", "name", "revocation", "register", "withdrawal", "settlement"}
    return tuple(part if part in fixed else "x" for part in path.strip("/").split("/"))


@pytest.mark.parametrize("address", [each for each in ADDRESSES if each.method == "POST"], ids=lambda each: each.path)
def test_a_form_without_the_session_s_token_does_nothing(desk: PagesDesk, address: Address) -> None:
    """Even an operator's: 403, with none, with a wrong one, and with another session's."""
    visitor = desk.visitor("olga-operator")
    form = {name: fill(desk, value) for name, value in address.form}
    other = desk.fresh("olga-operator").token
    for token in ({}, {"form_token": ""}, {"form_token": "0" * 64}, {"form_token": other}):
        assert visitor.client.post(fill(desk, address.path), data={**form, **token}).status_code == 403


def test_nothing_of_another_school_is_on_any_page(desk: PagesDesk) -> None:
    """Neither its name nor its gates, in what a stranger can open."""
    visitor = desk.visitor("roque-admin")
    for path in (
        "/",
        "/?show=all",
        "/?q=High",
        "/schools",
        "/letters",
        "/audit",
        "/analytics",
        f"/?school={desk.north}",
    ):
        page = visitor.text(path)
        assert "Northfield" not in page, path
        assert desk.made.gates["Annex"] not in page, path


def test_a_gate_of_another_school_cannot_be_named_in_an_own_address(desk: PagesDesk) -> None:
    """An admin who is right about the school and names somebody else's gate, person or letter gets nothing."""
    visitor, school = desk.visitor("roque-admin"), f"/schools/{desk.roque}"
    theirs = fill(desk, "{person}")
    assert visitor.post(f"{school}/invites", gate_id=desk.made.gates["Annex"]).status_code == 404
    assert visitor.post(f"{school}/people/{theirs}/role", role="admin").status_code == 404
    assert visitor.post(f"{school}/people/{theirs}/password").status_code == 404
    letter = desk.made.letters["conflict"]
    assert visitor.post(f"/letters/{letter}/settlement", school=desk.roque).status_code == 404
    assert desk.visitor("north-admin").text("/letters").count("Another scan is here") == 1


@pytest.mark.parametrize("school", ["", "x", "\x00", "00000000-0000-0000-0000-000000000000", "' OR 1=1 --"])
def test_made_up_ids_are_nothing(desk: PagesDesk, school: str) -> None:
    """They are answered calmly wherever they can be put."""
    visitor = desk.visitor("olga-operator")
    assert visitor.get(f"/audit?school={school}").status_code in (200, 404)
    assert visitor.get("/", query_string={"school": school, "page": "-9" * 20, "q": school}).status_code == 200
    assert visitor.get("/schools", query_string={"page": "9" * 40}).status_code == 200
    assert visitor.post("/letters/1/settlement", school=school).status_code == 404
    assert visitor.get(f"/gates/{school}").status_code == 404
    register = f"/schools/{desk.north}/register"
    assert visitor.get(register, query_string={"day": school}).status_code == 200


def test_refusals_say_what_to_do_on_a_page(desk: PagesDesk) -> None:
    """A person reads a page, not a code."""
    page = desk.visitor("north-viewer").get(f"/gates/{desk.made.gates['Main gate']}/commands/restart")
    assert "one must be office of the school" in page.get_data(as_text=True)
    assert "<html" in page.get_data(as_text=True)
