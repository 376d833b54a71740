"""How a gate becomes one of a school's, and how it ceases to be."""

from datetime import UTC, datetime, timedelta

from served_centre import Caller, ServedCentre, heartbeat

from attendance.fleet import commands, invitations
from attendance.fleet.store import audit, gates, invites
from attendance.fleet.store.engine import reading, transaction


def test_a_code_gives_a_gate_its_place(centre: ServedCentre) -> None:
    """The answer names the school, its time zone and the gate, and is signed with the new key."""
    school = centre.school()
    answer = Caller(centre.url).enrol(centre.invite(school, "North gate"))
    assert answer.signed
    assert answer.json | {"gate_id": ""} == {
        "gate_id": "",
        "school_id": school.school_id,
        "school": school.name,
        "timezone": "Asia/Manila",
        "gate_name": "North gate",
        "students_wanted": True,
    }


def test_a_code_may_be_typed_as_people_type(centre: ServedCentre) -> None:
    """Small letters, no hyphens, and the letters O, I and L for the digits that they look like."""
    code = centre.invite(centre.school())
    typed = code.replace("-", " ").lower().replace("0", "o").replace("1", "l")
    assert Caller(centre.url).enrol(typed).status == 200


def test_a_lost_answer_is_given_again(centre: ServedCentre) -> None:
    """The same machine with the same code gets the same place, and there is one gate."""
    school = centre.school()
    code, caller = centre.invite(school), Caller(centre.url)
    assert caller.enrol(code).json == caller.enrol(code).json
    with reading(centre.engine) as conn:
        assert len(gates.of_school(conn, school.school_id)) == 1


def test_a_code_is_good_for_one_machine(centre: ServedCentre) -> None:
    """Another key with a used code is refused, and the refusal is signed for that key."""
    code = centre.invite(centre.school())
    assert Caller(centre.url).enrol(code).status == 200
    second = Caller(centre.url).enrol(code, "gate-2")
    assert (second.status, second.code, second.signed) == (409, "used-code", True)


def test_a_code_expires(centre: ServedCentre) -> None:
    """After its time it is worth nothing."""
    school, code, now = centre.school(), invitations.new_code(), datetime.now(UTC)
    with transaction(centre.engine) as conn:
        made = now - timedelta(days=4)
        invites.add(conn, code, invites.Invite(school.school_id, "", None, True, "test", made, now))
    refused = Caller(centre.url).enrol(code)
    assert (refused.status, refused.code) == (403, "wrong-code")


def test_guessing_codes_is_slowed_for_the_guesser_only(centre: ServedCentre) -> None:
    """After a few wrong codes an address must wait, even with a right one; others go on."""
    code = centre.invite(centre.school())
    guesser, said = {"X-Forwarded-For": "203.0.113.9"}, {"key_hash": "a" * 64, "device_id": "gate-1"}
    answers = [
        Caller(centre.url).ask("POST", "/enrol", {**said, "code": f"WRONG{n}"}, headers=guesser) for n in range(6)
    ]
    assert [each.status for each in answers] == [403] * 5 + [429]
    assert int(answers[-1].headers["retry-after"]) >= 1
    assert Caller(centre.url).ask("POST", "/enrol", {**said, "code": code}, headers=guesser).status == 429
    assert Caller(centre.url).enrol(code).status == 200


def test_two_gates_of_a_school_need_two_names(centre: ServedCentre) -> None:
    """The second is refused and its code stays good, so that the name can be mended."""
    school = centre.school()
    centre.gate(school, "gate-1")
    code = centre.invite(school, "Other")
    refused = Caller(centre.url).enrol(code, "gate-1")
    assert (refused.status, refused.code) == (409, "taken")
    assert Caller(centre.url).enrol(code, "gate-2").status == 200


def test_a_revoked_gate_gets_nothing(centre: ServedCentre) -> None:
    """From that moment on every question is answered 401, signed, so that the gate can believe it."""
    caller = centre.gate(centre.school())
    known = centre.known(caller)
    assert caller.ask("POST", "/heartbeat", heartbeat()).status == 200
    with transaction(centre.engine) as conn:
        gates.revoke(conn, known.school_id, known.gate_id, datetime.now(UTC))
    for method, path, said in (
        ("POST", "/heartbeat", heartbeat()),
        ("POST", "/sync", {"items": []}),
        ("GET", "/changes", None),
    ):
        refused = caller.ask(method, path, said)
        assert (refused.status, refused.code, refused.signed) == (401, "unknown-gate", True)


def test_a_new_machine_takes_the_place_of_an_old_one(centre: ServedCentre) -> None:
    """Id and name stay, the old machine is out, and what it was told to do is not done by the new one."""
    school = centre.school()
    old = centre.gate(school, "gate-1")
    place = centre.known(old)
    with transaction(centre.engine) as conn:
        commands.order(conn, place, commands.wire.CommandKind.RESTART, {}, "boss", datetime.now(UTC))
    new = Caller(centre.url)
    assert new.enrol(centre.invite(school, replaced=place), "gate-1").json["gate_id"] == place.gate_id
    assert old.ask("GET", "/changes").status == 401
    answer = new.ask("POST", "/heartbeat", heartbeat())
    assert (answer.status, answer.json["commands"]) == (200, [])
    assert centre.known(new).name == place.name


def test_enrolling_is_in_the_audit(centre: ServedCentre) -> None:
    """Who was invited and who came, without any secret."""
    school = centre.school()
    code = centre.invite(school, "North gate")
    caller = Caller(centre.url)
    caller.enrol(code)
    with reading(centre.engine) as conn:
        entries = audit.of_school(conn, school.school_id, 10)
    assert [entry.action for entry in entries] == ["enrolled", "gate-invited"]
    told = str([entry.detail for entry in entries])
    assert code not in told
    assert caller.token not in told
    assert caller.key_hash not in told
