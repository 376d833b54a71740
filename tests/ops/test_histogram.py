"""Percentiles in bounded memory."""

import math

from hypothesis import given
from hypothesis import strategies as st

from attendance.ops.histogram import RELATIVE_ERROR, Histogram

DURATIONS = st.lists(st.floats(0.001, 1e8), min_size=1, max_size=200)
FRACTIONS = (0.5, 0.95, 0.99)


def filled(values: list[float]) -> Histogram:
    histogram = Histogram()
    for value in values:
        histogram.add(value)
    return histogram


@given(DURATIONS)
def test_a_percentile_is_as_near_as_promised(values: list[float]) -> None:
    """Each is within the relative error of the value at the nearest rank."""
    ordered = sorted(values)
    for fraction, found in zip(FRACTIONS, filled(values).quantiles(FRACTIONS), strict=True):
        true = ordered[max(0, math.ceil(fraction * len(ordered)) - 1)]
        assert abs(found - true) <= true * (RELATIVE_ERROR + 1e-9)


@given(st.lists(st.one_of(st.floats(0, 2.0**53), st.integers(0, 2**53)), max_size=100))
def test_any_duration_is_counted(values: list[float]) -> None:
    """From nothing to 300,000 years: count, sum and bounds are exact, percentiles lie between them."""
    histogram = filled(values)
    low, *_, high = histogram.quantiles((0.0, *FRACTIONS, 1.0))
    total = 0.0
    for value in values:
        total += value  # sum() compensates for rounding from Python 3.12 on
    assert (histogram.count, histogram.total) == (len(values), total)
    if values:
        assert (histogram.lowest, histogram.highest) == (min(values), max(values))
        assert min(values) <= low <= high <= max(values)


@given(st.lists(st.floats(0.01, 100_000), max_size=100))
def test_counts_up_to_powers_of_two_are_exact(values: list[float]) -> None:
    """What Prometheus' buckets are made of, the bounds themselves included."""
    values += [1.0, 2.0, 1024.0]
    expected = [sum(value <= 2**exponent for value in values) for exponent in range(17)]
    assert filled(values).up_to(range(17)) == expected


def test_the_count_never_saturates_and_the_memory_does() -> None:
    """Far more values than any window would hold, all different, in a bounded number of buckets."""
    histogram = filled([1.0001**n for n in range(-200_000, 200_000)])
    assert histogram.count == 400_000
    assert len(histogram._buckets) <= 38 * 32 + 1


def test_an_empty_one_has_percentiles_of_nothing() -> None:
    """Nobody divides by zero."""
    assert Histogram().quantiles(FRACTIONS) == [0.0, 0.0, 0.0]
    assert Histogram().up_to([0, 5]) == [0, 0]


def test_a_copy_stands_still() -> None:
    """What was read does not change while it is written out."""
    histogram = filled([3.0])
    copy = histogram.copy()
    histogram.add(50.0)
    assert (copy.count, copy.highest, copy.up_to([10])) == (1, 3.0, [1])
