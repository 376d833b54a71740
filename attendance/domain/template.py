"""Texts with placeholders: read and checked once, filled often.

A template is only ever searched for ``{names}``. It is never a format string, and what fills it is never searched: a
student called ``{time}`` is called ``{time}``.
"""

import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from attendance.errors import BadInput

_PLACEHOLDER = re.compile(r"\{\{\s*([^{}\s]+)\s*\}\}|\{\s*([^{}\s]+)\s*\}")
"""``{name}``, or as the earlier system also had it ``{{name}}``."""
_SHOWN = 20
"""Characters of a template shown in a message about it."""


@dataclass(frozen=True, slots=True)
class Template:
    """A text that was checked.

    Attributes:
        pieces: text and names in turn, beginning and ending with text.
    """

    pieces: tuple[str, ...]

    @property
    def names(self) -> frozenset[str]:
        return frozenset(self.pieces[1::2])

    def fill(self, values: Mapping[str, str]) -> str:
        """The text with a value for every name that ``parse`` allowed."""
        return "".join(values[piece] if place % 2 else piece for place, piece in enumerate(self.pieces))


def parse(text: str, names: Iterable[str], without: Mapping[str, str] | None = None) -> Template:
    """Read a template.

    Args:
        names: the placeholders that there are, in lower case.
        without: placeholders that there are not, with the reason, for people who look for them.

    Raises:
        BadInput: it has an unknown placeholder, or a brace that belongs to none.
    """
    known = sorted(names)
    pieces, end = [], 0
    for found in _PLACEHOLDER.finditer(text):
        pieces += [_literal(text[end : found.start()]), _name(found[1] or found[2], known, without or {})]
        end = found.end()
    return Template((*pieces, _literal(text[end:])))


def _literal(text: str) -> str:
    if brace := re.search(r"[{}]", text):
        near = text[max(0, brace.start() - _SHOWN) : brace.end() + _SHOWN]
        raise BadInput(f"A brace belongs to no placeholder near {near!r}. Write placeholders like {{student_name}}.")
    return text


def _name(written: str, known: list[str], without: Mapping[str, str]) -> str:
    name = written.lower()
    if name in known:
        return name
    if name in without:
        raise BadInput(f"There is no placeholder {{{name}}}: {without[name]}")
    close = difflib.get_close_matches(name, known, n=1)
    hint = f"did you mean {{{close[0]}}}?" if close else f"there are {', '.join(f'{{{each}}}' for each in known)}."
    raise BadInput(f"There is no placeholder {'{' + written[:_SHOWN] + '}'!r}; {hint}")
