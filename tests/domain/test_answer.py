"""Guardians answer with one word, however they write it."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from attendance.domain.answer import AnswerWords, Wish
from attendance.domain.receipt import read_report
from attendance.errors import BadInput

WORDS = AnswerWords(["STOP", "HINTO", "Ayaw na"], ["START", "SIMULA"])


@pytest.mark.parametrize("message", ["STOP", "stop", " Stop. ", "“STOP!!!”", "Hinto\n", "ayaw  NA.", "stóp"])
def test_a_word_is_understood_in_any_dress(message: str) -> None:
    """Case, punctuation, accents and spaces do not count."""
    assert WORDS.wish(message) is Wish.OUT


def test_the_other_words_begin_again() -> None:
    """START is the opposite."""
    assert (WORDS.wish("start"), WORDS.wish("Simula!")) == (Wish.IN, Wish.IN)


@pytest.mark.parametrize("message", ["", "?", "stop it", "Please do not stop", "STOPS", "ayaw", "s t o p", "👍"])
def test_anything_else_is_no_wish(message: str) -> None:
    """A sentence with the word in it is a message to the school, and no answer."""
    assert WORDS.wish(message) is None


def test_a_word_for_both_is_refused() -> None:
    """Also when it is only written differently."""
    with pytest.raises(BadInput, match="'Stop!' would both end messages and begin them"):
        AnswerWords(["stop"], ["Stop!"])


def test_a_word_without_letters_is_refused() -> None:
    """Every message without letters would be it."""
    with pytest.raises(BadInput, match="no word"):
        AnswerWords(["!!"], [])


@given(st.text())
def test_no_message_crashes_it(message: str) -> None:
    """Strangers write anything."""
    assert WORDS.wish(message) in (None, Wish.OUT, Wish.IN)


ANYTHING = (
    st.none()
    | st.integers()
    | st.text()
    | st.sampled_from(["STOP", "start", "\0", "+639171234567"])
    | st.lists(st.text())
)


@given(st.fixed_dictionaries({}, optional=dict.fromkeys(["message", "sender", "phoneNumber", "receivedAt"], ANYTHING)))
def test_no_message_to_the_phone_is_refused(payload: dict[str, object]) -> None:
    """The phone would repeat it for two days; what is odd about it is left out, and only a wish has a number."""
    body = json.dumps({"event": "sms:received", "id": "e1", "deviceId": "d", "payload": payload}).encode()
    report = read_report(body, WORDS)
    message = payload.get("message")
    assert report.wish is (WORDS.wish(message) if isinstance(message, str) else None) or report.phone == ""
    assert report.wish is not None or (report.phone, report.happened_at) == ("", None)
