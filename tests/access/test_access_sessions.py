"""Sessions and the door: what begins one, what ends it, and what nobody can learn."""

from dataclasses import replace
from datetime import timedelta

import pytest
from door_of_pages import PASSWORD, Doorstep, answers

from attendance.access.identity import Account, Role
from attendance.access.sessions import IDLE, LONGEST, form_token, form_token_right
from attendance.errors import BadInput

HERE = "192.0.2.7"


@pytest.fixture
def step() -> Doorstep:
    return Doorstep()


def test_the_database_has_no_token(step: Doorstep) -> None:
    """Who reads the sessions' table cannot use one."""
    token = step.door.enter("maria", PASSWORD, HERE).token
    assert len(token) >= 43
    assert token not in str(step.session_store.kept)


def test_a_session_ends_when_nobody_does_anything(step: Doorstep) -> None:
    """Something done each hour keeps it; two hours of nothing end it."""
    token = step.door.enter("maria", PASSWORD, HERE).token
    for _ in range(3):
        step.clock.advance(3600)
        assert step.door.who(token) is not None
    step.clock.advance(IDLE.total_seconds())
    assert step.door.who(token) is None


def test_a_page_that_looks_by_itself_is_no_person(step: Doorstep) -> None:
    """A forgotten tab that asks every few seconds does not keep the session for ever."""
    token = step.door.enter("maria", PASSWORD, HERE).token
    for _ in range(23):
        step.clock.advance(300)
        assert step.door.who(token, person=False) is not None
    step.clock.advance(300)
    assert step.door.who(token, person=False) is None


def test_a_session_ends_after_a_working_day(step: Doorstep) -> None:
    """Whatever is done meanwhile."""
    token = step.door.enter("maria", PASSWORD, HERE).token
    for _ in range(int(LONGEST / timedelta(hours=1)) - 1):
        step.clock.advance(3600)
        assert step.door.who(token) is not None
    step.clock.advance(3600)
    assert step.door.who(token) is None


def test_a_login_always_begins_another_session(step: Doorstep) -> None:
    """The session that the browser had ends, so that one planted there is worth nothing."""
    planted = step.door.enter("maria", PASSWORD, HERE).token
    mine = step.door.enter("maria", PASSWORD, HERE, old_token=planted).token
    assert mine != planted
    assert step.door.who(planted) is None
    assert step.door.who(mine) is not None


def test_logging_out_ends_the_session_at_the_server(step: Doorstep) -> None:
    """A copy of the cookie opens nothing any more."""
    token = step.door.enter("maria", PASSWORD, HERE).token
    step.door.leave(token, step.person, HERE)
    assert step.door.who(token) is None
    assert step.log == [("login", "maria"), ("logout", "maria")]


@pytest.mark.parametrize("token", ["", "x", "\x00", "é" * 500, "' OR 1=1 --"])
def test_no_made_up_token_is_a_session(step: Doorstep, token: str) -> None:
    """Nor does it fail."""
    assert step.door.who(token) is None


def test_old_sessions_are_cleared_away(step: Doorstep) -> None:
    """At a login: the table does not grow for ever."""
    step.door.enter("maria", PASSWORD, HERE)
    step.clock.advance(LONGEST.total_seconds() + 1)
    step.door.enter("maria", PASSWORD, HERE)
    assert len(step.session_store.kept) == 1


def test_a_closed_account_is_out_at_once(step: Doorstep) -> None:
    """Its session opens nothing, and its right password no new one."""
    token = step.door.enter("maria", PASSWORD, HERE).token
    step.accounts.kept["u1"] = replace(step.accounts.kept["u1"], disabled=True)
    assert step.door.who(token) is None
    assert step.door.enter("maria", PASSWORD, HERE).token == ""


def test_the_login_name_is_read_kindly(step: Doorstep) -> None:
    """Phones write the first letter large and leave a space behind."""
    assert step.door.enter(" Maria ", PASSWORD, HERE).token


def test_nobody_s_wrong_password_counts_like_somebody_s(step: Doorstep) -> None:
    """The answers to an unknown name and to a known one are the same, also when there were too many."""
    for _ in range(7):
        known = step.door.enter("maria", "wrong", HERE)
        unknown = step.door.enter("nobody", "wrong", HERE)
        assert known == unknown


def test_while_guessing_is_slowed_the_right_one_waits_too(step: Doorstep) -> None:
    """Else the pause would say which guess was right."""
    assert not any(answers(step.door, *["wrong"] * 5))
    assert step.door.enter("maria", PASSWORD, HERE).wait_s > 0
    step.clock.advance(1)
    assert step.door.enter("maria", PASSWORD, HERE).token


def test_another_password_ends_every_other_session(step: Doorstep) -> None:
    """Whoever had the old one is out; who changed it goes on with a new token."""
    other, mine = (step.door.enter("maria", PASSWORD, HERE).token for _ in range(2))
    account = step.door.who(mine)
    assert account is not None
    again = step.door.change_password(account, PASSWORD, "other words of mine", HERE)
    assert [step.door.who(each) is not None for each in (other, mine, again)] == [False, False, True]
    assert list(answers(step.door, PASSWORD, "other words of mine")) == [False, True]


def test_another_password_needs_the_current_one_and_guessing_it_is_slowed(step: Doorstep) -> None:
    """An unlocked computer is not enough to take an account over."""
    for _ in range(5):
        with pytest.raises(BadInput, match="current password is wrong"):
            step.door.change_password(step.person, "wrong", "other words of mine", HERE)
    with pytest.raises(BadInput, match="Try again in"):
        step.door.change_password(step.person, PASSWORD, "other words of mine", HERE)


def test_a_form_s_token_belongs_to_its_session() -> None:
    """Another session's, a changed and an empty one are wrong; without a session nothing is right."""
    assert form_token_right("a", form_token("a"))
    for wrong in (form_token("b"), form_token("a")[:-1], "", "é"):
        assert not form_token_right("a", wrong)
    assert not form_token_right("", form_token(""))


def test_a_role_reaches_what_is_below_it() -> None:
    """Viewer, office, admin, in this order; only at its own place; an operator everywhere."""
    office = Account("u", "u", "U", "", roles={"north": Role.OFFICE})
    assert office.is_at_least(Role.VIEWER, "north")
    assert office.is_at_least(Role.OFFICE, "north")
    assert not office.is_at_least(Role.ADMIN, "north")
    assert not office.is_at_least(Role.VIEWER, "south")
    assert not office.belongs_to("south")
    assert Account("o", "o", "O", "", operator=True).is_at_least(Role.ADMIN, "south")


def test_a_hash_is_not_printed() -> None:
    """An account in a log or a traceback does not show it."""
    assert "secret" not in repr(Account("u", "u", "U", "secret"))
