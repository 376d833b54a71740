"""The kinds of values a setting can have, each reading what people write and refusing the rest.

Environment variables and ``${NAME}`` placeholders give text only, so numbers and switches are also read from text.
"""

import ipaddress
import re
import zoneinfo
from datetime import time
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, WithJsonSchema

_SWITCH_WORDS = {
    **dict.fromkeys(("true", "yes", "on", "1"), True),
    **dict.fromkeys(("false", "no", "off", "0"), False),
}
_TIME = re.compile(r"([01]?[0-9]|2[0-3]):([0-5][0-9])(?::([0-5][0-9]))?")


class Section(BaseModel):
    """One object of the configuration: cannot be changed, knows all its keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, hide_input_in_errors=True)


def setting(default: Any, what: str, why: str, **bounds: Any) -> Any:
    """One key of a section.

    Args:
        what: what it does, with its unit.
        why: the reason for this default.
        bounds: pydantic's constraints (``ge``, ``le``, ``min_length``, …).
    """
    if callable(default):
        return Field(default_factory=default, description=what, json_schema_extra={"why": why}, **bounds)
    return Field(default, description=what, json_schema_extra={"why": why}, **bounds)


def required(what: str) -> Any:
    """One key that has no default."""
    return Field(description=what, json_schema_extra={"why": "Only the school knows."})


def switch(value: object) -> bool:
    """What a switch says. The text "false" is false: plain truth of the text would take it for true.

    Raises:
        ValueError: it says neither.
    """
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.strip().lower() in _SWITCH_WORDS:
        return _SWITCH_WORDS[value.strip().lower()]
    raise ValueError("neither true nor false")


def _no_switch(value: object) -> object:
    if isinstance(value, bool):
        raise ValueError("a switch is no number")
    return value


def _without_point(value: float) -> int | float:
    """30 rather than 30.0, as people write it."""
    return int(value) if value == int(value) else value


def _time_of_day(value: object) -> time:
    parts = _TIME.fullmatch(value.strip()) if isinstance(value, str) else None
    if parts is None:
        raise ValueError("no time of day")
    return time(int(parts[1]), int(parts[2]), int(parts[3] or 0))


def _time_text(value: time) -> str:
    return value.strftime("%H:%M:%S" if value.second else "%H:%M")


def _zone(value: str) -> str:
    try:
        zoneinfo.ZoneInfo(value)
    except (zoneinfo.ZoneInfoNotFoundError, OSError) as error:
        raise ValueError("no such time zone") from error
    return value


def _region(value: str) -> str:
    from phonenumbers import SUPPORTED_REGIONS  # here, because only this one check of the whole file needs it

    if value not in SUPPORTED_REGIONS:
        raise ValueError("no such region")
    return value


def _network(value: str) -> str:
    ipaddress.ip_network(value, strict=False)
    return value


def _text(allowed: str, pattern: str) -> Any:
    return Field(pattern=pattern, json_schema_extra={"allowed": allowed})


def _allowed(schema_type: str, allowed: str) -> WithJsonSchema:
    return WithJsonSchema({"type": schema_type, "allowed": allowed})


_NO_SWITCH = BeforeValidator(_no_switch)
_AS_WRITTEN = PlainSerializer(_without_point, return_type=int | float, when_used="json")

Switch = Annotated[bool, BeforeValidator(switch), WithJsonSchema({"type": "boolean"})]
Whole = Annotated[int, _NO_SWITCH]
Number = Annotated[float, _NO_SWITCH, _AS_WRITTEN]
TimeOfDay = Annotated[
    time,
    BeforeValidator(_time_of_day),
    PlainSerializer(_time_text, return_type=str),
    _allowed("string", "a time of day in quotes, 00:00 to 23:59, as 07:30"),
]
TimeZone = Annotated[str, AfterValidator(_zone), _allowed("string", "an IANA time zone, as Asia/Manila")]
PhoneRegion = Annotated[
    str, AfterValidator(_region), _allowed("string", "a country's two capital letters, as PH or GB")
]
Network = Annotated[str, AfterValidator(_network), _allowed("string", "an IP address or network, as 192.168.1.0/24")]
Secret = Annotated[str, Field(repr=False, json_schema_extra={"secret": True})]
FilePath = Annotated[str, _text("a path", r"^[^\x00]+$")]
OptionalPath = Annotated[str, _text("a path, or empty", r"^[^\x00]*$")]
Host = Annotated[str, _text("a host name or IP address", r"^[A-Za-z0-9._:\-]+$")]
DeviceId = Annotated[
    str, _text("1 to 64 letters, digits and . _ : - (first a letter or digit)", r"^[A-Za-z0-9][A-Za-z0-9._:\-]{0,63}$")
]
Port = Annotated[int, Field(ge=1, le=65535), _NO_SWITCH]
GpioPin = Annotated[int, Field(ge=0, le=27), _NO_SWITCH]
Percent = Annotated[int, Field(ge=1, le=99), _NO_SWITCH]
"""More than nothing, less than everything."""
Milliseconds = Annotated[int, Field(ge=1, le=10_000), _NO_SWITCH]
ColourPart = Annotated[int, Field(ge=0, le=255), _NO_SWITCH]
