"""SMS-Gate is spoken to as its contract says, and believed only when it says something that it would say."""

import contextlib
import json
import socket
from base64 import b64encode
from collections.abc import Callable
from email.message import Message
from email.utils import format_datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from wire import Asked, Reply, Wire, answer

from attendance.kiosk.sms.connection import Deadline
from attendance.kiosk.sms.gateway import Fault, GatewayError, Outgoing
from attendance.kiosk.sms.http_peer import Answer, HttpPeer
from attendance.kiosk.sms.login import Basic, Token
from attendance.kiosk.sms.phone_webhooks import PhoneWebhooks
from attendance.kiosk.sms.refusals import LONGEST_REST_S, retry_after_s
from attendance.kiosk.sms.sms_gate import SmsGate

ID = "01a20b72-8d20-7296-8b78-f8bc5b5638f6"
MESSAGE = Outgoing(ID, "+639171234567", "Ana has arrived. ñ", priority=50, valid_for_s=7200)
SECRET = "Basic " + b64encode(b"user:pass:word").decode()
PHONES = [{"id": "phone-1", "name": "Xiaomi"}]


def state(word: str = "Pending", message_id: str = ID, **more: object) -> dict[str, Any]:
    recipients = [{"phoneNumber": "+639171234567", "state": word}]
    return {"id": message_id, "deviceId": "phone-1", "state": word, "recipients": recipients, "states": {}, **more}


def gate(wire: Wire, **options: Any) -> SmsGate:
    return SmsGate("sms_gate", wire.url, "user", "pass:word", **{"timeout_s": 3.0, **options})


def refusal(*replies: bytes | Reply, **options: Any) -> GatewayError:
    with Wire(*replies) as wire, pytest.raises(GatewayError) as caught:
        gate(wire, **options).send(MESSAGE)
    return caught.value


def close(asked: Asked, connection: socket.socket) -> None:
    connection.close()


def test_the_request_is_that_of_the_contract() -> None:
    """Id, one recipient, the text's own form, time to live, priority, delivery report, phone and SIM."""
    with Wire(answer(202, state())) as wire:
        assert gate(wire, device_id="phone-1", sim_number=2).send(MESSAGE) == "Pending"
    asked = wire.asked[0]
    assert (asked.method, asked.path, asked.headers["authorization"]) == ("POST", "/messages", SECRET)
    assert asked.json == {
        "id": ID,
        "textMessage": {"text": "Ana has arrived. ñ"},
        "phoneNumbers": ["+639171234567"],
        "withDeliveryReport": True,
        "ttl": 7200,
        "priority": 50,
        "deviceId": "phone-1",
        "simNumber": 2,
    }


def test_what_is_not_set_is_not_sent() -> None:
    """Without phone and SIM the server and the phone choose; an empty text is no choice to them."""
    with Wire(answer(202, state())) as wire:
        gate(wire).send(MESSAGE)
    assert {"deviceId", "simNumber"}.isdisjoint(wire.asked[0].json)


def test_the_time_to_live_is_one_that_the_server_takes() -> None:
    """Less than five seconds is refused by it."""
    with Wire(answer(202, state())) as wire:
        gate(wire).send(Outgoing(ID, "+639171234567", "x", 0, valid_for_s=1))
    assert wire.asked[0].json["ttl"] == 5


@pytest.mark.parametrize("status", [200, 201, 202])
def test_a_success_that_names_the_message_is_one(status: int) -> None:
    """Versions differ in the status, never in the answer."""
    with Wire(answer(status, state("Processed"))) as wire:
        assert gate(wire).send(MESSAGE) == "Processed"


@pytest.mark.parametrize(
    "reply",
    [
        answer(200, b"<html>Log in to the free Wi-Fi</html>", Content_Type="text/html"),
        answer(200, b""),
        answer(200, {}),
        answer(200, []),
        answer(202, b"<html></html>"),
        answer(202, {"status": "ok"}),
        answer(202, state(message_id="another")),
        answer(202, state("Thinking")),
        answer(202, b'{"id": "' + ID.encode() + b'", "state": '),
        answer(204),
        b'HTTP/1.1 202 Accepted\r\nContent-Length: 9999\r\n\r\n{"id": 1}',
        answer(302, Location="https://login.example"),
        answer(500, {"message": "Internal"}),
        answer(502, b"<html>Bad gateway</html>"),
        answer(504),
        answer(503, b"<html>upstream timed out</html>"),
        b"",
        b"garbage\r\n\r\n",
        close,
    ],
)
def test_what_no_gateway_says_may_still_be_acceptance(reply: bytes | Reply) -> None:
    """HTML with 200, another message, broken JSON, redirects, 500s, a closed connection: nobody knows."""
    error = refusal(reply)
    assert (error.maybe_taken, error.permanent) == (True, False)


def test_a_hang_may_be_acceptance() -> None:
    """A gateway that takes the request and never answers ends with the timeout."""
    wire = Wire(lambda asked, connection: wire.hold(asked, connection))
    with wire, pytest.raises(GatewayError) as caught:
        gate(wire, timeout_s=0.3).send(MESSAGE)
    assert (caught.value.maybe_taken, caught.value.fault) == (True, Fault.UNREACHABLE)


def test_nobody_there_is_proof_that_it_was_not_taken() -> None:
    """A refused connection carries no message."""
    with Wire() as wire:
        pass
    with pytest.raises(GatewayError) as caught:
        gate(wire).send(MESSAGE)
    assert (caught.value.maybe_taken, caught.value.permanent, caught.value.fault) == (False, False, Fault.UNREACHABLE)


@pytest.mark.parametrize(
    ("reply", "permanent", "fault", "rest_s"),
    [
        (answer(400, {"message": "Invalid phone number"}), True, Fault.MESSAGE, None),
        (answer(400, b"<html>The plain HTTP request was sent to HTTPS port</html>"), False, Fault.ANSWER, None),
        (answer(413, b"<html>Request Entity Too Large</html>"), False, Fault.ANSWER, None),
        (answer(401, {"message": "Unauthorized"}), False, Fault.CREDENTIALS, None),
        (answer(403, {"message": "Forbidden"}), False, Fault.CREDENTIALS, None),
        (answer(404, b"<html>not here</html>"), False, Fault.ANSWER, None),
        (answer(405), False, Fault.ANSWER, None),
        (answer(429, Retry_After="17"), False, Fault.BUSY, 17.0),
        (answer(451, b"blocked"), False, Fault.ANSWER, None),
        (answer(503, {"message": "Queue limits exceeded"}), False, Fault.BUSY, None),
        (answer(503, b"", Retry_After="120"), False, Fault.BUSY, 120.0),
        (answer(503, b"", Retry_After="999999999999"), False, Fault.BUSY, 3600.0),
        (answer(503, b"", Retry_After="soon"), False, Fault.BUSY, None),
        (
            answer(503, Date="Wed, 25 Nov 2026 06:00:00 GMT", Retry_After="Wed, 25 Nov 2026 06:02:00 GMT"),
            False,
            Fault.BUSY,
            120.0,
        ),
    ],
)
def test_a_refusal_is_sorted(reply: bytes, permanent: bool, fault: Fault, rest_s: float | None) -> None:
    """Proof that it was not taken, whose fault that is, and when to come again, whatever our clock says."""
    devices = answer(200, PHONES)
    error = refusal(reply, devices)
    assert (error.maybe_taken, error.permanent, error.fault, error.retry_after_s) == (False, permanent, fault, rest_s)


@pytest.mark.parametrize("phones", [[], [{"id": "another"}]])
def test_a_phone_that_is_not_known_throws_no_message_away(phones: list[object]) -> None:
    """The server answers 400 to every message then; it is the configuration that must be corrected."""
    error = refusal(answer(400, {"message": "record not found"}), answer(200, phones), device_id="phone-1")
    assert (error.permanent, error.maybe_taken, error.fault) == (False, False, Fault.CREDENTIALS)
    assert "device_id" in str(error)


def test_a_refusal_says_no_number() -> None:
    """Gateways like to repeat what was wrong with a number; it would end in the log."""
    error = refusal(answer(400, {"message": "invalid phone number +63 917 123 4567\nin request"}), answer(200, PHONES))
    assert "invalid phone number … in request" in str(error)
    assert "123 4567" not in str(error)


def test_a_repeat_is_recognised() -> None:
    """409 means that it is there: asked, it tells how far it is."""
    with Wire(answer(409, {"message": "exists"}), answer(200, state("Sent"))) as wire:
        assert gate(wire).send(MESSAGE) == "Sent"
    assert [(asked.method, asked.path) for asked in wire.asked] == [("POST", "/messages"), ("GET", f"/messages/{ID}")]


@pytest.mark.parametrize("second", [answer(404), answer(500), b"", answer(200, b"<html>"), answer(401)])
def test_a_repeat_that_cannot_be_asked_about_stays_open(second: bytes) -> None:
    """409 and then no word of it: it may be there, and is not given to anybody else."""
    assert refusal(answer(409), second).maybe_taken


def test_asking_tells_what_became_of_a_message() -> None:
    """The answer of the gateway goes through the same reader as its webhooks."""
    failed = [{"phoneNumber": "+639171234567", "state": "Failed", "error": "TTL expired"}]
    with Wire(answer(200, state("Failed", recipients=failed))) as wire:
        (report,) = gate(wire).ask(ID)
    assert (report.message_id, report.state, report.reason) == (ID, "Failed", "TTL expired")
    assert (report.phone, report.device_id) == ("+639171234567", "phone-1")


@pytest.mark.parametrize("reply", [answer(404), answer(404, {"message": "Message not found"})])
def test_a_message_that_it_never_had(reply: bytes) -> None:
    """The phone says so with an empty body, a server in JSON."""
    with Wire(reply) as wire:
        assert list(gate(wire).ask(ID)) == []


@pytest.mark.parametrize(
    "reply", [answer(404, b"<html>no such page</html>"), answer(200, state(message_id="another")), answer(500), b""]
)
def test_nonsense_about_a_message_is_no_word_of_it(reply: bytes) -> None:
    """A wrong address answers 404 too: that is not a gateway which never had the message."""
    with Wire(reply) as wire, pytest.raises(GatewayError):
        gate(wire).ask(ID)


@pytest.mark.parametrize("status", [400, 401, 403, 413, 429, 500, 503])
def test_a_refused_question_ends_no_message(status: int) -> None:
    """It says nothing about the message, so it is neither refused nor lost by it."""
    with Wire(answer(status, {"message": "no"})) as wire, pytest.raises(GatewayError) as caught:
        gate(wire).ask(ID)
    assert not caught.value.permanent
    assert caught.value.fault is not Fault.MESSAGE


def test_an_id_cannot_leave_its_place_in_the_path() -> None:
    """It comes from the database, and is quoted all the same."""
    with Wire(answer(404)) as wire:
        gate(wire).ask("../devices?x")
    assert wire.asked[0].path == "/messages/..%2Fdevices%3Fx"


def test_checking_sends_no_message() -> None:
    """Credentials are tried on the list of phones."""
    with Wire(answer(200, PHONES)) as wire:
        assert "1 phone" in gate(wire, device_id="phone-1").check()
    assert [asked.method for asked in wire.asked] == ["GET"]


def test_checking_finds_phones_of_older_apps() -> None:
    """They call the list /device."""
    with Wire(answer(404), answer(200, PHONES)) as wire:
        assert "lets us in" in gate(wire).check()
    assert [asked.path for asked in wire.asked] == ["/devices", "/device"]


@pytest.mark.parametrize(
    ("reply", "fault"),
    [
        (answer(401), Fault.CREDENTIALS),
        (answer(200, []), Fault.CREDENTIALS),
        (answer(200, [{"id": "another"}]), Fault.CREDENTIALS),
        (answer(200, b"<html>Log in</html>"), Fault.ANSWER),
        (b"", Fault.UNREACHABLE),
    ],
)
def test_checking_says_what_is_wrong(reply: bytes, fault: Fault) -> None:
    """Refused, no such phone, a login page, nobody: each has its own remedy."""
    with Wire(reply) as wire, pytest.raises(GatewayError) as caught:
        gate(wire, device_id="phone-1").check()
    assert caught.value.fault is fault


class TokenServer:
    """Gives tokens in snake_case as the real one does, each good for ``uses`` requests."""

    def __init__(self, uses: int = 1_000, refreshes: bool = True) -> None:
        self.uses = uses
        self.refreshes = refreshes
        self.given = 0
        self.left: dict[str, int] = {}

    def __call__(self, asked: Asked, connection: socket.socket) -> None:
        connection.sendall(self._answer(asked))

    def _answer(self, asked: Asked) -> bytes:
        authorization = asked.headers["authorization"]
        if asked.path == "/auth/token":
            return self._token() if authorization == SECRET else answer(401)
        if asked.path == "/auth/token/refresh":
            good = self.refreshes and authorization == f"Bearer refresh-{self.given}"
            return self._token() if good else answer(401)
        if self.left.get(authorization, 0) <= 0:
            return answer(401, {"message": "token expired"})
        self.left[authorization] -= 1
        return answer(202, state())

    def _token(self) -> bytes:
        self.given += 1
        self.left[f"Bearer access-{self.given}"] = self.uses
        tokens = {"access_token": f"access-{self.given}", "refresh_token": f"refresh-{self.given}"}
        return answer(201, {"id": "jti", "token_type": "Bearer", "expires_at": "2020-01-01T00:00:00Z", **tokens})


def paths(wire: Wire) -> list[str]:
    return [asked.path for asked in wire.asked]


def test_a_token_is_asked_for_once() -> None:
    """User name and password go over the wire to begin with only; its expiry by the server's clock does not matter."""
    with Wire(TokenServer()) as wire:
        sending = gate(wire, auth="jwt")
        sending.send(MESSAGE)
        sending.send(MESSAGE)
    assert paths(wire) == ["/auth/token", "/messages", "/messages"]
    assert wire.asked[0].json["ttl"] == 3600
    assert {"messages:send", "messages:read"} <= set(wire.asked[0].json["scopes"])


def test_a_token_that_was_revoked_is_replaced_once() -> None:
    """401 proves that the message was not taken: a new login and one more try."""
    with Wire(TokenServer(uses=1)) as wire:
        sending = gate(wire, auth="jwt")
        sending.send(MESSAGE)
        assert sending.send(MESSAGE) == "Pending"
    assert paths(wire) == ["/auth/token", "/messages", "/messages", "/auth/token", "/messages"]


def test_a_new_token_that_is_refused_too_ends_there() -> None:
    """It is not tried for ever."""
    with Wire(TokenServer(uses=0)) as wire, pytest.raises(GatewayError) as caught:
        gate(wire, auth="jwt").send(MESSAGE)
    assert (caught.value.fault, caught.value.maybe_taken) == (Fault.CREDENTIALS, False)
    assert len(wire.asked) == 4


@pytest.mark.parametrize("refreshes", [True, False])
def test_a_token_is_renewed_before_it_ends(refreshes: bool) -> None:
    """By the steady clock, with the refresh token; where that is not accepted, with user name and password."""
    with Wire(TokenServer(refreshes=refreshes)) as wire:
        token = Token(HttpPeer(wire.url), Basic("user", "pass:word"), lifetime_s=0)
        assert [token.authorization(Deadline(3)) for _ in range(2)] == ["Bearer access-1", "Bearer access-2"]
    assert paths(wire) == ["/auth/token", "/auth/token/refresh", "/auth/token"][: 2 if refreshes else 3]


@pytest.mark.parametrize(
    ("reply", "fault"),
    [
        (answer(401), Fault.CREDENTIALS),
        (answer(501, {"message": "token service disabled"}), Fault.CREDENTIALS),
        (answer(201, {"accessToken": "camel"}), Fault.ANSWER),
        (answer(201, {"access_token": "two\r\nlines"}), Fault.ANSWER),
        (answer(200, b"<html>"), Fault.ANSWER),
        (b"", Fault.UNREACHABLE),
    ],
)
def test_without_a_token_nothing_was_sent(reply: bytes, fault: Fault) -> None:
    """Whatever happens while logging in, the message itself never left."""
    error = refusal(reply, auth="jwt")
    assert (error.maybe_taken, error.permanent, error.fault) == (False, False, fault)


@pytest.mark.parametrize(
    "call", [lambda gate: gate.send(MESSAGE), lambda gate: gate.ask(ID), lambda gate: gate.check()]
)
def test_no_error_tells_a_secret(call: Callable[[SmsGate], object]) -> None:
    """Neither password nor number nor text is in what may be logged."""
    for reply in (answer(400, {"message": "no"}), answer(500), b"", answer(200, b"<html>")):
        with Wire(reply) as wire, pytest.raises(GatewayError) as caught:
            call(gate(wire))
        for secret in ("pass:word", SECRET, MESSAGE.phone[1:], "Ana"):
            assert secret not in json.dumps(str(caught.value))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9) | st.just(ID),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["id", "state", "recipients", "message", "webhooks", "url"]), inner, max_size=4
        )
    ),
    max_leaves=12,
)
CALLS: list[Callable[[SmsGate], object]] = [
    lambda gate: gate.send(MESSAGE),
    lambda gate: gate.ask(ID),
    lambda gate: gate.check(),
    lambda gate: PhoneWebhooks(gate, "gate-1").list(),
    lambda gate: PhoneWebhooks(gate, "gate-1").signing_key(),
]


@settings(max_examples=60, deadline=None)
@given(st.sampled_from([200, 202, 400, 404, 409, 503]), JSON, st.sampled_from(CALLS), st.sampled_from(["basic", "jwt"]))
def test_no_answer_does_more_than_fail(status: int, body: object, call: Callable[[SmsGate], object], auth: str) -> None:
    """JSON of any shape, with any status, to any question, is an answer or one clear error."""
    with Wire(answer(status, body)) as wire, contextlib.suppress(GatewayError):
        call(gate(wire, auth=auth))


@given(st.text(max_size=40) | st.datetimes().map(format_datetime), st.datetimes().map(format_datetime))
def test_a_wish_to_be_left_alone_is_bounded(retry_after: str, date: str) -> None:
    """Whatever Retry-After says, the gateway is tried again within the hour."""
    headers = Message()
    headers["Retry-After"], headers["Date"] = retry_after, date
    rest_s = retry_after_s(Answer(503, headers, b"", whole=True))
    assert rest_s is None or 0 <= rest_s <= LONGEST_REST_S
