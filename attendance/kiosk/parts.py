"""A part of the gate, for whoever starts, ends and watches them all."""

from collections.abc import Callable
from dataclasses import dataclass

from attendance.ops.service import Service

DEADLINE_S = 60.0
"""Longer than any step of a part that works: the slowest waits 30 s for the database."""


def nothing() -> None:
    """The start of what is there from the beginning."""


def ended(timeout_s: float) -> bool:
    """The stop of what another part stops, or what needs none."""
    return True


@dataclass(frozen=True, slots=True)
class Part:
    """Something that starts and ends.

    Attributes:
        stop: ends it, within seconds; whether it did.
        beat_boot_ns: when it last showed life, in boot time; it must every ``deadline_s``. ``None``: nobody minds.
        service: its thread, if health is to tell whether that works.
    """

    name: str
    start: Callable[[], object]
    stop: Callable[[float], bool] = ended
    deadline_s: float = DEADLINE_S
    beat_boot_ns: Callable[[], int] | None = None
    service: Service | None = None


def of_service(
    service: Service,
    *,
    start: Callable[[], object] | None = None,
    stop: Callable[[float], bool] | None = None,
    deadline_s: float = DEADLINE_S,
    switched_on: bool = True,
) -> Part:
    """The part that is, or has, one thread.

    Args:
        start, stop: where there is more to it than the thread.
        switched_on: otherwise the thread is not started, and nobody minds.
    """
    return Part(
        service.name,
        start or service.start,
        stop or service.stop,
        deadline_s,
        (lambda: service.state.beat_boot_ns) if switched_on else None,
        service if switched_on else None,
    )
