"""The pipe between the two processes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from attendance.vision.messages import Check, Portrait, Sighting, Verdict, decode, encode


@given(payload=st.binary(max_size=300), corners=st.lists(st.tuples(st.integers(0, 99), st.integers(0, 99)), max_size=4))
def test_what_is_sent_arrives(payload: bytes, corners: list[tuple[int, int]]) -> None:
    """Any payload, also with NUL bytes, survives the framing."""
    points = tuple((float(x), float(y)) for x, y in corners)
    for message in (
        Sighting("s", 1, None, 2, points, payload),
        Portrait("s", True, "", 5.0, 1, (Check("sharpness", 1.0, 2.0, False, "Hold still."),), payload),
        Verdict("s", True, 1, "2026-01-01T00:00:00Z", points, "ñ"),
    ):
        assert decode(encode(message)) == message


@given(st.binary(max_size=100))
def test_rubbish_is_refused(data: bytes) -> None:
    """A process gone mad cannot make the core run anything."""
    with pytest.raises(ValueError, match="not a message"):
        decode(data)
