"""No request, however made, makes the delivery webhook fail or gets a stranger in."""

from datetime import UTC, datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from attendance.clock import ManualClock
from attendance.domain.receipt import Report, read_report
from attendance.kiosk.web.access import Access
from attendance.kiosk.web.webhook_app import Refusal, Reporters, webhook_app

CLOCK = ManualClock(datetime(2026, 6, 8, 4, 0, tzinfo=UTC))
HEADERS = ["Host", "Origin", "Authorization", "X-Forwarded-For", "Content-Type", "X-Signature", "X-Timestamp", "Range"]
_text = st.text(st.characters(codec="latin-1", exclude_categories=["Cc"]), max_size=40)


@pytest.mark.parametrize(("token", "key"), [("", ""), ("t0ken", "s1gn1ngk")])
@given(
    method=st.sampled_from(["GET", "POST", "PUT", "DELETE", "OPTIONS", "HEAD", "PATCH", "BREW"]),
    tail=st.sampled_from(["", "/health"]) | st.text(max_size=20),
    headers=st.dictionaries(st.sampled_from(HEADERS), _text),
    body=st.binary(max_size=100) | st.just(b'{"id": "a", "state": "Sent"}'),
)
@example(method="POST", tail="", headers={"Host": "."}, body=b"{}")
@example(method="POST", tail="", headers={"Host": "[::"}, body=b"{}")
def test_no_request_makes_the_webhook_fail(
    token: str, key: str, method: str, tail: str, headers: dict[str, str], body: bytes
) -> None:
    """The answer is no 500, and without the secret nothing is taken."""
    taken: list[Report] = []
    refused: list[Refusal] = []

    def take(report: Report) -> str:
        taken.append(report)
        return "taken"

    reporters = Reporters(token, key, Access(), CLOCK)
    client = webhook_app(reporters, read_report, take, refused.append, lambda: 8081).test_client()
    answer = client.open("/sms-webhook" + tail, method=method, headers=headers, data=body)
    assert answer.status_code < 500
    assert not (token and taken)
    assert bool(taken) == (method == "POST" and answer.status_code == 200)
