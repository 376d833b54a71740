"""What gates and the centre say to each other, version 1: items, answers, the chain over a gate's scans, signatures.

Everything travels as JSON. A reader ignores keys that it does not know, so that either side may be newer.
"""

import hashlib
import hmac
import json
from enum import StrEnum
from operator import attrgetter
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, GetCoreSchemaHandler, StringConstraints, TypeAdapter
from pydantic_core import CoreSchema, core_schema, to_json

VERSION = "v1"
REQUEST_HEADER = "Attendance-Request"
"""Random text of the gate, new for each request, at most 64 characters; the answer's signature covers it."""
SIGNATURE_HEADER = "Attendance-Signature"
"""Hexadecimal HMAC of the answer. An answer without a right one is not the centre's, and acknowledges nothing."""
LARGEST_BATCH = 500
"""Items of one request: beyond that a database gains little, and a slow line loses much when it breaks."""
LARGEST_BODY_BYTES = 2 * 1024 * 1024
"""Of a request, unpacked."""
PHOTO_PART_BYTES = 64 * 1024
LARGEST_PHOTO_BYTES = 4 * 1024 * 1024


class _Written:
    """A text that has one pattern. Whoever sent another is told in words; a pattern says nothing to them."""

    def __init__(self, pattern: str, wanted: str) -> None:
        self._pattern = pattern
        self._wanted = wanted

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        text = core_schema.str_schema(pattern=f"^{self._pattern}$")
        return core_schema.custom_error_schema(text, "not_written_so", custom_error_message=self._wanted)


_DAY = (
    "(?:(?:19[7-9][0-9]|2[01][0-9]{2})-"
    "(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)|02-(?:0[1-9]|1[0-9]|2[0-8]))"
    "|(?:19(?:7[26]|8[048]|9[26])|20(?:[02468][048]|[13579][26])|21(?:0[48]|[2468][048]|[13579][26]))-02-29)"
)
"""1970 to 2199: where every clock and every time zone can follow. A centre reads thousands a second; as a pattern the
calendar costs a tenth of what asking ``datetime`` does."""
_TIME = _DAY + r"T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]\.[0-9]{6}Z"
"""The one way of writing a time that is used here: what is signed must not vary."""
_PLAIN = r"^[^\x00-\x1f\x7f]*$"  # databases refuse NUL, and people are confused by the rest

Time = Annotated[
    str,
    _Written(_TIME, "a time in UTC as 2026-01-01T00:00:00.000000Z, of the years 1970 to 2199"),
    Field(json_schema_extra={"format": "date-time"}),
]
Day = Annotated[
    str, _Written(_DAY, "a day as 2026-01-01, of the years 1970 to 2199"), Field(json_schema_extra={"format": "date"})
]
Id = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$")]
Key = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]
"""A student's random key; it says nothing about anybody."""
Digest = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
"""SHA-256, hexadecimal."""
Word = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.:-]{1,64}$")]
Name = Annotated[str, StringConstraints(pattern=_PLAIN, max_length=200)]
Count = Annotated[int, Field(strict=True, ge=0, le=2**31 - 1)]
Nanoseconds = Annotated[int, Field(strict=True, ge=0, le=2**63 - 1)]
Number = Annotated[int, Field(strict=True, ge=1, le=2**53)]
Total = Annotated[int, Field(strict=True, ge=0, le=2**53)]
Truth = Annotated[bool, Field(strict=True)]


class _Wire(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class Scan(_Wire):
    """A row of a gate's ledger as it was first recorded; a later correction of its time is an item of its own.

    Attributes:
        seq: counts from 1 without gaps within one epoch of a device.
        boot_id: empty for one that was entered afterwards, as from an earlier system or from its photo.
        chain: ``chain`` of this row at the gate; empty for one recorded before there were chains.
    """

    type: Literal["scan"] = "scan"
    scan_id: Id
    device_id: Name
    epoch: Word
    seq: Number
    student_key: Key
    day: Day
    session: Name
    direction: Literal["in", "out"]
    status: Word
    passage: Count
    minutes_late: Count
    scanned_at: Time
    boot_id: Word | Literal[""]
    boot_ns: Nanoseconds
    clock_trusted: Truth
    source: Name
    card_issue: Count
    card_signed: Truth
    chain: Digest | Literal[""] = ""

    @property
    def item_id(self) -> str:
        return self.scan_id


class Correction(_Wire):
    """What a scan's time turned out to be once the gate's clock was known good. The scan and its keys stay."""

    type: Literal["correction"] = "correction"
    scan_id: Id
    scanned_at: Time
    day: Day
    status: Word
    minutes_late: Count
    corrected_at: Time

    @property
    def item_id(self) -> str:
        return self.scan_id


class Refused(_Wire):
    """A card that was not accepted. What an unknown card said stays at the gate."""

    type: Literal["refusal"] = "refusal"
    refusal_id: Id
    device_id: Name
    refusal: Word
    student_key: Key | None
    day: Day
    seen_at: Time
    clock_trusted: Truth
    source: Word

    @property
    def item_id(self) -> str:
        return self.refusal_id


class Photo(_Wire):
    """That a scan has a photo, or why not. The picture itself goes by its digest, in a lane of its own.

    Attributes:
        sha256: of the JPEG file; ``None`` when there is none, or it stays at the gate.
    """

    type: Literal["photo"] = "photo"
    scan_id: Id
    sha256: Digest | None
    size_bytes: Annotated[int, Field(strict=True, ge=0, le=LARGEST_PHOTO_BYTES)]
    reason: Name
    score: Annotated[float, Field(ge=0, le=1e6, allow_inf_nan=False)]

    @property
    def item_id(self) -> str:
        return self.scan_id


class Guardian(_Wire):
    """``phone`` is E.164."""

    phone: Annotated[str, StringConstraints(pattern=r"^\+[1-9][0-9]{6,14}$")]
    name: Name = ""


class Student(_Wire):
    """A student whom a gate knows. The centre takes over one it does not know; of others it only notes the key.

    Attributes:
        removed: off the gate's roster, and known for their past scans only: the centre makes nobody pass again by it.
    """

    type: Literal["student"] = "student"
    student_key: Key
    student_id: Annotated[str, StringConstraints(pattern=_PLAIN, min_length=1, max_length=64)]
    name: Name
    section: Name = ""
    grade: Name = ""
    sex: Literal["", "F", "M"] = ""
    lrn: Name = ""
    allowed_session: Name = "both"
    guardians: Annotated[list[Guardian], Field(max_length=20)] = Field(default_factory=list)
    removed: Truth = False

    @property
    def item_id(self) -> str:
        return self.student_key


class Erasure(_Wire):
    """A person asked to be forgotten: whoever stands behind the key, wherever it is known."""

    type: Literal["erasure"] = "erasure"
    student_key: Key

    @property
    def item_id(self) -> str:
        return self.student_key


Item = Annotated[Scan | Correction | Refused | Photo | Student | Erasure, Field(discriminator="type")]
ITEM: TypeAdapter[Scan | Correction | Refused | Photo | Student | Erasure] = TypeAdapter(Item)
"""Reads one item; ``validate_python`` raises ``pydantic.ValidationError``."""
TYPES = ("scan", "correction", "refusal", "photo", "student", "erasure")


class Result(StrEnum):
    """What became of an item at the centre. Only ``later`` leaves it in the gate's queue.

    ``conflict``: another one is there under the same key. ``rejected``: it can never be taken. Both are kept at the
    centre for a person. ``later``: what it refers to is not there yet.
    """

    CREATED = "created"
    DUPLICATE = "duplicate"
    CONFLICT = "conflict"
    REJECTED = "rejected"
    LATER = "later"


class ItemResult(_Wire):
    """Answers stand in the order of the items."""

    result: Result
    reason: str = ""


class Head(_Wire):
    """How far the centre has a device's scans of one epoch.

    Attributes:
        complete_to: all from 1 to this number are here, and the chain over them holds; 0: none.
        highest: the highest number that is here.
        broken_at: the first number whose chain does not fit the one before it; ``None``: it holds.
    """

    device_id: Name
    epoch: Word
    complete_to: int
    highest: int
    broken_at: int | None = None


class CommandKind(StrEnum):
    RESTART = "restart"
    BACKUP = "backup"
    LOGS = "logs"
    SYNC = "sync"
    CONFIG = "config"


class Command(_Wire):
    """What somebody at the centre wants a gate to do. Done once, at the gate's next contact.

    Attributes:
        arguments: of ``config``: path of the setting to its new value, as ``{"buzzer.enabled": true}``; else empty.
        signature: ``signature_of_command`` by the gate's command key.
    """

    command_id: Id
    gate_id: Id
    kind: CommandKind
    arguments: dict[str, Any]
    issued_at: Time
    expires_at: Time
    signature: Digest


def chain(previous: str, scan: Scan) -> str:
    """The link of the chain over a device's scans that belongs to ``scan``: SHA-256, hexadecimal.

    It covers the row's own data and no personal ones: a student's key is random and outlives an erasure.

    Args:
        previous: the link of the row before; empty for the first, and after a row without one.
    """
    # compact JSON in UTF-8 as json.dumps writes it, in a sixth of the time: a centre links thousands of scans a second
    return hashlib.sha256(to_json([previous, *_chained(scan)])).hexdigest()


_chained = attrgetter(*(name for name in Scan.model_fields if name not in ("type", "chain")))


def key_hash(token: str) -> str:
    """What the centre knows of a gate's token: SHA-256, which is enough for 256 random bits."""
    return hashlib.sha256(token.encode()).hexdigest()


def signature_of_answer(key_hash: str, request: str, status: int, body: bytes) -> str:
    """Shows a gate that an answer is the centre's, whole, and to this request.

    Args:
        request: the request's ``Attendance-Request``.
        body: before any compression.
    """
    return _hmac(key_hash, b"answers", f"{request}\n{status}\n".encode() + body)


def signature_of_command(
    key_hash: str, command_id: str, gate_id: str, kind: str, arguments: dict[str, Any], issued_at: str, expires_at: str
) -> str:
    """Shows a gate that a command is the centre's and meant for it."""
    said = [command_id, gate_id, kind, arguments, issued_at, expires_at]
    return _hmac(key_hash, b"commands", json.dumps(said, separators=(",", ":"), sort_keys=True).encode())


def _hmac(key_hash: str, purpose: bytes, message: bytes) -> str:
    key = hmac.digest(bytes.fromhex(key_hash), purpose, "sha256")
    return hmac.new(key, message, hashlib.sha256).hexdigest()
