"""Time and its trust."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from attendance.clock import ManualClock, SystemClock, from_rfc3339, rfc3339, timestamps

START = datetime(2026, 6, 8, 6, 40, tzinfo=UTC)


def test_a_moment_of_the_past_is_dated_by_what_the_wall_clock_says_now() -> None:
    """After the clock was put right, what was seen before gets its true time; boot time does not move."""
    clock = ManualClock(START)
    seen = clock.boot_ns()
    clock.advance(10)
    clock.step(3600)
    assert clock.moment(seen).at == START.replace(hour=7)
    assert clock.moment(seen).boot_ns == 0


def test_the_machines_clock_counts_on_in_one_boot() -> None:
    """Boot time grows, and the boot has a name."""
    clock = SystemClock(trust_rtc=True)
    first, second = clock.now(), clock.now()
    assert second.boot_ns > first.boot_ns
    assert first.boot_id == second.boot_id != ""
    assert first.trusted


def test_stored_times_sort_as_they_read_and_come_back_whole() -> None:
    """Text in the database is UTC with microseconds."""
    assert rfc3339(START) == "2026-06-08T06:40:00.000000Z"
    assert from_rfc3339(rfc3339(START)) == START


def test_documented_times_are_whole_seconds_in_the_schools_zone_and_in_utc() -> None:
    """No fraction, no offset; a monitor elsewhere reads the second one."""
    at = START.replace(microsecond=999_999)
    assert timestamps(at, ZoneInfo("Asia/Manila")) == {
        "timestamp": "2026-06-08T14:40:00",
        "timestamp_utc": "2026-06-08T06:40:00Z",
    }
