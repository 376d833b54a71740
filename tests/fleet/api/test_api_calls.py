"""Records, heartbeats and commands, as gates send and get them."""

import secrets
from datetime import UTC, datetime, timedelta

import pytest
from scans import ledger, scan, student
from served_centre import Caller, ServedCentre, exchange, heartbeat
from sqlalchemy import insert, update

from attendance.clock import rfc3339
from attendance.domain import wire
from attendance.domain.wire import CommandKind
from attendance.errors import BadInput
from attendance.fleet import commands, directory
from attendance.fleet.store import audit, health
from attendance.fleet.store.engine import reading, transaction
from attendance.fleet.store.tables import counters, entries


def test_items_are_answered_in_their_places(centre: ServedCentre) -> None:
    """A bad one in the middle holds up no other, and the answer is signed."""
    caller, own = centre.gate(centre.school()), ledger()
    first, second = scan(own), scan(own)
    answer = caller.ask("POST", "/sync", {"items": [first, {"type": "poison"}, 7, second, first]}, packed=True)
    assert answer.signed
    results = [each["result"] for each in answer.json["results"]]
    assert results == ["created", "rejected", "rejected", "created", "duplicate"]
    head = {"device_id": "gate-1", "epoch": own.epoch, "complete_to": 2, "highest": 2, "broken_at": None}
    assert answer.json["heads"] == [head]


def test_what_the_database_refuses_holds_up_nothing_else(centre: ServedCentre) -> None:
    """A scan that is well-formed, and that the table still does not take: it alone is rejected."""
    unbearable = f"session-{secrets.token_hex(8)}"
    with transaction(centre.engine) as conn:
        if conn.dialect.name == "postgresql":
            conn.exec_driver_sql(f"ALTER TABLE events ADD CHECK (session <> '{unbearable}')")
        else:
            conn.exec_driver_sql(
                f"CREATE TRIGGER unbearable BEFORE INSERT ON events WHEN NEW.session = '{unbearable}' "
                "BEGIN SELECT RAISE(ABORT, 'no'); END"
            )
    caller, own = centre.gate(centre.school()), ledger()
    items = [scan(own), {**scan(own), "session": unbearable}, scan(own)]
    answer = caller.ask("POST", "/sync", {"items": items}).json
    assert [each["result"] for each in answer["results"]] == ["created", "rejected", "created"]
    assert "database does not take it" in answer["results"][1]["reason"]


def test_what_is_answered_is_durable(centre: ServedCentre) -> None:
    """The same again from a gate that never saw the answer is a duplicate, at whichever process it arrives."""
    caller, own = centre.gate(centre.school()), ledger()
    item = scan(own)
    answers = [caller.ask("POST", "/sync", {"items": [item]}).json["results"][0]["result"] for _ in range(8)]
    assert answers == ["created"] + ["duplicate"] * 7


def test_an_answer_is_for_one_question(centre: ServedCentre) -> None:
    """Two answers to the same question differ in their signatures: a recorded one proves nothing."""
    caller = centre.gate(centre.school())
    ask = {"method": "GET", "path": "/changes"}
    first, second = (caller.ask(**ask).headers[wire.SIGNATURE_HEADER.lower()] for _ in range(2))
    assert first != second


def test_a_question_needs_a_name(centre: ServedCentre) -> None:
    """Without random text to sign there is no answer, because it could be kept and shown again."""
    caller = centre.gate(centre.school())
    for name in ("", "x" * 65, "a\tb"):
        refused = caller.ask("GET", "/changes", headers={wire.REQUEST_HEADER: name})
        assert (refused.status, refused.code) == (400, "no-request-id")


@pytest.mark.parametrize(
    "authorization", ["", "Bearer", "Bearer ", "Basic abc", "Bearer wrong", "Bearer " + "x" * 3000]
)
def test_without_a_gates_token_there_is_nothing(centre: ServedCentre, authorization: str) -> None:
    """Whoever asks: 401 at every address for gates."""
    headers = {"Authorization": authorization, wire.REQUEST_HEADER: "abc"}
    for method, path in (("GET", "/changes"), ("GET", "/scans"), ("POST", "/sync"), ("POST", "/heartbeat")):
        assert exchange(centre.url, method, f"/api/v1{path}", None, headers).status == 401


def test_a_heartbeat_is_kept_and_answered(centre: ServedCentre) -> None:
    """The centre's time comes back, and the page has what the gate said."""
    caller = centre.gate(centre.school())
    answer = caller.ask("POST", "/heartbeat", heartbeat(queue={"items": 7, "oldest_seconds": 90.5, "photos": 2}))
    assert abs(datetime.fromisoformat(answer.json["now"]) - datetime.now(UTC)) < timedelta(seconds=20)
    known = centre.known(caller)
    with reading(centre.engine) as conn:
        kept = health.of_gate(conn, known.school_id, known.gate_id)
    assert kept is not None
    assert (kept.queue_items, kept.oldest_seconds, kept.photos_waiting) == (7, 90.5, 2)
    assert known.last_contact_at is not None


def test_odd_values_in_a_heartbeat_keep_no_gate_away(centre: ServedCentre) -> None:
    """NUL, numbers without end and deep nests are what a broken sensor may say."""
    caller = centre.gate(centre.school())
    body = b'{"x": "a\\u0000b", "y": 1e999, "z": ' + b"[" * 100 + b"]" * 100 + b"}"
    raw = str(heartbeat(health="HERE")).replace("'HERE'", body.decode()).replace("'", '"').replace("True", "true")
    answer = caller.ask("POST", "/heartbeat", raw=raw.encode(), headers={"Content-Type": "application/json"})
    assert answer.status == 200, answer.body


def test_siblings_tell_up_to_when_their_scans_are_here(centre: ServedCentre) -> None:
    """Only a gate whose queue is empty, whose clock is right and whose last scan is here counts as synced."""
    school = centre.school()
    north, south, own = centre.gate(school, "north"), centre.gate(school, "south"), ledger("south")

    def seen() -> str | None:
        (sibling,) = north.ask("POST", "/heartbeat", heartbeat()).json["siblings"]
        assert sibling["device_id"] == "south"
        return sibling["synced_to"]

    assert seen() is None
    item = scan(own)
    head = {"device_id": "south", "epoch": own.epoch, "last_seq": 1, "chain": own.chain}
    for doubtful in ({"queue": {"items": 1, "oldest_seconds": 1, "photos": 0}}, {"clock_trusted": False}, {}):
        assert south.ask("POST", "/heartbeat", heartbeat(heads=[head], **doubtful)).status == 200
        assert seen() is None, doubtful
    assert south.ask("POST", "/sync", {"items": [item]}).status == 200
    told = heartbeat(heads=[head])
    assert south.ask("POST", "/heartbeat", told).status == 200
    assert seen() == told["sent_at"]


def test_a_clock_that_is_ahead_confirms_nothing_of_the_future(centre: ServedCentre) -> None:
    """The centre's own time bounds what a gate may claim to be complete."""
    school = centre.school()
    north, south = centre.gate(school, "north"), centre.gate(school, "south")
    ahead = rfc3339(datetime.now(UTC) + timedelta(days=400))
    assert south.ask("POST", "/heartbeat", heartbeat(sent_at=ahead)).status == 200
    (sibling,) = north.ask("POST", "/heartbeat", heartbeat()).json["siblings"]
    assert datetime.fromisoformat(sibling["synced_to"]) <= datetime.now(UTC)


def order(centre: ServedCentre, caller: Caller, kind: CommandKind, **arguments: object) -> str:
    with transaction(centre.engine) as conn:
        return commands.order(conn, centre.known(caller), kind, arguments, "boss", datetime.now(UTC))


def test_a_command_is_told_until_there_is_a_result(centre: ServedCentre) -> None:
    """Each heartbeat has it again, signed for this gate; its result ends it and is in the audit."""
    caller = centre.gate(centre.school())
    command_id = order(centre, caller, CommandKind.CONFIG, **{"buzzer.enabled": True})
    for _ in range(2):
        (told,) = caller.ask("POST", "/heartbeat", heartbeat()).json["commands"]
        signed = [told[name] for name in ("command_id", "gate_id", "kind", "arguments", "issued_at", "expires_at")]
        assert told["signature"] == wire.signature_of_command(caller.key_hash, *signed)
        assert (told["command_id"], told["arguments"]) == (command_id, {"buzzer.enabled": True})
    done = {"command_id": command_id, "state": "done", "detail": "ok"}
    assert caller.ask("POST", "/heartbeat", heartbeat(results=[done])).json["commands"] == []
    with reading(centre.engine) as conn:
        actions = [entry.action for entry in audit.of_school(conn, centre.known(caller).school_id, 3)]
    assert actions[:2] == ["command-ended", "command"]


def test_commands_that_nobody_should_give_are_refused(centre: ServedCentre) -> None:
    """Settings for a restart, no settings for a change of settings, and a heap of commands."""
    caller = centre.gate(centre.school())
    with pytest.raises(BadInput, match="takes no settings"):
        order(centre, caller, CommandKind.RESTART, **{"a.b": 1})
    with pytest.raises(BadInput, match="Name 1 to"):
        order(centre, caller, CommandKind.CONFIG)
    for _ in range(commands.MOST_OPEN):
        order(centre, caller, CommandKind.SYNC)
    with pytest.raises(BadInput, match="wait for the gate"):
        order(centre, caller, CommandKind.SYNC)


def test_the_directory_comes_down_by_version(centre: ServedCentre) -> None:
    """A student whom one gate brought comes to the other, and comes as gone once the school took them off."""
    school = centre.school()
    north, south, ana = centre.gate(school, "north"), centre.gate(school, "south"), student()
    assert north.ask("POST", "/sync", {"items": [ana]}).json["results"] == [{"result": "created", "reason": ""}]
    first = south.ask("GET", "/changes").json
    (change,) = first["items"]
    assert (change["kind"], change["deleted"], change["body"]["student_id"]) == ("student", False, ana["student_id"])
    assert first["counts"] == {"students": 1}
    with transaction(centre.engine) as conn:
        directory.remove(conn, school.school_id, [ana["student_id"]], datetime.now(UTC))
    second = south.ask("GET", f"/changes?after={first['version']}").json
    assert [(each["kind"], each["deleted"], each["body"]) for each in second["items"]] == [("student", True, {})]
    assert second["counts"] == {"students": 0}


def test_scans_come_to_the_other_gates(centre: ServedCentre) -> None:
    """With the school's own number of the student; the gate that made them does not get them back."""
    school = centre.school()
    north, south, ana = centre.gate(school, "north"), centre.gate(school, "south"), student()
    item = scan(ledger("north"), ana["student_key"])
    north.ask("POST", "/sync", {"items": [ana, item]})
    (seen,) = south.ask("GET", "/scans").json["items"]
    assert (seen["scan_id"], seen["student_id"], seen["device_id"]) == (item["scan_id"], ana["student_id"], "north")
    assert north.ask("GET", "/scans").json["items"] == []


def test_pages_of_a_feed_are_bounded(centre: ServedCentre) -> None:
    """The limit holds, ``more`` says so, and asking on gives every entry once."""
    school = centre.school()
    north, south = centre.gate(school, "north"), centre.gate(school, "south")
    north.ask("POST", "/sync", {"items": [student() for _ in range(7)]})
    after, found, more = 0, [], True
    while more:
        page = south.ask("GET", f"/changes?after={after}&limit=3").json
        after, more = page["version"], page["more"]
        found += [each["key"] for each in page["items"]]
        assert len(page["items"]) <= 3
    assert len(found) == len(set(found)) == 7
    for wrong in ("limit=0", "limit=1001", "after=-1", "after=x", "after=" + "9" * 30):
        assert south.ask("GET", f"/changes?{wrong}").status == 400


def test_reading_and_writing_a_gate_that_is_not_there(centre: ServedCentre) -> None:
    """An invented token gets a signed refusal like a revoked one: the centre says no, and not some proxy."""
    stranger = Caller(centre.url, secrets.token_urlsafe(32))
    refused = stranger.ask("POST", "/sync", {"items": []})
    assert (refused.status, refused.signed) == (401, True)


def test_a_damaged_row_tells_nothing(centre: ServedCentre) -> None:
    """What somebody broke in the database is a fault of the centre, signed, and the log has no value of it."""
    school = centre.school()
    caller = centre.gate(school)
    row = {"school_id": school.school_id, "kind": "closure", "key": "k", "version": 1, "deleted": False}
    with transaction(centre.engine) as conn:
        conn.execute(insert(entries).values(**row, body=["Secret Name"], changed_at=datetime.now(UTC)))
        conn.execute(update(counters).where(counters.c.school_id == school.school_id).values(value=1))
    broken = caller.ask("GET", "/changes")
    assert (broken.status, broken.code, broken.signed) == (500, "broken", True)
    assert not any("Secret Name" in line for line in centre.log)
