"""The limit of messages: never more, and no later than needed."""

from hypothesis import given
from hypothesis import strategies as st

from attendance.domain.ratelimit import Window, wait_s

DOCUMENTED = (Window(10, 60), Window(60, 3600))


def send_all(arrivals: list[float], windows: tuple[Window, ...]) -> list[float]:
    """When each message leaves if it waits exactly as long as it is told."""
    sent: list[float] = []
    now = 0.0
    for arrival in sorted(arrivals):
        now = max(now, arrival)
        now += wait_s(sent, now, windows)
        sent.append(now)
    return sent


@given(
    st.lists(st.floats(0, 5000), max_size=150),
    st.lists(st.builds(Window, st.integers(1, 8), st.sampled_from([1.0, 60.0, 600.0])), min_size=1, max_size=3),
)
def test_no_window_ever_holds_more_than_its_limit(arrivals: list[float], windows: list[Window]) -> None:
    """Whatever arrives: any ``limit + 1`` messages in a row span at least the window."""
    sent = send_all(arrivals, tuple(windows))
    for window in windows:
        pairs = zip(sent, sent[window.limit :], strict=False)
        assert all(later - earlier >= window.seconds * (1 - 1e-9) for earlier, later in pairs)


def test_the_documented_limits_let_ten_go_at_once_and_sixty_an_hour() -> None:
    """1,000 waiting messages: 10 at once, 60 within the hour, the next one as soon as the first is an hour old."""
    sent = send_all([0.0] * 1000, DOCUMENTED)
    assert sum(at < 60 for at in sent) == 10
    assert sum(at < 3600 for at in sent) == 60
    assert sent[60] == 3600.0


def test_a_message_on_its_way_holds_its_place() -> None:
    """Its end is not known yet, so its place frees a whole window from now at the earliest."""
    assert wait_s([float("inf")], 100.0, [Window(1, 60)]) == 60.0
