"""What a guardian's text message asks for: a single word that was agreed, or nothing."""

import unicodedata
from collections.abc import Iterable
from enum import StrEnum

from attendance.errors import BadInput


class Wish(StrEnum):
    """To get no more messages, or to get them again."""

    OUT = "out"
    IN = "in"


class AnswerWords:
    """The words that are understood, in any case, with any punctuation around them.

    Raises:
        BadInput: a word asks for both, or is none.
    """

    def __init__(self, out: Iterable[str], back_in: Iterable[str]) -> None:
        self._wishes: dict[str, Wish] = {}
        for word, wish in [*((word, Wish.OUT) for word in out), *((word, Wish.IN) for word in back_in)]:
            if not plain(word):
                raise BadInput(f"{word!r} is no word that a guardian could answer. Write letters or digits.")
            if self._wishes.setdefault(plain(word), wish) is not wish:
                raise BadInput(f"{word!r} would both end messages and begin them again. Take it out of one list.")

    def wish(self, message: str) -> Wish | None:
        """What a whole message asks for; ``None`` if it is not just one of the words."""
        return self._wishes.get(plain(message))


def plain(text: str) -> str:
    """Letters and digits only, in small letters without accents, words apart by one space."""
    apart = unicodedata.normalize("NFKD", text.casefold())
    spaced = "".join(letter if letter.isalnum() else " " for letter in apart if not unicodedata.combining(letter))
    return " ".join(spaced.split())
