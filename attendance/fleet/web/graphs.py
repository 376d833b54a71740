"""Larger drawings than those of ``charts``: content of a figure, with a title and a description.

The same stands beside them as text.

Colours come from the style sheet by class, so that they fit light, dark and paper. Nothing is told by colour alone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

from attendance.fleet.store.rollups import SLOT_MINUTES, SLOTS

_WIDTH, _HEIGHT, _LEFT, _FOOT, _HEAD = 640, 150, 44, 20, 8
_STRIP_WIDTH, _STRIP_HEIGHT = 180, 28
_MOST_LABELS = 10
_EARLIEST, _LATEST = 6 * 6, 18 * 6
"""The ten minutes that a day shows at least."""


@dataclass(frozen=True, slots=True)
class Column:
    """``part`` of the ``value`` is drawn in another shade."""

    label: str
    value: float
    part: float = 0.0


def columns(drawn: Sequence[Column], *, key: str, title: str, desc: str, top: float, unit: str = "") -> Markup:
    """Upright bars side by side.

    Args:
        key: of the drawing, its own on the page.
        top: the value at the upper edge, so that several drawings can be compared.
    """
    top = round_up(top)
    plot = _HEIGHT - _FOOT - _HEAD
    step = (_WIDTH - _LEFT) / max(1, len(drawn))
    every = -(-len(drawn) // _MOST_LABELS) or 1
    shapes = [_scale(top, unit, plot)]
    for place, each in enumerate(drawn):
        x = _LEFT + place * step
        for css, value in (("whole", each.value), ("part", each.part)):
            height = value / top * plot
            if height > 0:
                shapes.append(_bar(css, x + step * 0.12, _HEAD + plot - height, step * 0.76, height))
        if place % every == 0:
            shapes.append(_text(x + step / 2, _HEIGHT - 5, each.label))
    return _svg(key, title, desc, "".join(shapes))


def mirrored(flows: Mapping[int, tuple[float, float]], *, key: str, title: str, desc: str, top: float) -> Markup:
    """By ten minutes of the day, who came above the line and who went below it."""
    top = round_up(top)
    first = min([_EARLIEST, *flows]) // 6 * 6
    end = min(SLOTS, -(-(max([_LATEST, *flows]) + 1) // 6) * 6)
    half = (_HEIGHT - _FOOT - _HEAD) / 2
    middle = _HEAD + half
    step = (_WIDTH - _LEFT) / (end - first)
    shapes = [
        _text(_LEFT - 6, _HEAD + 9, f"{top:,.0f} in", "end"),
        _text(_LEFT - 6, _HEIGHT - _FOOT - 2, f"{top:,.0f} out", "end"),
        f'<path class="base" d="M{_LEFT} {middle:.1f}H{_WIDTH}"/>',
    ]
    for slot, (came, went) in sorted(flows.items()):
        x = _LEFT + (slot - first + 0.12) * step
        for css, value, upwards in (("whole", came, True), ("out", went, False)):
            height = value / top * half
            if height > 0:
                shapes.append(_bar(css, x, middle - height if upwards else middle, step * 0.76, height))
    per_hour = 60 // SLOT_MINUTES
    for slot in range(first, end, 2 * per_hour):
        shapes.append(_text(_LEFT + (slot - first) * step, _HEIGHT - 5, f"{slot // per_hour:02}:00", "start"))
    return _svg(key, title, desc, "".join(shapes))


def strip(values: Sequence[float], *, name: str) -> Markup:
    """Small bars for a row of a table; ``name`` is read out instead."""
    top = max([1.0, *values])
    step = _STRIP_WIDTH / max(1, len(values))
    bars = "".join(
        _bar("whole", place * step, _STRIP_HEIGHT * (1 - value / top), step * 0.8, _STRIP_HEIGHT * value / top)
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


def _scale(top: float, unit: str, plot: float) -> str:
    marks = ((0.0, _HEAD + plot), (top / 2, _HEAD + plot / 2), (top, float(_HEAD)))
    return "".join(
        f'<path class="{"hour" if value else "base"}" d="M{_LEFT} {y:.1f}H{_WIDTH}"/>'
        + _text(_LEFT - 6, y + 4, f"{value:,.10g}{unit}", "end")
        for value, y in marks
    )


def _bar(css: str, x: float, y: float, width: float, height: float) -> str:
    return f'<rect class="{css}" x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}"/>'


def _text(x: float, y: float, text: str, anchor: str = "middle") -> str:
    return f'<text class="{anchor}" x="{x:.1f}" y="{y:.1f}">{escape(text)}</text>'


def _svg(key: str, title: str, desc: str, shapes: str) -> Markup:
    return Markup(
        '<figcaption id="{key}-t">{title}</figcaption>'
        '<svg class="graph" viewBox="0 0 {w} {h}" role="img" aria-labelledby="{key}-t {key}-d">'
        '<title>{title}</title><desc id="{key}-d">{desc}</desc>{shapes}</svg>'
    ).format(w=_WIDTH, h=_HEIGHT, key=key, title=title, desc=desc, shapes=Markup(shapes))
