"""What is wrong with a gate, as seen from the centre: what it says of itself, and what only the centre can see."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, get_args

from attendance.ops.health import Problem, Severity, gravest_first

SILENT_S = 300.0
"""Gates call every minute: five missed calls are no bad moment of the network."""
BUSY_SCANS = 20
"""Scans of a neighbour in ``RECENT_S`` with which a gate that has none is worth a look."""
RECENT_S = 900.0
"""A class is through the gate in a quarter of an hour."""
USUAL_SHARE = 0.1
"""A gate that few pass at this time is not compared with its neighbours."""
QUEUE_OLD_S = 900.0
QUEUE_STUCK_S = 86_400.0
CLOCK_OFF_S = 30.0
"""More than any answer takes, and little enough that nobody is late who was not."""
MOST_TOLD = 50
"""Problems that one gate tells of which are listed."""
LONGEST_TOLD = 500

NEVER_HEARD = Problem(
    "gate-never-heard",
    "warning",
    "The gate was enrolled and has not called since.",
    "Start it, and look at `attendance sync status` there.",
)
SILENT = Problem(
    "gate-unheard",
    "warning",
    "Nothing has been heard from the gate for {minutes:.0f} minutes, nor from its neighbours.",
    "Look at the school's internet connection and its power. Scans are kept at the gate meanwhile.",
)
SILENT_ALONE = Problem(
    "gate-unheard-alone",
    "error",
    "Nothing has been heard from the gate for {minutes:.0f} minutes, while its neighbours call.",
    "Go there: look at its power, its network cable and its screen.",
)
IDLE = Problem(
    "gate-idle",
    "error",
    "The gate calls, but nobody has passed for {minutes:.0f} minutes, while a neighbour had {scans} scans.",
    "Hold up a card at it. If nothing happens, clean the lens, look at the light and restart it.",
)
QUEUE_OLD = Problem(
    "gate-queue-old",
    "warning",
    "{items} records wait at the gate, the oldest for {minutes:.0f} minutes.",
    "They come by themselves while the gate calls. If the number grows, look at `attendance sync status` there.",
)
QUEUE_STUCK = Problem(
    "gate-queue-stuck",
    "error",
    "{items} records wait at the gate, the oldest for {days:.0f} days.",
    "Run `attendance sync status` and `attendance doctor` at the gate. Its records are not lost.",
)
CLOCK_OFF = Problem(
    "gate-clock-off",
    "error",
    "The gate's clock is {seconds:.0f} s off.",
    "Connect the gate to a network with a time server, or set its clock.",
)
VERSION_BEHIND = Problem(
    "gate-version-behind",
    "notice",
    "The gate runs version {version}; others run {newest}.",
    "Update it when nobody needs it: `attendance upgrade` at the gate.",
)
CHAIN_BROKEN = Problem(
    "gate-chain-broken",
    "error",
    "The gate's scans do not follow from one another at number {number}: some were changed or replaced.",
    "Keep the gate's database and its backups as they are, and find out who had access to it.",
)
SCANS_MISSING = Problem(
    "gate-scans-missing",
    "warning",
    "{missing} scans of the gate are not here, although it has none left to send.",
    "Run `attendance sync status` at the gate. If they stay away, restore its newest backup beside it and compare.",
)
ITEMS_REFUSED = Problem(
    "gate-items-refused",
    "warning",
    "{count} records of the gate could not be taken.",
    "Look at them with `attendance fleet dead-letters list`.",
)


@dataclass(frozen=True, slots=True)
class Neighbours:
    """The school's other gates.

    Attributes:
        calling: how many of them have called within ``SILENT_S``.
        busiest_scans: the most scans that one of them had in ``RECENT_S``.
        busiest_usual: how many that one usually has at this time; ``None``: not known.
    """

    calling: int = 0
    busiest_scans: int = 0
    busiest_usual: float | None = None


@dataclass(frozen=True, slots=True)
class GateFacts:
    """What the centre knows of a gate; times are aware UTC by the centre's clock.

    Attributes:
        called_at: last heartbeat; ``None``: there was none.
        clock_off_s: what the gate's clock said then, less what the centre's did.
        health: what the gate's own ``/health`` said then.
        oldest_s: how long the oldest record has waited there.
        scans, usual_scans: in the last ``RECENT_S``, and at this time on other such days (``None``: not known).
        missing: scans that the gate has by its own word and the centre has not.
        broken_at: first number at which the chain of one of its epochs does not hold.
        refused: its records among the dead letters that nobody has looked at.
    """

    called_at: datetime | None
    clock_off_s: float = 0.0
    clock_trusted: bool = True
    version: str = ""
    health: Mapping[str, Any] = field(default_factory=dict)
    queue_items: int = 0
    oldest_s: float = 0.0
    scans: int = 0
    usual_scans: float | None = None
    missing: int = 0
    broken_at: int | None = None
    refused: int = 0
    neighbours: Neighbours = Neighbours()


def problems(gate: GateFacts, now: datetime, newest_version: str = "") -> tuple[Problem, ...]:
    """Everything that is wrong with a gate, the gravest first.

    Args:
        newest_version: that any gate of the fleet runs.
    """
    found = [*_contact(gate, now), *_records(gate), *_version(gate, newest_version)]
    if not silent(gate, now):
        found += [*_flow(gate), *_queue(gate), *_clock(gate), *told(gate.health)]
    return gravest_first(found)


def silent(gate: GateFacts, now: datetime) -> bool:
    """Whether the gate has missed its calls, so that what it said last may no longer hold."""
    return gate.called_at is None or (now - gate.called_at).total_seconds() > SILENT_S


def told(health: Mapping[str, Any]) -> Iterator[Problem]:
    """The problems in a gate's own ``/health``; what is none is passed over, another version may have written it."""
    listed = health.get("problems")
    for each in listed[:MOST_TOLD] if isinstance(listed, list) else ():
        if not isinstance(each, dict):
            continue
        code, text, remedy = (str(each.get(name, ""))[:LONGEST_TOLD] for name in ("code", "text", "remedy"))
        severity: Severity | None = each.get("severity") if each.get("severity") in get_args(Severity) else None
        if severity and code and text:
            yield Problem(code, severity, text, remedy)


def _contact(gate: GateFacts, now: datetime) -> Iterator[Problem]:
    if gate.called_at is None:
        yield NEVER_HEARD
    elif silent(gate, now):
        minutes = (now - gate.called_at).total_seconds() / 60
        yield (SILENT_ALONE if gate.neighbours.calling else SILENT).said(minutes=minutes)


def _flow(gate: GateFacts) -> Iterator[Problem]:
    near = gate.neighbours
    rarely = gate.usual_scans is not None and gate.usual_scans < USUAL_SHARE * (near.busiest_usual or BUSY_SCANS)
    if gate.scans == 0 and near.busiest_scans >= BUSY_SCANS and not rarely:
        yield IDLE.said(minutes=RECENT_S / 60, scans=near.busiest_scans)


def _queue(gate: GateFacts) -> Iterator[Problem]:
    if gate.queue_items and gate.oldest_s > QUEUE_STUCK_S:
        yield QUEUE_STUCK.said(items=gate.queue_items, days=gate.oldest_s / 86_400)
    elif gate.queue_items and gate.oldest_s > QUEUE_OLD_S:
        yield QUEUE_OLD.said(items=gate.queue_items, minutes=gate.oldest_s / 60)


def _clock(gate: GateFacts) -> Iterator[Problem]:
    # a clock that the gate itself does not trust is among the problems that it tells
    if gate.clock_trusted and abs(gate.clock_off_s) > CLOCK_OFF_S:
        yield CLOCK_OFF.said(seconds=gate.clock_off_s)


def _records(gate: GateFacts) -> Iterator[Problem]:
    if gate.broken_at is not None:
        yield CHAIN_BROKEN.said(number=gate.broken_at)
    if gate.missing and not gate.queue_items:
        yield SCANS_MISSING.said(missing=gate.missing)
    if gate.refused:
        yield ITEMS_REFUSED.said(count=gate.refused)


def _version(gate: GateFacts, newest: str) -> Iterator[Problem]:
    if gate.version and newest and _parts(gate.version) < _parts(newest):
        yield VERSION_BEHIND.said(version=gate.version, newest=newest)


def newest(versions: Sequence[str]) -> str:
    """The newest of the versions that gates run; empty if none is known."""
    return max(versions, key=_parts, default="")


def _parts(version: str) -> tuple[int, ...]:
    """``1.10.2`` is newer than ``1.9``; what is no number counts as 0."""
    return tuple(int(part) if part.isdigit() and len(part) < 10 else 0 for part in version.split("."))
