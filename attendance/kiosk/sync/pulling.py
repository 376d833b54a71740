"""Asking the centre for what is new, a page at a time: one question is one step of a service, so none lasts long."""

from typing import Any, Protocol, TypeVar

from pydantic import BaseModel, ValidationError

from attendance.domain.contact import Changes, ForeignScans
from attendance.kiosk.sync.client import CentreError, Reply

PAGE = 500
"""Entries of one answer: students with many guardians still fit the largest that is read."""


class Centre(Protocol):
    """Who is asked."""

    def ask(self, method: str, path: str, body: Any = None, *, deadline_s: float) -> Reply:
        """Raises ``CentreError`` when there is no answer of the centre."""
        ...


class BadAnswer(CentreError):
    """The centre answers, but not what was promised."""


_Answer = TypeVar("_Answer", bound=BaseModel)
_Page = TypeVar("_Page", Changes, ForeignScans)


def read(reply: Reply, model: type[_Answer]) -> _Answer:
    """What an answer says.

    Raises:
        BadAnswer: it is none of that kind.
    """
    if not reply.ok:
        raise BadAnswer(f"The centre refuses: {reply.fault}.")
    try:
        return model.model_validate(reply.json)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "as a whole"
        raise BadAnswer(f"The centre's answer is faulty: {where}: {first['msg']}.") from error


def page(centre: Centre, path: str, after: int, model: type[_Page], deadline_s: float) -> _Page:
    """What comes after a version.

    Raises:
        CentreError: there is no such answer.
    """
    found = read(centre.ask("GET", f"{path}?after={after}&limit={PAGE}", deadline_s=deadline_s), model)
    if found.more and found.version <= after:
        raise BadAnswer("The centre's answer is faulty: there is more, and it does not go on.")
    return found
