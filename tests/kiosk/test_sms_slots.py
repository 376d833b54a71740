"""The limit of messages as the courier asks it: slots in the database, never more than allowed, and never too late."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime

from hypothesis import given, settings
from hypothesis import strategies as st

from attendance.clock import ManualClock
from attendance.domain.ratelimit import Window
from attendance.kiosk.store import sms_limits
from attendance.kiosk.store.database import migrations

DOCUMENTED = (Window(10, 60), Window(60, 3600))
_SOON_S = 1e-6
"""Slots are dated to the nanosecond."""


@contextmanager
def ledger() -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as conn:
        conn.row_factory = sqlite3.Row
        for step in migrations():
            conn.executescript(step)
        yield conn


def clock() -> ManualClock:
    return ManualClock(datetime(2026, 6, 8, tzinfo=UTC))


def send_all(arrivals: list[float], windows: tuple[Window, ...], request_s: float = 0.0) -> list[tuple[float, float]]:
    """When each request begins and ends, if each waits exactly as long as it is told."""
    requests: list[tuple[float, float]] = []
    time = clock()
    with ledger() as conn:
        for arrival in sorted(arrivals):
            time.advance(max(0.0, arrival - time.boot_ns() / 1e9))
            time.advance(sms_limits.slot_wait_s(conn, time.now(), windows))
            began = time.boot_ns() / 1e9
            slot = sms_limits.reserve_slot(conn, "message", time.now())
            time.advance(request_s)
            sms_limits.end_slot(conn, slot, time.now())
            requests.append((began, time.boot_ns() / 1e9))
    return requests


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.floats(0, 5000), max_size=60),
    st.lists(st.builds(Window, st.integers(1, 8), st.sampled_from([1.0, 60.0, 600.0])), min_size=1, max_size=3),
    st.floats(0, 20),
)
def test_no_window_ever_holds_more_than_its_limit(
    arrivals: list[float], windows: list[Window], request_s: float
) -> None:
    """Whatever arrives and however long requests take: from the end of one to the beginning of the ``limit``-th after
    it a whole window passes."""
    requests = send_all(arrivals, tuple(windows), request_s)
    for window in windows:
        pairs = zip(requests, requests[window.limit :], strict=False)
        assert all(later[0] - earlier[1] >= window.seconds - _SOON_S for earlier, later in pairs)


def test_the_documented_limits_let_ten_go_at_once_and_sixty_an_hour() -> None:
    """200 waiting messages: 10 at once, 60 within the hour, the next one as soon as the first is an hour old."""
    began = [at for at, _ in send_all([0.0] * 200, DOCUMENTED)]
    assert sum(at < 60 for at in began) == 10
    assert sum(at < 3600 for at in began) == 60
    assert abs(began[60] - 3600.0) < _SOON_S


def test_a_message_on_its_way_holds_its_place() -> None:
    """Its end is not known yet, so its place frees a whole window from now at the earliest."""
    time = clock()
    with ledger() as conn:
        sms_limits.reserve_slot(conn, "message", time.now())
        time.advance(100)
        assert sms_limits.slot_wait_s(conn, time.now(), [Window(1, 60)]) == 60.0


def test_a_request_that_was_not_made_holds_no_place() -> None:
    """Its slot is given back."""
    with ledger() as conn:
        slot = sms_limits.reserve_slot(conn, "message", clock().now())
        sms_limits.release_slot(conn, slot)
        assert sms_limits.slot_wait_s(conn, clock().now(), [Window(1, 60)]) == 0.0


def test_slots_that_count_no_more_are_forgotten() -> None:
    """The table stays as long as the longest window."""
    time = clock()
    with ledger() as conn:
        for _ in range(300):
            sms_limits.end_slot(conn, sms_limits.reserve_slot(conn, "message", time.now()), time.now())
            time.advance(60)
        assert conn.execute("SELECT count(*) FROM sms_slots").fetchone()[0] <= 62
