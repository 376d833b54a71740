"""The simulated phone, switched on: the model with its clockwork, its postman and its port."""

import random
import ssl
from collections.abc import Iterable
from datetime import UTC, tzinfo
from typing import Any
from zlib import crc32

from attendance.clock import Clock, SystemClock
from attendance.ops.service import Service
from attendance.ops.webserver import Streams, WebServer
from attendance.sim.phone import DEVICE_ID, Phone
from attendance.sim.phone_accounts import Accounts
from attendance.sim.phone_posting import TIMEOUT_S, Postman
from attendance.sim.phone_settings import PhoneSettings
from attendance.sim.phone_webhooks import nanoid
from attendance.sim.web.phone import phone_app
from attendance.sim.web.phone_line import Line

REPORTED = ("sms:sent", "sms:delivered", "sms:failed", "sms:cancelled", "sms:received", "system:ping")
"""The events that a gate wants to be told of."""
HANG_S = 120.0
"""How long an answer that never comes is kept back: longer than any client waits."""
_REQUESTS = 8
"""Answers that can be kept back while others are served."""


class SimulatedPhone:
    """A phone with SMS-Gate on it, its network, and the phones of the parents. ``start`` binds before it returns.

    Args:
        port: 0 takes a free one.
        password: empty: one is made up, see ``configuration``.
        seed: of everything that is left to chance; ``None``: different at each run.
        webhook_url: is told of all that a gate wants to know, from the start; empty: who wants to be told registers.
        trusted: for webhooks with https.

    Attributes:
        phone: the model: what it took, who received what, its faults and settings.
    """

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        username: str = "sms",
        password: str = "",
        settings: PhoneSettings | None = None,
        webhook_url: str = "",
        device_id: str = DEVICE_ID,
        zone: tzinfo = UTC,
        clock: Clock | None = None,
        seed: int | None = None,
        hang_s: float = HANG_S,
        post_timeout_s: float = TIMEOUT_S,
        trusted: ssl.SSLContext | None = None,
    ) -> None:
        clock = clock or SystemClock()
        chance = random.Random(seed)
        self.username = username
        self.password = password or nanoid(chance)[:8]
        self.phone = Phone(clock, chance, settings, zone=zone, device_id=device_id, changed=self._nudge)
        self._line = Line(self.phone, Accounts(self.username, self.password, clock, chance), hang_s)
        self._clockwork = Service("simulated phone", self.phone)
        postman = Postman(self.phone, timeout_s=post_timeout_s, trusted=trusted)
        self._postman = Service("simulated phone's reports", postman, wake=postman.interrupt)
        self._web = WebServer(phone_app(self._line), host, port, streams=Streams(_REQUESTS), name="simulated phone")
        self._host = host
        if webhook_url:
            self.register(webhook_url)

    @property
    def port(self) -> int:
        return self._web.port

    @property
    def url(self) -> str:
        """Of the phone's own API, and of the page."""
        name = "127.0.0.1" if self._host in ("", "0.0.0.0", "::") else self._host
        return f"http://{f'[{name}]' if ':' in name else name}:{self.port}"

    @property
    def configuration(self) -> dict[str, Any]:
        """What a gate's configuration needs, to use this phone."""
        sms: dict[str, Any] = {
            "enabled": True,
            "api_url": self.url,
            "username": self.username,
            "password": self.password,
            "device_id": self.phone.device_id,
        }
        key = self.phone.settings.signing_key
        return {"sms_notifications": sms, **({"sms_webhook": {"signing_key": key}} if key else {})}

    def register(self, url: str, events: Iterable[str] = REPORTED) -> None:
        """Register an address for each event; again replaces.

        Raises:
            BadInput: the app would not take the address.
        """
        with self.phone.lock:
            for event in events:
                webhook_id = f"{event}-{crc32(url.encode()):08x}"
                self.phone.webhooks.register({"id": webhook_id, "url": url, "event": event})
        self.phone.touch()

    def start(self) -> None:
        """Switch on; may be called twice.

        Raises:
            AttendanceError: the port cannot be had.
        """
        self._web.start()
        self._clockwork.start()
        self._postman.start()

    def stop(self, timeout_s: float = 1.0) -> bool:
        """Switch off; whether everything ended in time. May be called twice; it does not go on again."""
        self._line.hung_up.set()
        ended = [self._postman.stop(timeout_s), self._clockwork.stop(timeout_s), self._web.stop(timeout_s)]
        return all(ended)

    def __enter__(self) -> "SimulatedPhone":
        self.start()
        return self

    def __exit__(self, *unused: object) -> None:
        self.stop()

    def _nudge(self) -> None:
        self._clockwork.nudge()
        self._postman.nudge()
