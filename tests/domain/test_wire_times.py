"""Times and days are written in one way only: what is signed or linked must not vary."""

from datetime import date
from itertools import product

import pytest
from pydantic import TypeAdapter, ValidationError

from attendance.domain import wire

TIME: TypeAdapter[str] = TypeAdapter(wire.Time)
DAY: TypeAdapter[str] = TypeAdapter(wire.Day)


@pytest.mark.parametrize(
    "text", ["1970-01-01T00:00:00.000000Z", "2024-02-29T23:59:59.999999Z", "2199-12-31T12:00:00.000001Z"]
)
def test_a_time_stays_as_it_is(text: str) -> None:
    """No reading and writing again in between."""
    assert TIME.validate_python(text) == text


@pytest.mark.parametrize(
    "other",
    [
        "2026-01-01 00:00:00.000000Z",
        "2026-01-01T00:00:00,000000Z",
        "2026-01-01T00:00:00.000000z",
        "2026-01-01T24:00:00.000000Z",
        "2026-01-01T00:00:60.000000Z",
        "2026-01-01T00:00:00.000000Z\n",
        "2026-02-30T00:00:00.000000Z",
        "2026-W01-1T00:00:00.00000Z",
        "٢٠٢٦-01-01T00:00:00.000000Z",
        "1969-12-31T23:59:59.999999Z",
        "2200-01-01T00:00:00.000000Z",
        "2026-01-01T00:00:00.000000",
        "2026-01-01T00:00:00.0000+00",
        "",
        None,
        1767225600,
    ],
)
def test_no_other_way_of_writing_a_time_is_taken(other: object) -> None:
    """Not even those that mean the same."""
    with pytest.raises(ValidationError):
        TIME.validate_python(other)


@pytest.mark.parametrize("other", ["2026-W01-1", "2026-001-1", "20260101", "2026-02-30", "2026-1-01", "9999-12-31", 5])
def test_no_other_way_of_writing_a_day_is_taken(other: object) -> None:
    """``date.fromisoformat`` alone takes weeks of the year too."""
    with pytest.raises(ValidationError):
        DAY.validate_python(other)


def test_the_pattern_of_days_is_the_calendar() -> None:
    """No day that there is not, and none left out; neither of the years around."""
    for year, month, day in product(range(1960, 2210), range(14), range(33)):
        text = f"{year}-{month:02}-{day:02}"
        try:
            real = date(year, month, day) and 1970 <= year <= 2199
        except ValueError:
            real = False
        assert taken(text) == real, text


def taken(day: str) -> bool:
    try:
        return DAY.validate_python(day) == day
    except ValidationError:
        return False


def test_who_writes_another_is_told_how_in_words() -> None:
    with pytest.raises(ValidationError, match="a day as 2026-01-01, of the years 1970 to 2199"):
        DAY.validate_python("2026-02-30")
