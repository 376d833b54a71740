"""The phone is told what to report, for this gate only, and whoever shares the phone is left alone."""

import socket
from typing import Any

import pytest
from wire import Asked, Wire, answer

from attendance.errors import BadInput
from attendance.kiosk.sms.gateway import Fault, GatewayError
from attendance.kiosk.sms.phone_webhooks import EVENTS, PhoneWebhooks
from attendance.kiosk.sms.sms_gate import SmsGate

URL = "https://gate.school.example:8081/sms-webhook"


class Account:
    """The webhooks of an account: the same id replaces, deleting what is not there is no error."""

    def __init__(self) -> None:
        self.hooks: dict[str, dict[str, Any]] = {"theirs": {"id": "theirs", "event": "sms:sent", "url": "https://x"}}

    def __call__(self, asked: Asked, connection: socket.socket) -> None:
        if asked.method == "POST":
            self.hooks[asked.json["id"]] = asked.json
            connection.sendall(answer(201, asked.json))
        elif asked.method == "DELETE":
            self.hooks.pop(asked.path.rsplit("/", 1)[1], None)
            connection.sendall(answer(204))
        else:
            connection.sendall(answer(200, list(self.hooks.values())))


def webhooks(wire: Wire, gate_id: str = "gate-1", device_id: str = "") -> PhoneWebhooks:
    return PhoneWebhooks(SmsGate("sms_gate", wire.url, "user", "password", device_id=device_id, timeout_s=3), gate_id)


def test_every_event_that_means_something_is_registered() -> None:
    """One registration an event, at the address, for the phone that is configured; ids fit the server's 36."""
    account = Account()
    with Wire(account) as wire:
        made = webhooks(wire, device_id="phone-1").register(URL)
    ours = [hook for hook in account.hooks.values() if hook["id"] != "theirs"]
    assert [hook["event"] for hook in ours] == list(EVENTS) == [hook.event for hook in made]
    assert {"sms:delivered", "sms:failed", "sms:received", "system:ping"} <= set(EVENTS)
    assert {(hook["url"], hook["deviceId"]) for hook in ours} == {(URL, "phone-1")}
    assert max(len(hook["id"]) for hook in ours) <= 36


def test_registering_again_replaces() -> None:
    """A new address does not leave the old one behind, and nothing is reported twice."""
    account = Account()
    with Wire(account) as wire:
        webhooks(wire).register("https://old.example/sms-webhook")
        webhooks(wire).register(URL)
        listed = webhooks(wire).list()
    assert [hook.url for hook in listed if hook.ours] == [URL] * len(EVENTS)


def test_only_our_own_are_removed() -> None:
    """Another gate at the same phone, and other programs, keep theirs."""
    account = Account()
    with Wire(account) as wire:
        webhooks(wire, "gate-1").register(URL)
        webhooks(wire, "gate-2").register(URL)
        assert {hook.event for hook in webhooks(wire, "gate-1").remove()} == set(EVENTS)
        left = webhooks(wire, "gate-2").list()
    assert [hook.ours for hook in left] == [False] + [True] * len(EVENTS)


@pytest.mark.parametrize(
    "url", ["http://192.168.1.20:8081/sms-webhook", "http://gate/sms-webhook", "gate", "", "https://", "https://a b"]
)
def test_an_address_that_phones_do_not_post_to_is_refused(url: str) -> None:
    """Plain HTTP works on the phone's own 127.0.0.1 only; nothing is registered."""
    with Wire(Account()) as wire, pytest.raises(BadInput):
        webhooks(wire).register(url)
    assert wire.asked == []


def test_an_address_that_the_phone_refuses_is_explained() -> None:
    """Newer apps post to no private address; the error says what does work."""
    with Wire(answer(400, {"message": "Invalid URL"})) as wire, pytest.raises(GatewayError) as caught:
        webhooks(wire).register("https://192.168.1.20:8081/sms-webhook")
    assert "Invalid URL" in str(caught.value)
    assert "127.0.0.1" in str(caught.value)


def test_the_phones_own_address_may_be_plain() -> None:
    """That is the way over a cable."""
    with Wire(Account()) as wire:
        assert webhooks(wire).register("http://127.0.0.1:8081/sms-webhook")


@pytest.mark.parametrize("reply", [answer(200, {}), answer(200, b"<html>"), answer(401), answer(500), b""])
def test_what_is_no_list_is_an_error(reply: bytes) -> None:
    """Nothing is removed on the word of a login page."""
    with Wire(reply) as wire, pytest.raises(GatewayError):
        webhooks(wire).remove()
    assert len(wire.asked) == 1


def test_entries_of_another_shape_are_nobody_elses_business() -> None:
    """They are listed as far as they can be, and never ours."""
    with Wire(answer(200, [None, 7, {}, {"id": 3, "url": "a\x1b[2J", "event": None}])) as wire:
        assert [(hook.webhook_id, hook.url, hook.ours) for hook in webhooks(wire).list()] == [
            ("", "", False),
            ("", "a[2J", False),
        ]


def test_the_signing_key_goes_to_the_phones_settings() -> None:
    """Only that one setting is changed."""
    with Wire(answer(200, {"webhooks": {"signing_key": "0123456789"}})) as wire:
        webhooks(wire).set_signing_key("0123456789")
        assert webhooks(wire).signing_key() == "0123456789"
    assert (wire.asked[0].method, wire.asked[0].path) == ("PATCH", "/settings")
    assert wire.asked[0].json == {"webhooks": {"signing_key": "0123456789"}}


@pytest.mark.parametrize("reply", [answer(400, {"message": "isdefault"}), answer(404, b"no such page")])
def test_a_server_that_takes_no_key_says_where_to_enter_it(reply: bytes) -> None:
    """Servers must not know it; then a person types it at the phone. The key itself is in no error."""
    with Wire(reply) as wire, pytest.raises(GatewayError) as caught:
        webhooks(wire).set_signing_key("0123456789")
    assert "Signing Key" in str(caught.value)
    assert "0123456789" not in str(caught.value)


def test_refused_credentials_are_told_as_such() -> None:
    """Typing the key at the phone would not help."""
    with Wire(answer(401)) as wire, pytest.raises(GatewayError) as caught:
        webhooks(wire).set_signing_key("0123456789")
    assert caught.value.fault is Fault.CREDENTIALS


@pytest.mark.parametrize("key", ["", "short", "ñandúñandú", "x" * 129, "with\nline"])
def test_a_key_that_cannot_be_typed_is_refused(key: str) -> None:
    """Before it is sent."""
    with Wire(answer(200)) as wire, pytest.raises(BadInput):
        webhooks(wire).set_signing_key(key)
    assert wire.asked == []


@pytest.mark.parametrize("settings", [[], {}, {"webhooks": None}, {"webhooks": {"signing_key": 7}}])
def test_a_phone_that_keeps_its_key_to_itself(settings: object) -> None:
    """Then it is empty, and a person reads it off the screen."""
    with Wire(answer(200, settings)) as wire:
        assert webhooks(wire).signing_key() == ""
