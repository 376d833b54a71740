"""Signed cards: what is accepted, and that nothing else is."""

import base64
import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from attendance.domain import card
from attendance.errors import BadInput

KEY, OTHER = b"k" * 32, b"o" * 32
ALPHANUMERIC = set("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:")


def test_the_format_is_the_published_one() -> None:
    """The mac is the first 80 bits of HMAC-SHA256 over everything before its colon, in base32."""
    payload = card.sign("2026-0001", 2, "K1", KEY)
    body = "ATT1:K1:2026-0001:2"
    mac = base64.b32encode(hmac.new(KEY, body.encode(), hashlib.sha256).digest()[:10]).decode()
    assert payload == f"{body}:{mac}"


@given(number=st.text(min_size=1, max_size=20).filter(lambda t: t == t.strip()), issue=st.integers(0, 999_999_999))
def test_every_number_survives_and_stays_in_the_alphanumeric_set(number: str, issue: int) -> None:
    """Lower case, ñ, colons and percent signs are encoded; the code stays small and reads back."""
    if any(0xD800 <= ord(c) <= 0xDFFF for c in number):
        return
    payload = card.sign(number, issue, "K1", KEY)
    assert set(payload) <= ALPHANUMERIC
    read = card.read(payload.encode(), {"K0": OTHER, "K1": KEY})
    assert (read.number, read.issue, read.key_id, read.genuine) == (number, issue, "K1", True)


@given(position=st.integers(0, 200), character=st.sampled_from(sorted(ALPHANUMERIC)))
def test_a_card_with_any_character_changed_is_not_genuine(position: int, character: str) -> None:
    """A student cannot turn a card into a friend's."""
    payload = card.sign("2026-0001", 1, "K1", KEY)
    position %= len(payload)
    forged = payload[:position] + character + payload[position + 1 :]
    assert card.read(forged.encode(), {"K1": KEY}).genuine == (forged == payload)


@given(st.binary(max_size=600))
def test_any_bytes_are_somebodys_card_or_nobodys(payload: bytes) -> None:
    """Nothing a camera can show raises."""
    assert card.read(payload, {"K1": KEY}).genuine is False


def test_several_keys_hold_at_once_and_an_unknown_one_does_not() -> None:
    """After a rotation both generations of cards pass."""
    old, new = card.sign("1", 1, "A", OTHER), card.sign("1", 2, "B", KEY)
    keys = {"B": KEY, "A": OTHER}
    assert card.read(old.encode(), keys).genuine
    assert card.read(new.encode(), keys).genuine
    assert not card.read(old.encode(), {"B": KEY}).genuine


def test_a_key_file_reads_back_and_names_a_faulty_line() -> None:
    """A line that is no key stops with its number and never shows a secret."""
    line = card.new_key_line("K1")
    assert list(card.parse_keys(f"# kept in the safe\n\n{line}\n", "cards.key")) == ["K1"]
    with pytest.raises(BadInput, match="Line 2 ") as caught:
        card.parse_keys(f"{line}\nK2 NOTBASE32!\n", "cards.key")
    assert "NOTBASE32" not in str(caught.value)


@pytest.mark.parametrize(
    ("number", "issue", "key_id"), [("", 1, "K1"), ("x" * 65, 1, "K1"), ("1", -1, "K1"), ("1", 1, "k")]
)
def test_what_cannot_be_a_card_is_refused(number: str, issue: int, key_id: str) -> None:
    """Signing fails with a sentence instead of printing a card that no gate reads."""
    with pytest.raises(BadInput):
        card.sign(number, issue, key_id, KEY)
