"""Delivery reports are read in both of their forms, and messages only move forward."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from attendance.domain.receipt import LONGEST_REASON, GatewayState, PhoneHealth, Report, follows, read_report
from attendance.errors import BadInput

ENVELOPE: dict[str, Any] = {
    "deviceId": "ffffffffceb0b1db0000018e937c815b",
    "event": "sms:delivered",
    "id": "Ey6ECgOkVVFjz3CL48B8C",
    "payload": {
        "messageId": "msg-789",
        "sender": None,
        "recipient": "+639171234567",
        "phoneNumber": "+639170000000",
        "simNumber": 1,
        "deliveredAt": "2026-02-18T02:10:00.000+07:00",
    },
    "webhookId": "LreFUt-Z3sSq0JufY9uWB",
}
FLAT: dict[str, Any] = {
    "id": "msg_123",
    "state": "Delivered",
    "phoneNumber": "+639755269146",
    "deviceId": "zmmfTkL3",
}


def read(fields: object) -> Report:
    return read_report(json.dumps(fields).encode())


def enveloped(event: str, **payload: object) -> Report:
    return read({**ENVELOPE, "event": event, "payload": payload})


def test_the_documented_flat_form() -> None:
    """Id, state, number and phone are where the document has them."""
    assert read(FLAT) == Report(
        "msg_123 Delivered", "state", "msg_123", GatewayState.DELIVERED, "+639755269146", "zmmfTkL3"
    )


ASKED: dict[str, Any] = {
    "id": "msg_123",
    "deviceId": "zmmfTkL3",
    "state": "Failed",
    "isHashed": False,
    "isEncrypted": False,
    "recipients": [{"phoneNumber": "+639755269146", "state": "Failed", "error": "TTL expired"}],
    "states": {"Pending": "2026-02-18T02:00:00.000+07:00", "Failed": "2026-02-18T02:10:00.000+07:00"},
}
"""What ``GET /messages/{id}`` answers."""


def test_the_answer_about_a_message_tells_of_its_recipient() -> None:
    """Number, reason and time are where the gateway's own answer has them."""
    report = read(ASKED)
    assert (report.state, report.phone, report.reason) == ("Failed", "+639755269146", "TTL expired")
    assert report.happened_at == datetime(2026, 2, 17, 19, 10, tzinfo=UTC)


def test_a_number_that_is_only_a_hash_is_none() -> None:
    """A server forgets numbers after a while; the log must not hold its hashes as such."""
    hashed = {"phoneNumber": "a1b2c3d4e5f60718", "state": "Failed", "error": "TTL expired"}
    report = read({**ASKED, "isHashed": True, "recipients": [hashed]})
    assert (report.phone, report.reason) == ("", "TTL expired")


@pytest.mark.parametrize("recipients", [None, [], "x", [None], [{}, {}], {"0": 1}])
def test_recipients_of_another_shape_are_left_alone(recipients: object) -> None:
    """The message's state is what counts."""
    report = read({**ASKED, "recipients": recipients})
    assert (report.state, report.phone, report.reason) == ("Failed", "", "")


@pytest.mark.parametrize("states", [None, [], "Failed", {"Failed": 7}, {"Failed": "soon"}, {}])
def test_times_of_another_shape_are_none(states: object) -> None:
    """A report is not lost for its times."""
    assert read({**ASKED, "states": states}).happened_at is None


def test_the_gateways_envelope() -> None:
    """The message is named in the payload; the outer id is the event's."""
    report = read(ENVELOPE)
    assert (report.event_id, report.message_id, report.state) == ("Ey6ECgOkVVFjz3CL48B8C", "msg-789", "Delivered")
    assert (report.phone, report.device_id) == ("+639171234567", "ffffffffceb0b1db0000018e937c815b")
    assert report.happened_at == datetime(2026, 2, 17, 19, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    ("event", "time_key", "state"),
    [
        ("sms:sent", "sentAt", "Sent"),
        ("sms:delivered", "deliveredAt", "Delivered"),
        ("sms:failed", "failedAt", "Failed"),
        ("sms:cancelled", "cancelledAt", "Cancelled"),
    ],
)
def test_each_event_of_a_message_is_its_state(event: str, time_key: str, state: str) -> None:
    """With the number where older apps have it, and without a number."""
    at = {time_key: "2026-02-18T02:10:00.000+07:00"}
    report = enveloped(event, messageId="m", phoneNumber="+639171234567", **at)
    assert (report.state, report.phone) == (state, "+639171234567")
    assert report.happened_at is not None
    assert enveloped(event, messageId="m").phone == ""


def test_the_reason_of_a_failure_is_one_line_of_bounded_length() -> None:
    """A stack trace as the reason costs the report nothing."""
    report = enveloped("sms:failed", messageId="m", reason="no\n\tservice\x1b" + "!" * 5000)
    assert report.reason.startswith("no service!")
    assert len(report.reason) == LONGEST_REASON


@pytest.mark.parametrize("event", ["sms:received", "sms:data-received", "mms:received", "app:started", "sms:batch:new"])
def test_other_events_move_no_message_and_keep_no_text(event: str) -> None:
    """A parent's words, numbers and pictures are not even read; events of later apps are known by their name only."""
    report = enveloped(event, messageId="A1", message="secret words", phoneNumber="+639171234567", data="c2VjcmV0")
    assert report == Report(ENVELOPE["id"], event, device_id=ENVELOPE["deviceId"])


def test_a_ping_tells_of_the_phone() -> None:
    """Battery, power and connection; what is missing or absurd is unknown."""
    checks = {
        "battery:level": {"observedValue": 94, "status": "pass"},
        "battery:charging": {"observedValue": 2},
        "connection:status": {"observedValue": 0},
        "messages:failed": {"observedValue": 3},
    }
    assert enveloped("system:ping", health={"checks": checks}).health == PhoneHealth(94.0, True, False)
    assert enveloped("system:ping").health == PhoneHealth()
    assert (
        enveloped("system:ping", health={"checks": {"battery:level": {"observedValue": 1e999}}}).health == PhoneHealth()
    )
    assert enveloped("system:ping", health=["odd"]).health == PhoneHealth()


@pytest.mark.parametrize(("word", "state"), [("delivered", "Delivered"), ("REJECTED", "Failed"), ("Error", "Failed")])
def test_other_words_for_a_state(word: str, state: str) -> None:
    """Case does not count, and the earlier words for failure are failures."""
    assert read({**FLAT, "state": word}).state == state


@pytest.mark.parametrize(
    "at", ["yesterday", "2026-02-18T02:10:00", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59Z", ""]
)
def test_a_time_that_is_none_is_left_out(at: str) -> None:
    """The report still counts."""
    assert enveloped("sms:sent", messageId="m", sentAt=at).happened_at is None


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"  \n",
        b"hello",
        b"\xff\xfe\xfd",
        b"[]",
        b'"text"',
        b"null",
        b"{}",
        b"[" * 50_000,
        b'{"id": "a"',
        json.dumps({**FLAT, "id": None}).encode(),
        json.dumps({**FLAT, "id": ""}).encode(),
        json.dumps({**FLAT, "id": 7}).encode(),
        json.dumps({**FLAT, "id": "a\0b"}).encode(),
        json.dumps({**FLAT, "id": "a b"}).encode(),
        json.dumps({**FLAT, "id": "a\nb"}).encode(),
        json.dumps({**FLAT, "id": "x" * 65}).encode(),
        json.dumps({**FLAT, "id": "\ud800"}).encode(),
        json.dumps({"id": "a"}).encode(),
        json.dumps({**FLAT, "state": "Exploded"}).encode(),
        json.dumps({**FLAT, "state": ["Sent"]}).encode(),
        json.dumps({**FLAT, "phoneNumber": 639755269146}).encode(),
        json.dumps({**FLAT, "phoneNumber": "+" * 65}).encode(),
        json.dumps({**FLAT, "error": "a\0b"}).encode(),
        json.dumps({**FLAT, "updatedAt": 5}).encode(),
        json.dumps({**ENVELOPE, "payload": []}).encode(),
        json.dumps({**ENVELOPE, "payload": {}}).encode(),
        json.dumps({**ENVELOPE, "id": None}).encode(),
        json.dumps({**ENVELOPE, "event": "DROP TABLE"}).encode(),
        json.dumps({**ENVELOPE, "event": None}).encode(),
        json.dumps({**ENVELOPE, "event": {"sms": "sent"}}).encode(),
    ],
)
def test_nonsense_is_refused_with_a_reason(body: bytes) -> None:
    """Nothing is guessed: no id, no state, wrong types, too long, not printable."""
    with pytest.raises(BadInput, match=r".{10}"):
        read_report(body)


@given(
    st.binary(max_size=200)
    | st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from([*FLAT, *ENVELOPE, "x"]), inner),
    ).map(lambda value: json.dumps(value).encode())
)
def test_no_body_does_more_than_be_refused(body: bytes) -> None:
    """Whatever is sent, it is a report that SQLite can store, or bad input."""
    try:
        report = read_report(body)
    except BadInput:
        return
    for text in (report.event_id, report.message_id, report.phone, report.device_id, report.reason):
        assert "\0" not in text
        text.encode()


@given(st.lists(st.sampled_from(GatewayState), min_size=1))
def test_states_only_move_forward(reports: list[GatewayState]) -> None:
    """In whatever order reports come, an end that was reached is kept, and the furthest state stands."""
    state = ""
    for report in reports:
        before = state
        state = report if follows(state, report) else state
        if before in (GatewayState.DELIVERED, GatewayState.FAILED):
            assert state == before
    ends = [each for each in reports if each in (GatewayState.DELIVERED, GatewayState.FAILED)]
    assert not ends or state == ends[0]


@pytest.mark.parametrize(
    ("before", "after", "moves"),
    [
        ("", "Sent", True),
        ("Pending", "Processed", True),
        ("Sent", "Processed", False),
        ("Sent", "Sent", False),
        ("Delivered", "Sent", False),
        ("Failed", "Delivered", False),
        ("Cancelling", "Sent", True),
        ("Cancelled", "Sent", False),
    ],
)
def test_what_follows_what(before: str, after: str, moves: bool) -> None:
    """Late and repeated reports are no news; a cancellation that came too late is overtaken."""
    assert follows(before, GatewayState(after)) is moves
