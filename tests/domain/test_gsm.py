"""A text is as long as a phone and a network count it, and its characters are made plain without losing a name."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from attendance.domain.gsm import Encoding, Size, encode, size, transliterate

ROWS = (
    "@£$¥èéùìòÇ\nØø\rÅå",
    "Δ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ",
    " !\"#¤%&'()*+,-./",
    "0123456789:;<=>?",
    "¡ABCDEFGHIJKLMNO",
    "PQRSTUVWXYZÄÖÑÜ§",
    "¿abcdefghijklmno",
    "pqrstuvwxyzäöñüà",
)
"""The table of 3GPP TS 23.038, 6.2.1, by its columns of sixteen."""
EXTENSION = {10: "\f", 20: "^", 40: "{", 41: "}", 47: "\\", 60: "[", 61: "~", 62: "]", 64: "|", 101: "€"}
BASIC = [letter for letter in "".join(ROWS) if letter != "\x1b"]
SEVEN_BIT = st.text(st.sampled_from([*BASIC, *EXTENSION.values()]), max_size=500)


def decode(septets: bytes) -> str:
    """The other way round, from the standard's table alone."""
    text, escaped = "", False
    for code in septets:
        if escaped:
            text += EXTENSION[code]
        elif code != 27:
            text += "".join(ROWS)[code]
        escaped = code == 27 and not escaped
    return text


@given(SEVEN_BIT)
def test_what_is_encoded_reads_back(text: str) -> None:
    """Every character of both tables has the code that the standard gives it."""
    septets = encode(text)
    assert septets is not None
    assert max(septets, default=0) < 128
    assert decode(septets) == text


@given(st.text())
def test_only_characters_of_the_alphabet_are_encoded(text: str) -> None:
    """Anything else makes the whole message UCS-2."""
    assert (encode(text) is None) == any(letter not in BASIC and letter not in EXTENSION.values() for letter in text)


def recount(characters: list[int], single: int, joined: int) -> int:
    """How many parts, by filling them one after the other."""
    if sum(characters) <= single:
        return 1 if characters else 0
    parts = [0]
    for width in characters:
        if parts[-1] + width > joined:
            parts.append(0)
        parts[-1] += width
    return len(parts)


@given(SEVEN_BIT)
def test_parts_of_seven_bit_texts(text: str) -> None:
    """160 units in one part, 153 in each of several; an escaped character is never cut in half."""
    widths = [2 if letter in EXTENSION.values() else 1 for letter in text]
    assert size(text) == Size(Encoding.GSM_7, sum(widths), recount(widths, 160, 153))


@given(st.text(st.sampled_from("aŵ李😀"), max_size=300).map(lambda text: text + "李"))
def test_parts_of_other_texts(text: str) -> None:
    """70 units in one part, 67 in each of several; the two halves of an emoji stay together."""
    widths = [len(letter.encode("utf-16-le")) // 2 for letter in text]
    assert size(text) == Size(Encoding.UCS_2, sum(widths), recount(widths, 70, 67))


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("", 0),
        ("a" * 160, 1),
        ("a" * 161, 2),
        ("a" * 306, 2),
        ("a" * 307, 3),
        ("€" * 80, 1),
        ("€" * 81, 2),
        ("a" * 152 + "€" + "a" * 152, 3),
        ("ŵ" * 70, 1),
        ("ŵ" * 71, 2),
        ("😀" * 35, 1),
        ("😀" * 67, 3),
    ],
)
def test_the_edges(text: str, parts: int) -> None:
    """At the limits, and where a pair would straddle two parts."""
    assert size(text).parts == parts


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("Señor Ñoño, José Peña, Müller", "Señor Ñoño, José Peña, Müller"),
        ("Pen\u0303a", "Peña"),
        ("“Juan’s” – ok…", '"Juan\'s" - ok...'),
        ("Ana 👍🏽 came 👨‍👩‍👧 in ✅", "Ana came in"),
        ("1️⃣ gate", "1 gate"),
        ("François Čapek Łódź", "Francois Capek Lodz"),
        ("₱50 ½ ²", "P50 1/2 2"),
        ("soft\u00adhyphen zero\u200bwidth no\u00a0break", "softhyphen zerowidth no break"),
        ("a\tb\x07c", "a bc"),
        ("price {5} [a]", "price {5} [a]"),
        ("✅", ""),
        ("one 👋\n👋 two", "one\ntwo"),
    ],
)
def test_characters_become_plain(text: str, plain: str) -> None:
    """What the alphabet has stays; quotes, dashes, accents are the closest plain ones; signs go with their space."""
    assert transliterate(text) == plain


@pytest.mark.parametrize("name", ["李明", "น้ำทิพย์", "नमस्ते", "Юлия", "김민준"])
def test_a_name_of_another_script_stays(name: str) -> None:
    """It costs a shorter message, and is still the child's name."""
    assert transliterate(name) == unicodedata.normalize("NFC", name)


@given(st.text())
def test_plain_text_is_plain(text: str) -> None:
    """Whatever comes in, the result has the alphabet's characters or letters, and is the same when made plain again."""
    plain = transliterate(text)
    for letter in plain:
        assert encode(letter) is not None or unicodedata.category(letter)[0] in "LM"
    assert transliterate(plain) == plain


@given(SEVEN_BIT)
def test_what_the_alphabet_has_is_left_alone(text: str) -> None:
    """Also spaces and lines, which the school may have set."""
    assert transliterate(text) == text


@pytest.mark.parametrize("space", ["\t", "\u2028", "\u2029", "\x0b", "\x85", "\u3000", "\u00a0"])
def test_words_stay_apart(space: str) -> None:
    """Whatever kind of space is between them."""
    assert transliterate(f"Ana{space}Cruz") == "Ana Cruz"
