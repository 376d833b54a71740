"""Small drawings, made here as SVG: no script, no style in them, and the numbers beside them as text."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from markupsafe import Markup, escape

from attendance.fleet.store.rollups import SLOT_MINUTES
from attendance.fleet.web.axes import FOOT_PX, PER_HOUR, across, bar, hour_labels, hours_shown

_WIDTH, _HEIGHT = 240, 32
_DAY_PX = 168
_PLOT_PX = _DAY_PX - FOOT_PX


def sparkline(points: Sequence[tuple[float, float]], *, name: str, low: float | None = None) -> Markup:
    """A line through values over time, over one for all the time; the newest value is a dot.

    There is a gap where nothing is known for more than a twelfth of the whole.

    Args:
        points: when (0.0 to 1.0 of the time shown) and what, by time.
        name: read out instead of the drawing.
        low: the lowest value drawn; ``None``: that of the points.
    """
    values = [value for _, value in points]
    bottom = min(values) if low is None else min(low, *values)
    span = (max(values) - bottom) or 1.0
    path, last, newest = [], None, ""
    for when, value in points:
        x, y = when * (_WIDTH - 4) + 2, _HEIGHT - 3 - (value - bottom) / span * (_HEIGHT - 6)
        newest = f"{x:.1f} {y:.1f}"
        path.append(f"{'M' if last is None or when - last > 1 / 12 else 'L'}{newest}")
        last = when
    return Markup(
        '<svg class="spark" viewBox="0 0 {w} {h}" preserveAspectRatio="none" role="img" aria-label="{name}">'
        '<path class="track" d="M0 {base}H{w}"/><path d="{path}"/><path class="newest" d="M{newest}h.01"/></svg>'
    ).format(w=_WIDTH, h=_HEIGHT, base=_HEIGHT - 3, name=name, path="".join(path), newest=newest)


def day_chart(scans: Mapping[int, int], usual: Mapping[int, float], local: datetime) -> Markup:
    """Bars of a day's scans in ten minutes each, over a line of the usual ones.

    Args:
        local: now at the school: a mark stands there.
    """
    shown = hours_shown([*scans, *usual])
    top = max([1.0, *map(float, scans.values()), *usual.values()])
    step = 100 / len(shown)

    def height(value: float) -> float:
        return value / top * (_PLOT_PX - 6)

    bars = "".join(
        bar("now", (slot - shown.start + 0.12) * step, _PLOT_PX - height(count), 0.76 * step, height(count))
        for slot, count in sorted(scans.items())
        if count > 0
    )
    here = ((local.hour * 60 + local.minute) / SLOT_MINUTES - shown.start) * step
    mark = f'<line class="here" x1="{here:.2f}%" x2="{here:.2f}%" y1="0" y2="{_PLOT_PX}"/>' if 0 <= here <= 100 else ""
    name = escape(
        f"Scans in ten minutes from {shown.start // PER_HOUR}:00 to {shown.stop // PER_HOUR}:00; "
        f"the most were {top:.0f}"
    )
    return Markup(
        f'<svg class="day" height="{_DAY_PX}" role="img" aria-label="{name}">'
        f"{across('base', _PLOT_PX)}{bars}{_line(usual, shown, height) if usual else ''}"
        f"{mark}{hour_labels(shown, _PLOT_PX, '{:02}')}</svg>"
    )


def _line(usual: Mapping[int, float], shown: range, height: Callable[[float], float]) -> str:
    """Through the middles of the slots; stretched over the whole width, as a path knows no percents."""
    around = range(max(shown.start, min(usual) - 1), min(shown.stop, max(usual) + 2))
    path = "".join(
        f"{'L' if number else 'M'}{slot - shown.start + 0.5} {_PLOT_PX - height(usual.get(slot, 0.0)):.1f}"
        for number, slot in enumerate(around)
    )
    return (
        f'<svg viewBox="0 0 {len(shown)} {_PLOT_PX}" width="100%" height="{_PLOT_PX}" preserveAspectRatio="none">'
        f'<path class="usual" d="{path}"/></svg>'
    )
