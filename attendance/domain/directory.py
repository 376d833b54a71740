"""The school's directory as the centre sends it down, entry by entry."""

from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from attendance.domain import wire
from attendance.domain.contact import Change
from attendance.errors import BadInput

StudentNumber = Annotated[wire.Name, Field(min_length=1, max_length=64)]


class _Entry(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class Card(_Entry):
    """A card that stands for a student, or was called back; ``issue`` counts a student's cards by number."""

    kind: Literal["payload", "number", "rfid"]
    value: Annotated[str, StringConstraints(min_length=1, max_length=500, pattern=r"^[^\x00]*$")]
    issue: wire.Count = 0
    student_id: StudentNumber | None = None
    issued_at: wire.Time
    revoked_at: wire.Time | None = None
    reason: wire.Name = ""


class Closure(_Entry):
    """Days without classes, both ends included; ``session`` limits it to one session, empty means all."""

    first_day: wire.Day
    last_day: wire.Day
    kind: Literal["holiday", "suspension"]
    name: wire.Name
    session: wire.Name = ""

    @model_validator(mode="after")
    def _in_order(self) -> "Closure":
        if self.last_day < self.first_day:
            raise ValueError("the last day is before the first")
        return self


class Erasure(_Entry):
    """Somebody who must be forgotten, by all that they may be known by here."""

    student_key: wire.Key | None = None
    student_keys: list[wire.Key] = Field(default_factory=list)
    student_id: str | None = None

    @property
    def keys(self) -> set[str]:
        return {*self.student_keys, *([self.student_key] if self.student_key else [])}


Entry = wire.Student | Card | Closure | Erasure | Mapping[str, Any]
"""Schedule and texts are sections of the gate's settings, which the settings themselves know how to read."""

_READERS: Mapping[str, Callable[[Any], Entry]] = {
    "student": wire.Student.model_validate,
    "card": Card.model_validate,
    "closure": Closure.model_validate,
    "erasure": Erasure.model_validate,
}


def read(change: Change) -> Entry:
    """What an entry that is not deleted says.

    Raises:
        BadInput: it is faulty; the message names the entry and what is wrong, and nobody.
    """
    reader = _READERS.get(change.kind)
    if reader is None:
        return change.body
    try:
        return reader(change.body)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "as a whole"
        raise BadInput(f"{change.kind} {change.key[:80]!r}, {where}: {first['msg']}") from error
