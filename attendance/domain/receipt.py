"""Delivery reports: the forms they come in, and the states that a message can be in at the gateway.

Source: SMS-Gate's webhooks (``docs/features/webhooks.md`` and ``SmsEventPayload.kt`` of capcom6/android-sms-gateway),
and the flat form ``{"id", "state", "phoneNumber", "deviceId"}``, which is also that of ``GET /messages/{id}``.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from attendance.domain.answer import AnswerWords, Wish
from attendance.errors import BadInput

LONGEST_ID = 64
"""Characters. The gateway's own ids have 21, the longest that it takes has 36."""
LONGEST_PHONE = 64
LONGEST_REASON = 300
"""Characters of a failure's reason that are kept; the rest is cut, because a report must not be lost for its prose."""
_LARGEST_OBSERVED = 1_000
"""Above every value that is read; it also keeps infinity and what is no number out."""
_PLAUSIBLE_YEARS = range(2020, 2100)
_EVENT = re.compile(r"[a-z]+(:[a-z-]+){1,3}")


class GatewayState(StrEnum):
    """What the gateway says of a message."""

    PENDING = "Pending"
    CANCELLING = "Cancelling"
    PROCESSED = "Processed"
    SENT = "Sent"
    CANCELLED = "Cancelled"
    DELIVERED = "Delivered"
    FAILED = "Failed"


_RANK: Mapping[str, int] = {
    GatewayState.PENDING: 1,
    GatewayState.CANCELLING: 2,
    GatewayState.PROCESSED: 3,
    GatewayState.SENT: 4,
    GatewayState.CANCELLED: 5,
    GatewayState.DELIVERED: 6,
    GatewayState.FAILED: 6,
}
"""Reports come late and in any order: only a higher rank is news. Nothing is higher than the two ends."""
_STATE_WORDS = {state.lower(): state for state in GatewayState} | {
    "rejected": GatewayState.FAILED,
    "error": GatewayState.FAILED,
}
_STATE_EVENTS = {
    "sms:sent": (GatewayState.SENT, "sentAt"),
    "sms:delivered": (GatewayState.DELIVERED, "deliveredAt"),
    "sms:failed": (GatewayState.FAILED, "failedAt"),
    "sms:cancelled": (GatewayState.CANCELLED, "cancelledAt"),
}
FLAT_EVENT = "state"
"""The event of a report in the flat form, which names none."""
_PING = "system:ping"
_RECEIVED = "sms:received"


@dataclass(frozen=True, slots=True)
class PhoneHealth:
    """What a ping says of the phone; ``None`` where it says nothing."""

    battery_percent: float | None = None
    charging: bool | None = None
    connected: bool | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """One report, whatever its form.

    Attributes:
        event_id: the same for every repetition of this report.
        event: as the gateway names it; ``FLAT_EVENT`` for the flat form.
        message_id: of the message it is about; empty for events about no message of ours.
        state: ``None`` for events that move no message.
        phone: the recipient, as given; may be empty. With a wish, the sender.
        reason: of a failure.
        happened_at: aware, by the phone's clock; ``None`` if it does not say, or nonsense.
        health: of a ping.
        wish: what a guardian asked for, if that was one of the agreed words.
    """

    event_id: str
    event: str
    message_id: str = ""
    state: GatewayState | None = None
    phone: str = ""
    device_id: str = ""
    reason: str = ""
    happened_at: datetime | None = None
    health: PhoneHealth | None = None
    wish: Wish | None = None


def follows(before: str, after: GatewayState) -> bool:
    """Whether a message in state ``before`` moves on to ``after``; from no state, or a word that is none, to any."""
    return _RANK[after] > _RANK.get(before, 0)


def read_report(body: bytes, words: AnswerWords | None = None) -> Report:
    """The report in a request's body.

    What the message of a parent says (``sms:received``) is held against ``words`` and goes no further: nothing may keep
    it, nor the number of somebody who wrote anything else.

    Raises:
        BadInput: it is none.
    """
    fields = _object(body)
    return _enveloped(fields, words) if "event" in fields else _flat(fields)


def _object(body: bytes) -> dict[str, Any]:
    if not body.strip():
        raise BadInput("The body is empty. Send a report as JSON.")
    try:
        fields = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise BadInput("The body is no JSON.") from error
    if not isinstance(fields, dict):
        raise BadInput("The body is no JSON object.")
    return fields


def _flat(fields: Mapping[str, Any]) -> Report:
    message_id = _id(fields, "id")
    written = _text(fields, "state", LONGEST_ID)
    state = _STATE_WORDS.get(written.lower())
    if state is None:
        raise BadInput(f"'state' is none of {', '.join(GatewayState)}.")
    recipient, states = _only_recipient(fields), fields.get("states")
    times = {name: at for name, at in states.items() if isinstance(at, str)} if isinstance(states, dict) else {}
    return Report(
        event_id=f"{message_id} {state}",  # the space keeps it apart from every id of the gateway
        event=FLAT_EVENT,
        message_id=message_id,
        state=state,
        phone=_text(fields, "phoneNumber", LONGEST_PHONE) or _text(recipient, "phoneNumber", LONGEST_PHONE),
        device_id=_text(fields, "deviceId", LONGEST_ID),
        reason=_prose(fields, "error") or _prose(recipient, "error"),
        happened_at=_time(fields, "updatedAt") or _time(times, state),
    )


def _only_recipient(fields: Mapping[str, Any]) -> Mapping[str, Any]:
    """What the gateway's answer says of the one recipient that every message of ours has; empty if it does not.

    Servers forget a number after a while and give a hash of it instead.
    """
    recipients = fields.get("recipients")
    if not isinstance(recipients, list) or len(recipients) != 1 or not isinstance(recipients[0], dict):
        return {}
    return {**recipients[0], "phoneNumber": None} if fields.get("isHashed") else recipients[0]


def _enveloped(fields: Mapping[str, Any], words: AnswerWords | None) -> Report:
    event = _text(fields, "event", LONGEST_ID)
    if not _EVENT.fullmatch(event):
        raise BadInput("'event' is no name of an event, such as sms:delivered.")
    event_id, device_id = _id(fields, "id"), _text(fields, "deviceId", LONGEST_ID)
    payload = fields.get("payload")
    payload = {} if payload is None else payload
    if not isinstance(payload, dict):
        raise BadInput("'payload' is no JSON object.")
    if event == _PING:
        return Report(event_id, event, device_id=device_id, health=_health(payload))
    if event == _RECEIVED and words is not None:
        return _received(Report(event_id, event, device_id=device_id), payload, words)
    if event not in _STATE_EVENTS:
        return Report(event_id, event, device_id=device_id)
    state, time_key = _STATE_EVENTS[event]
    return Report(
        event_id=event_id,
        event=event,
        message_id=_id(payload, "messageId"),
        state=state,
        phone=_text(payload, "recipient", LONGEST_PHONE) or _text(payload, "phoneNumber", LONGEST_PHONE),
        device_id=device_id,
        reason=_prose(payload, "reason"),
        happened_at=_time(payload, time_key),
    )


def _received(report: Report, payload: Mapping[str, Any], words: AnswerWords) -> Report:
    """A message to the phone. Strangers write anything: what is odd about it is no fault of the report."""
    message = payload.get("message")
    wish = words.wish(message) if isinstance(message, str) else None
    sender = next((payload[key] for key in ("sender", "phoneNumber") if isinstance(payload.get(key), str)), "")
    if wish is None or not sender.isprintable() or len(sender) > LONGEST_PHONE:
        return report
    said_at = payload.get("receivedAt")
    at = _time(payload, "receivedAt") if isinstance(said_at, str) and "\0" not in said_at else None
    return replace(report, phone=sender, happened_at=at, wish=wish)


def _id(fields: Mapping[str, Any], key: str) -> str:
    text = _text(fields, key, LONGEST_ID)
    if not text or " " in text:
        raise BadInput(f"{key!r} is missing, or has spaces.")
    return text


def _text(fields: Mapping[str, Any], key: str, longest: int) -> str:
    """A short text; empty when the key is missing or null."""
    text = _written(fields, key)
    if len(text) > longest:
        raise BadInput(f"{key!r} is longer than {longest} characters.")
    if not text.isprintable():
        raise BadInput(f"{key!r} has characters that cannot be printed.")
    return text


def _prose(fields: Mapping[str, Any], key: str) -> str:
    """A sentence, on one line and cut to size."""
    text = " ".join(_written(fields, key).split())
    return "".join(letter for letter in text if letter.isprintable())[:LONGEST_REASON]


def _written(fields: Mapping[str, Any], key: str) -> str:
    value = fields.get(key)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise BadInput(f"{key!r} is no text.")
    if "\0" in value:
        raise BadInput(f"{key!r} has a NUL character.")
    return value


def _time(fields: Mapping[str, Any], key: str) -> datetime | None:
    """A phone with a broken clock still knows that it has sent: its time is left out, not its report."""
    try:
        at = datetime.fromisoformat(_written(fields, key))
    except ValueError:
        return None
    return at if at.tzinfo is not None and at.year in _PLAUSIBLE_YEARS else None


def _health(payload: Mapping[str, Any]) -> PhoneHealth:
    """The checks of ``application/health+json`` that are known; whatever else stands there is left alone."""
    health = payload.get("health")
    checks = health.get("checks") if isinstance(health, dict) else None
    known = checks if isinstance(checks, dict) else {}
    battery, power, online = (
        _observed(known.get(name)) for name in ("battery:level", "battery:charging", "connection:status")
    )
    return PhoneHealth(
        battery_percent=battery if battery is not None and 0 <= battery <= 100 else None,
        charging=None if power is None else power != 0,  # the value tells mains, USB and cordless apart
        connected=None if online is None else online != 0,
    )


def _observed(check: object) -> float | None:
    value = check.get("observedValue") if isinstance(check, dict) else None
    if not isinstance(value, int | float) or not abs(value) <= _LARGEST_OBSERVED:
        return None
    return float(value)
