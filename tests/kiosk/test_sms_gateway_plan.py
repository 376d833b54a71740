"""From the configuration to gateways: what is missing is said, and one bad section does not silence the others."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from attendance.clock import ManualClock
from attendance.config.messages import SmsNotifications
from attendance.kiosk.sms.gateway_plan import backup_phone, phone, phones, routes
from attendance.kiosk.sms.phone_health import phone_problems
from attendance.kiosk.sms.routes import Routes

ACCOUNT = {"username": "user", "password": "secret"}
OTHER = {"enabled": True, "url": "https://sms.example/?to={phone}&text={text}"}


def made(**section: Any) -> Routes:
    clock = ManualClock(datetime(2026, 6, 1, tzinfo=UTC))
    return routes(SmsNotifications.model_validate(section), Path("/srv/gate").joinpath, clock)


def test_the_documented_settings_make_one_gateway() -> None:
    """User name and password for the public server are all that is needed."""
    gateways = made(**ACCOUNT)
    assert (gateways.names, gateways.problems) == (["sms_gate"], [])


def test_without_an_account_nothing_can_be_sent_and_health_says_so() -> None:
    """Messages on, and nobody entered the phone's account."""
    gateways = made()
    assert gateways.names == []
    (problem,) = gateways.problems
    assert problem.code == "sms-not-configured"
    assert "no username and no password" in problem.text


def test_all_three_in_their_order() -> None:
    """The phone, the second phone, the provider."""
    second = {**ACCOUNT, "enabled": True, "api_url": "http://192.168.1.31:8080"}
    gateways = made(**ACCOUNT, backup_phone=second, http_gateway=OTHER)
    assert (gateways.names, gateways.problems) == (["sms_gate", "backup_phone", "http_gateway"], [])


def test_what_is_switched_off_is_not_missed() -> None:
    """A backup phone that is not enabled needs no account."""
    assert made(**ACCOUNT, backup_phone={"enabled": False}, http_gateway={**OTHER, "enabled": False}).problems == []


@pytest.mark.parametrize(
    ("section", "code", "says"),
    [
        ({"api_url": "gateway"}, "sms-gateway-unusable", "'gateway' is no address"),
        ({"backup_phone": {"enabled": True, "username": "u"}}, "sms-not-configured", "backup_phone has no api_url"),
        ({"http_gateway": {"enabled": True}}, "sms-not-configured", "http_gateway has no url"),
        ({"http_gateway": {**OTHER, "body": "{name}"}}, "sms-gateway-unusable", "http_gateway"),
    ],
)
def test_a_gateway_that_cannot_work_is_a_problem_and_the_others_do(
    section: dict[str, Any], code: str, says: str
) -> None:
    """It is named, with what is wrong."""
    good = {} if "http_gateway" in section else {"http_gateway": OTHER}
    gateways = made(**ACCOUNT, **good, **section)
    (problem,) = gateways.problems
    assert problem.code == code
    assert says in problem.text
    assert "secret" not in problem.text
    assert len(gateways.names) >= 1


def test_paths_are_those_of_the_installation() -> None:
    """A CA file is found from any working directory."""
    asked: list[str] = []

    def resolve(path: str) -> Path:
        asked.append(path)
        return Path("/srv/gate") / path

    sms = SmsNotifications.model_validate(
        {"sms_gate": {"ca_file": "config/ca.pem"}, "backup_phone": {"api_url": "https://b", "ca_file": "config/b.pem"}}
    )
    phone(sms, resolve)
    backup_phone(sms, resolve)
    assert asked == ["config/ca.pem", "config/b.pem"]


def test_webhooks_are_set_up_at_every_phone_that_is_used() -> None:
    """Reports of the second phone would else never come."""
    second = {"enabled": True, "api_url": "http://192.168.1.31:8080", "device_id": "b"}
    both = SmsNotifications.model_validate({"backup_phone": second})
    assert [each.name for each in phones(both, Path)] == ["sms_gate", "backup_phone"]
    assert [each.name for each in phones(SmsNotifications(), Path)] == ["sms_gate"]


def test_the_longest_call_is_known() -> None:
    """Whoever watches the courier must not take two slow gateways for a hang."""
    assert made(**ACCOUNT, sms_gate={"timeout_seconds": 10}).longest_s == 80
    assert made(**ACCOUNT, http_gateway=OTHER, sms_gate={"timeout_seconds": 10}).longest_s == 170


def ping(**values: object) -> dict[str, object]:
    return {"seconds_ago": 60, "battery_percent": 80.0, "charging": None, "connected": True, **values}


@pytest.mark.parametrize(
    ("last", "codes"),
    [
        (None, []),
        (ping(), []),
        (ping(battery_percent=None), []),
        (ping(battery_percent=20.0), ["sms-phone-battery"]),
        (ping(battery_percent=20.0, charging=True), []),
        (ping(battery_percent=5.0, charging=False), ["sms-phone-battery"]),
        (ping(seconds_ago=3600), []),
        (ping(seconds_ago=3601), ["sms-phone-silent"]),
        (ping(seconds_ago=9000, battery_percent=5.0), ["sms-phone-silent"]),
    ],
)
def test_the_phone_itself_is_watched_by_its_pings(last: dict[str, object] | None, codes: list[str]) -> None:
    """Silent or low on battery is a problem; one that never pinged was never told to."""
    assert [problem.code for problem in phone_problems(last)] == codes
