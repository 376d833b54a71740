"""What stands along drawings: which hours of the day, and which labels have room.

Places across a drawing are in percent of its width, and heights in CSS pixels: text keeps its size on every screen.
"""

from collections.abc import Iterable, Sequence

from markupsafe import escape

from attendance.fleet.store.rollups import SLOT_MINUTES, SLOTS

PER_HOUR = 60 // SLOT_MINUTES
FOOT_PX = 24
"""Below a drawing, for its labels."""
_LABEL_PX = 19
"""From the lower edge of a drawing to the line on which they stand: clear of what is written beside that edge."""

_EARLIEST, _LATEST = 6 * PER_HOUR, 18 * PER_HOUR
_NARROW_PX, _WIDE_PX = 210, 420
"""How wide a drawing is on the smallest phone, and from where the style sheet shows labels of the class ``more``."""
_LETTER_PX, _GAP_PX = 7.3, 8


def hours_shown(slots: Iterable[int]) -> range:
    """The slots of the whole hours around these, and of 6:00 to 19:00 at least."""
    known = [_EARLIEST, _LATEST, *slots]
    return range(min(known) // PER_HOUR * PER_HOUR, min(SLOTS, (max(known) // PER_HOUR + 1) * PER_HOUR))


def labels(placed: Sequence[tuple[float, str]], edge: float) -> str:
    """As many of these texts as have room, evenly chosen; fewer on a narrow screen.

    Args:
        placed: centre in percent and text, evenly spread over the whole width.
        edge: the lower one of the drawing.
    """
    pitch = max((len(text) for _, text in placed), default=0) * _LETTER_PX + _GAP_PX
    wide = _every(len(placed), int(_WIDE_PX / pitch))
    narrow = wide * _every(-(-len(placed) // wide), int(_NARROW_PX / pitch))
    return "".join(
        f'<text class="{"more" if place % narrow else ""}" x="{x:.2f}%" y="{edge + _LABEL_PX:g}">{escape(text)}</text>'
        for place, (x, text) in enumerate(placed)
        if place % wide == 0
    )


def hour_labels(shown: range, edge: float, written: str) -> str:
    """Every second hour, as ``written`` says, with a small mark above; ``edge`` as in ``labels``."""
    slots = shown[:: 2 * PER_HOUR]
    places = [100 * (slot - shown.start) / len(shown) for slot in slots]
    marks = "".join(f'<line class="hour" x1="{x:.2f}%" x2="{x:.2f}%" y1="{edge:g}" y2="{edge + 4:g}"/>' for x in places)
    texts = [(x, written.format(slot // PER_HOUR)) for x, slot in zip(places, slots, strict=True)]
    return marks + labels(texts, edge)


def bar(css: str, x: float, y: float, width: float, height: float) -> str:
    """``x`` and ``width`` in percent."""
    return f'<rect class="{css}" x="{x:.2f}%" y="{y:.1f}" width="{width:.2f}%" height="{height:.1f}"/>'


def across(css: str, y: float) -> str:
    return f'<line class="{css}" x1="0" x2="100%" y1="{y:.1f}" y2="{y:.1f}"/>'


def _every(count: int, room: int) -> int:
    return -(-count // max(1, room)) or 1
