"""Whether the limits can carry the school."""

import math

from hypothesis import given
from hypothesis import strategies as st

from attendance.domain.capacity import capacity, most_in
from attendance.domain.message import MessageKind
from attendance.domain.ratelimit import Window

DOCUMENTED = (Window(10, 60), Window(60, 3600))
ALL = [MessageKind.CHECK_IN, MessageKind.LATE_ARRIVAL]


def test_a_thousand_students_at_sixty_an_hour() -> None:
    """The documented limits tell 180 of 1,000 parents in time; and it is said what would fit."""
    found = capacity(DOCUMENTED, 1000, ALL, login_minutes=30, expire_after_minutes=120)
    assert (found.messages, found.told, found.untold) == (1000, 180, 820)
    assert (found.needed_per_minute, found.needed_per_hour) == (7, 420)
    assert [word in " ".join(found.sentences) for word in ("820", "420", "check_in off", "summary a day")] == [
        True,
        True,
        True,
        False,  # sixteen hours of 60 are 960
    ]


def test_a_small_school_hears_nothing() -> None:
    """What fits needs no words."""
    assert capacity(DOCUMENTED, 100, ALL, login_minutes=60, expire_after_minutes=120).sentences == ()


def test_limits_hold_within_each_other() -> None:
    """334 an hour and 7 a minute are no 1,002 in two and a half hours: the last half hour has thirty minutes."""
    assert most_in(2.5 * 3600, (Window(7, 60), Window(334, 3600))) < 900
    assert most_in(60, DOCUMENTED) == 10
    assert most_in(3600, DOCUMENTED) == 60


def test_no_limit_carries_everybody() -> None:
    """Rate limiting can be switched off."""
    assert most_in(60, ()) == math.inf
    assert capacity((), 100_000, ALL, login_minutes=30, expire_after_minutes=120).untold == 0


def test_the_late_and_the_absent_are_few() -> None:
    """Without arrivals a tenth of the students is counted with; with neither, nobody."""
    late = capacity(DOCUMENTED, 1000, [MessageKind.LATE_ARRIVAL], login_minutes=30, expire_after_minutes=120)
    assert (late.messages, late.untold) == (100, 0)
    none = capacity(DOCUMENTED, 1000, [MessageKind.CHECK_OUT], login_minutes=30, expire_after_minutes=120)
    assert (none.messages, none.untold) == (0, 0)


@given(st.integers(1, 3000), st.integers(1, 600), st.integers(1, 600), st.floats(1, 3))
def test_the_advised_limits_fit(students: int, login: int, expire: int, guardians: float) -> None:
    """Whoever sets what is advised hears no more of it."""

    def ask(windows: tuple[Window, ...]):
        return capacity(
            windows,
            students,
            ALL,
            login_minutes=login,
            expire_after_minutes=expire,
            guardians_per_student=guardians,
        )

    advised = ask(DOCUMENTED)
    windows = (Window(advised.needed_per_minute, 60), Window(advised.needed_per_hour, 3600))
    assert ask(windows).untold == 0
