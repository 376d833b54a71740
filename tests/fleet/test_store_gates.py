"""Gates, invitations, commands and heartbeats, each school for itself."""

import re
from dataclasses import replace
from datetime import timedelta

import pytest
from one_school import NOW, Ledger, Site
from sqlalchemy import Engine, text

from attendance.clock import rfc3339
from attendance.domain import wire
from attendance.errors import BadInput
from attendance.fleet import devices, directory
from attendance.fleet.store import audit, commands, dead_letters, gates, health, invites, rollups, schools
from attendance.fleet.store.engine import open_engine, reading, transaction
from attendance.fleet.store.gates import Gate, Machine
from attendance.fleet.store.invites import CodeUnknown, CodeUsed, Invite

MACHINE = Machine("Annex", "a" * 64, "1.0", "Pi 4")
COMMAND = "01a21591-77b4-767d-9d6e-95dd6a41a29c"


def invite(site: Site, gate: Gate | None = None) -> Invite:
    gate_id = gate.gate_id if gate else None
    return Invite(site.school.school_id, "Annex", gate_id, True, "ana", NOW, NOW + timedelta(days=1))


def test_a_code_makes_a_gate_once(site: Site) -> None:
    """However it is typed; the same machine may ask again, another may not."""
    with transaction(site.engine) as conn:
        invites.add(conn, "ABCD-2345", invite(site))
        first = invites.accept(conn, "abcd 2345", MACHINE, NOW)
        assert invites.accept(conn, "ABCD2345", MACHINE, NOW) == replace(first, again=True)
        with pytest.raises(CodeUsed):
            invites.accept(conn, "ABCD-2345", replace(MACHINE, key_hash="b" * 64), NOW)
        found = gates.by_key_hash(conn, "a" * 64)
    assert found is not None
    assert (found.gate_id, found.name, found.school_id) == (first.gate_id, "Annex", site.school.school_id)


def test_a_code_expires(site: Site) -> None:
    """And an unknown one says no more."""
    with transaction(site.engine) as conn:
        invites.add(conn, "ABCD-2345", invite(site))
        for code, now in (("ABCD-2345", NOW + timedelta(days=2)), ("WXYZ-2345", NOW)):
            with pytest.raises(CodeUnknown):
                invites.accept(conn, code, MACHINE, now)


def test_the_database_does_not_know_the_code(site: Site) -> None:
    """Who reads it cannot enrol."""
    with transaction(site.engine) as conn:
        invites.add(conn, "ABCD-2345", invite(site))
        assert "ABCD" not in str(conn.execute(text("SELECT * FROM invites")).all())


def test_a_new_machine_takes_a_gates_place(site: Site) -> None:
    """Its id, name and history; the old machine's token ends at that moment."""
    with transaction(site.engine) as conn:
        invites.add(conn, "ABCD-2345", invite(site, site.gate))
        place = invites.accept(conn, "ABCD-2345", replace(MACHINE, device_id=site.gate.device_id), NOW)
        assert place.gate_id == site.gate.gate_id
        assert gates.by_key_hash(conn, site.gate.key_hash) is None
        taken = gates.by_key_hash(conn, "a" * 64)
    assert taken is not None
    assert (taken.gate_id, taken.name) == (site.gate.gate_id, site.gate.name)


def test_a_revoked_gate_is_nobody(site: Site) -> None:
    """Its name is free for another one, its records stay."""
    site.send(*Ledger("Main").fill(3, NOW))
    with transaction(site.engine) as conn:
        assert gates.revoke(conn, site.school.school_id, site.gate.gate_id, NOW)
        assert not gates.revoke(conn, site.school.school_id, site.gate.gate_id, NOW)
        assert gates.by_key_hash(conn, site.gate.key_hash) is None
        assert gates.by_key_hash(conn, "") is None
        gates.enrol(conn, site.school.school_id, site.gate.name, replace(MACHINE, device_id="Main"), NOW)
        assert len(gates.of_school(conn, site.school.school_id, revoked=True)) == 3
        assert devices.completeness(conn, site.school.school_id)[0].complete_to == 3


@pytest.mark.parametrize(("name", "device_id"), [("Main", "New"), ("New", "Main")])
def test_two_live_gates_cannot_be_mistaken(site: Site, name: str, device_id: str) -> None:
    """Neither by name nor by device; another school may use both."""
    machine = replace(MACHINE, device_id=device_id)
    with transaction(site.engine) as conn:
        with pytest.raises(BadInput, match="already"):
            gates.enrol(conn, site.school.school_id, name, machine, NOW)
        assert gates.get(conn, site.stranger.school_id, site.gate.gate_id) is None


@pytest.mark.parametrize(("name", "zone"), [("", "Asia/Manila"), ("New", "Asia/Nowhere"), ("New", "../etc/passwd")])
def test_a_school_needs_a_name_and_a_zone(site: Site, name: str, zone: str) -> None:
    """A zone that does not exist would fail with the first scan."""
    with pytest.raises(BadInput), transaction(site.engine) as conn:
        schools.add(conn, name, zone, NOW)


def order(site: Site) -> None:
    with transaction(site.engine) as conn:
        commands.queue(
            conn, site.school.school_id, site.gate.gate_id, COMMAND, "restart", {}, "0" * 64, "ana", NOW,
            NOW + timedelta(days=1),
        )  # fmt: skip


def test_a_command_is_told_until_its_gate_answers(site: Site) -> None:
    """Only that gate's answer counts, and only the first one."""
    order(site)
    with transaction(site.engine) as conn:
        for _ in range(2):
            (command,) = commands.open_for(conn, site.gate.gate_id, NOW)
            commands.delivered(conn, site.gate.gate_id, [COMMAND], NOW)
        assert (command.command_id, command.expires_at) == (COMMAND, rfc3339(NOW + timedelta(days=1)))
        assert commands.open_for(conn, site.other.gate_id, NOW) == []
        assert not commands.result(conn, site.other.gate_id, COMMAND, "done", "", NOW)
        assert commands.result(conn, site.gate.gate_id, COMMAND, "failed", "no backup", NOW)
        assert not commands.result(conn, site.gate.gate_id, COMMAND, "done", "", NOW)
        assert commands.open_for(conn, site.gate.gate_id, NOW) == []
        (ended,) = commands.of_gate(conn, site.school.school_id, site.gate.gate_id, 10)
    assert (ended.state, ended.detail) == ("failed", "no backup")


def test_a_command_expires_and_still_takes_its_result(site: Site) -> None:
    """The gate may have been doing it."""
    order(site)
    later = NOW + timedelta(days=2)
    with transaction(site.engine) as conn:
        assert commands.open_for(conn, site.gate.gate_id, later) == []
        assert commands.expire(conn, later) == 1
        assert commands.result(conn, site.gate.gate_id, COMMAND, "done", "", later)


WINDOWS = [{"day": "2026-11-26", "session": "morning", "kind": "arrival", "complete": True}]


def beat(site: Site, gate: Gate, **other: object) -> None:
    told = {
        "status": "healthy", "queue_items": 0, "oldest_seconds": 0.0, "photos_waiting": 0, "changes_applied": 0,
        "scans_applied": 0, "clock_trusted": True, "sent_at": NOW, "synced_to": None, "facts": {}, "now": NOW,
    } | other  # fmt: skip
    with transaction(site.engine) as conn:
        health.record(conn, gate, {"version": "1", "windows": WINDOWS}, **told)  # type: ignore[arg-type]


def test_siblings_say_up_to_when_they_are_here(site: Site) -> None:
    """And through which sessions they worked. A gate that was never heard is listed too; what was known stays when a
    heartbeat cannot say."""
    beat(site, site.other, synced_to=NOW)
    beat(site, site.other, now=NOW + timedelta(minutes=1))
    with reading(site.engine) as conn:
        school_id = site.school.school_id
        assert health.siblings(conn, school_id, site.gate.gate_id, NOW, 180) == [
            {"device_id": "Back", "name": "Back", "synced_to": rfc3339(NOW), "live": True, "windows": WINDOWS}
        ]
        (main,) = health.siblings(conn, school_id, site.other.gate_id, NOW, 180)
        assert (main["synced_to"], main["live"], main["windows"]) == (None, False, [])
        assert health.siblings(conn, site.stranger.school_id, site.stranger.gate_id, NOW, 180) == []


def test_history_keeps_one_heartbeat_of_ten_minutes(site: Site) -> None:
    """The last of them."""
    for minute in range(15):
        beat(site, site.gate, now=NOW + timedelta(minutes=minute), facts={"minute": minute})
    with reading(site.engine) as conn:
        past = health.history(conn, site.school.school_id, site.gate.gate_id, NOW)
    assert [each.facts["minute"] for each in past] == [9, 14]


def test_nothing_of_a_school_is_anothers(site: Site) -> None:
    """Each function is asked for one school's things in another's name."""
    site.send(*Ledger("Main").fill(2, NOW), {"type": "cheese"})
    order(site)
    beat(site, site.gate)
    strange, gate_id = site.stranger.school_id, site.gate.gate_id
    with transaction(site.engine) as conn:
        audit.note(conn, site.school.school_id, "ana", "tried", "", {}, NOW)
        (letter,) = dead_letters.of_school(conn, site.school.school_id, 9)
        assert gates.get(conn, strange, gate_id) is None
        assert not gates.rename(conn, strange, gate_id, "Mine")
        assert not gates.revoke(conn, strange, gate_id, NOW)
        assert commands.get(conn, strange, COMMAND) is None
        assert commands.of_gate(conn, strange, gate_id, 9) == []
        assert not commands.cancel(conn, strange, COMMAND, NOW)
        assert health.of_gate(conn, strange, gate_id) is None
        assert health.of_school(conn, strange) == {}
        assert health.history(conn, strange, gate_id, NOW - timedelta(days=1)) == []
        assert devices.completeness(conn, strange, gate_id) == []
        assert devices.unfit(conn, strange, gate_id, "Main", "e1") == []
        assert rollups.of_gate(conn, strange, gate_id, NOW.date()) == {}
        assert dead_letters.of_school(conn, strange, 9) == []
        assert not dead_letters.settle(conn, strange, letter.letter_id, "eve", NOW)
        assert audit.of_school(conn, strange, 9) == []
        with pytest.raises(BadInput):
            invites.add(conn, "X", Invite(strange, "", gate_id, False, "eve", NOW, NOW))
        assert not directory.erase(conn, strange, "17", NOW)


@pytest.mark.parametrize("nobody", ["", "x", "'; DROP TABLE gates --", "0" * 36, "\x00", "é" * 36])
def test_a_text_that_is_no_id_is_nobodys(site: Site, nobody: str) -> None:
    """It comes from somebody's address bar, and is no fault of the database."""
    with reading(site.engine) as conn:
        assert gates.get(conn, site.school.school_id, nobody) is None
        assert schools.get(conn, nobody) is None
        assert commands.get(conn, nobody, nobody) is None


def test_a_connection_that_broke_is_made_anew(postgresql_url: str) -> None:
    """The server was restarted, or another one took over."""
    engine = open_engine(postgresql_url)
    with reading(engine) as conn:
        conn.execute(text("SELECT 1"))
    killer = open_engine(postgresql_url)
    with transaction(killer) as conn:
        conn.execute(text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
                          " AND datname = current_database()"))  # fmt: skip
    with transaction(engine) as conn:
        assert schools.every(conn) == []
    for each in (engine, killer):
        each.dispose()


def test_the_next_host_is_taken_when_one_is_gone(postgresql_url: str) -> None:
    """As libpq does it, for the host that takes writes."""
    url = re.sub(r"host=", "host=/nowhere,", postgresql_url)
    engine: Engine = open_engine(url)
    with transaction(engine) as conn:
        assert schools.add(conn, "Rizal", "Asia/Manila", NOW).name == "Rizal"
    engine.dispose()


def test_statements_end_in_time(postgresql_url: str) -> None:
    """A hanging one must not hold a worker for ever; times are UTC."""
    engine = open_engine(postgresql_url)
    with reading(engine) as conn:
        said = {name: conn.execute(text(f"SHOW {name}")).scalar_one() for name in ("statement_timeout", "TimeZone")}
    engine.dispose()
    assert said == {"statement_timeout": "30s", "TimeZone": "UTC"}


def test_sqlite_keeps_what_it_acknowledged(sqlite_url: str) -> None:
    """Through a power cut: a write-ahead log, synced at every commit."""
    engine = open_engine(sqlite_url)
    with reading(engine) as conn:
        said = [
            conn.execute(text(f"PRAGMA {name}")).scalar_one()
            for name in ("journal_mode", "synchronous", "foreign_keys")
        ]
    engine.dispose()
    assert said == ["wal", 2, 1]


def test_a_command_is_as_the_gate_will_check_it(site: Site) -> None:
    """What comes out of the database is what was signed."""
    key = site.gate.key_hash
    until = NOW + timedelta(days=1)
    arguments = {"buzzer.enabled": True, "name": "ñ"}
    signature = wire.signature_of_command(
        key, COMMAND, site.gate.gate_id, "config", arguments, rfc3339(NOW), rfc3339(until)
    )
    with transaction(site.engine) as conn:
        commands.queue(
            conn, site.school.school_id, site.gate.gate_id, COMMAND, "config", arguments, signature, "ana", NOW, until
        )
        (told,) = commands.open_for(conn, site.gate.gate_id, NOW)
    assert told.signature == wire.signature_of_command(
        key, told.command_id, told.gate_id, told.kind, told.arguments, told.issued_at, told.expires_at
    )
