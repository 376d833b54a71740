"""What people do on the pages: commands, invitations, people, dead letters; what is noted of it, and what is shown."""

import gzip
from collections.abc import Iterator
from pathlib import Path

import pytest
from centre_with_gates import CHEAP, NOW, PASSWORD
from sqlalchemy import select, update
from visitors import PagesDesk, Visitor, hidden

from attendance.access.identity import Role
from attendance.access.passwords import Passwords
from attendance.errors import BadInput
from attendance.fleet.app import CentreProcess
from attendance.fleet.commands import MOST_OPEN
from attendance.fleet.plan import CentrePlan
from attendance.fleet.store import audit, commands, invites, users
from attendance.fleet.store.engine import open_engine, reading, transaction
from attendance.fleet.store.gates import Machine
from attendance.fleet.store.tables import audit as audit_table
from attendance.fleet.store.tables import gate_health
from attendance.fleet.web.pages_orders import read_settings


@pytest.fixture
def desk(sqlite_url: str, tmp_path: Path) -> Iterator[PagesDesk]:
    desk = PagesDesk(sqlite_url, tmp_path)
    yield desk
    desk.close()


@pytest.fixture
def admin(desk: PagesDesk) -> Visitor:
    return desk.visitor("north-admin")


def main_gate(desk: PagesDesk) -> str:
    return f"/gates/{desk.made.gates['Main gate']}"


def noted(desk: PagesDesk) -> list[tuple[str, str]]:
    """What the audit of the first school says, oldest first."""
    engine = open_engine(desk.url)
    with reading(engine) as conn:
        return [(each.actor, each.action) for each in reversed(audit.of_school(conn, desk.north, 50))]


def test_a_command_is_asked_about_queued_noted_and_its_result_shown(desk: PagesDesk, admin: Visitor) -> None:
    """From the button to what the gate said."""
    assert "Restart Main gate?" in admin.text(f"{main_gate(desk)}/commands/restart")
    answer = admin.post(f"{main_gate(desk)}/commands/restart")
    assert answer.location == f"{main_gate(desk)}#commands"
    page = admin.text(main_gate(desk))
    assert "Waiting" in page
    assert "north-admin, <time" in page
    engine, gate_id = open_engine(desk.url), desk.made.gates["Main gate"]
    with transaction(engine) as conn:
        (command,) = commands.open_for(conn, gate_id, NOW)
        commands.result(conn, gate_id, command.command_id, "done", "It runs again.", NOW)
    page = admin.text(main_gate(desk))
    assert "It runs again." in page
    assert noted(desk) == [("north-admin", "command")]
    assert "gave a command to" in admin.text(f"/audit?school={desk.north}")


def test_a_command_that_no_gate_fetched_is_said_to_have_expired(desk: PagesDesk, admin: Visitor) -> None:
    """After a week nobody shall wait for it."""
    admin.post(f"{main_gate(desk)}/commands/sync")
    desk.clock.advance(8 * 86_400)
    assert "Expired" in desk.fresh("north-admin").text(main_gate(desk))


def test_settings_are_read_and_refused_with_the_line(desk: PagesDesk, admin: Visitor) -> None:
    """What was typed is still there, with what is wrong with it."""
    answer = admin.post(f"{main_gate(desk)}/commands/config", settings="buzzer.enabled = false\nrm -rf /")
    page = answer.get_data(as_text=True)
    assert answer.status_code == 400
    assert "Line 2 is no setting" in page
    assert "rm -rf /" in page
    assert admin.post(f"{main_gate(desk)}/commands/config", settings="").status_code == 400
    assert noted(desk) == []


@pytest.mark.parametrize(
    ("text", "settings"),
    [
        ("a.b = 1\n\n c_d=true ", {"a.b": 1, "c_d": True}),
        ('name = North gate\nquoted = "x = y"', {"name": "North gate", "quoted": "x = y"}),
        ("list = [1, 2]", {"list": [1, 2]}),
        ("number = NaN", {"number": "NaN"}),
        ("deep = " + "[" * 5000, {"deep": "[" * 5000}),
    ],
)
def test_a_setting_is_json_or_text(text: str, settings: dict[str, object]) -> None:
    """As people write them."""
    assert read_settings(text) == settings


@pytest.mark.parametrize("text", ["x", "= 1", "a b = 1", "a = 1\na = 2", "ä = 1", "__import__('os') = 1"])
def test_what_is_no_setting_is_refused(text: str) -> None:
    """With the number of its line."""
    with pytest.raises(BadInput, match=r"Line [12]"):
        read_settings(text)


def test_a_button_that_is_leant_on_stops(desk: PagesDesk, admin: Visitor) -> None:
    """Too many open commands are refused on the page."""
    for _ in range(MOST_OPEN):
        assert admin.post(f"{main_gate(desk)}/commands/sync").status_code == 303
    answer = admin.post(f"{main_gate(desk)}/commands/sync")
    assert answer.status_code == 400
    assert "wait for the gate" in answer.get_data(as_text=True)


def test_logs_that_came_can_be_downloaded(desk: PagesDesk, admin: Visitor) -> None:
    """By those who may ask for them, of this gate only."""
    admin.post(f"{main_gate(desk)}/commands/logs")
    gate_id = desk.made.gates["Main gate"]
    with transaction(open_engine(desk.url)) as conn:
        (command,) = commands.open_for(conn, gate_id, NOW)
        commands.result(conn, gate_id, command.command_id, "done", "", NOW)
    packed = gzip.compress(b"a line of a log")
    desk.process.centre.logs.keep(desk.north, command.command_id, packed)
    assert "Download the logs" in admin.text(main_gate(desk))
    answer = admin.get(f"{main_gate(desk)}/logs/{command.command_id}")
    assert answer.get_data() == packed
    assert answer.headers["Content-Disposition"].startswith("attachment")
    other = desk.made.gates["Annex"]
    assert admin.get(f"/gates/{other}/logs/{command.command_id}").status_code == 404


def test_an_invitation_is_shown_once_with_what_to_type(desk: PagesDesk, admin: Visitor) -> None:
    """The code works, and is nowhere to be read again."""
    page = admin.post(f"/schools/{desk.north}/invites", name="West gate").get_data(as_text=True)
    code = page.split('id="secret">')[1].split("<")[0]
    assert f"attendance sync enroll http://localhost {code}" in page
    later = admin.text(f"/schools/{desk.north}")
    assert "West gate" in later
    assert code not in later
    assert code not in admin.text(f"/audit?school={desk.north}")
    with transaction(open_engine(desk.url)) as conn:
        made = invites.accept(conn, code, Machine("gate-9", "ab" * 32, "1.4.0", ""), NOW)
    assert made.school_id == desk.north


def test_open_invitations_can_be_withdrawn(desk: PagesDesk, admin: Visitor) -> None:
    """A lost code is made useless."""
    admin.post(f"/schools/{desk.north}/invites", name="West gate")
    admin.post(f"/schools/{desk.north}/invites/withdrawal")
    assert "West gate" not in admin.text(f"/schools/{desk.north}")
    assert ("north-admin", "invites-withdrawn") in noted(desk)


def test_a_replacement_takes_the_gate_s_place(desk: PagesDesk, admin: Visitor) -> None:
    """Its name and its id."""
    gate_id = desk.made.gates["Annex"]
    page = admin.post(f"/schools/{desk.north}/invites", gate_id=gate_id).get_data(as_text=True)
    code = page.split('id="secret">')[1].split("<")[0]
    assert "Invitation of Annex" in page
    with transaction(open_engine(desk.url)) as conn:
        assert invites.accept(conn, code, Machine("gate-4", "ab" * 32, "1.4.0", ""), NOW).gate_id == gate_id


def test_somebody_new_logs_in_with_the_shown_password_and_must_change_it(desk: PagesDesk, admin: Visitor) -> None:
    """It is shown once; with their own they are in."""
    answer = admin.post(f"/schools/{desk.north}/people", login="Ana.Reyes", name="Ana Reyes", role="office")
    password = answer.get_data(as_text=True).split('id="secret">')[1].split("<")[0]
    ana = Visitor(desk.process.app.test_client())
    form = {"login": "ana.reyes", "password": password, "form_token": hidden(ana.text("/login"))}
    assert ana.client.post("/login", data=form).location == "/password"
    assert ana.get("/").location == "/password"
    ana.token = hidden(ana.text("/password"))
    changed = ana.post("/password", current=password, new="some words of ana's own", again="some words of ana's own")
    assert changed.location == "/"
    assert "Main gate" in ana.text("/")


@pytest.mark.parametrize(
    ("form", "why"),
    [
        ({"login": "north-viewer", "role": "viewer"}, "already"),
        ({"login": "a b", "role": "viewer"}, "letters a to z"),
        ({"login": "ana", "role": "operator"}, "no role"),
        ({"login": "", "role": "viewer"}, "letters a to z"),
    ],
)
def test_a_person_who_cannot_be_added_is_refused_on_the_page(
    desk: PagesDesk, admin: Visitor, form: dict[str, str], why: str
) -> None:
    """With the reason; nobody becomes an operator here."""
    answer = admin.post(f"/schools/{desk.north}/people", name="Ana", **form)
    assert answer.status_code == 400
    assert why in answer.get_data(as_text=True)


def test_a_new_password_ends_the_person_s_sessions(desk: PagesDesk, admin: Visitor) -> None:
    """Whoever had the old one is out."""
    viewer, person = desk.visitor("north-viewer"), desk.made.people["north-viewer"]
    assert viewer.get("/").status_code == 200
    assert "shown only now" in admin.post(f"/schools/{desk.north}/people/{person}/password").get_data(as_text=True)
    assert viewer.get("/").status_code == 303


def test_nobody_is_taken_over_who_belongs_elsewhere_too(desk: PagesDesk, admin: Visitor) -> None:
    """The admin of one school cannot become somebody of another, or an operator, by giving them a new password."""
    person, operator = desk.made.people["roque-admin"], desk.made.people["olga-operator"]
    with transaction(open_engine(desk.url)) as conn:
        for each in (person, operator):
            users.grant(conn, each, desk.north, Role.VIEWER)
    for each in (person, operator):
        assert admin.post(f"/schools/{desk.north}/people/{each}/password").status_code == 403
    assert desk.visitor("olga-operator").post(f"/schools/{desk.north}/people/{person}/password").status_code == 200


def test_a_role_holds_from_the_next_page_on(desk: PagesDesk, admin: Visitor) -> None:
    """Given and taken away; never one's own."""
    viewer, people = desk.visitor("north-viewer"), f"/schools/{desk.north}/people"
    order, person = f"{main_gate(desk)}/commands/sync", desk.made.people["north-viewer"]
    assert viewer.get(order).status_code == 403
    admin.post(f"{people}/{person}/role", role="office")
    assert viewer.get(order).status_code == 200
    admin.post(f"{people}/{person}/role", role="")
    assert viewer.get(order).status_code == 404
    assert admin.post(f"{people}/{desk.made.people['north-admin']}/role", role="viewer").status_code == 400


def test_a_dead_letter_is_settled_once_and_noted(desk: PagesDesk) -> None:
    """It goes from the open ones to the settled ones, with who did it."""
    office, letter = desk.visitor("north-office"), desk.made.letters["conflict"]
    path = f"/letters/{letter}/settlement"
    assert office.post(path, school=desk.north).status_code == 303
    assert "Another scan is here" not in office.text("/letters")
    assert "settled by north-office" in office.text("/letters?settled=yes")
    assert office.post(path, school=desk.north).status_code == 404
    assert noted(desk) == [("north-office", "dead-letter-resolved")]


def test_a_renamed_and_a_revoked_gate_are_seen_at_once(desk: PagesDesk, admin: Visitor) -> None:
    """The list does not show what was a moment ago; a name that is taken is refused."""
    admin.post(f"{main_gate(desk)}/name", name="Grand gate")
    assert "Grand gate" in admin.text("/")
    assert admin.post(f"{main_gate(desk)}/name", name="Annex").status_code == 400
    admin.post(f"{main_gate(desk)}/revocation")
    assert "Grand gate" not in admin.text("/")
    page = admin.text(main_gate(desk))
    assert "Revoked" in page
    assert "/commands/restart" not in page


def test_a_school_is_added_by_an_operator(desk: PagesDesk) -> None:
    """With a time zone that there is."""
    olga = desk.visitor("olga-operator")
    assert olga.post("/schools", name="Third school", timezone="Asia/Nowhere").status_code == 400
    assert olga.post("/schools", name="Third school", timezone="Asia/Manila").status_code == 303
    assert "Third school" in olga.text("/schools")


def test_the_live_part_says_when_nothing_changed(desk: PagesDesk, admin: Visitor) -> None:
    """304 without a body until something does; the live part is a part, and private."""
    for path in ("/", main_gate(desk)):
        first = admin.get(path, headers={"X-Live": "1"})
        assert "<html" not in first.get_data(as_text=True)
        assert first.headers["Cache-Control"] == "no-store"
        desk.clock.advance(5)
        headers = {"X-Live": "1", "If-None-Match": first.headers["ETag"]}
        again = admin.get(path, headers=headers)
        assert (again.status_code, again.get_data()) == (304, b"")
    with transaction(open_engine(desk.url)) as conn:
        conn.execute(update(gate_health).values(queue_items=77, oldest_seconds=10.0))
    desk.clock.advance(5)
    assert admin.get("/", headers={"X-Live": "1", "If-None-Match": first.headers["ETag"]}).status_code == 200


def test_a_live_page_does_not_keep_its_session(desk: PagesDesk, admin: Visitor) -> None:
    """A forgotten tab is logged out in the end, and told so by 401."""
    for _ in range(24):
        assert admin.get("/", headers={"X-Live": "1"}).status_code == 200
        desk.clock.advance(300)
    assert admin.get("/", headers={"X-Live": "1"}).status_code == 401


def test_names_are_text_wherever_they_come_from(desk: PagesDesk, admin: Visitor) -> None:
    """A gate, a person, a setting, a search: markup in it is shown, not obeyed."""
    evil = "<script>alert(1)</script>"
    admin.post(f"{main_gate(desk)}/name", name=evil)
    admin.post(f"/schools/{desk.north}/people", login="eve", name=evil, role="viewer")
    for path in ("/", main_gate(desk), f"/schools/{desk.north}", f"/audit?school={desk.north}", f"/?q={evil}"):
        assert "<script>alert" not in admin.text(path), path


def test_when_the_database_is_gone_a_page_says_so(desk: PagesDesk, admin: Visitor, tmp_path: Path) -> None:
    """503 and when to try again, no traceback; the session is still there when it is back."""
    for file in tmp_path.glob("centre.db*"):
        file.rename(file.with_name(f"away-{file.name}"))
    desk.process.centre.engine.dispose()
    (tmp_path / "centre.db").mkdir()
    answer = admin.get("/")
    assert answer.status_code == 503
    assert "Gates keep what they record" in answer.get_data(as_text=True)
    assert answer.headers["Retry-After"]
    (tmp_path / "centre.db").rmdir()
    for file in tmp_path.glob("away-*"):
        file.rename(file.with_name(file.name.removeprefix("away-")))
    assert admin.get("/").status_code == 200


def test_two_processes_share_sessions_and_failed_guesses(desk: PagesDesk, tmp_path: Path) -> None:
    """Replicas: logged in at one is logged in at the other, and guesses at both count together."""
    other = CentreProcess(CentrePlan(desk.url, tmp_path), desk.clock, passwords=Passwords(CHEAP))
    cookie = desk.visitor("north-admin").client.get_cookie("attendance")
    assert cookie is not None
    there = other.app.test_client()
    there.set_cookie("attendance", cookie.value)
    assert there.get("/").status_code == 200
    statuses = []
    for number in range(6):
        app = (desk.process.app, other.app)[number % 2]
        visitor = Visitor(app.test_client())
        form = {"login": "north-office", "password": "wrong", "form_token": hidden(visitor.text("/login"))}
        statuses.append(visitor.client.post("/login", data=form).status_code)
    assert statuses == [401] * 5 + [429]
    other.stop()


def test_the_audit_has_no_secrets(desk: PagesDesk, admin: Visitor) -> None:
    """Neither passwords nor codes nor the values of settings, which can be passwords of the phone."""
    admin.post(f"{main_gate(desk)}/commands/config", settings="sms.password = hunter2hunter2")
    with reading(open_engine(desk.url)) as conn:
        told = str(conn.execute(select(audit_table)).all())
    assert "sms.password" in told
    assert "hunter2" not in told
    assert PASSWORD not in told


def test_an_endless_form_is_not_read(desk: PagesDesk, admin: Visitor) -> None:
    """Neither by the login, which is for everybody, nor behind it."""
    much = "x" * 200_000
    for path in ("/login", f"{main_gate(desk)}/commands/config"):
        assert admin.post(path, settings=much).status_code == 413


def test_a_closed_account_is_out_until_it_is_opened(desk: PagesDesk) -> None:
    """At once, everywhere; noted at the centre. Nobody closes their own."""
    olga, viewer = desk.visitor("olga-operator"), desk.visitor("north-viewer")
    person = f"/people/{desk.made.people['north-viewer']}/state"
    olga.post(person, closed="yes")
    assert viewer.get("/").status_code == 303
    assert "Closed" in olga.text("/people")
    assert "closed the account of" in olga.text("/audit")
    olga.post(person, closed="no")
    assert desk.fresh("north-viewer").get("/").status_code == 200
    assert olga.post(f"/people/{desk.made.people['olga-operator']}/state", closed="yes").status_code == 400
