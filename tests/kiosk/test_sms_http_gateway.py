"""Any provider: the request is as configured, and no text can become more than a value in it."""

import json
import socket
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from wire import Wire, answer

from attendance.errors import BadInput
from attendance.kiosk.sms.gateway import Fault, GatewayError, Outgoing
from attendance.kiosk.sms.http_gateway import HttpGateway
from attendance.kiosk.sms.request_template import RequestTemplate

JSON_BODY = '{"to": ["{phone}"], "message": {"text": "School: {text}", "ref": "{id}"}, "parts": 1}'
HOSTILE = '"}, {"to": "+1", "x": "{phone} {id} {nothing}\\ \n&text=%41#é😀'
MESSAGE = Outgoing("01a20b72", "+639171234567", HOSTILE, priority=0, valid_for_s=60)
URL = "https://sms.example/send?to={phone}&text={text}"


def sent(**options: Any) -> Any:
    """The one request that a message becomes."""
    with Wire(answer(200)) as wire:
        url = wire.url + options.pop("path", "/send")
        assert HttpGateway("http_gateway", url, **options).send(MESSAGE) == "Pending"
    return wire.asked[0]


def test_a_json_body_stays_what_it_is() -> None:
    """Quotes, braces and placeholders in a text are text."""
    asked = sent(body=JSON_BODY, headers=("Authorization: Bearer abc", "X-School: 7"))
    assert asked.json == {
        "to": ["+639171234567"],
        "message": {"text": f"School: {HOSTILE}", "ref": "01a20b72"},
        "parts": 1,
    }
    assert (asked.method, asked.headers["content-type"]) == ("POST", "application/json")
    assert (asked.headers["authorization"], asked.headers["x-school"]) == ("Bearer abc", "7")


def test_a_form_is_percent_encoded() -> None:
    """Ampersands and equal signs in a text do not make fields."""
    asked = sent(body="to={phone}&text={text}&id={id}", method="PUT")
    assert parse_qs(asked.body.decode()) == {"to": ["+639171234567"], "text": [HOSTILE], "id": ["01a20b72"]}
    assert (asked.method, asked.headers["content-type"]) == ("PUT", "application/x-www-form-urlencoded")


def test_a_query_is_percent_encoded() -> None:
    """The plus of a number is no space, and a text does not end the query."""
    asked = sent(path="/v1/{id}?to={phone}&text={text}", method="GET")
    assert urlsplit(asked.path).path == "/v1/01a20b72"
    assert parse_qs(urlsplit(asked.path).query) == {"to": ["+639171234567"], "text": [HOSTILE]}
    assert (asked.method, asked.body) == ("GET", b"")


@settings(max_examples=200)
@given(st.text(), st.text())
def test_no_text_changes_the_shape_of_a_request(text: str, message_id: str) -> None:
    """Any text, lone surrogates too, comes out as it went in, and nothing else moves."""
    values = {"phone": "+639171234567", "text": text, "id": message_id}
    filled = RequestTemplate("POST", "https://sms.example/{id}?x={text}", (), JSON_BODY).fill(values)
    assert filled.body is not None
    assert json.loads(filled.body) == {
        "to": ["+639171234567"],
        "message": {"text": f"School: {text}", "ref": message_id},
        "parts": 1,
    }
    assert filled.path.isascii()
    assert filled.path.isprintable()
    assert filled.path.count("?") == filled.path.count("/") == 1


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"url": "https://sms.example/{name}?{phone}{text}"}, "{name}"),
        ({"url": "https://sms.example/", "body": "to={phone}&text={text}&from={sender}"}, "{sender}"),
        ({"url": "https://sms.example/", "body": '{"a": "{phone}{text}{sender}"}'}, "{sender}"),
        ({"url": "https://sms.example/", "body": '{"a": "{phone}{text}\\u007bsender}"}'}, "{sender}"),
        ({"url": "https://sms.example/", "body": '{"{phone}": "{text}"}'}, "{phone}"),
        ({"url": "https://sms.example/", "body": '{"to": {phone}, "text": "{text}"}'}, "no"),
        ({"url": "https://sms.example/?to={phone}"}, "{text}"),
        ({"url": "https://sms.example/?text={text}#{phone}"}, "{phone}"),
        ({"url": "https://{phone}.example/?t={text}"}, "host"),
        ({"url": "sms.example/{phone}{text}"}, "address"),
        ({"url": "http://[::1/{phone}{text}"}, "address"),
        ({"url": "https://sms.example/a b{phone}{text}"}, "spaces"),
        ({"url": URL, "method": "GET", "body": "x"}, "GET"),
        ({"url": URL, "headers": ("no header",)}, "Line 1"),
        ({"url": URL, "headers": ("A: b", "X: a\r\nHost: evil")}, "Line 2"),
        ({"url": URL, "headers": ("Näme: x",)}, "Line 1"),
        ({"url": URL, "headers": ("Content-Length: 7",)}, "Content-Length"),
        ({"url": URL, "body": "<sms>{text}</sms>", "headers": ("Content-Type: text/xml",)}, "JSON or forms"),
    ],
)
def test_a_request_that_cannot_be_made_is_refused_when_it_is_configured(options: dict[str, Any], says: str) -> None:
    """An unknown placeholder would reach a parent as it stands, or nobody at all."""
    with pytest.raises(BadInput) as caught:
        HttpGateway("http_gateway", **options)
    assert says in str(caught.value)


@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_a_success_is_a_status(status: int) -> None:
    """Nothing is known of the provider's answers, so only the status counts."""
    with Wire(answer(status, b"<html>whatever")) as wire:
        assert HttpGateway("http_gateway", wire.url + "/{phone}/{text}").send(MESSAGE) == "Pending"


@pytest.mark.parametrize(
    ("reply", "permanent", "maybe_taken", "fault"),
    [
        (answer(400), True, False, Fault.MESSAGE),
        (answer(422), True, False, Fault.MESSAGE),
        (answer(401), False, False, Fault.CREDENTIALS),
        (answer(402), False, False, Fault.ANSWER),
        (answer(404), False, False, Fault.ANSWER),
        (answer(429), False, False, Fault.BUSY),
        (answer(503, Retry_After="9"), False, False, Fault.BUSY),
        (answer(503), False, True, Fault.ANSWER),
        (answer(409), False, True, Fault.ANSWER),
        (answer(302, Location="/"), False, True, Fault.ANSWER),
        (answer(500), False, True, Fault.ANSWER),
        (b"", False, True, Fault.UNREACHABLE),
    ],
)
def test_what_is_no_success_is_sorted(reply: bytes, permanent: bool, maybe_taken: bool, fault: Fault) -> None:
    """Refused, not taken, or nobody knows."""
    with Wire(reply) as wire, pytest.raises(GatewayError) as caught:
        HttpGateway("http_gateway", wire.url + "/{phone}/{text}").send(MESSAGE)
    error = caught.value
    assert (error.permanent, error.maybe_taken, error.fault) == (permanent, maybe_taken, fault)


def test_no_error_tells_what_was_in_the_address() -> None:
    """Many providers want their key and the number in the query."""
    with Wire(b"") as wire, pytest.raises(GatewayError) as caught:
        HttpGateway("http_gateway", wire.url + "/?key=secret&to={phone}&text={text}").send(MESSAGE)
    assert "secret" not in str(caught.value)
    assert MESSAGE.phone[1:] not in str(caught.value)


@pytest.mark.parametrize(
    "said",
    [
        "Ana Cruz has arrived at 06:41.",
        'refused: "Ana Cruz has…"',
        "text   'ANA': Ana Cruz\nhas arrived",
        "x" * 990 + "Ana Cruz has",
    ],
)
def test_no_error_repeats_what_parents_were_to_be_told(said: str) -> None:
    """Many providers call the text ``message``, and give it back with an error."""
    told = Outgoing("id", "+639171234567", "Ana Cruz has arrived at 06:41.", priority=0, valid_for_s=60)
    with Wire(answer(400, {"message": said})) as wire, pytest.raises(GatewayError) as caught:
        HttpGateway("http_gateway", wire.url + "/{phone}/{text}").send(told)
    assert "Ana" not in str(caught.value)
    assert "answered 400." in str(caught.value)


def test_checking_sends_nothing() -> None:
    """Whether it is there is all that can be found out without a message."""
    with Wire(answer(200)) as wire:
        assert "can be reached" in HttpGateway("http_gateway", wire.url + "/{phone}/{text}").check()
    assert wire.asked == []


def test_checking_finds_nobody() -> None:
    """A provider that cannot be reached is said to be so."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    with pytest.raises(GatewayError) as caught:
        HttpGateway("http_gateway", f"http://127.0.0.1:{port}/{{phone}}/{{text}}").check()
    assert caught.value.fault is Fault.UNREACHABLE
