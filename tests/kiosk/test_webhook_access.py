"""Who may report: tokens, signatures, and who has neither."""

import pytest
from report_desk import DOCUMENTED, KEY, NOON, Desk, post, signed

from attendance.kiosk.web import webhook
from attendance.kiosk.web.access import Access


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer wrong", "Bearer t0ken2", "Basic t0ken", "t0ken"])
def test_a_wrong_token_is_401(desk: Desk, header: str | None) -> None:
    """With an error, and nothing stored."""
    headers = {} if header is None else {"Authorization": header}
    status, answer = post(desk.started(auth_token="t0ken"), DOCUMENTED, **headers)
    assert (status, set(answer)) == (401, {"error"})
    assert desk.rows("SELECT * FROM sms_reports") == []


def test_the_right_token_reports(desk: Desk) -> None:
    """As the document sends it."""
    assert post(desk.started(auth_token="t0ken"), DOCUMENTED, Authorization="Bearer t0ken")[0] == 200


def test_the_phones_signature_reports(desk: Desk) -> None:
    """Over the very bytes that were sent: other spacing or escapes of the same JSON would not do."""
    body = b'{ "id":"e1" , "event":"sms:sent","payload":{"messageId":"m\\u003d1","recipient":"\\u002b639171234567"}}'
    assert post(desk.started(signing_key=KEY), body, **signed(body))[0] == 200
    assert desk.rows("SELECT message_id, phone_number FROM sms_delivery_log") == [("m=1", "+639171234567")]


@pytest.mark.parametrize(
    "change",
    [
        {"X_Signature": "0" * 64},
        {"X_Signature": ""},
        {"X_Signature": "ü"},
        {"X_Timestamp": str(int(NOON.timestamp()) + 1)},
        {"X_Timestamp": ""},
        {"X_Timestamp": "nan"},
        {"X_Timestamp": "9" * 5000},
    ],
)
def test_a_wrong_signature_is_401(desk: Desk, change: dict[str, str]) -> None:
    """A forged "Delivered" changes nothing."""
    body = desk.envelope()
    assert post(desk.started(signing_key=KEY), body, **{**signed(body), **change})[0] == 401
    assert desk.state() == ""


def test_a_signature_of_another_body_or_key_is_401(desk: Desk) -> None:
    """Nor does one that was right for something else."""
    receiver = desk.started(signing_key=KEY)
    assert post(receiver, desk.envelope("sms:failed"), **signed(desk.envelope()))[0] == 401
    assert post(receiver, desk.envelope(), **signed(desk.envelope(), key="another"))[0] == 401
    assert post(receiver, desk.envelope())[0] == 401
    assert desk.state() == ""


@pytest.mark.parametrize("age_s", [-301, 301])
def test_old_signatures_count_only_by_a_trusted_clock(desk: Desk, age_s: int) -> None:
    """Five minutes either way; a gate that does not know the time believes the phone."""
    receiver = desk.started(signing_key=KEY)
    body = desk.envelope()
    headers = signed(body)
    desk.clock.step(age_s)
    assert post(receiver, body, **headers)[0] == 401
    desk.clock.trusted = False
    assert post(receiver, body, **headers)[0] == 200


def test_token_or_signature_is_enough_when_both_are_set(desk: Desk) -> None:
    """The phone signs, a tool of the school's has the token."""
    receiver = desk.started(signing_key=KEY, auth_token="t0ken")
    assert post(receiver, desk.envelope(event_id="a"), **signed(desk.envelope(event_id="a")))[0] == 200
    assert post(receiver, desk.envelope(event_id="b"), Authorization="Bearer t0ken")[0] == 200
    assert post(receiver, desk.envelope(event_id="c"), Authorization="Bearer wrong")[0] == 401


def test_a_replayed_report_changes_nothing(desk: Desk) -> None:
    """The same event, signed again or caught and sent again, is answered with success and done with."""
    receiver = desk.started(signing_key=KEY, retry_failed=True)
    body = desk.envelope("sms:failed")
    for _ in range(3):
        assert post(receiver, body, **signed(body))[0] == 200
    assert len(desk.rows("SELECT 1 FROM sms_outbox")) == 2
    assert receiver.status()["total_received"] == 1


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Host": "evil.example"}, 421),
        ({"Origin": "http://evil.example"}, 403),
        ({"Sec_Fetch_Site": "cross-site"}, 403),
        ({"X_Forwarded_For": "10.0.0.1"}, 403),
    ],
)
def test_without_a_secret_neither_web_pages_nor_proxies_report(
    desk: Desk, headers: dict[str, str], status: int
) -> None:
    """A page in somebody's browser is in the private network too, and a proxy nobody named may bring anybody."""
    assert post(desk.started(), DOCUMENTED, **headers)[0] == status
    assert desk.rows("SELECT * FROM sms_reports") == []


@pytest.mark.parametrize(("peer", "status"), [("192.168.1.20", 200), ("10.0.0.7", 200), ("8.8.8.8", 403)])
def test_without_a_secret_only_private_peers_report(desk: Desk, peer: str, status: int) -> None:
    """Seen through a proxy that the school has named."""
    receiver = desk.started(access=Access(trusted_proxies=["127.0.0.1"]))
    assert post(receiver, DOCUMENTED, X_Forwarded_For=peer)[0] == status


def test_with_a_secret_anybody_who_has_it_reports(desk: Desk) -> None:
    """From anywhere, under any name."""
    receiver = desk.started(auth_token="t0ken", access=Access(trusted_proxies=["127.0.0.1"]))
    headers = {"Host": "hook.example", "X_Forwarded_For": "8.8.8.8", "Authorization": "Bearer t0ken"}
    assert post(receiver, DOCUMENTED, **headers)[0] == 200


def test_an_open_port_is_said_to_be_open(desk: Desk) -> None:
    """As a notice with what to set; a secret ends it."""
    assert desk.started().problems == [webhook.OPEN]
    assert desk.started(auth_token="t0ken").problems == []
    assert desk.started(signing_key=KEY).problems == []
    assert desk.receiver(enabled=False).problems == []
