"""What the courier knows of a gateway: a small protocol, and the one error that decides what happens next."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from attendance.domain.receipt import GatewayState, Report
from attendance.errors import AttendanceError


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One message to one phone. Text and id are frozen: a repeat is the same message.

    Attributes:
        message_id: at most 36 characters; the gateway recognises a repeat by it.
        phone: E.164.
        priority: -128 to 127, higher leaves first.
        valid_for_s: seconds after which it is no news.
    """

    message_id: str
    phone: str
    text: str
    priority: int
    valid_for_s: int


class Fault(StrEnum):
    """Whose fault a failure is; what a person must do follows from it."""

    MESSAGE = "message"
    UNREACHABLE = "unreachable"
    CREDENTIALS = "credentials"
    BUSY = "busy"
    ANSWER = "answer"


class GatewayError(AttendanceError):
    """A gateway did not say that it took the message, or what became of it.

    Attributes:
        permanent: the same request will fail again, or must not be made again: the message ends. With ``maybe_taken``
            it ends as unknown, else as rejected.
        maybe_taken: it may have taken the message all the same; only the same gateway may be asked again.
        retry_after_s: how long it wants to be left alone, if it said so.
        fault: of the message, or what is wrong with the gateway.
        gateway: name of the gateway that failed; empty if none was tried.
    """

    def __init__(
        self,
        message: str,
        *,
        permanent: bool = False,
        maybe_taken: bool = False,
        retry_after_s: float | None = None,
        fault: Fault = Fault.ANSWER,
        gateway: str = "",
    ) -> None:
        super().__init__(message)
        self.permanent = permanent
        self.maybe_taken = maybe_taken
        self.retry_after_s = retry_after_s
        self.fault = fault
        self.gateway = gateway


class Gateway(Protocol):
    """Takes messages. Calls block up to the gateway's timeout; never called on the scan's path.

    Attributes:
        name: of the configuration's section, stored beside the message.
        recognises_repeats: the same id is never delivered twice, and it can be asked about one.
        may_repeat: a message of which nobody knows may be handed over again.
        timeout_s: the longest that a call takes, but for looking up a name.
    """

    name: str
    recognises_repeats: bool
    may_repeat: bool
    timeout_s: float

    def send(self, message: Outgoing) -> GatewayState:
        """Hand a message over; how far it says the message is.

        Raises:
            GatewayError: it did not say that it has it.
        """
        ...

    def ask(self, message_id: str) -> Sequence[Report]:
        """What it knows of a message; nothing if it never had it.

        Raises:
            GatewayError: it does not answer.
        """
        ...

    def check(self) -> str:
        """Whether it can be reached and lets us in, without sending anything; a sentence about it.

        Raises:
            GatewayError: what is wrong.
        """
        ...
