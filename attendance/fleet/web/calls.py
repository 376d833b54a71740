"""What an address of the API is: one object from which both its serving and its description are made."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Any, Generic, TypeVar

from pydantic import BaseModel, Field, TypeAdapter

from attendance.domain import contact, wire
from attendance.fleet.centre import Centre
from attendance.fleet.store.gates import Gate

Said = TypeVar("Said")
"""What the body holds: a model, ``bytes``, or ``None``."""


class Page(BaseModel):
    """Which entries are wanted: those with numbers above ``after``, at most ``limit``."""

    after: Annotated[int, Field(ge=0, le=2**53)] = 0
    limit: Annotated[int, Field(ge=1, le=contact.LARGEST_PAGE)] = contact.LARGEST_PAGE


class Part(BaseModel):
    """Where the bytes belong in a photo of ``size`` bytes."""

    offset: Annotated[int, Field(ge=0, le=wire.LARGEST_PHOTO_BYTES)] = 0
    size: Annotated[int, Field(ge=1, le=wire.LARGEST_PHOTO_BYTES)]


class NoQuery(BaseModel):
    """Nothing is asked behind a question mark."""


@dataclass(frozen=True, slots=True)
class Call(Generic[Said]):
    """One request, read and checked.

    Attributes:
        body: as the address says.
        query: of the address's type.
        path: the variable parts of the address, checked.
        peer: where it comes from, as far as that can be told; else empty.
        caller: the gate; ``None`` at an address that is open to all.
    """

    centre: Centre
    now: datetime
    body: Said
    query: Any
    path: Mapping[str, str]
    peer: str
    caller: Gate | None

    @property
    def gate(self) -> Gate:
        """The gate that asks, at an address for gates only."""
        if self.caller is None:
            raise LookupError("an address that is open to all has no gate")
        return self.caller


@dataclass(frozen=True, slots=True)
class Address(Generic[Said]):
    """One method of one address.

    Attributes:
        path: below ``/api/v1``, variable parts in braces.
        does: one line for the description.
        view: answers; raises ``Refusal``, or ``BadInput`` for what is wrong with the request (400).
        body: its model, ``bytes``, or ``None`` for none.
        answers: the model of the answer.
        refuses: the statuses of refusals beyond those that every address may answer.
        parts: the types of the variable parts.
        for_gates: only with a gate's token.
        signed_for: at an address that is open to all: the key hash in the body that the answer is signed with.
    """

    method: str
    path: str
    does: str
    view: Callable[[Call[Said]], BaseModel]
    answers: type[BaseModel]
    body: type[Said] | None = None
    limit_bytes: int = 0
    query: type[BaseModel] = NoQuery
    refuses: tuple[int, ...] = ()
    parts: Mapping[str, TypeAdapter[str]] = field(default_factory=dict)
    for_gates: bool = True
    signed_for: Callable[[Said], str] | None = None
