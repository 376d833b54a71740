"""Days without classes."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum


class ClosureKind(StrEnum):
    HOLIDAY = "holiday"
    SUSPENSION = "suspension"


@dataclass(frozen=True, slots=True)
class Closure:
    """A span of days without classes, both ends included; ``session`` limits it to one session, empty means all."""

    first_day: date
    last_day: date
    kind: ClosureKind
    name: str
    session: str = ""


def closure_on(closures: Iterable[Closure], day: date, session: str) -> Closure | None:
    """The first closure that covers ``session`` on ``day``."""
    return next(
        (c for c in closures if c.first_day <= day <= c.last_day and c.session in ("", session)),
        None,
    )
