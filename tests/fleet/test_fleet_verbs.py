"""``attendance fleet`` at the keyboard."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from attendance.access.passwords import Passwords
from attendance.cli import main
from attendance.fleet.store import audit, invites, schools, users
from attendance.fleet.store.engine import open_engine, reading

Run = Callable[..., str]


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """A verb of a centre of its own; what it printed, if it went well."""

    def fleet(*words: str, code: int = 0) -> str:
        assert main(["fleet", *words, "--data-dir", str(tmp_path)]) == code
        said = capsys.readouterr()
        return said.out if code == 0 else said.err

    return fleet


@pytest.fixture
def school(run: Run) -> str:
    run("school", "add", "Rizal High")
    return "Rizal High"


def test_a_school_is_added_once(run: Run, school: str) -> None:
    """With a time zone that exists."""
    assert json.loads(run("school", "list", "--json"))[0]["name"] == school
    assert "already" in run("school", "add", school, code=1)
    assert "no time zone" in run("school", "add", "Other", "--timezone", "Mars/North", code=1)


def test_the_only_school_needs_no_name(run: Run, school: str) -> None:
    """With two, a verb asks which; with an unknown name it says which there are."""
    assert "0 gates" in run("gates", "list")
    run("school", "add", "Mabini High")
    assert "--school" in run("gates", "list", code=1)
    assert "'Mabini High'" in run("gates", "list", "--school", "Bonifacio High", code=1)
    assert "0 gates" in run("gates", "list", "--school", "Mabini High")


def test_an_invitation_shows_its_code_once(run: Run, school: str, tmp_path: Path) -> None:
    """The database has its hash, so that who reads a backup cannot enrol."""
    code = run("invite", "--name", "North gate").splitlines()[0]
    assert re.fullmatch(r"([0-9A-Z]{4}-){3}[0-9A-Z]{4}", code)
    assert code.encode() not in (tmp_path / "fleet/centre.db").read_bytes()
    assert code.replace("-", "").encode() not in (tmp_path / "fleet/centre.db").read_bytes()
    assert "no gate 'South'" in run("invite", "--replaces", "South", code=1)


def test_people_get_a_password_to_be_changed(run: Run, school: str, tmp_path: Path) -> None:
    """Made here and shown once; one that somebody chose themselves stays."""
    said = run("user", "add", "Eva", "--role", "office")
    password = said.split()[-1]
    chosen = tmp_path / "password"
    chosen.write_text("four words of mine\n")
    run("user", "add", "boss", "--operator", "--password-file", str(chosen))
    engine = open_engine(f"sqlite:///{tmp_path}/fleet/centre.db")
    with reading(engine) as conn:
        eva, boss = users.by_login(conn, "eva"), users.by_login(conn, "boss")
        found = schools.find(conn, school)
    assert eva is not None
    assert boss is not None
    assert found is not None
    assert Passwords().right(eva.password_hash, password)
    assert (eva.must_change, boss.must_change, boss.operator) == (True, False, True)
    assert eva.roles == {found.school_id: users.Role.OFFICE}  # type: ignore[attr-defined]
    engine.dispose()


def test_people_without_a_place_are_refused(run: Run, school: str) -> None:
    """A person is something at a school, or an operator; passwords that are easy are not taken."""
    assert "--role" in run("user", "add", "eva", code=1)
    assert "--role" in run("user", "add", "eva", "--role", "admin", "--operator", code=1)
    assert "no user" in run("user", "password", "nobody", code=1)


def test_roles_and_locks(run: Run, school: str) -> None:
    """A role is given, changed and taken; a person is kept out and let in."""
    run("user", "add", "eva", "--role", "viewer")
    run("user", "role", "eva", "admin")
    (eva,) = json.loads(run("user", "list", "--json"))
    assert (eva["roles"], eva["disabled"]) == ({school: "admin"}, False)
    run("user", "role", "eva", "none")
    run("user", "disable", "eva")
    (eva,) = json.loads(run("user", "list", "--json"))
    assert (eva["roles"], eva["disabled"]) == ({}, True)
    run("user", "disable", "eva", "--again")
    assert not json.loads(run("user", "list", "--json"))[0]["disabled"]


def test_students_come_from_the_schools_list(run: Run, school: str, tmp_path: Path) -> None:
    """As at a gate: faulty rows are named and nothing is changed, unless they are to be skipped."""
    file = tmp_path / "list.csv"
    file.write_text("student_id,name,section,phone\n1,Cruz Ana,7-A,09171234567\n2,,7-A,\n")
    assert "1 faulty rows" in run("students", "import", str(file), code=1)
    assert "0 students." in run("students", "list")
    assert "1 students added" in run("students", "import", str(file), "--skip-bad")
    (ana,) = json.loads(run("students", "list", "--json"))
    assert (ana["student_id"], ana["guardians"]) == ("1", [{"phone": "+639171234567", "name": ""}])
    assert "0 students added, 0 brought" in run("students", "import", str(file), "--skip-bad")
    assert "none" not in run("students", "remove", "1")
    assert "Nothing was changed" in run("students", "remove", "1", "99", code=1)


def test_students_come_to_the_sessions_of_the_schools_schedule(run: Run, school: str, tmp_path: Path) -> None:
    """Not to those that gates have by themselves; and a schedule that is none is to be mended first."""
    schedule, file = tmp_path / "schedule.json", tmp_path / "list.csv"
    file.write_text("student_id,name,session\n1,Cruz Ana,evening\n")
    assert "must be one of morning, afternoon" in run("students", "import", str(file), code=1)
    evening = {"start_time": "18:00", "end_time": "21:00", "login_window_start": "17:30", "login_window_end": "18:30"}
    evening |= {"logout_window_start": "20:30", "logout_window_end": "21:30"}
    schedule.write_text(json.dumps({"morning_class": None, "afternoon_class": None, "evening_class": evening}))
    run("schedule", "set", str(schedule))
    assert "1 students added" in run("students", "import", str(file))
    schedule.write_text(json.dumps({"evening_class": {"start_time": "soon"}}))
    run("schedule", "set", str(schedule))
    assert "schedule set" in run("students", "import", str(file), code=1)


def test_a_student_is_erased(run: Run, school: str, tmp_path: Path) -> None:
    """And is nowhere in the directory, nor in the audit."""
    file = tmp_path / "list.csv"
    file.write_text("student_id,name\n2026-77,Cruz Ana\n")
    run("students", "import", str(file))
    run("students", "erase", "2026-77", "--yes")
    assert json.loads(run("students", "list", "--json")) == []
    assert "no student" in run("students", "erase", "2026-77", "--yes", code=1)
    engine = open_engine(f"sqlite:///{tmp_path}/fleet/centre.db")
    with reading(engine) as conn:
        found = schools.find(conn, school)
        assert found is not None
        entries = audit.of_school(conn, found.school_id, 10)
    engine.dispose()
    assert "student-erased" in [entry.action for entry in entries]
    assert "2026-77" not in str(entries)


def test_rules_for_all_gates(run: Run, school: str, tmp_path: Path) -> None:
    """Cards, days without classes, the schedule and texts."""
    run("cards", "revoke", "2026-1", "--reason", "lost")
    cards = json.loads(run("cards", "list", "--json"))
    assert [(card["kind"], card["issue"]) for card in cards] == [("number", 0), ("number", 1)]
    run("cards", "revoke", "2026-1")
    assert max(card["issue"] for card in json.loads(run("cards", "list", "--json"))) == 2
    run("cards", "revoke", "04a1b2", "--rfid")
    key = run("closures", "add", "2026-12-24", "2026-12-25", "--name", "Christmas").split()[-1].rstrip(".")
    assert "lies before" in run("closures", "add", "2026-12-24", "2026-12-23", "--name", "x", code=1)
    assert json.loads(run("closures", "list", "--json"))[0]["key"] == key
    run("closures", "remove", key)
    assert "no entry" in run("closures", "remove", key, code=1)
    file = tmp_path / "texts.json"
    file.write_text('{"language": "fil"}')
    assert "Set." in run("texts", "set", str(file))
    assert "already" in run("texts", "set", str(file))
    assert json.loads(run("texts", "show")) == {"language": "fil"}
    file.write_text("[]")
    assert "JSON object" in run("schedule", "set", str(file), code=1)


def test_an_empty_centre_answers_everything(run: Run, school: str) -> None:
    """The register, completeness and dead letters of nothing."""
    assert run("register", "2026-06-08").strip() == "No scans on 2026-06-08."
    assert json.loads(run("register", "2026-06-08", "--json")) == []
    assert run("complete") == ""
    assert "0 records wait" in run("dead-letters", "list")
    assert "no open record" in run("dead-letters", "resolve", "7", code=1)


def test_invitations_count(run: Run, school: str, tmp_path: Path) -> None:
    """Students are wanted from the first gate only as long as the centre has none."""
    run("invite")
    file = tmp_path / "list.csv"
    file.write_text("student_id,name\n1,Cruz Ana\n")
    run("students", "import", str(file))
    run("invite")
    engine = open_engine(f"sqlite:///{tmp_path}/fleet/centre.db")
    with reading(engine) as conn:
        found = schools.find(conn, school)
        assert found is not None
        waiting = invites.waiting(conn, found.school_id, found.created_at)
    engine.dispose()
    assert sorted(invite.students_wanted for invite in waiting) == [False, True]


def test_nothing_is_forgotten_by_accident(run: Run, school: str) -> None:
    """It wants a day of the past, and a yes."""
    assert "Say --yes" in run("forget", "--before", "2026-01-01")
    assert "lies ahead" in run("forget", "--before", "2999-01-01", "--yes", code=1)
    assert "0 scans and 0 photos" in run("forget", "--before", "2026-01-01", "--yes")


def test_receivers_of_alerts(run: Run, school: str, tmp_path: Path) -> None:
    """Their address comes from a file and is shown nowhere; one that Apprise does not know is refused."""
    address = tmp_path / "address"
    address.write_text("nonsense\n")
    assert "none that Apprise knows" in run("alerts", "add", "Office", "--address-file", str(address), code=1)
    address.write_text("json://user:geheim@127.0.0.1:9/\n")
    run("alerts", "add", "Office", "--address-file", str(address))
    run("alerts", "add", "Division", "--address-file", str(address), "--all-schools", "--escalation")
    shown = run("alerts", "list")
    assert "2 are told" in shown
    assert "geheim" not in shown
    assert "No problem 'hot'" in run("alerts", "ack", "North gate", "hot", code=1)
    run("alerts", "remove", "Division", "--all-schools")
    assert "1 are told" in run("alerts", "list")
