"""Settings of the place: the school, this device, its cards, its clock and the day's classes."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, GetJsonSchemaHandler, field_validator, model_serializer, model_validator
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from attendance.config.values import (
    DeviceId,
    FilePath,
    PhoneRegion,
    Section,
    Switch,
    TimeOfDay,
    TimeZone,
    Whole,
    required,
    setting,
)

Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
WEEKDAYS: tuple[Weekday, ...] = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
CLASS_SUFFIX = "_class"
CLASSES_ALIAS = "*_class"
"""Where the classes of a file are gathered for validation; no key that a person could mean."""


class School(Section):
    """The school that the gate belongs to."""

    name: str = setting("School", "Name on cards, screens and messages.", "Neutral.", min_length=1, max_length=200)
    id: str = setting("", "The school's official number, for forms.", "Only the school knows.", max_length=64)
    timezone: TimeZone = setting(
        "Asia/Manila", "Time zone that decides the day.", "The system was made for the Philippines."
    )
    phone_region: PhoneRegion = setting("PH", "Country of phone numbers written without +63.", "As the time zone.")
    gates: Whole = setting(1, "How many gates the school has.", "A second gate is the exception.", ge=1, le=100)


class Location(Section):
    """Where the device hangs."""

    building: str = setting("", "Building.", "Only the school knows.")
    floor: str = setting("", "Floor.", "Only the school knows.")
    room: str = setting("", "Room.", "Only the school knows.")
    description: str = setting("", "Anything else that helps to find it.", "Only the school knows.")


class Device(Section):
    """This gate."""

    device_id: DeviceId = setting("gate-1", "Name of the gate in every record; unique in the school.", "One gate.")
    device_name: str = setting("Gate 1", "Name of the gate for people.", "One gate.", max_length=200)
    location: Location = setting(Location, "Where the device hangs.", "Only the school knows.")
    direction: Literal["in", "out", "both"] = setting("both", "What the gate is for.", "Most schools have one gate.")


class Cards(Section):
    """The cards the gate believes."""

    key: FilePath = setting("data/cards.key", "File with the school's signing keys.", "Secret, so kept with the data.")
    require_signature: Switch = setting(False, "Refuse plain cards once signed ones exist.", "Cards in use are plain.")


class ClockTrust(Section):
    """How far the machine's clock is believed."""

    trust_rtc: Switch | None = setting(
        None,
        "Whether a battery-backed clock chip makes the time trusted without network time; null: by the board.",
        "Right for PCs (yes) and for a Raspberry Pi, whose chip usually has no battery (no).",
    )


class ClassTimes(Section):
    """One class session. Any times are legal: of no length, overlapping, past midnight."""

    start_time: TimeOfDay = required("When lessons begin.")
    end_time: TimeOfDay = required("When lessons end.")
    login_window_start: TimeOfDay = required("From when an arrival counts.")
    login_window_end: TimeOfDay = required("When the arrival window closes.")
    logout_window_start: TimeOfDay = required("From when a departure counts.")
    logout_window_end: TimeOfDay = required("When the departure window closes.")
    late_threshold_minutes: Whole = setting(
        15, "Minutes after the start from which an arrival is late.", "Documented default.", ge=0, le=1440
    )


def _class_times(start: str, end: str, login: tuple[str, str], logout: tuple[str, str]) -> dict[str, Any]:
    windows = dict(zip(("login_window_start", "login_window_end"), login, strict=True))
    windows |= dict(zip(("logout_window_start", "logout_window_end"), logout, strict=True))
    return {"start_time": start, "end_time": end, **windows, "late_threshold_minutes": 15}


DEFAULT_CLASSES: Mapping[str, dict[str, Any]] = {
    "morning": _class_times("07:00", "12:00", ("06:30", "07:30"), ("11:30", "12:30")),
    "afternoon": _class_times("13:00", "17:00", ("12:30", "13:30"), ("16:30", "17:30")),
}
"""The documented day of two sessions."""


def _default_sessions() -> dict[str, ClassTimes]:
    return {name: ClassTimes.model_validate(times) for name, times in DEFAULT_CLASSES.items()}


class SchoolSchedule(Section):
    """The school's day. In a file each class is a key of its own (``morning_class``); here they are ``sessions``."""

    weekdays: tuple[Weekday, ...] = setting(
        WEEKDAYS, "Days with classes.", "A scan on a day nobody thought of is better kept than refused.", min_length=1
    )
    sessions: dict[Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,30}$")], ClassTimes] = Field(
        default_factory=_default_sessions, validation_alias=CLASSES_ALIAS, min_length=1
    )
    allow_early_arrival: Switch = setting(
        True, "Whether arrivals before the login window count.", "Documented default."
    )
    early_arrival_minutes: Whole = setting(
        60, "Minutes before the login window from which they count.", "Schools open an hour before.", ge=0, le=1440
    )
    require_logout: Switch = setting(True, "Whether a missing departure is worth a report.", "Documented default.")
    duplicate_scan_cooldown_minutes: Whole = setting(
        5, "Minutes in which a second scan of a student is a duplicate.", "Documented default.", ge=0, le=1440
    )

    @model_validator(mode="before")
    @classmethod
    def _gather_classes(cls, values: object) -> object:
        """Put every ``…_class`` under one key, in the order of the file; the documented two if it says nothing else."""
        if not isinstance(values, dict):
            return values
        named = {key.removesuffix(CLASS_SUFFIX): times for key, times in values.items() if key.endswith(CLASS_SUFFIX)}
        classes = {}
        for name, times in (named | {name: {} for name in DEFAULT_CLASSES if name not in named}).items():
            if times is not None:
                classes[name] = DEFAULT_CLASSES.get(name, {}) | times if isinstance(times, dict) else times
        rest = {key: value for key, value in values.items() if not key.endswith(CLASS_SUFFIX)}
        return rest | {CLASSES_ALIAS: classes}

    @field_validator("weekdays", mode="before")
    @classmethod
    def _any_case(cls, value: object) -> object:
        if isinstance(value, list | tuple):
            return [day.strip().lower() if isinstance(day, str) else day for day in value]
        return value

    @model_serializer(mode="wrap")
    def _spread_classes(self, serialise: Any) -> dict[str, Any]:
        values: dict[str, Any] = serialise(self)
        classes = {name + CLASS_SUFFIX: times for name, times in values.pop("sessions").items()}
        return values | classes

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """The schema of the file's form: a key for each class."""
        described = handler.resolve_ref_schema(handler(schema))
        [one] = described["properties"].pop(CLASSES_ALIAS)["patternProperties"].values()
        classes = {
            name + CLASS_SUFFIX: {"anyOf": [one, {"type": "null"}], "default": times}
            for name, times in DEFAULT_CLASSES.items()
        }
        described["properties"] |= classes
        described["patternProperties"] = {"^[a-z][a-z0-9_]{0,30}_class$": {"anyOf": [one, {"type": "null"}]}}
        return described
