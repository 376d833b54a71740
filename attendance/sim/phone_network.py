"""What becomes of a message that the simulated phone has taken: it waits, leaves, arrives in parts, or fails.

Source: ``MessagesService.kt`` and ``EventsReceiver.kt`` of capcom6/android-sms-gateway.
"""

import heapq
import random
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, tzinfo
from functools import partial

from attendance.clock import Clock
from attendance.domain.gsm import size
from attendance.domain.receipt import GatewayState
from attendance.sim.phone_faults import Fault, Faults
from attendance.sim.phone_messages import Message, Recipient, timestamp
from attendance.sim.phone_radio import Radio
from attendance.sim.phone_settings import PhoneSettings
from attendance.sim.phone_webhooks import Webhooks

OWN_NUMBER = "+639998880000"
EXPIRED = "TTL expired"
NO_SERVICE = "Send result: RESULT_ERROR_NO_SERVICE (Failed because service is currently unavailable)"
_MOST_ARRIVALS = 10_000
_REGRESSES_AFTER_S = 1.5


@dataclass(frozen=True, slots=True)
class Arrival:
    """A message on a parent's phone, whole."""

    phone: str
    text: str
    message_id: str
    at: datetime


class Network:
    """Moves messages on. Not for several threads at once: the phone's lock guards.

    Args:
        settings: as they are at the moment.
        zone: in which the phone writes its times.

    Attributes:
        pending: what waits to leave, by id.
        arrivals: what parents received, in the order in which they did.
        moves: grows with every change.
    """

    def __init__(
        self,
        clock: Clock,
        chance: random.Random,
        faults: Faults,
        webhooks: Webhooks,
        settings: Callable[[], PhoneSettings],
        zone: tzinfo,
    ) -> None:
        self._clock = clock
        self._chance = chance
        self._faults = faults
        self._webhooks = webhooks
        self._settings = settings
        self._zone = zone
        self._radio = Radio(chance)
        self._timers: list[tuple[int, int, Callable[[], None]]] = []
        self._timer_count = 0
        self.pending: dict[str, Message] = {}
        self.arrivals: deque[Arrival] = deque(maxlen=_MOST_ARRIVALS)
        self.moves = 0

    def step(self) -> int | None:
        """Do what is due; the boot time of what is due next, ``None`` if that is nothing."""
        while self._timers and self._timers[0][0] <= self._clock.boot_ns():
            heapq.heappop(self._timers)[2]()
        self._use_radio()
        due = [each[0] for each in self._timers[:1]]
        return min(due + ([self._radio.free_ns] if self._ready() else []), default=None)

    def cancel(self, message: Message) -> None:
        """Call a pending message back."""
        for recipient in message.recipients:
            self._move(message, recipient, GatewayState.CANCELLED)
            self._report(message, recipient, "sms:cancelled", "cancelledAt")

    def _ready(self) -> list[Message]:
        now = self._now()
        return [each for each in self.pending.values() if (each.request.schedule_at or now) <= now]

    def _use_radio(self) -> None:
        while self._radio.free_ns <= self._clock.boot_ns():
            message = self._radio.next(self._ready(), self._settings().processing_order)
            if message is None:
                return
            pause_s = self._radio.pause_s(message, self._settings(), self._clock.boot_ns())
            if pause_s > 0:
                self._radio.free_ns = self._clock.boot_ns() + round(pause_s * 1e9)
                return
            self._process(message)

    def _process(self, message: Message) -> None:
        """Its turn has come: only here an expired message is found out."""
        until = message.request.valid_until
        if until is not None and until < self._now():
            for recipient in message.recipients:
                self._fail(message, recipient, EXPIRED)
            return
        self._radio.left(message, self._settings(), self._clock.boot_ns())
        message.parts = size(message.request.text).parts if message.request.is_text else 1
        for recipient in message.recipients:
            self._move(message, recipient, GatewayState.PROCESSED)
            self._later(self._settings().sent_after_s, partial(self._leave, message, recipient))

    def _leave(self, message: Message, recipient: Recipient) -> None:
        if self._faults.strikes(Fault.NO_SERVICE):
            self._fail(message, recipient, NO_SERVICE)
            return
        self._move(message, recipient, GatewayState.SENT)
        self._report(message, recipient, "sms:sent", "sentAt", partsCount=message.parts)
        if self._faults.strikes(Fault.UNDELIVERED):
            return
        for _ in range(message.parts):
            delay_s = self._chance.uniform(*self._settings().delivered_after_s)
            self._later(delay_s, partial(self._deliver, message, recipient))

    def _deliver(self, message: Message, recipient: Recipient) -> None:
        """One part reaches the parent. The app reports each, and calls the message delivered at the first."""
        recipient.parts_arrived += 1
        if recipient.parts_arrived == message.parts:
            recipient.arrived_at = self._now()
            text = message.request.text
            self.arrivals.append(Arrival(recipient.phone, text, message.message_id, recipient.arrived_at))
        self.moves += 1
        if not message.request.with_delivery_report:
            return
        self._move(message, recipient, GatewayState.DELIVERED)
        self._report(message, recipient, "sms:delivered", "deliveredAt")
        if recipient.arrived_at is not None and self._faults.strikes(Fault.REGRESS):
            self._later(_REGRESSES_AFTER_S, partial(self._regress, message, recipient))

    def _regress(self, message: Message, recipient: Recipient) -> None:
        """The app guards only ``Failed``: a late answer of the network takes a delivered message back."""
        self._move(message, recipient, GatewayState.SENT)
        self._report(message, recipient, "sms:sent", "sentAt", partsCount=message.parts)

    def _fail(self, message: Message, recipient: Recipient, reason: str) -> None:
        recipient.error = reason
        self._move(message, recipient, GatewayState.FAILED)
        self._report(message, recipient, "sms:failed", "failedAt", reason=reason)

    def _move(self, message: Message, recipient: Recipient, state: GatewayState) -> None:
        if recipient.state is not GatewayState.FAILED:
            recipient.state = state
        message.states[message.state] = self._now()
        if message.state is not GatewayState.PENDING:
            self.pending.pop(message.message_id, None)
        self.moves += 1

    def _report(self, message: Message, recipient: Recipient, event: str, time_key: str, **more: object) -> None:
        self._webhooks.report(
            event,
            {
                "messageId": message.message_id,
                "sender": OWN_NUMBER,
                "recipient": recipient.phone,
                "phoneNumber": recipient.phone,
                "simNumber": message.request.sim_number or 1,
                **more,
                time_key: timestamp(self._now(), self._zone),
            },
        )

    def _later(self, seconds: float, action: Callable[[], None]) -> None:
        self._timer_count += 1
        due_ns = self._clock.boot_ns() + round(seconds / self._settings().speed * 1e9)
        heapq.heappush(self._timers, (due_ns, self._timer_count, action))

    def _now(self) -> datetime:
        return self._clock.now().at
