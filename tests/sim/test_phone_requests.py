"""What the simulated phone takes as a message, and what it refuses as the app does."""

import json
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from attendance.errors import BadInput
from attendance.sim.phone_requests import SendRequest, read_request

AT = datetime(2026, 6, 8, 7, 0, tzinfo=UTC)
DEVICE = "SimulatedPhone-000001"
TEXT = {"text": "Hello"}
PLAIN: dict[str, Any] = {"textMessage": TEXT, "phoneNumbers": ["+639171234567"]}


def read(fields: object, **more: bool) -> SendRequest:
    return read_request(json.dumps(fields).encode(), AT, DEVICE, **more)


def test_a_plain_request_has_the_apps_defaults() -> None:
    """A delivery report is wanted, priority is 0, it never expires."""
    assert read(PLAIN) == SendRequest("", "Hello", ("+639171234567",))


@pytest.mark.parametrize(
    "more",
    [
        {"id": "x" * 36},
        {"deviceId": DEVICE},
        {"simNumber": 3, "priority": 127, "withDeliveryReport": False},
        {"priority": -128},
        {"ttl": 5},
        {"ttl": None, "validUntil": "2026-06-08T07:00:01Z"},
        {"scheduleAt": "2026-06-08T15:30:00+08:00", "validUntil": "2026-06-08T07:30:00Z"},
        {"phoneNumbers": ["+63 917 123-4567"]},
        {"phoneNumbers": ["+639171234567"] * 100},
        {"textMessage": {"text": "x" * 65_535}},
        {"textMessage": None, "message": "the old field"},
        {"textMessage": None, "dataMessage": {"data": "SGVsbG8=", "port": 53739}},
        {"isEncrypted": True, "phoneNumbers": ["c2VjcmV0"]},
        {"of a newer app": 1},
    ],
)
def test_a_good_request_is_taken(more: dict[str, Any]) -> None:
    """Every limit, up to its edge."""
    assert read({**PLAIN, **more})


@pytest.mark.parametrize(
    ("more", "word"),
    [
        ({"id": "x" * 37}, "id"),
        ({"id": 7}, "id"),
        ({"deviceId": "of another phone"}, "Invalid device ID"),
        ({"textMessage": None}, "exactly one of"),
        ({"message": "both"}, "multiple message types"),
        ({"textMessage": {"text": ""}}, "empty"),
        ({"textMessage": {}}, "empty"),
        ({"textMessage": "Hello"}, "textMessage"),
        ({"textMessage": {"text": "x" * 65_536}}, "65535"),
        ({"textMessage": None, "dataMessage": {"data": "SGVsbG8=", "port": 65_536}}, "port"),
        ({"textMessage": None, "dataMessage": {"data": "SGVsbG8="}}, "Port"),
        ({"textMessage": None, "dataMessage": {"data": "?", "port": 1}}, "base64"),
        ({"phoneNumbers": []}, "phoneNumbers"),
        ({"phoneNumbers": ["+639171234567"] * 101}, "phoneNumbers"),
        ({"phoneNumbers": "+639171234567"}, "phoneNumbers"),
        ({"phoneNumbers": ["09171234567"]}, "phoneNumbers"),
        ({"phoneNumbers": [""]}, "phoneNumbers"),
        ({"simNumber": 0}, "simNumber"),
        ({"simNumber": 4}, "simNumber"),
        ({"priority": 128}, "priority"),
        ({"priority": 1.5}, "priority"),
        ({"priority": True}, "priority"),
        ({"withDeliveryReport": "yes"}, "withDeliveryReport"),
        ({"ttl": 4}, "ttl"),
        ({"ttl": 60, "validUntil": "2026-06-08T08:00:00Z"}, "conflict"),
        ({"validUntil": "2026-06-08T06:59:59Z"}, "expired"),
        ({"validUntil": "2026-06-08T08:00:00"}, "offset"),
        ({"validUntil": "soon"}, "validUntil"),
        ({"scheduleAt": "2026-06-08T07:00:00Z"}, "future"),
        ({"scheduleAt": "2026-06-08T09:00:00Z", "ttl": 60}, "validUntil"),
    ],
)
def test_a_bad_request_is_refused_with_its_reason(more: dict[str, Any], word: str) -> None:
    """One fault each."""
    with pytest.raises(BadInput, match=word):
        read({**PLAIN, **more})


def test_phones_are_not_looked_at_when_asked() -> None:
    """skipPhoneValidation."""
    assert read({**PLAIN, "phoneNumbers": ["8888"]}, skip_phone_validation=True).phones == ("8888",)


def test_a_time_to_live_counts_from_the_phones_clock() -> None:
    """Seconds."""
    assert read({**PLAIN, "ttl": 90}).valid_until == AT + timedelta(seconds=90)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)
_KEYS = st.sampled_from(
    [*PLAIN, "id", "deviceId", "dataMessage", "message", "simNumber", "ttl", "validUntil", "scheduleAt", "priority"]
)


@given(
    st.one_of(st.binary(max_size=60), st.dictionaries(_KEYS, _JSON).map(lambda d: json.dumps({**PLAIN, **d}).encode()))
)
def test_whatever_is_sent_is_taken_or_refused(body: bytes) -> None:
    """No body is a crash."""
    with suppress(BadInput):
        read_request(body, AT, DEVICE)
