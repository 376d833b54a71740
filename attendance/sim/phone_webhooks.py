"""The simulated phone's webhooks: who is told of what, in which words, signed how, and how often again.

Source: ``WebHooksService.kt``, ``WebhookQueueRepository.kt`` and ``PayloadSingingPlugin.kt`` of
capcom6/android-sms-gateway.
"""

import hashlib
import hmac
import json
import random
import string
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlsplit

from attendance.errors import BadInput
from attendance.sim.phone_faults import Fault, Faults
from attendance.sim.phone_settings import PhoneSettings

EVENTS = (
    *("sms:received", "sms:sent", "sms:delivered", "sms:failed", "sms:cancelled", "sms:data-received"),
    *("mms:received", "mms:downloaded", "system:ping", "app:started"),
)
FIRST_PAUSE_S = 5.0
"""Before the first repetition; each further pause is twice as long."""
_COPIES = 5
_DISORDER_S = 6.0
_LONGEST_ID = 36
_REMEMBERED = 12
_NANOID = string.ascii_letters + string.digits + "_-"


@dataclass(frozen=True, slots=True)
class Webhook:
    """One registration: one address is told of one event."""

    webhook_id: str
    url: str
    event: str

    def answer(self) -> dict[str, str]:
        return {"id": self.webhook_id, "url": self.url, "event": self.event, "source": "Local"}


@dataclass(frozen=True, slots=True)
class Post:
    """One report on its way.

    Attributes:
        due_boot_ns: when it is posted next.
        tries: how often it was posted.
    """

    event: str
    url: str
    body: bytes
    due_boot_ns: int
    tries: int = 0

    def headers(self, signing_key: str, unix_s: int) -> dict[str, str]:
        """With the signature of a post at ``unix_s``; each attempt has its own."""
        plain = {"Content-Type": "application/json", "User-Agent": "me.capcom.smsgateway/1 (simulated)"}
        if not signing_key:
            return plain
        signed = hmac.new(signing_key.encode(), self.body + str(unix_s).encode(), hashlib.sha256).hexdigest()
        return {**plain, "X-Timestamp": str(unix_s), "X-Signature": signed}


@dataclass(frozen=True, slots=True)
class Posted:
    """What became of one post: the status that was answered, or why there was no answer."""

    event: str
    url: str
    outcome: str
    taken: bool


class Webhooks:
    """Registrations, and the reports that wait to be posted. Not for several threads at once: the phone's lock guards.

    Args:
        boot_ns: the steady clock.
        settings: as they are at the moment.
    """

    def __init__(
        self,
        boot_ns: Callable[[], int],
        chance: random.Random,
        faults: Faults,
        settings: Callable[[], PhoneSettings],
        device_id: str,
    ) -> None:
        self._boot_ns = boot_ns
        self._chance = chance
        self._faults = faults
        self._settings = settings
        self._device_id = device_id
        self._registered: dict[str, Webhook] = {}
        self._waiting: list[Post] = []
        self.recent: deque[Posted] = deque(maxlen=_REMEMBERED)
        self.given_up = 0

    @property
    def registered(self) -> list[Webhook]:
        return list(self._registered.values())

    @property
    def waiting(self) -> int:
        return len(self._waiting)

    def register(self, fields: Mapping[str, Any]) -> Webhook:
        """Register, or replace the registration with the same id.

        Raises:
            BadInput: the phone would answer 400.
        """
        webhook_id, url, event = fields.get("id") or nanoid(self._chance), fields.get("url"), fields.get("event")
        if not isinstance(webhook_id, str) or len(webhook_id) > _LONGEST_ID:
            raise BadInput(f"id must be a text of at most {_LONGEST_ID} characters")
        if not isinstance(url, str) or not _may_be_told(url, self._settings().plain_http):
            raise BadInput("url must start with https:// or http://127.0.0.1")
        if not isinstance(event, str) or event not in EVENTS:
            raise BadInput("Unsupported event")
        if fields.get("deviceId") not in (None, self._device_id):
            raise BadInput("Invalid device ID")
        self._registered[webhook_id] = Webhook(webhook_id, url, event)
        return self._registered[webhook_id]

    def remove(self, webhook_id: str) -> None:
        """Forget a registration; one that is not there is no fault."""
        self._registered.pop(webhook_id, None)

    def report(self, event: str, payload: Mapping[str, Any]) -> None:
        """Tell everybody who is registered for ``event``; ``None`` in the payload is left out."""
        if self._faults.strikes(Fault.SILENT):
            return
        for webhook in self.registered:
            if webhook.event == event:
                self._enqueue(webhook, payload)

    def due(self) -> Post | None:
        """The report to post; it waits no longer, until ``done`` says how it went."""
        due = min(self._waiting, key=lambda post: post.due_boot_ns, default=None)
        if due is None or due.due_boot_ns > self._boot_ns():
            return None
        self._waiting.remove(due)
        return due

    def done(self, post: Post, outcome: str, taken: bool) -> None:
        """Say what became of a post; what was not taken is due again later, until it was tried enough."""
        settings = self._settings()
        self.recent.append(Posted(post.event, post.url, outcome, taken))
        if taken:
            return
        if post.tries >= settings.retry_count:
            self.given_up += 1
            return
        pause_s = FIRST_PAUSE_S * 2**post.tries / settings.speed
        self._waiting.append(replace(post, tries=post.tries + 1, due_boot_ns=self._boot_ns() + round(pause_s * 1e9)))

    def next_boot_ns(self) -> int | None:
        """When the next report is due; ``None`` if none waits."""
        return min((post.due_boot_ns for post in self._waiting), default=None)

    def _enqueue(self, webhook: Webhook, payload: Mapping[str, Any]) -> None:
        envelope = {
            "deviceId": self._device_id,
            "event": webhook.event,
            "id": nanoid(self._chance),
            "payload": {key: value for key, value in payload.items() if value is not None},
            "webhookId": webhook.webhook_id,
        }
        post = Post(webhook.event, webhook.url, _as_gson(envelope), self._boot_ns())
        repeated, disordered = self._faults.strikes(Fault.REPEAT), self._faults.strikes(Fault.DISORDER)
        for _ in range(_COPIES if repeated else 1):
            late_s = self._chance.uniform(0, _DISORDER_S / self._settings().speed) if repeated or disordered else 0.0
            self._waiting.append(replace(post, due_boot_ns=post.due_boot_ns + round(late_s * 1e9)))


def nanoid(chance: random.Random) -> str:
    """An id as the app makes them: 21 characters."""
    return "".join(chance.choices(_NANOID, k=21))


def _may_be_told(url: str, plain_http: bool) -> bool:
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port  # a port that is none raises here rather than at every post
    except ValueError:
        return False
    if not host or not url.isascii() or not url.isprintable() or " " in url:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and (plain_http or host == "127.0.0.1"))


def _as_gson(envelope: Mapping[str, Any]) -> bytes:
    r"""As the app's Gson writes it, which escapes for HTML: who verifies other bytes than these, fails."""
    text = json.dumps(envelope, ensure_ascii=False, separators=(",", ":"))
    for letter in "<>&='":
        text = text.replace(letter, f"\\u{ord(letter):04x}")
    return text.encode("utf-8", "backslashreplace")
