"""What a gate asks the centre and what that answers, request by request; the items themselves are in ``wire``.

Everything is under ``/api/v1``. Whoever reads ignores keys that it does not know.
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, SkipValidation

from attendance.domain import wire

LARGEST_PAGE = 1000
"""Entries of one answer to ``/changes`` or ``/scans``."""
LARGEST_LOG_BYTES = 2 * 1024 * 1024
"""Of the packed logs that answer the command ``logs``."""
MOST_HEADS = 200
"""A device begins a new epoch when its data is restored: a handful in its life."""
MOST_RESULTS = 100
"""Results of commands in one heartbeat; the rest come with the next."""
MOST_WINDOWS = 200
"""Windows of a heartbeat: those of the last days."""


class _Said(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class ErrorText(_Said):
    """``code`` is for programs: lower case words with hyphens. ``message`` says what failed and what to do."""

    code: str
    message: str


class Failed(_Said):
    """Every answer that is none of the promised ones."""

    error: ErrorText


class Versions(_Said):
    """Up to which version there is something to fetch from ``/changes`` and ``/scans``."""

    changes: wire.Total
    scans: wire.Total


class Enrol(_Said):
    """A gate that has no key at the centre yet.

    Attributes:
        code: one-time, from ``attendance fleet invite``; spaces, hyphens and case do not matter.
        key_hash: ``wire.key_hash`` of the token that the gate made and keeps.
        device_id: the gate's configured name for itself.
        model: of the board.
    """

    code: Annotated[str, Field(min_length=1, max_length=64)]
    key_hash: wire.Digest
    device_id: Annotated[wire.Name, Field(min_length=1)]
    device_name: wire.Name = ""
    version: wire.Name = ""
    model: wire.Name = ""


class Enrolled(_Said):
    """``students_wanted``: the centre knows no students of the school yet, the gate's are welcome."""

    gate_id: wire.Id
    school_id: wire.Id
    school: str
    timezone: str
    gate_name: str
    students_wanted: bool


class Sync(_Said):
    """A batch. Each item is judged alone, so that one that is wrong holds up no other."""

    items: Annotated[list[SkipValidation[wire.Item]], Field(max_length=wire.LARGEST_BATCH)]


class Synced(_Said):
    """``results`` stand in the order of the items; ``heads`` are those of the devices and epochs in the batch."""

    results: list[wire.ItemResult]
    heads: list[wire.Head]
    versions: Versions


class Queue(_Said):
    """What waits at the gate to be sent; ``oldest_seconds`` is 0 when nothing does."""

    items: wire.Count
    oldest_seconds: Annotated[float, Field(ge=0, le=1e10, allow_inf_nan=False)]
    photos: wire.Count


class Tip(_Said):
    """The last scan of one epoch as the gate has it."""

    device_id: wire.Name
    epoch: wire.Word
    last_seq: wire.Total
    chain: wire.Digest | Literal[""] = ""


class CommandResult(_Said):
    """``detail`` is for the person who gave the command."""

    command_id: wire.Id
    state: Literal["done", "failed", "refused"]
    detail: Annotated[str, Field(max_length=1000)] = ""


class Window(_Said):
    """What a gate knows of itself in the time that counts for a session on a day.

    Attributes:
        kind: of arrivals that is the login window and the time until absences are told; of departures all from the
            day's first arrivals until missing ones are told.
        complete: the gate provably worked throughout.
    """

    day: wire.Day
    session: wire.Name
    kind: Literal["arrival", "departure"] = "arrival"
    complete: wire.Truth


class Heartbeat(_Said):
    """How a gate is, and what it has done of what it was told.

    Attributes:
        health: what the gate's ``/health`` says, whole.
        applied: up to which versions it has taken changes and scans.
    """

    sent_at: wire.Time
    boot_id: wire.Word
    boot_ns: wire.Nanoseconds
    clock_trusted: wire.Truth
    version: wire.Name
    health: dict[str, Any]
    queue: Queue
    heads: Annotated[list[Tip], Field(max_length=MOST_HEADS)] = Field(default_factory=list)
    results: Annotated[list[CommandResult], Field(max_length=MOST_RESULTS)] = Field(default_factory=list)
    applied: Versions | None = None
    windows: Annotated[list[Window], Field(max_length=MOST_WINDOWS)] = Field(default_factory=list)


class Sibling(_Said):
    """Another gate of the school.

    Attributes:
        synced_to: all its scans up to this time are at the centre; ``None``: nothing is known.
        live: it was in contact in the last minutes.
        windows: as it told them last.
    """

    device_id: str
    name: str
    synced_to: wire.Time | None
    live: bool
    windows: list[Window] = Field(default_factory=list)


class HeartbeatAnswer(_Said):
    """``now`` is the centre's clock."""

    now: wire.Time
    commands: list[wire.Command]
    versions: Versions
    siblings: list[Sibling]


class Change(_Said):
    """One thing of the school's directory as it is; with ``deleted`` it is gone and ``body`` is empty.

    Attributes:
        key: what it is known by among its kind.
        body: ``student``: the fields of ``wire.Student``; ``card``: kind, value, issue, student_id, issued_at,
            revoked_at, reason; ``closure``: first_day, last_day, kind, name, session; ``schedule`` and ``texts``: the
            section of the gate's settings that it replaces; ``erasure``: student_key, student_id.
    """

    kind: Literal["student", "card", "closure", "schedule", "texts", "erasure"]
    key: str
    version: wire.Number
    deleted: bool
    body: dict[str, Any]


class Counts(_Said):
    """How many the whole directory has, so that a gate can tell a faulty one."""

    students: wire.Count


class Changes(_Said):
    """``version``: ask on from here. ``more``: there is more at once."""

    version: wire.Total
    more: bool
    items: list[Change]
    counts: Counts


class ForeignScan(_Said):
    """A scan of another gate of the school, its time as corrected; ``received`` numbers the arrivals."""

    student_id: str
    scan_id: wire.Id
    device_id: str
    day: wire.Day
    session: str
    direction: Literal["in", "out"]
    status: str
    scanned_at: wire.Time
    received: wire.Number


class ForeignScans(_Said):
    """``version``: ask on from here. ``more``: there is more at once."""

    version: wire.Total
    more: bool
    items: list[ForeignScan]


class PhotoState(_Said):
    """How much of a photo the centre has; the next part begins at ``received``."""

    received: wire.Count
    complete: bool


class Kept(_Said):
    """The logs are kept."""

    received: wire.Count
