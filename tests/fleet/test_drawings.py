"""The drawings of the centre's pages, as they are made; how they look is for the tests with a browser."""

import re
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from attendance.fleet.web import axes, charts, graphs
from attendance.fleet.web.graphs import Column, Line


def shown(labels: str) -> tuple[Sequence[str], Sequence[str]]:
    """Those on every screen, and those on a wide one."""
    found = re.findall(r'<text class="(\w*)"[^>]*>([^<]*)<', labels)
    return [text for css, text in found if not css], [text for _, text in found]


@given(count=st.integers(0, 400), letters=st.integers(1, 12))
def test_no_more_labels_than_have_room(count: int, letters: int) -> None:
    """On the smallest phone as on a desk; the first is always there."""
    narrow, wide = shown(axes.labels([(place, "m" * letters) for place in range(count)], 0))
    for found, room in ((narrow, 210), (wide, 420)):
        assert len(found) <= max(1, room / (7 * letters))
        assert bool(found) == bool(count)


def test_a_week_is_named_in_full() -> None:
    """On a phone too: short names have room."""
    narrow, wide = shown(axes.labels([(place, "Mon") for place in range(7)], 0))
    assert (len(narrow), len(wide)) == (7, 7)


@pytest.mark.parametrize(
    ("slots", "hours"), [([], (6, 19)), ([39, 60], (6, 19)), ([0], (0, 19)), ([143], (6, 24)), ([30, 120], (5, 21))]
)
def test_whole_hours_are_shown(slots: Sequence[int], hours: tuple[int, int]) -> None:
    """Those of a school day, and all in which there was something."""
    shown = axes.hours_shown(slots)
    assert (shown.start / 6, shown.stop / 6) == hours


def test_a_single_column_is_not_as_wide_as_the_drawing() -> None:
    """One day is a bar, not a wall."""
    drawn = graphs.columns([Column("26 Nov", 5.0)], key="k", title="t", desc="d", top=5.0)
    (width,) = re.findall(r'<rect class="whole"[^>]*width="([\d.]+)%"', drawn)
    assert float(width) < 25


def test_a_bar_is_as_high_as_the_scale_says() -> None:
    """One of half the value ends at the line in the middle, one of all of it at the upper."""
    drawn = graphs.columns([Column("a", 50.0), Column("b", 100.0)], key="k", title="t", desc="d", top=100.0)
    upper_ends = re.findall(r'<rect class="whole"[^>]* y="([\d.]+)"', drawn)
    assert re.findall(r'<line class="hour"[^>]* y1="([\d.]+)"', drawn) == upper_ends


def test_a_long_name_leaves_room_for_its_value() -> None:
    """The name is cut, the value is not; nothing in a name is markup."""
    drawn = graphs.lines([Line("<b>" + "x" * 97, 5.0, "5 ms")], key="k", title="t")
    (name, value) = re.findall(r"<text[^>]*>([^<]*)<tspan[^>]*>([^<]*)<", drawn)[0]
    assert name == "&lt;b&gt;" + "x" * 24 + "…"
    assert value == "5 ms"


def test_a_single_value_is_a_dot_on_the_whole_time() -> None:
    """Whoever sees only one knows when it was."""
    drawn = charts.sparkline([(1.0, 52.0)], name="Temperature")
    assert re.findall(r'<path class="(\w+)" d="M([\d.]+) ', drawn) == [("track", "0"), ("newest", "238.0")]
