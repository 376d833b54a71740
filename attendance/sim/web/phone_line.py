"""What is between a client of the simulated phone's API and the phone: who may do what, and how it is refused."""

import threading
from dataclasses import dataclass, field

from flask import Response, jsonify, request
from werkzeug.exceptions import Forbidden, Unauthorized

from attendance.sim.phone import Phone
from attendance.sim.phone_accounts import ANYTHING, Accounts

Answer = tuple[Response, int] | Response


@dataclass(frozen=True, slots=True)
class Line:
    """The phone, with what its API needs beside it.

    Attributes:
        hung_up: set when the phone is switched off: whoever waits for an answer waits no longer.
        hang_s: how long an answer that never comes takes.
    """

    phone: Phone
    accounts: Accounts
    hang_s: float
    hung_up: threading.Event = field(default_factory=threading.Event)

    def require(self, scope: str, *, tokens: bool) -> None:
        """Let the request pass if its sender may do this.

        Raises:
            Unauthorized, Forbidden: as the server answers.
        """
        scopes = self.accounts.scopes(request.headers.get("Authorization", ""), tokens=tokens)
        if not scopes:
            raise Unauthorized("Unauthorized")
        if scope not in scopes and ANYTHING not in scopes:
            raise Forbidden(f"The token lacks the scope {scope}")


def refusal(text: str, status: int) -> tuple[Response, int]:
    """An error as SMS-Gate words it."""
    return jsonify(message=text), status
