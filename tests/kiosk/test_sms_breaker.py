"""A gateway that fails is left alone, tried once after a pause, and back in use when that works."""

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from attendance.clock import ManualClock
from attendance.kiosk.sms.breaker import FAILURES, FIRST_PAUSE_S, LONGEST_PAUSE_S, Breaker


def clock() -> ManualClock:
    return ManualClock(datetime(2026, 6, 1, tzinfo=UTC))


def opened(time: ManualClock) -> Breaker:
    breaker = Breaker(time)
    for _ in range(FAILURES):
        assert breaker.enter()
        breaker.failed()
    return breaker


def test_it_opens_after_failures_in_a_row() -> None:
    """One failure less changes nothing, and a success in between counts anew."""
    breaker = Breaker(clock())
    for _ in range(3):
        for _ in range(FAILURES - 1):
            breaker.failed()
        assert breaker.closed
        breaker.succeeded()
    assert opened(clock()).rest_s() == FIRST_PAUSE_S


def test_half_open_lets_one_trial_in() -> None:
    """While it is under way nobody else gets in."""
    time = clock()
    breaker = opened(time)
    time.advance(FIRST_PAUSE_S)
    assert [breaker.enter(), breaker.enter()] == [True, False]


def test_a_trial_that_works_closes_it() -> None:
    """The gateway is used again at once."""
    time = clock()
    breaker = opened(time)
    time.advance(FIRST_PAUSE_S)
    breaker.enter()
    breaker.succeeded()
    assert (breaker.closed, breaker.rest_s()) == (True, 0)


def test_pauses_double_up_to_a_longest() -> None:
    """Each trial that fails doubles the pause; after a success they begin anew."""
    time = clock()
    breaker = opened(time)
    pauses = []
    for _ in range(7):
        pauses.append(breaker.rest_s())
        time.advance(breaker.rest_s())
        assert breaker.enter()
        breaker.failed()
    assert pauses == [30, 60, 120, 240, 480, 600, 600]
    breaker.succeeded()
    for _ in range(FAILURES):
        breaker.failed()
    assert breaker.rest_s() == FIRST_PAUSE_S


def test_a_trial_that_nobody_tells_of_is_not_waited_for() -> None:
    """If whoever tried was killed in between, the next trial comes after another pause."""
    time = clock()
    breaker = opened(time)
    time.advance(FIRST_PAUSE_S)
    breaker.enter()
    time.advance(FIRST_PAUSE_S)
    assert breaker.enter()


@pytest.mark.parametrize(("options", "pause_s"), [({"grave": True}, 30), ({"rest_s": 90.0}, 90), ({"rest_s": 5.0}, 30)])
def test_some_failures_open_it_at_once(options: dict[str, object], pause_s: float) -> None:
    """Refused credentials would be refused again, and who asks to be left alone is."""
    breaker = Breaker(clock())
    breaker.failed(**options)  # type: ignore[arg-type]
    assert breaker.rest_s() == pause_s


def test_the_wall_clock_does_not_matter() -> None:
    """A clock that is set an hour back does not shut a gateway out for an hour."""
    time = clock()
    breaker = opened(time)
    time.step(-3600)
    time.advance(FIRST_PAUSE_S)
    assert breaker.enter()


class AnyUse(RuleBasedStateMachine):
    """Whatever happens in whatever order, a gateway that does not work gets few attempts, and always another one."""

    def __init__(self) -> None:
        super().__init__()
        self.time = clock()
        self.breaker = Breaker(self.time)
        self.failures_in_a_row = 0
        self.last_attempt_s = float("-inf")
        self.asked_rest_s = 0.0

    @property
    def now_s(self) -> float:
        return self.time.boot_ns() / 1e9

    @rule(seconds=st.floats(0.001, 700))
    def wait(self, seconds: float) -> None:
        self.time.advance(seconds)

    @rule(outcome=st.sampled_from(["works", "fails", "never told"]), rest_s=st.sampled_from([None, None, 45.0, 900.0]))
    def attempt(self, outcome: str, rest_s: float | None) -> None:
        if not self.breaker.enter():
            return
        since_s = self.now_s - self.last_attempt_s
        if self.failures_in_a_row >= FAILURES:
            assert since_s >= FIRST_PAUSE_S - 1e-6
        assert since_s >= self.asked_rest_s - 1e-6
        self.last_attempt_s, self.asked_rest_s = self.now_s, 0.0
        if outcome == "works":
            self.breaker.succeeded()
            self.failures_in_a_row = 0
        elif outcome == "fails":
            self.breaker.failed(rest_s=rest_s)
            self.failures_in_a_row += 1
            self.asked_rest_s = rest_s or 0.0

    @precondition(lambda self: self.breaker.rest_s() > 0)
    @rule()
    def wait_as_told(self) -> None:
        """Whoever waits as long as it says gets in."""
        self.time.advance(self.breaker.rest_s() + 1e-6)
        assert self.breaker.enter()
        self.last_attempt_s, self.asked_rest_s = self.now_s, 0.0

    @invariant()
    def nobody_is_shut_out_for_ever(self) -> None:
        assert 0 <= self.breaker.rest_s() <= max(LONGEST_PAUSE_S, 900.0)


TestAnyUse = AnyUse.TestCase
TestAnyUse.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)


@given(st.integers(1, 40))
def test_an_hour_of_failing_costs_few_attempts(step_s: int) -> None:
    """However often somebody wants to, a dead gateway is tried no more than twelve times in its first hour."""
    time = clock()
    breaker = Breaker(time)
    attempts = 0
    for _ in range(3600 // step_s):
        if breaker.enter():
            attempts += 1
            breaker.failed()
        time.advance(step_s)
    assert FAILURES < attempts <= 12
