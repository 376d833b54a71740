"""Small drawings, made here as SVG: no script, no style in them, and the numbers beside them as text."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from markupsafe import Markup, escape

from attendance.fleet.store.rollups import SLOT_MINUTES, SLOTS

_WIDTH, _HEIGHT = 240, 32
_CHART_WIDTH, _CHART_HEIGHT, _AXIS = 640, 168, 24
_EARLIEST, _LATEST = 6 * 60 // SLOT_MINUTES, 18 * 60 // SLOT_MINUTES
"""The hours that a day's chart shows at least."""


def sparkline(points: Sequence[tuple[float, float]], *, name: str, low: float | None = None) -> Markup:
    """A line through values over time; a gap where nothing is known for more than a twelfth of the whole.

    Args:
        points: when (0.0 to 1.0 of the time shown) and what, by time.
        name: read out instead of the drawing.
        low: the lowest value drawn; ``None``: that of the points.
    """
    values = [value for _, value in points]
    bottom = min(values) if low is None else min(low, *values)
    span = (max(values) - bottom) or 1.0
    path, last = [], None
    for when, value in points:
        x, y = when * (_WIDTH - 4) + 2, _HEIGHT - 3 - (value - bottom) / span * (_HEIGHT - 6)
        path.append(f"{'M' if last is None or when - last > 1 / 12 else 'L'}{x:.1f} {y:.1f}")
        last = when
    if len(points) == 1:
        path.append("h.1")
    return Markup(
        '<svg class="spark" viewBox="0 0 {w} {h}" preserveAspectRatio="none" role="img" aria-label="{name}">'
        '<path d="{path}"/></svg>'
    ).format(w=_WIDTH, h=_HEIGHT, name=name, path="".join(path))


def day_chart(scans: Mapping[int, int], usual: Mapping[int, float], local: datetime) -> Markup:
    """Bars of a day's scans in ten minutes each, over a line of the usual ones.

    Args:
        local: now at the school: a mark stands there.
    """
    first = min([_EARLIEST, *scans, *usual]) // 6 * 6
    end = min(SLOTS, -(-(max([_LATEST, *scans, *usual]) + 1) // 6) * 6)
    top = max([1.0, *map(float, scans.values()), *usual.values()])
    step = _CHART_WIDTH / (end - first)
    plot = _CHART_HEIGHT - _AXIS

    def at(slot: float) -> float:
        return (slot - first) * step

    def height(value: float) -> float:
        return value / top * (plot - 6)

    bars = "".join(
        f'<rect class="now" x="{at(slot) + step * 0.12:.1f}" y="{plot - height(count):.1f}" '
        f'width="{step * 0.76:.1f}" height="{height(count):.1f}" rx="1"/>'
        for slot, count in sorted(scans.items())
        if count > 0
    )
    around = range(max(first, min(usual) - 1), min(end, max(usual) + 2)) if usual else ()
    line = "".join(
        f"{'L' if number else 'M'}{at(slot + 0.5):.1f} {plot - height(usual.get(slot, 0.0)):.1f}"
        for number, slot in enumerate(around)
    )
    hours = "".join(
        f'<path class="hour" d="M{at(slot):.1f} {plot}v4"/>'
        f'<text x="{at(slot):.1f}" y="{_CHART_HEIGHT - 2}">{slot // 6:02}</text>'
        for slot in range(first, end, 12)
    )
    here = at((local.hour * 60 + local.minute) / SLOT_MINUTES)
    mark = f'<path class="here" d="M{here:.1f} 0V{plot}"/>' if 0 <= here <= _CHART_WIDTH else ""
    name = escape(f"Scans in ten minutes from {first // 6}:00 to {end // 6}:00; the most were {top:.0f}")
    return Markup(
        f'<svg class="day" viewBox="0 0 {_CHART_WIDTH} {_CHART_HEIGHT}" role="img" aria-label="{name}">'
        f'<path class="base" d="M0 {plot}H{_CHART_WIDTH}"/>{bars}'
        + (f'<path class="usual" d="{line}"/>' if usual else "")
        + f"{mark}{hours}</svg>"
    )
