"""One request of a gate while it is being taken in."""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

from pydantic import ValidationError

from attendance.domain import wire
from attendance.domain.wire import ItemResult, Result
from attendance.fleet.store.gates import Gate

T = TypeVar("T")
CREATED = ItemResult(result=Result.CREATED)
DUPLICATE = ItemResult(result=Result.DUPLICATE)
LATER = ItemResult(result=Result.LATER, reason="The scan that this belongs to is not here yet.")
_LONGEST_REASON = 200


@dataclass
class Batch:
    """
    Attributes:
        raw: the items as they came.
        one_by_one: each row is written by itself, so that one which the database refuses holds up none of the others.
        items: those that could be read, by type and place.
        results: in the order of the items; ``None`` while it is open.
        learned: students' keys that became known.
        days: of the school, whose figures change.
    """

    gate: Gate
    now: datetime
    raw: list[Any]
    one_by_one: bool = False
    items: dict[type, dict[int, Any]] = field(default_factory=lambda: defaultdict(dict))
    results: list[ItemResult | None] = field(default_factory=list)
    learned: list[str] = field(default_factory=list)
    days: set[str] = field(default_factory=set)

    @classmethod
    def read(cls, gate: Gate, raw: list[Any], now: datetime, *, one_by_one: bool = False) -> "Batch":
        """Judge each item alone."""
        batch = cls(gate, now, raw, one_by_one)
        read = wire.ITEM.validate_python
        for place, each in enumerate(raw):
            try:
                item = read(each)
            except ValidationError as error:
                batch.results.append(ItemResult(result=Result.REJECTED, reason=_reason(error)))
            else:
                batch.items[type(item)][place] = item
                batch.results.append(None)
        return batch

    def of(self, kind: type[T]) -> dict[int, T]:
        """The items of a kind, by place."""
        return self.items[kind]

    def conflict(self, place: int, reason: str) -> None:
        self.results[place] = ItemResult(result=Result.CONFLICT, reason=reason)

    def reject(self, place: int, reason: str) -> None:
        self.results[place] = ItemResult(result=Result.REJECTED, reason=reason[:_LONGEST_REASON])


def _reason(error: ValidationError) -> str:
    """Which fields are wrong, and why; what they held may be personal."""
    faults = error.errors(include_url=False, include_input=False, include_context=False)
    text = "; ".join(f"{'.'.join(map(str, fault['loc'][1:])) or 'item'}: {fault['msg']}" for fault in faults)
    return text[:_LONGEST_REASON]
