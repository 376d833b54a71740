"""The messages that the simulated phone holds, and how SMS-Gate tells of them.

Source: ``MessageWithRecipients.kt`` of capcom6/android-sms-gateway for the state of a message with several recipients;
``domain_messages.go`` of its client-go for the answer.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from typing import Any

from attendance.domain.receipt import GatewayState
from attendance.sim.phone_requests import SendRequest

ENDED = (GatewayState.DELIVERED, GatewayState.FAILED, GatewayState.CANCELLED)


@dataclass(slots=True)
class Recipient:
    """One phone that a message goes to.

    Attributes:
        error: why it failed; empty if it did not.
        parts_arrived: how many parts the parent's phone has.
        arrived_at: when it had all of them.
    """

    phone: str
    state: GatewayState = GatewayState.PENDING
    error: str = ""
    parts_arrived: int = 0
    arrived_at: datetime | None = None


@dataclass(slots=True)
class Message:
    """One message that the phone took.

    Attributes:
        number: grows with each message.
        states: when it came into each state, in order.
        parts: message parts, once it is processed; 0 before.
    """

    message_id: str
    number: int
    request: SendRequest
    created_at: datetime
    recipients: list[Recipient]
    states: dict[GatewayState, datetime] = field(default_factory=dict)
    parts: int = 0

    @property
    def state(self) -> GatewayState:
        return rolled_up([recipient.state for recipient in self.recipients])

    def answer(self, device_id: str, zone: tzinfo, *, content: bool = False) -> dict[str, Any]:
        """As the API tells of it.

        Args:
            zone: of the phone.
            content: with the text.
        """
        values: dict[str, Any] = {
            "id": self.message_id,
            "deviceId": device_id,
            "state": self.state,
            "isHashed": False,
            "isEncrypted": self.request.is_encrypted,
            "recipients": [_recipient(each) for each in self.recipients],
            "states": {state: timestamp(at, zone) for state, at in self.states.items()},
        }
        if self.request.schedule_at is not None:
            values["scheduleAt"] = timestamp(self.request.schedule_at, zone)
        if content:
            values["textMessage"] = {"text": self.request.text}
        return values


def rolled_up(states: Iterable[GatewayState]) -> GatewayState:
    """The state of a message of whose recipients these are the states."""
    found = set(states)
    for state in (GatewayState.PENDING, GatewayState.CANCELLING, GatewayState.CANCELLED, GatewayState.PROCESSED):
        if state in found:
            return state
    return found.pop() if len(found) == 1 else GatewayState.SENT


def timestamp(at: datetime, zone: tzinfo) -> str:
    """ISO 8601 in the phone's zone, with milliseconds and offset, as the app writes it."""
    return at.astimezone(zone).isoformat(timespec="milliseconds")


def _recipient(recipient: Recipient) -> dict[str, str]:
    known = {"phoneNumber": recipient.phone, "state": str(recipient.state)}
    return {**known, "error": recipient.error} if recipient.error else known
