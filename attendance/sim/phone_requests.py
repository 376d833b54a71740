"""What a request to send says, checked as SMS-Gate checks it.

Source: ``PostMessageRequest.kt`` of capcom6/android-sms-gateway and ``domain_messages.go`` of its client-go.
"""

import base64
import binascii
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from attendance.errors import BadInput

LONGEST_ID = 36
MOST_RECIPIENTS = 100
_LONGEST_TEXT = 65_535
_LONGEST_PHONE = 512
_LEAST_TTL_S = 5
_SEPARATORS = str.maketrans("", "", " -()./")
_E164 = re.compile(r"\+[1-9][0-9]{6,14}")
_KINDS = ("textMessage", "dataMessage", "message")


@dataclass(frozen=True, slots=True)
class SendRequest:
    """One message to one or more phones.

    Attributes:
        message_id: of the client's choice; empty: the phone chooses one.
        text: of a data message, what stands for it on a screen.
        is_text: not a data message, which is always one part.
        phones: E.164, unless the client asked not to look.
        valid_until, schedule_at: aware.
        priority: -128 to 127.
    """

    message_id: str
    text: str
    phones: tuple[str, ...]
    is_text: bool = True
    sim_number: int | None = None
    with_delivery_report: bool = True
    valid_until: datetime | None = None
    schedule_at: datetime | None = None
    priority: int = 0
    is_encrypted: bool = False


def read_request(body: bytes, now: datetime, device_id: str, *, skip_phone_validation: bool = False) -> SendRequest:
    """The request in a body.

    Args:
        now: of the phone's clock, aware.
        device_id: of this phone: it takes nothing for another one.

    Raises:
        BadInput: the phone would answer 400.
    """
    fields = read_object(body)
    message_id = _text(fields, "id", LONGEST_ID)
    if _text(fields, "deviceId", 64) not in ("", device_id):
        raise BadInput("Invalid device ID")
    encrypted = _flag(fields, "isEncrypted", False)
    valid_until = _valid_until(fields, now)
    schedule_at = _moment(fields, "scheduleAt")
    if schedule_at is not None and schedule_at <= now:
        raise BadInput("scheduleAt must be in the future")
    if schedule_at is not None and valid_until is not None and schedule_at > valid_until:
        raise BadInput("scheduleAt must not be after validUntil")
    text = _content(fields)
    return SendRequest(
        message_id=message_id,
        text=text,
        phones=_phones(fields, skip_phone_validation or encrypted),
        is_text=fields.get("dataMessage") is None,
        sim_number=_whole(fields, "simNumber", 1, 3),
        with_delivery_report=_flag(fields, "withDeliveryReport", True),
        valid_until=valid_until,
        schedule_at=schedule_at,
        priority=_whole(fields, "priority", -128, 127) or 0,
        is_encrypted=encrypted,
    )


def read_object(body: bytes) -> dict[str, Any]:
    """The JSON object in a body.

    Raises:
        BadInput: there is none.
    """
    try:
        fields = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise BadInput("The body is no JSON.") from error
    if not isinstance(fields, dict):
        raise BadInput("The body is no JSON object.")
    return fields


def _content(fields: Mapping[str, Any]) -> str:
    given = [kind for kind in _KINDS if fields.get(kind) is not None]
    if not given:
        raise BadInput("Must specify exactly one of: textMessage, dataMessage, or message")
    if len(given) > 1:
        raise BadInput("Cannot specify multiple message types simultaneously")
    content = fields[given[0]]
    if given[0] == "message":
        return _sayable(content)
    if not isinstance(content, dict):
        raise BadInput(f"{given[0]} is no JSON object")
    return _sayable(content.get("text")) if given[0] == "textMessage" else _data(content)


def _sayable(text: object) -> str:
    if not isinstance(text, str) or not text:
        raise BadInput("Text message is empty")
    if len(text) > _LONGEST_TEXT:
        raise BadInput(f"Text message is longer than {_LONGEST_TEXT} characters")
    return text


def _data(content: Mapping[str, Any]) -> str:
    port, data = _whole(content, "port", 0, 65_535), content.get("data")
    if port is None:
        raise BadInput("Port must be between 0 and 65535")
    if not isinstance(data, str) or not data:
        raise BadInput("Data message cannot be empty")
    try:
        size = len(base64.b64decode(data, validate=True))
    except (binascii.Error, ValueError) as error:
        raise BadInput("Data message is no base64") from error
    return f"[{size} bytes for port {port}]"


def _phones(fields: Mapping[str, Any], unchecked: bool) -> tuple[str, ...]:
    given = fields.get("phoneNumbers")
    if not isinstance(given, list) or not 1 <= len(given) <= MOST_RECIPIENTS:
        raise BadInput(f"phoneNumbers must be a list of 1 to {MOST_RECIPIENTS}")
    return tuple(_phone(each, unchecked) for each in given)


def _phone(given: object, unchecked: bool) -> str:
    if not isinstance(given, str) or not 1 <= len(given) <= _LONGEST_PHONE:
        raise BadInput("phoneNumbers has an entry that is no text")
    if unchecked:
        return given
    phone = given.translate(_SEPARATORS)
    if not _E164.fullmatch(phone):
        raise BadInput("phoneNumbers has an entry that is no phone number, as +639171234567")
    return phone


def _valid_until(fields: Mapping[str, Any], now: datetime) -> datetime | None:
    ttl_s, until = fields.get("ttl"), _moment(fields, "validUntil")
    if ttl_s is not None and until is not None:
        raise BadInput("fields conflict: ttl and validUntil")
    if ttl_s is not None:
        longest_s = round(timedelta(days=3650).total_seconds())
        return now + timedelta(seconds=_whole(fields, "ttl", _LEAST_TTL_S, longest_s) or 0)
    if until is not None and until < now:
        raise BadInput("message already expired")
    return until


def _moment(fields: Mapping[str, Any], key: str) -> datetime | None:
    value = fields.get(key)
    if value is None:
        return None
    try:
        at = datetime.fromisoformat(value)
    except (TypeError, ValueError) as error:
        raise BadInput(f"{key} is no time, as 2026-06-08T07:00:00+08:00") from error
    if at.tzinfo is None:
        raise BadInput(f"{key} has no offset")
    return at


def _text(fields: Mapping[str, Any], key: str, longest: int) -> str:
    value = fields.get(key)
    if value is None:
        return ""
    if not isinstance(value, str) or len(value) > longest:
        raise BadInput(f"{key} must be a text of at most {longest} characters")
    return value


def _whole(fields: Mapping[str, Any], key: str, least: int, most: int) -> int | None:
    value = fields.get(key)
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise BadInput(f"{key} must be a whole number from {least} to {most}")
    return value


def _flag(fields: Mapping[str, Any], key: str, default: bool) -> bool:
    value = fields.get(key)
    if value is None:
        return default
    if not isinstance(value, bool):
        raise BadInput(f"{key} must be true or false")
    return value
