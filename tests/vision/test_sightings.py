"""A card that stays in view is one sighting."""

from attendance.vision.qr import Code
from attendance.vision.sightings import CardsInView

SECOND = 1_000_000_000
ONE, TWO = Code(b"1", ()), Code(b"2", ())


def test_a_card_held_in_view_is_one_sighting() -> None:
    """Ten seconds, read twice a second, with misses of up to two seconds in between."""
    cards = CardsInView(2.0)
    seen = [len(cards.new([ONE] if n not in (5, 6, 7) else [], n * SECOND // 2)) for n in range(20)]
    assert seen == [1] + [0] * 19


def test_a_card_shown_again_is_a_new_sighting() -> None:
    """Away for longer than two seconds, it is shown anew."""
    cards = CardsInView(2.0)
    assert cards.new([ONE], 0) == [ONE]
    assert cards.new([ONE], 2 * SECOND) == []
    assert cards.new([ONE], 4 * SECOND + 1) == [ONE]


def test_each_card_is_counted_for_itself() -> None:
    """A second student beside the first is a sighting of their own, and two readings in one frame are one."""
    cards = CardsInView(2.0)
    assert cards.new([ONE], 0) == [ONE]
    assert cards.new([ONE, TWO, TWO], SECOND) == [TWO]
