"""Who takes the messages: the simulated phone on a clock that is moved by hand, and somebody who says yes at once."""

import random
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta

from attendance.clock import ManualClock
from attendance.domain.receipt import GatewayState, Report
from attendance.kiosk.sms.gateway import Outgoing
from attendance.sim.phone import AlreadyThere, Phone
from attendance.sim.phone_requests import SendRequest
from sending.school import MANILA

_ANSWER_S = 0.3
"""A phone on the school's own network takes about so long for a request."""


class Yes:
    """Takes every message, in no time and without a network."""

    name = "yes"
    recognises_repeats = True
    may_repeat = True
    timeout_s = 1.0

    def send(self, message: Outgoing) -> GatewayState:
        return GatewayState.PENDING

    def ask(self, message_id: str) -> Sequence[Report]:
        return ()

    def check(self) -> str:
        return "It answers."


@dataclass
class PhoneOnClock(Yes):
    """The model of the simulated phone, without its port.

    Attributes:
        requests: when each began, in seconds of boot time, and for which message.
    """

    clock: ManualClock
    name: str = "phone"
    requests: list[tuple[float, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.phone = Phone(self.clock, random.Random(4), zone=MANILA)

    def send(self, message: Outgoing) -> GatewayState:
        self.requests.append((self.clock.boot_ns() / 1e9, message.message_id))
        self.pass_time(_ANSWER_S)
        until = self.clock.now().at + timedelta(seconds=message.valid_for_s)
        request = SendRequest(
            message.message_id, message.text, (message.phone,), valid_until=until, priority=message.priority
        )
        with suppress(AlreadyThere):  # as 409: what it has it does not send again
            self.phone.accept(request)
        return GatewayState.PENDING

    def pass_time(self, seconds: float) -> None:
        """Let the clock go on, and the phone do meanwhile what it does."""
        ends_ns = self.clock.boot_ns() + round(seconds * 1e9)
        while self.clock.boot_ns() < ends_ns:
            left_s = (ends_ns - self.clock.boot_ns()) / 1e9
            self.clock.advance(min(left_s, max(0.001, self.phone.step())))
        self.phone.step()
