"""docs/reference/config.md is what the settings say."""

from pathlib import Path

from attendance.config.catalogue import keys
from attendance.config.reference import pages

PAGE = Path(__file__).parents[2] / "docs/reference/config.md"


def test_the_reference_is_up_to_date() -> None:
    """If not: ``python -m attendance.config.reference > docs/reference/config.md``."""
    assert PAGE.read_text() == pages()


def test_every_key_says_what_it_does_and_why_its_default() -> None:
    """An unexplained setting is one that nobody dares to change."""
    unexplained = [
        key.path for key in keys().values() if not key.section and not (key.what and key.why and key.allowed)
    ]
    assert unexplained == []
