"""What every page of the fleet is given, and the check that comes before everything else: may they?"""

from dataclasses import dataclass
from typing import Any

from flask import request
from werkzeug.exceptions import Forbidden, NotFound

from attendance.access.identity import Account
from attendance.access.web.guard import account
from attendance.fleet.centre import Centre
from attendance.fleet.permits import LEAST, Deed, may
from attendance.fleet.sight import Sight
from attendance.fleet.store import gates, schools
from attendance.fleet.store.engine import reading
from attendance.fleet.store.gates import Gate
from attendance.fleet.store.schools import School
from attendance.ops.peers import peer

_NO_SCHOOL = "There is no such school, or it is none of yours."
_NO_GATE = "There is no such gate, or it is none of yours."


@dataclass(frozen=True, slots=True)
class Desk:
    """Everything that pages ask."""

    centre: Centre

    @property
    def sight(self) -> Sight:
        """All gates as they are now."""
        return self.centre.sight

    def school(self, school_id: str, deed: Deed) -> School:
        """A school in which whoever asks may do that.

        Raises:
            NotFound: there is none, or it is none of theirs, which looks the same.
            Forbidden: their role does not reach.
        """
        require(school_id, deed, _NO_SCHOOL)
        with reading(self.centre.engine) as conn:
            school = schools.get(conn, school_id)
        if school is None:
            raise NotFound(_NO_SCHOOL)
        return school

    def gate(self, gate_id: str, deed: Deed) -> Gate:
        """A gate, live or revoked, with which whoever asks may do that.

        Raises:
            NotFound: there is none, or it is none of theirs, which looks the same.
            Forbidden: their role does not reach.
        """
        seen = self.sight.gate(gate_id)
        school_id = seen.gate.school_id if seen else ""
        require(school_id, deed, _NO_GATE)
        with reading(self.centre.engine) as conn:
            gate = gates.get(conn, school_id, gate_id)
        if gate is None:
            raise NotFound(_NO_GATE)
        return gate

    def peer(self) -> str:
        """The address of who asks, as far as it can be believed; empty: it cannot be told."""
        return str(peer(request.remote_addr or "", request.headers, self.centre.proxies) or "")


def require(school_id: str, deed: Deed, nothing: str) -> Account:
    """Whoever asks, if they may do that in that school.

    Args:
        nothing: what is said to those who may not know that there is such a thing.
    """
    who = account()
    if not school_id or not who.belongs_to(school_id):
        raise NotFound(nothing)
    if not may(who, deed, school_id):
        raise Forbidden(f"To {deed.value} one must be {LEAST[deed].value} of the school.")
    return who


def permits(school_id: str) -> dict[str, bool]:
    """For templates: ``may.command`` and so on, of whoever asks."""
    return {deed.name.lower(): may(account(), deed, school_id) for deed in Deed}


def text_field(name: str, limit: int = 200) -> str:
    """A field of a form: one line, without control characters."""
    given: Any = request.form.get(name, "")
    return "".join(letter for letter in str(given) if letter.isprintable())[:limit].strip()
