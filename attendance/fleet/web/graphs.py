"""Larger drawings than those of ``charts``: content of a figure, with a title and a description.

The same stands beside them as text.

Colours come from the style sheet by class, so that they fit light, dark and paper. Nothing is told by colour alone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

from attendance.fleet.web.axes import FOOT_PX, across, bar, hour_labels, hours_shown, labels

_HEIGHT_PX, _HEAD_PX, _GAP_PX = 160, 8, 6
_EDGE_PX = _HEIGHT_PX - FOOT_PX
"""The lower one of what is drawn, above the labels."""
_PLOT_PX = _EDGE_PX - _HEAD_PX
_FEWEST_COLUMNS = 4
"""So many have room at least: a single one does not fill the drawing."""
_BAR_PX, _ROW_PX = 12, 42
_MOST_LETTERS = 28
"""Of a name beside a value, on a phone."""
_STRIP_WIDTH, _STRIP_HEIGHT = 180, 28


@dataclass(frozen=True, slots=True)
class Column:
    """``part`` of the ``value`` is drawn in another shade."""

    label: str
    value: float
    part: float = 0.0


@dataclass(frozen=True, slots=True)
class Line:
    """One of several that are compared; ``written`` stands for its ``value``."""

    name: str
    value: float
    written: str


def columns(drawn: Sequence[Column], *, key: str, title: str, desc: str, top: float, unit: str = "") -> Markup:
    """Upright bars side by side, by time.

    Args:
        key: of the drawing, its own on the page.
        top: the value at the upper edge, so that several drawings can be compared.
    """
    top = round_up(top)
    step = 100 / max(_FEWEST_COLUMNS, len(drawn))
    shapes = [_scale(top, unit)]
    for place, each in enumerate(drawn):
        for css, value in (("whole", each.value), ("part", each.part)):
            height = value / top * _PLOT_PX
            if height > 0:
                shapes.append(bar(css, (place + 0.12) * step, _EDGE_PX - height, 0.76 * step, height))
    places = [((place + 0.5) * step, each.label) for place, each in enumerate(drawn)]
    shapes.append(labels(places, _EDGE_PX))
    return _svg(key, title, desc, "".join(shapes), scaled=True)


def lines(drawn: Sequence[Line], *, key: str, title: str) -> Markup:
    """Lying bars below each other, each under its name and its value: for what has names of any length.

    Args:
        key: as in ``columns``.
    """
    top = round_up(max((each.value for each in drawn), default=0.0))
    desc = "; ".join(f"{each.name} {each.written}" for each in drawn)
    shapes = []
    for place, each in enumerate(drawn):
        y = place * _ROW_PX
        name = each.name if len(each.name) <= _MOST_LETTERS else each.name[: _MOST_LETTERS - 1].rstrip() + "…"
        shapes.append(
            f'<text class="start" x="0" y="{y + 16}">{escape(name)}'
            f'<tspan class="value" dx="8">{escape(each.written)}</tspan></text>'
            + bar("track", 0, y + 24, 100, _BAR_PX)
            + bar("whole", 0, y + 24, 100 * each.value / top, _BAR_PX)
        )
    return _svg(key, title, desc, "".join(shapes), height=len(drawn) * _ROW_PX)


def mirrored(flows: Mapping[int, tuple[float, float]], *, key: str, title: str, desc: str, top: float) -> Markup:
    """By ten minutes of the day, who came above the line and who went below it."""
    top = round_up(top)
    shown = hours_shown(flows)
    half = _PLOT_PX / 2
    middle = _HEAD_PX + half
    step = 100 / len(shown)
    shapes = [
        _beside(_HEAD_PX + 10, f"{top:,.0f} in"),
        _beside(_EDGE_PX - 2, f"{top:,.0f} out"),
        across("base", middle),
    ]
    for slot, (came, went) in sorted(flows.items()):
        x = (slot - shown.start + 0.12) * step
        for css, value, upwards in (("whole", came, True), ("out", went, False)):
            height = value / top * half
            if height > 0:
                shapes.append(bar(css, x, middle - height if upwards else middle, step * 0.76, height))
    shapes.append(hour_labels(shown, _EDGE_PX, "{:02}:00"))
    return _svg(key, title, desc, "".join(shapes), scaled=True)


def strip(values: Sequence[float], *, name: str) -> Markup:
    """Small bars for a row of a table; ``name`` is read out instead."""
    top = max([1.0, *values])
    step = _STRIP_WIDTH / max(1, len(values))
    bars = "".join(
        f'<rect class="whole" x="{place * step:.1f}" y="{_STRIP_HEIGHT * (1 - value / top):.1f}" '
        f'width="{step * 0.8:.1f}" height="{_STRIP_HEIGHT * value / top:.1f}"/>'
        for place, value in enumerate(values)
        if value > 0
    )
    return Markup(
        '<svg class="graph strip" viewBox="0 0 {w} {h}" preserveAspectRatio="none" role="img" aria-label="{name}">'
        "{bars}</svg>"
    ).format(w=_STRIP_WIDTH, h=_STRIP_HEIGHT, name=name, bars=Markup(bars))


def round_up(value: float) -> float:
    """To a number that is easily read: 1, 2 or 5 and zeros."""
    if value <= 0:
        return 1.0
    size = 1.0
    while size * 10 <= value:
        size *= 10
    while size > value:
        size /= 10
    return next(size * factor for factor in (1, 2, 5, 10) if size * factor >= value)


def _scale(top: float, unit: str) -> str:
    marks = ((0.0, _EDGE_PX), (top / 2, _EDGE_PX - _PLOT_PX / 2), (top, _HEAD_PX))
    return "".join(
        across("hour" if value else "base", y) + _beside(y + 4, f"{value:,.10g}{unit}") for value, y in marks
    )


def _beside(y: float, text: str) -> str:
    """Left of the drawing, where the style sheet leaves room."""
    return f'<text class="end" x="-{_GAP_PX}" y="{y:.1f}">{escape(text)}</text>'


def _svg(key: str, title: str, desc: str, shapes: str, *, height: int = _HEIGHT_PX, scaled: bool = False) -> Markup:
    """``scaled``: with texts of ``_beside``."""
    return Markup(
        '<figcaption id="{key}-t">{title}</figcaption>'
        '<svg class="graph"{scaled} height="{h}" role="img" aria-labelledby="{key}-t {key}-d">'
        '<title>{title}</title><desc id="{key}-d">{desc}</desc>{shapes}</svg>'
    ).format(
        scaled=Markup(" data-scaled") if scaled else "",
        h=height,
        key=key,
        title=title,
        desc=desc,
        shapes=Markup(shapes),
    )
