"""How long a text is as an SMS: its alphabet, and the parts that a network bills and a phone puts together again.

Source: 3GPP TS 23.038, 6.2.1 (the default alphabet) and 6.2.1.1 (its extension, two units a character); TS 23.040,
9.2.3.24.1 (the header that joins parts takes 7 of 160 units, or 3 of 70).
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

_ESCAPE = 0x1B
_BASIC = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENSION = {
    "\f": 0x0A,
    "^": 0x14,
    "{": 0x28,
    "}": 0x29,
    "\\": 0x2F,
    "[": 0x3C,
    "~": 0x3D,
    "]": 0x3E,
    "|": 0x40,
    "€": 0x65,
}
_CODES = {letter: bytes([code]) for code, letter in enumerate(_BASIC) if code != _ESCAPE} | {
    letter: bytes([_ESCAPE, code]) for letter, code in _EXTENSION.items()
}
_PLAIN = {
    **dict.fromkeys("‘’‚‛′`´ʻʼ", "'"),
    **dict.fromkeys("“”„‟″«»", '"'),
    **dict.fromkeys("‐‑‒–—―−", "-"),
    **dict.fromkeys("•·‣", "-"),
    **{"…": "...", "₱": "P", "×": "x", "÷": "/", "⁄": "/", "©": "(c)", "®": "(R)"},
    **{
        "ł": "l",
        "Ł": "L",
        "đ": "d",
        "Đ": "D",
        "ð": "d",
        "Ð": "D",
        "þ": "th",
        "Þ": "Th",
        "ı": "i",
        "œ": "oe",
        "Œ": "OE",
    },
    "ẞ": "SS",
}
"""What Unicode itself does not take apart into plainer characters."""


class Encoding(StrEnum):
    """The alphabet of a whole message: one character outside GSM-7 makes all of it UCS-2."""

    GSM_7 = "GSM-7"
    UCS_2 = "UCS-2"


_LIMITS = {Encoding.GSM_7: (160, 153), Encoding.UCS_2: (70, 67)}
"""Units in a message of one part, and in each part of a longer one."""


@dataclass(frozen=True, slots=True)
class Size:
    """How long a text is.

    Attributes:
        units: septets, or UTF-16 units: an escaped character has two, and so has an emoji.
        parts: 0 for an empty text.
    """

    encoding: Encoding
    units: int
    parts: int


def encode(text: str) -> bytes | None:
    """The septets of a text, one a byte; ``None`` if the alphabet lacks one of its characters."""
    codes = [_CODES.get(letter) for letter in text]
    known = [code for code in codes if code is not None]
    return b"".join(known) if len(known) == len(codes) else None


def size(text: str) -> Size:
    """Encoding, units and parts as a phone makes them: no part ends within an escaped character or an emoji."""
    encoding = Encoding.UCS_2 if encode(text) is None else Encoding.GSM_7
    widths = list(_widths(text, encoding))
    single, joined = _LIMITS[encoding]
    total = sum(widths)
    if total <= single:
        return Size(encoding, total, 1 if total else 0)
    parts, filled = 1, 0
    for width in widths:
        if filled + width > joined:
            parts, filled = parts + 1, 0
        filled += width
    return Size(encoding, total, parts)


def _widths(text: str, encoding: Encoding) -> Iterator[int]:
    for letter in text:
        if encoding is Encoding.GSM_7:
            yield len(_CODES[letter])
        else:
            yield 2 if ord(letter) > 0xFFFF else 1


def transliterate(text: str) -> str:
    """The text in GSM-7 as far as it can be said there.

    What the alphabet has stays (ñ, é, ü); quotes, dashes and accents become plain; emoji and other signs go. Letters of
    another script stay too: a dear message is better than a child without a name.
    """
    plain = "".join(_plain(letter) for letter in unicodedata.normalize("NFC", text))
    if plain == text:
        return text
    tidy = re.sub(r" {2,}", " ", re.sub(r" *\n *", "\n", plain)).strip()
    return unicodedata.normalize("NFC", tidy)


def _plain(letter: str) -> str:
    if letter in _CODES:
        return letter
    if letter in _PLAIN:
        return _PLAIN[letter]
    if letter.isspace():
        return " "
    if (digit := unicodedata.digit(letter, None)) is not None:
        return str(digit)
    apart = unicodedata.normalize("NFKD", letter)
    found = "".join(_PLAIN.get(each, each) for each in apart)
    kept = "".join(each for each in found if each in _CODES)
    if kept:
        return kept
    return letter if unicodedata.category(letter).startswith("L") or _carries_sound(letter) else ""


def _carries_sound(letter: str) -> bool:
    """A vowel or tone mark of a script like Thai or Devanagari; not an accent, nor what colours an emoji."""
    name = unicodedata.name(letter, "")
    return unicodedata.category(letter).startswith("M") and not name.startswith(("COMBINING", "VARIATION SELECTOR"))
