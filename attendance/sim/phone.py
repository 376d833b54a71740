"""A simulated phone with SMS-Gate on it: takes messages, sends them as the app does, reports, and hears parents.

Pure but for the clock and the random source it is given: nothing runs unless ``step`` is called; no thread and no
socket is here. ``phone_device.py`` lets it live; ``web/phone.py`` is its API and its page.
"""

import random
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any
from zlib import crc32

from attendance.clock import Clock
from attendance.domain.receipt import GatewayState
from attendance.errors import AttendanceError
from attendance.sim.phone_faults import Fault, Faults
from attendance.sim.phone_health import Battery, health
from attendance.sim.phone_messages import ENDED, Message, Recipient, timestamp
from attendance.sim.phone_network import OWN_NUMBER, Arrival, Network
from attendance.sim.phone_requests import SendRequest
from attendance.sim.phone_settings import PhoneSettings
from attendance.sim.phone_webhooks import Webhooks, nanoid

DEVICE_ID = "SimulatedPhone-000001"
IDLE_S = 1.0
_MOST_MESSAGES = 10_000
"""12 MB: a phone in a demo may live for weeks."""
_MOST_HEARD = 2_000
_HOUR_NS = 3_600_000_000_000
_FULL, _EMPTY = Battery(87, charging=True), Battery(7, charging=False)


class AlreadyThere(AttendanceError):
    """The phone has a message with this id: 409."""


class QueueFull(AttendanceError):
    """Too many messages wait: 503."""


class NotPending(AttendanceError):
    """The message has left and cannot be cancelled."""


@dataclass(frozen=True, slots=True)
class Heard:
    """A text that a parent wrote to the school's phone."""

    phone: str
    text: str
    at: datetime


class Phone:
    """May be used from several threads.

    Args:
        zone: of the phone, in which it writes its times.
        remembered: messages; beyond these the oldest that have ended are forgotten.
        changed: called after something that may be due earlier than the last ``step`` said.

    Attributes:
        lock: to be held by whoever uses ``faults`` or ``webhooks``.
        heard: what parents wrote, in order.
    """

    def __init__(
        self,
        clock: Clock,
        chance: random.Random,
        settings: PhoneSettings | None = None,
        *,
        zone: tzinfo,
        device_id: str = DEVICE_ID,
        remembered: int = _MOST_MESSAGES,
        changed: Callable[[], None] = lambda: None,
    ) -> None:
        self.clock = clock
        self.zone = zone
        self.device_id = device_id
        self.settings = settings or PhoneSettings()
        self.lock = threading.RLock()
        self.faults = Faults(clock.boot_ns)
        self.webhooks = Webhooks(clock.boot_ns, chance, self.faults, lambda: self.settings, device_id)
        self.heard: deque[Heard] = deque(maxlen=_MOST_HEARD)
        self._network = Network(clock, chance, self.faults, self.webhooks, lambda: self.settings, zone)
        self._chance = chance
        self._changed = changed
        self._remembered = remembered
        self._messages: dict[str, Message] = {}
        self._count = self._touches = 0
        self._pinged_ns = clock.boot_ns()

    @property
    def revision(self) -> int:
        """Grows with everything that can be seen."""
        return self._touches + self._network.moves

    @property
    def arrivals(self) -> list[Arrival]:
        """What parents received, in the order in which they did."""
        with self.lock:
            return list(self._network.arrivals)

    def accept(self, request: SendRequest) -> Message:
        """Take a message.

        Raises:
            AlreadyThere: its id is known; nothing is sent a second time.
            QueueFull: too many wait.
        """
        with self.lock:
            if request.message_id in self._messages:
                raise AlreadyThere("Message with the same ID already exists")
            limit, pending = self.settings.queue_max_pending, self._network.pending
            if limit and len(pending) >= limit:
                raise QueueFull("queue limits exceeded; ensure device is online")
            self._count += 1
            now = self.clock.now().at
            message = Message(
                message_id=request.message_id or nanoid(self._chance),
                number=self._count,
                request=request,
                created_at=now,
                recipients=[Recipient(phone) for phone in request.phones],
                states={GatewayState.PENDING: now},
            )
            self._messages[message.message_id] = pending[message.message_id] = message
            self._forget_oldest()
        self.touch()
        return message

    def message(self, message_id: str) -> Message | None:
        with self.lock:
            return self._messages.get(message_id)

    def tell(self, message: Message, *, content: bool = False) -> dict[str, Any]:
        """As the API tells of a message; with the text on request."""
        with self.lock:
            return message.answer(self.device_id, self.zone, content=content)

    def messages(self) -> list[Message]:
        """All that are remembered, oldest first."""
        with self.lock:
            return list(self._messages.values())

    def cancel(self, message_id: str) -> Message | None:
        """Call a waiting message back; ``None`` if there is no such message.

        Raises:
            NotPending: it is not waiting.
        """
        with self.lock:
            message = self._messages.get(message_id)
            if message is None:
                return None
            if message_id not in self._network.pending:
                raise NotPending("Message is not pending")
            self._network.cancel(message)
        self.touch()
        return message

    def answer(self, phone: str, text: str) -> None:
        """A parent writes to the school."""
        with self.lock:
            heard = Heard(phone, text, self.clock.now().at)
            self.heard.append(heard)
            content = f"{phone} {text}".encode("utf-8", "replace")
            self.webhooks.report(
                "sms:received",
                {
                    "messageId": f"{crc32(content):08x}",  # made of the content by the app too: it is not unique
                    "sender": phone,
                    "recipient": OWN_NUMBER,
                    "phoneNumber": phone,
                    "simNumber": 1,
                    "message": text,
                    "receivedAt": self.stamp(heard.at),
                },
            )
        self.touch()

    def ping(self) -> None:
        """Report how the phone is."""
        with self.lock:
            self._pinged_ns = self.clock.boot_ns()
            self.webhooks.report("system:ping", {"health": self.health()})
        self.touch()

    def health(self) -> dict[str, Any]:
        """As ``GET /health`` on the phone and ``system:ping`` tell it."""
        since = self.clock.moment(self.clock.boot_ns() - _HOUR_NS).at
        recent = [each.state for each in self.messages() if each.created_at > since]
        failed = recent.count(GatewayState.FAILED)
        processed = len(recent) - failed - recent.count(GatewayState.PENDING) - recent.count(GatewayState.CANCELLED)
        return health(self.battery, failed, processed)

    @property
    def battery(self) -> Battery:
        with self.lock:
            return _EMPTY if Fault.LOW_BATTERY in self.faults.on() else _FULL

    def switch(self, fault: Fault, on: bool, *, seconds: float | None = None, times: int | None = None) -> None:
        """See ``Faults.switch``."""
        with self.lock:
            self.faults.switch(fault, on, seconds=seconds, times=times)
        self.touch()

    def strikes(self, fault: Fault) -> bool:
        """See ``Faults.strikes``."""
        with self.lock:
            return self.faults.strikes(fault)

    def configure(self, settings: PhoneSettings) -> None:
        with self.lock:
            self.settings = settings
        self.touch()

    def step(self) -> float:
        """Do what is due; seconds until something else is, ``IDLE_S`` at most."""
        with self.lock:
            before = self.revision
            self._ping_when_due()
            next_ns = self._network.step()
            moved = self.revision != before
        if moved:
            self._changed()
        return IDLE_S if next_ns is None else min(IDLE_S, max(0.0, (next_ns - self.clock.boot_ns()) / 1e9))

    def touch(self) -> None:
        """Something was changed that can be seen, or must be done."""
        with self.lock:
            self._touches += 1
        self._changed()

    def stamp(self, at: datetime) -> str:
        return timestamp(at, self.zone)

    def _ping_when_due(self) -> None:
        interval_s = self.settings.ping_interval_s / self.settings.speed
        if interval_s and self.clock.boot_ns() - self._pinged_ns >= interval_s * 1e9:
            self.ping()

    def _forget_oldest(self) -> None:
        if len(self._messages) <= self._remembered:
            return
        ended = next((each for each in self._messages.values() if each.state in ENDED), None)
        if ended is not None:
            del self._messages[ended.message_id]
