"""The API of the simulated phone over real sockets: SMS-Gate's addresses, status codes and fields."""

import http.client
import json
from collections.abc import Callable, Iterator
from datetime import datetime

import pytest
from phone_client import ANA, BEN, PASSWORD, call, message

from attendance.errors import AttendanceError
from attendance.sim.phone_device import SimulatedPhone
from attendance.sim.phone_faults import Fault
from attendance.sim.phone_requests import SendRequest
from attendance.sim.phone_settings import LimitPeriod, PhoneSettings

LOCAL, CLOUD, PRIVATE = "", "/3rdparty/v1", "/api/3rdparty/v1"
EVERYWHERE = pytest.mark.parametrize("base", [LOCAL, CLOUD, PRIVATE])
SERVERS = pytest.mark.parametrize("base", [CLOUD, PRIVATE])


@pytest.fixture
def phone() -> Iterator[SimulatedPhone]:
    with SimulatedPhone(password=PASSWORD, seed=1, hang_s=5.0, settings=PhoneSettings(speed=20)) as phone:
        yield phone


@pytest.fixture(scope="module")
def idle() -> Iterator[SimulatedPhone]:
    """A phone for requests that change nothing."""
    with SimulatedPhone(password=PASSWORD, seed=1) as phone:
        yield phone


@pytest.fixture
def held() -> Iterator[SimulatedPhone]:
    """A phone that sends one message an hour: what comes after it waits."""
    settings = PhoneSettings(limit_period=LimitPeriod.PER_HOUR, limit_value=1, queue_max_pending=2)
    with SimulatedPhone(password=PASSWORD, seed=1, settings=settings) as phone:
        yield phone


@EVERYWHERE
def test_a_message_is_taken_with_202(phone: SimulatedPhone, base: str) -> None:
    """The documented fields, the address to ask at, and a time with milliseconds and offset."""
    answer = call(phone, "POST", f"{base}/messages", message())
    taken = answer.json
    assert answer.status == 202
    assert answer.headers["Location"] == f"{base}/messages/m-1"
    assert set(taken) == {"id", "deviceId", "state", "isHashed", "isEncrypted", "recipients", "states"}
    assert (taken["id"], taken["deviceId"], taken["state"]) == ("m-1", phone.phone.device_id, "Pending")
    assert taken["recipients"] == [{"phoneNumber": ANA, "state": "Pending"}]
    assert datetime.fromisoformat(taken["states"]["Pending"]).tzinfo is not None
    assert len(phone.phone.device_id) == 21


@EVERYWHERE
def test_the_same_id_is_refused_with_409(phone: SimulatedPhone, base: str, eventually: Callable[..., None]) -> None:
    """And the parent gets one message."""
    assert call(phone, "POST", f"{base}/messages", message()).status == 202
    repeated = call(phone, "POST", f"{base}/messages", message())
    assert (repeated.status, repeated.json) == (409, {"message": "Message with the same ID already exists"})
    eventually(lambda: phone.phone.arrivals)
    assert len(phone.phone.arrivals) == 1


def test_the_old_address_takes_messages_too(phone: SimulatedPhone) -> None:
    """/message is /messages."""
    assert call(phone, "POST", "/message", message()).status == 202
    assert call(phone, "GET", "/message/m-1").json["id"] == "m-1"


@EVERYWHERE
@pytest.mark.parametrize("body", [b"", b"{", b"[]", message(text=""), message(phone="0917"), message(ttl=1)])
def test_a_bad_request_is_answered_with_400(idle: SimulatedPhone, base: str, body: object) -> None:
    """With a reason; nothing is taken."""
    answer = call(idle, "POST", f"{base}/messages", body)
    assert answer.status == 400
    assert answer.json["message"]
    assert idle.phone.messages() == []


@EVERYWHERE
@pytest.mark.parametrize("auth", [None, "sms:wrong", "other:pw", ":", "sms"])
@pytest.mark.parametrize(
    ("method", "path"), [("POST", "/messages"), ("GET", "/messages/m-1"), ("GET", "/webhooks"), ("PATCH", "/settings")]
)
def test_strangers_get_401(idle: SimulatedPhone, base: str, auth: str | None, method: str, path: str) -> None:
    """Before anything else is looked at."""
    answer = call(idle, method, base + path, b"{", auth=auth)
    assert answer.status == 401
    assert answer.headers["WWW-Authenticate"].startswith("Basic")


def test_a_full_queue_is_503_and_what_waits_can_be_called_back(held: SimulatedPhone) -> None:
    """The limit of waiting messages; one that is cancelled makes room."""
    held.phone.accept(_sent("first"))
    held.phone.step()
    assert [call(held, "POST", "/messages", message(f"m-{n}")).status for n in range(3)] == [202, 202, 503]
    assert call(held, "DELETE", f"{CLOUD}/messages/m-0").json["state"] == "Cancelled"
    assert call(held, "POST", "/messages", message("m-3")).status == 202


@pytest.mark.parametrize(("base", "status"), [(LOCAL, 400), (CLOUD, 409), (PRIVATE, 409)])
def test_a_message_that_has_left_cannot_be_called_back(held: SimulatedPhone, base: str, status: int) -> None:
    """The phone and the servers refuse with different codes."""
    held.phone.accept(_sent("first"))
    held.phone.step()
    assert call(held, "DELETE", f"{base}/messages/first").status == status
    assert call(held, "DELETE", f"{base}/messages/unknown").status == 404


@EVERYWHERE
def test_a_message_is_asked_for_by_its_id(phone: SimulatedPhone, base: str, eventually: Callable[..., None]) -> None:
    """Its state moves on to Delivered; an unknown one is 404."""
    call(phone, "POST", f"{base}/messages", message())
    eventually(lambda: call(phone, "GET", f"{base}/messages/m-1").json["state"] == "Delivered")
    states = call(phone, "GET", f"{base}/messages/m-1").json["states"]
    assert list(states) == ["Pending", "Processed", "Sent", "Delivered"]
    assert call(phone, "GET", f"{base}/messages/unknown").status == 404


def test_messages_are_listed_in_pages(held: SimulatedPhone) -> None:
    """Newest first, with the number of all in a header; by state, and with the text on request."""
    held.phone.accept(_sent("first"))
    held.phone.step()
    for number in range(2):
        call(held, "POST", "/messages", message(f"m-{number}", phone=BEN))
    answer = call(held, "GET", "/messages?limit=2")
    assert [each["id"] for each in answer.json] == ["m-1", "m-0"]
    assert answer.headers["X-Total-Count"] == "3"
    assert [each["id"] for each in call(held, "GET", "/messages?limit=2&offset=2").json] == ["first"]
    assert [each["id"] for each in call(held, "GET", "/messages?sort=created_at").json] == ["first", "m-0", "m-1"]
    assert len(call(held, "GET", "/messages?state=Pending").json) == 2
    assert call(held, "GET", "/messages?includeContent=true").json[0]["textMessage"] == {
        "text": message()["textMessage"]["text"]
    }
    assert call(held, "GET", "/messages?from=2030-01-01T00:00:00Z").json == []


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=101", "offset=-1", "limit=x", "state=Lost", "from=now", "deviceId=x", "limit=٣"]
)
def test_a_bad_list_is_answered_with_400(idle: SimulatedPhone, query: str) -> None:
    """Not with the first page."""
    quoted = query.replace("٣", "%D9%A3")
    assert call(idle, "GET", f"/messages?{quoted}").status == 400


@EVERYWHERE
def test_webhooks_are_registered_replaced_and_removed(phone: SimulatedPhone, base: str) -> None:
    """201 with the registration, the same id replaces, 204 for a removal, even of one that is not there."""
    hook = {"id": "w", "url": "http://127.0.0.1:8081/sms-webhook", "event": "sms:sent"}
    made = call(phone, "POST", f"{base}/webhooks", hook)
    assert (made.status, {key: made.json[key] for key in hook}) == (201, hook)
    call(phone, "POST", f"{base}/webhooks", {**hook, "event": "sms:failed"})
    assert [each["event"] for each in call(phone, "GET", f"{base}/webhooks").json] == ["sms:failed"]
    assert call(phone, "POST", f"{base}/webhooks", {**hook, "url": "http://192.168.1.2/"}).status == 400
    assert call(phone, "POST", f"{base}/webhooks", {**hook, "event": "sms:invented"}).status == 400
    assert [call(phone, "DELETE", f"{base}/webhooks/w").status for _ in range(2)] == [204, 204]
    assert call(phone, "GET", f"{base}/webhooks").json == []


@EVERYWHERE
def test_settings_can_be_read_and_changed_but_not_the_key(phone: SimulatedPhone, base: str) -> None:
    """What PATCH names changes, the rest stays; the signing key is written only."""
    change = {"messages": {"limit_period": "PerMinute", "limit_value": 7}, "webhooks": {"signing_key": "s3cret"}}
    changed = call(phone, "PATCH", f"{base}/settings", change)
    assert changed.status == 200
    assert changed.json["messages"]["limit_value"] == 7
    assert changed.json["messages"]["processing_order"] == "LIFO"
    assert phone.phone.settings.signing_key == "s3cret"
    assert b"s3cret" not in changed.body + call(phone, "GET", f"{base}/settings").body
    assert call(phone, "PATCH", f"{base}/settings", {"messages": {"limit_period": "PerYear"}}).status == 400


@EVERYWHERE
def test_there_is_one_device(idle: SimulatedPhone, base: str) -> None:
    """With the id that messages name."""
    assert [each["id"] for each in call(idle, "GET", f"{base}/devices").json] == [idle.phone.device_id]


def test_health_needs_no_password(phone: SimulatedPhone) -> None:
    """The phone tells of its battery, a server of itself; a phone that is not well answers 500."""
    well = call(phone, "GET", "/health", auth=None)
    assert (well.status, well.json["status"]) == (200, "pass")
    assert well.json["checks"]["battery:level"]["observedValue"] == 87
    phone.phone.switch(Fault.LOW_BATTERY, True)
    assert call(phone, "GET", "/health", auth=None).status == 500
    assert list(call(phone, "GET", "/api/3rdparty/v1/health", auth=None).json["checks"]) == ["db:ping"]
    assert call(phone, "GET", "/health/ready", auth=None).status == 200


@SERVERS
def test_a_token_is_given_with_201_and_used(phone: SimulatedPhone, base: str) -> None:
    """Snake case, unlike everything else of this API; it does what its scopes say and no more."""
    wanted = {"ttl": 3600, "scopes": ["messages:send"]}
    given = call(phone, "POST", f"{base}/auth/token", wanted)
    assert given.status == 201
    assert set(given.json) == {"id", "token_type", "access_token", "refresh_token", "expires_at"}
    assert given.json["token_type"] == "Bearer"
    token = given.json["access_token"]
    assert token.count(".") == 2
    assert call(phone, "POST", f"{base}/messages", message(), bearer=token).status == 202
    assert call(phone, "GET", f"{base}/messages/m-1", bearer=token).status == 403
    assert call(phone, "GET", "/messages/m-1", bearer=token).status == 401
    assert call(phone, "POST", f"{base}/messages", message("m-2"), bearer=token + "x").status == 401


@SERVERS
def test_a_refresh_rotates_the_pair(phone: SimulatedPhone, base: str) -> None:
    """The new access token works, both old tokens do not; a refresh token opens nothing by itself."""
    first = call(phone, "POST", f"{base}/auth/token", {"scopes": ["messages:send"]}).json
    assert call(phone, "POST", f"{base}/messages", message(), bearer=first["refresh_token"]).status == 401
    assert call(phone, "POST", f"{base}/auth/token/refresh", bearer=first["access_token"]).status == 401
    second = call(phone, "POST", f"{base}/auth/token/refresh", bearer=first["refresh_token"])
    assert second.status == 200
    assert call(phone, "POST", f"{base}/messages", message(), bearer=first["access_token"]).status == 401
    assert call(phone, "POST", f"{base}/auth/token/refresh", bearer=first["refresh_token"]).status == 401
    assert call(phone, "POST", f"{base}/messages", message(), bearer=second.json["access_token"]).status == 202
    assert call(phone, "DELETE", f"{base}/auth/token/{second.json['id']}").status == 204
    assert call(phone, "POST", f"{base}/messages", message("m-2"), bearer=second.json["access_token"]).status == 401


@pytest.mark.parametrize("fields", [{}, {"scopes": []}, {"scopes": ["everything"]}, {"scopes": ["all:any"], "ttl": 0}])
def test_a_bad_wish_for_a_token_is_400(idle: SimulatedPhone, fields: object) -> None:
    """No scope, one that is none, no time."""
    assert call(idle, "POST", "/3rdparty/v1/auth/token", fields).status == 400


@pytest.mark.parametrize(("fault", "status"), [(Fault.HTML, 200), (Fault.ERROR, 500), (Fault.BUSY, 503)])
def test_a_line_that_lets_nothing_through_takes_nothing(phone: SimulatedPhone, fault: Fault, status: int) -> None:
    """A web page with 200, 500, and 503 with how long to wait; afterwards the same id is new."""
    phone.phone.switch(fault, True, times=1)
    answer = call(phone, "POST", "/messages", message())
    assert answer.status == status
    assert (fault is Fault.HTML) == answer.headers["Content-Type"].startswith("text/html")
    assert (fault is Fault.BUSY) == ("Retry-After" in answer.headers)
    assert phone.phone.messages() == []
    assert call(phone, "POST", "/messages", message()).status == 202


def test_an_answer_that_never_comes_has_taken_the_message(
    phone: SimulatedPhone, eventually: Callable[..., None]
) -> None:
    """The client times out; a repeat is told 409; others are served meanwhile."""
    phone.phone.switch(Fault.HANG, True, times=1)
    with pytest.raises(TimeoutError):
        call(phone, "POST", "/messages", message(), timeout_s=0.3)
    eventually(phone.phone.messages)
    assert call(phone, "POST", "/messages", message()).status == 409


def test_an_answer_that_is_cut_off_has_taken_the_message(phone: SimulatedPhone) -> None:
    """The connection ends within the body; a repeat is told 409."""
    phone.phone.switch(Fault.CLOSE_EARLY, True, times=1)
    with pytest.raises(http.client.IncompleteRead) as cut:
        call(phone, "POST", "/messages", message())
    with pytest.raises(ValueError, match=r"."):
        json.loads(cut.value.partial)
    assert call(phone, "POST", "/messages", message()).status == 409


def test_switching_off_ends_at_once_even_while_an_answer_is_kept_back() -> None:
    """Nobody waits for the hang to be over; off twice is no fault."""
    phone = SimulatedPhone(password=PASSWORD, hang_s=60.0)
    phone.start()
    phone.phone.switch(Fault.HANG, True)
    with pytest.raises(TimeoutError):
        call(phone, "POST", "/messages", message(), timeout_s=0.2)
    assert phone.stop()
    assert phone.stop()
    with pytest.raises(ConnectionRefusedError):
        call(phone, "GET", "/health", timeout_s=1)


def test_a_port_that_is_taken_is_said(idle: SimulatedPhone) -> None:
    """With its number."""
    with pytest.raises(AttendanceError, match=str(idle.port)):
        SimulatedPhone(port=idle.port).start()


def test_an_unknown_address_is_404_in_json(idle: SimulatedPhone) -> None:
    """As every refusal of this API."""
    assert call(idle, "GET", "/3rdparty/v1/nothing").json["message"]
    assert call(idle, "PUT", "/messages", message()).status == 405


def _sent(message_id: str) -> SendRequest:
    return SendRequest(message_id, "Hello", (ANA,))
