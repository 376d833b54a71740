"""Times and days are written in one way only: what is signed or linked must not vary."""

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
