"""What the door keeps in the centre's database, on both kinds: accounts, sessions, and guesses that replicas share."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from centre_with_gates import CHEAP, NOW, PASSWORD
from sqlalchemy import Engine

from attendance.access.door import Door
from attendance.access.identity import Role
from attendance.access.passwords import Passwords
from attendance.access.sessions import Sessions
from attendance.access.stores import Guesses, Session
from attendance.access.throttle import FORGOTTEN_AFTER, OF_ACCOUNT, Throttle
from attendance.clock import ManualClock
from attendance.fleet.store import audit, logins, schools, users
from attendance.fleet.store.engine import reading, transaction


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOW)


@pytest.fixture
def door(engine: Engine, clock: ManualClock) -> Door:
    with transaction(engine) as conn:
        school = schools.add(conn, "Northfield", "Asia/Manila", NOW)
        person = users.add(conn, "maria", "Maria", Passwords(CHEAP).hash(PASSWORD), NOW, must_change=True)
        users.grant(conn, person.user_id, school.school_id, Role.OFFICE)
    sessions = Sessions(logins.Sessions(engine), clock)
    throttle = Throttle(logins.FailedGuesses(engine, clock), clock)
    log = logins.DoorAudit(engine, clock)
    return Door(logins.Accounts(engine, clock), sessions, throttle, Passwords(CHEAP), log)


def test_a_session_begins_and_ends_in_the_database(engine: Engine, door: Door) -> None:
    """In with a password, another password, out; each noted, and the roles are there."""
    first = door.enter("maria", PASSWORD, "192.0.2.7")
    maria = door.who(first.token)
    assert maria is not None
    assert first.must_change
    assert list(maria.roles.values()) == [Role.OFFICE]
    second = door.change_password(maria, PASSWORD, "other words of mine", "192.0.2.7")
    assert door.who(first.token) is None
    again = door.who(second)
    assert again is not None
    assert not again.must_change
    door.leave(second, again, "192.0.2.7")
    assert door.who(second) is None
    with reading(engine) as conn:
        done = [each.action for each in reversed(audit.of_centre(conn, 9))]
    assert done == ["login", "password-changed", "logout"]


def test_an_unknown_name_and_a_strange_one_are_wrong(door: Door) -> None:
    """Whatever is typed reaches the database as a value, or not at all."""
    for login in ("nobody", "\x00", "' OR 1=1 --", "é" * 9000):
        assert door.enter(login, PASSWORD, "192.0.2.9").token == ""


def test_sessions_are_found_touched_and_cleared(engine: Engine, door: Door) -> None:
    """Old ones go; those that were used stay."""
    maria = door.who(door.enter("maria", PASSWORD, "192.0.2.7").token)
    assert maria is not None
    store = logins.Sessions(engine)
    for name, age in (("old", 3), ("new", 1)):
        began = NOW - timedelta(hours=age)
        store.add(Session(name * 8, maria.user_id, began, began))
    store.remove_older(NOW - timedelta(hours=12), NOW - timedelta(hours=2))
    assert store.find("old" * 8) is None
    store.touch("new" * 8, NOW)
    found = store.find("new" * 8)
    assert found is not None
    assert found.seen_at == NOW


def test_guesses_are_exchanged_only_as_they_were(engine: Engine, clock: ManualClock) -> None:
    """Whoever saw something else must look again."""
    store = logins.FailedGuesses(engine, clock)
    one, two = Guesses(1, NOW), Guesses(2, NOW + timedelta(seconds=1))
    assert store.replace("key", None, one)
    assert not store.replace("key", None, two)
    assert not store.replace("key", two, one)
    assert not store.replace("key", Guesses(2, one.last_at), two)
    assert store.replace("key", one, two)
    assert store.guesses("key") == two
    assert not store.replace("key", one, None)
    assert store.replace("key", two, None)
    assert store.guesses("key") is None


def test_a_crowd_of_guesses_at_the_same_moment_gets_no_more_turns(engine: Engine, clock: ManualClock) -> None:
    """Twenty at once, as from several replicas: not more than the free ones are tried."""
    throttle, together = Throttle(logins.FailedGuesses(engine, clock), clock), Barrier(8)

    def guess(number: int) -> float:
        together.wait(10)
        return throttle.turn("maria", f"192.0.2.{number}")

    with ThreadPoolExecutor(8) as crowd:
        waits = list(crowd.map(guess, range(24)))
    assert 1 <= waits.count(0.0) <= OF_ACCOUNT.free
    later = [throttle.turn("maria", "192.0.2.99") for _ in range(OF_ACCOUNT.free)]
    assert (waits + later).count(0.0) <= OF_ACCOUNT.free


def test_old_guesses_do_not_pile_up(engine: Engine, clock: ManualClock) -> None:
    """A row for each address that ever mistyped would grow for ever."""
    store = logins.FailedGuesses(engine, clock)
    store.replace("old", None, Guesses(3, NOW))
    clock.advance(FORGOTTEN_AFTER.total_seconds() + 1)
    store.replace("new", None, Guesses(1, clock.now().at))
    assert store.guesses("old") is None
