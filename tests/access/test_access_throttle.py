"""Guessing is slowed: one account, one address, several replicas, and for nobody longer than needed."""

from datetime import timedelta

import pytest
from door_of_pages import START, Doorstep
from hypothesis import given
from hypothesis import strategies as st

from attendance.access.stores import Guesses
from attendance.access.throttle import OF_ACCOUNT, OF_ADDRESS, Throttle
from attendance.clock import ManualClock


def fail(step: Doorstep, times: int, login: str = "maria", address: str = "192.0.2.7") -> None:
    """Guess wrongly, waiting as long as is asked for."""
    for _ in range(times):
        while (wait_s := step.throttle.turn(login, address)) > 0:
            step.clock.advance(wait_s)


def test_a_few_mistakes_cost_no_time() -> None:
    """Five wrong ones go at once; the next waits."""
    step = Doorstep()
    assert [step.throttle.turn("maria", "192.0.2.7") for _ in range(5)] == [0.0] * 5
    assert step.throttle.turn("maria", "192.0.2.7") > 0


def test_the_pause_grows_to_a_minute_for_an_account() -> None:
    """Doubling, and never so long that a stranger could keep the owner out for a day."""
    assert [OF_ACCOUNT.after(n) for n in range(4, 13)] == [0, 1, 2, 4, 8, 16, 32, 60, 60]


def test_an_address_that_tries_all_accounts_is_slowed() -> None:
    """One password at every account: each is tried once, the address waits all the same, others do not."""
    step = Doorstep()
    waits = [step.throttle.turn(f"user-{number}", "192.0.2.7") for number in range(40)]
    assert waits[: OF_ADDRESS.free] == [0.0] * OF_ADDRESS.free
    assert all(wait > 0 for wait in waits[OF_ADDRESS.free :])
    assert step.throttle.turn("user-99", "192.0.2.8") == 0.0


def test_a_right_one_forgets_the_account_s_failures_only() -> None:
    """Somebody with an account of his own cannot use it to go on guessing at others from the same address."""
    step = Doorstep()
    for number in range(OF_ADDRESS.free - 1):
        assert step.throttle.turn(f"user-{number}", "192.0.2.7") == 0.0
    assert step.throttle.turn("maria", "192.0.2.7") == 0.0
    step.throttle.right("maria", "192.0.2.7")
    assert step.throttle.turn("user-98", "192.0.2.7") == 0.0
    assert step.throttle.turn("user-99", "192.0.2.7") > 0
    assert step.throttle.turn("maria", "192.0.2.8") == 0.0


def test_right_passwords_never_slow_an_address() -> None:
    """A school of two hundred behind one address logs in in the morning."""
    step = Doorstep()
    for number in range(200):
        assert step.throttle.turn(f"user-{number}", "192.0.2.7") == 0.0
        step.throttle.right(f"user-{number}", "192.0.2.7")


def test_replicas_agree() -> None:
    """What failed at one counts at the other: they share a store, and nothing else."""
    step = Doorstep()
    fail(step, 5)
    assert Throttle(step.guesses, step.clock).turn("maria", "192.0.2.9") > 0


def test_guesses_at_the_same_moment_get_one_turn() -> None:
    """A replica that counted meanwhile makes this one wait, although both saw no pause."""

    class Overtaken:
        """A store in which somebody else counts between the look and the exchange."""

        def __init__(self) -> None:
            self.inner = Doorstep().guesses
            self.overtakes = True

        def guesses(self, key: str) -> Guesses | None:
            return self.inner.guesses(key)

        def replace(self, key: str, old: Guesses | None, new: Guesses | None) -> bool:
            if self.overtakes:
                seen = self.inner.guesses(key)
                self.inner.kept[key] = Guesses((seen.failures if seen else 0) + 1, START)
            return self.inner.replace(key, old, new)

    store = Overtaken()
    throttle = Throttle(store, ManualClock(START))
    assert throttle.turn("maria", "192.0.2.7") > 0
    store.overtakes = False
    assert throttle.turn("juan", "192.0.2.8") == 0.0


def test_failures_are_forgotten_after_a_day() -> None:
    """A day without guesses starts afresh."""
    step = Doorstep()
    fail(step, 12)
    step.clock.advance(timedelta(hours=24).total_seconds() + 1)
    assert [step.throttle.turn("maria", "192.0.2.7") for _ in range(5)] == [0.0] * 5


def test_a_clock_that_is_set_back_makes_no_longer_pause() -> None:
    """The wait is never more than the pause itself."""
    step = Doorstep()
    fail(step, 12)
    step.clock.step(-timedelta(days=3).total_seconds())
    assert 0 < step.throttle.turn("maria", "192.0.2.7") <= 60


@pytest.mark.parametrize("other", ["2001:db8:1:2:ffff::9", "2001:DB8:1:2::1"])
def test_one_line_s_addresses_count_as_one(other: str) -> None:
    """An IPv6 customer has 2⁶⁴ addresses to guess from."""
    step = Doorstep()
    for number in range(OF_ADDRESS.free):
        step.throttle.turn(f"user-{number}", "2001:db8:1:2::7")
    assert step.throttle.turn("somebody", other) > 0
    assert step.throttle.turn("somebody", "2001:db8:1:3::7") == 0.0


@given(login=st.text(max_size=50), address=st.text(max_size=50))
def test_any_text_is_a_login_and_an_address(login: str, address: str) -> None:
    """Whatever peers send or proxies say, it is counted and nothing breaks; and no key shows what was typed."""
    step = Doorstep()
    assert step.throttle.turn(login, address) == 0.0
    step.throttle.right(login, address)
    assert all(len(key) == 64 for key in step.guesses.kept)
