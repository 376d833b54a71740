"""Who asks, and the proof that the centre answered."""

from dataclasses import dataclass

from flask import Request, Response
from sqlalchemy import Engine

from attendance.domain import wire
from attendance.fleet.store import gates
from attendance.fleet.store.engine import asking
from attendance.fleet.store.gates import Gate
from attendance.fleet.web.refusals import Refusal

_LONGEST_REQUEST_ID = 64
_LONGEST_TOKEN = 512


@dataclass(slots=True)
class Asker:
    """Of one request.

    Attributes:
        key_hash: of the token that was shown, or that is to be enrolled; empty: none. It needs not be one of ours: that
            an answer is signed with it says only that whoever signed has seen the token.
    """

    key_hash: str = ""

    @classmethod
    def of(cls, request: Request) -> "Asker":
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        token = token.strip()
        shown = scheme.lower() == "bearer" and 0 < len(token) <= _LONGEST_TOKEN and token.isascii()
        return cls(wire.key_hash(token) if shown else "")

    def gate(self, engine: Engine) -> Gate:
        """The gate whose token was shown.

        Raises:
            Refusal: there is none.
            StorageError: the database cannot be asked.
        """
        if self.key_hash:
            with asking(engine) as conn:
                found = gates.by_key_hash(conn, self.key_hash)
            if found is not None:
                return found
        raise Refusal(
            401,
            "unknown-gate",
            "The centre does not know this gate's key, or it was revoked. Enrol the gate again: `attendance fleet"
            " invite` at the centre gives a code for `attendance sync enroll` at the gate.",
        )

    def sign(self, request: Request, answer: Response) -> None:
        """Show the asker that the answer is the centre's."""
        if self.key_hash:
            named = request.headers.get(wire.REQUEST_HEADER, "")
            answer.headers[wire.SIGNATURE_HEADER] = wire.signature_of_answer(
                self.key_hash, named, answer.status_code, answer.get_data()
            )


def require_name(request: Request) -> None:
    """Each request of a gate has a name of its own, so that no answer to another one passes for this one's.

    Raises:
        Refusal: it has none.
    """
    name = request.headers.get(wire.REQUEST_HEADER, "")
    if not name or len(name) > _LONGEST_REQUEST_ID or not (name.isascii() and name.isprintable()):
        raise Refusal(400, "no-request-id", f"Send new random text of at most 64 characters as {wire.REQUEST_HEADER}.")
