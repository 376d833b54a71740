"""How the pages write times, amounts and states."""

from collections.abc import Mapping
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from flask import Blueprint
from markupsafe import Markup, escape

from attendance.access.identity import Role
from attendance.clock import Clock
from attendance.fleet.sight import Passage
from attendance.fleet.watch import CLOCK_OFF_S, ITEMS_REFUSED

STATE_WORDS: Mapping[str, str] = {"ok": "In order", "warning": "Warning", "error": "Error", "silent": "Silent"}
SEVERITY_WORDS: Mapping[str, str] = {"error": "Error:", "warning": "Warning:", "notice": "Notice:", "ok": ""}
ROLE_WORDS: Mapping[Role, str] = {
    Role.VIEWER: "sees gates and numbers",
    Role.OFFICE: "also names, and gives commands",
    Role.ADMIN: "also invites gates and people",
}
UNKNOWN = "–"


def teach(blueprint: Blueprint, clock: Clock) -> None:
    """Give the blueprint's templates these words."""

    def local(at: datetime, zone: str) -> str:
        """The time of day; with the day if it is another one."""
        here, today = at.astimezone(ZoneInfo(zone)), clock.now().at.astimezone(ZoneInfo(zone))
        if here.date() == today.date():
            return f"{here:%H:%M}"
        return f"{here.day} {here:%b %H:%M}" if here.year == today.year else f"{here.day} {here:%b %Y}"

    for name, function in {
        "local": local,
        "utc": utc,
        "duration": duration,
        "percent": percent,
        "celsius": celsius,
        "count_of": count_of,
        "bar": bar,
        "with_code": with_code,
    }.items():
        blueprint.add_app_template_filter(function, name)  # type: ignore[arg-type]
    blueprint.app_context_processor(
        lambda: {
            "STATE_WORDS": STATE_WORDS,
            "SEVERITY_WORDS": SEVERITY_WORDS,
            "ROLE_WORDS": ROLE_WORDS,
            "ROLES": list(Role),
            "CLOCK_OFF_S": CLOCK_OFF_S,
            "REFUSED_CODE": ITEMS_REFUSED.code,
        }
    )


def utc(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def duration(seconds: float) -> str:
    """To one unit, as ``40 s``, ``12 min``, ``3 h``, ``5 days``."""
    for limit, unit, word in ((90, 1, "s"), (120 * 60, 60, "min"), (48 * 3600, 3600, "h")):
        if seconds < limit:
            return f"{seconds / unit:.0f} {word}"
    return f"{seconds / 86_400:.0f} days"


def percent(value: float | None) -> str:
    return UNKNOWN if value is None else f"{value:.0f} %"


def celsius(value: float | None) -> str:
    return UNKNOWN if value is None else f"{value:.0f} °C"


def count_of(value: int) -> str:
    return f"{value:,}"


def with_code(text: str) -> Markup:
    """What stands between backquotes as code."""
    parts = str(escape(text)).split("`")
    return Markup("".join(f"<code>{part}</code>" if place % 2 else part for place, part in enumerate(parts)))


def bar(passage: Passage, width: int) -> str:
    """How much of the usual has passed, as a width; all of it when nothing was to be expected."""
    share = 1.0 if not passage.usual or passage.today >= passage.usual else passage.today / passage.usual
    return f"{share * width:.1f}"
