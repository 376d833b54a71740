"""The settings of the simulated phone: those of the app, and how fast its network is.

Source: ``MessagesSettings.kt``, ``WebhooksSettings.kt`` and ``PingSettings.kt`` of capcom6/android-sms-gateway.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, TypeVar

from attendance.errors import BadInput

RETRIES = 15
"""How often the app posts a report again: with pauses that begin at 5 s and double, nearly two days."""
_LARGEST = 1_000_000
_LONGEST_KEY = 128
Word = TypeVar("Word", bound=StrEnum)


class LimitPeriod(StrEnum):
    DISABLED = "Disabled"
    PER_MINUTE = "PerMinute"
    PER_30_MINUTES = "Per30Minutes"
    PER_HOUR = "PerHour"
    PER_DAY = "PerDay"


class ProcessingOrder(StrEnum):
    LIFO = "LIFO"
    FIFO = "FIFO"


PERIOD_S = {
    LimitPeriod.DISABLED: 0,
    LimitPeriod.PER_MINUTE: 60,
    LimitPeriod.PER_30_MINUTES: 1_800,
    LimitPeriod.PER_HOUR: 3_600,
    LimitPeriod.PER_DAY: 86_400,
}


@dataclass(frozen=True, slots=True)
class PhoneSettings:
    """What the person with the phone in hand can set, and what the network around it does.

    Attributes:
        limit_value: messages in a ``limit_period``, after which the phone pauses.
        send_interval_min_s, send_interval_max_s: a random pause after each message; whole seconds, 0 to 0: none.
        signing_key: signs the reports; empty: they carry no signature.
        ping_interval_s: between two ``system:ping``; 0: only when asked.
        queue_max_pending: waiting messages from which on requests get 503; 0: any number. Servers have this limit; a
            real phone on its own has none.
        plain_http: take webhooks on http:// anywhere, as the build of the app that is called insecure does.
        sent_after_s: from the app to the network.
        delivered_after_s: least and most from the network to the parent's phone.
        speed: divides every pause, so that hours can be tried in seconds.
    """

    limit_period: LimitPeriod = LimitPeriod.DISABLED
    limit_value: int = 0
    send_interval_min_s: int = 0
    send_interval_max_s: int = 0
    processing_order: ProcessingOrder = ProcessingOrder.LIFO
    retry_count: int = RETRIES
    signing_key: str = ""
    ping_interval_s: int = 0
    queue_max_pending: int = 0
    plain_http: bool = False
    sent_after_s: float = 0.4
    delivered_after_s: tuple[float, float] = (0.8, 3.0)
    speed: float = 1.0

    @property
    def limit_s(self) -> int:
        """Seconds of the limit's period; 0 when nothing is limited."""
        return PERIOD_S[self.limit_period] if self.limit_value > 0 else 0

    def answer(self) -> dict[str, Any]:
        """As ``GET /settings`` tells them; the key stays a secret."""
        return {
            "messages": {
                "limit_period": self.limit_period,
                "limit_value": self.limit_value,
                "send_interval_min": self.send_interval_min_s,
                "send_interval_max": self.send_interval_max_s,
                "processing_order": self.processing_order,
                "sim_selection_mode": "OSDefault",
            },
            "webhooks": {"internet_required": False, "retry_count": self.retry_count},
            "ping": {"interval_seconds": self.ping_interval_s},
        }

    def patched(self, fields: Mapping[str, Any]) -> "PhoneSettings":
        """With what ``PATCH /settings`` names; what it does not name, or is not simulated, stays.

        Raises:
            BadInput: a value cannot be.
        """
        messages, webhooks, ping = (_section(fields, name) for name in ("messages", "webhooks", "ping"))
        least = _count(messages, "send_interval_min", self.send_interval_min_s)
        return replace(
            self,
            limit_period=_word(messages, "limit_period", self.limit_period, LimitPeriod),
            limit_value=_count(messages, "limit_value", self.limit_value),
            send_interval_min_s=least,
            send_interval_max_s=max(least, _count(messages, "send_interval_max", self.send_interval_max_s)),
            processing_order=_word(messages, "processing_order", self.processing_order, ProcessingOrder),
            retry_count=_count(webhooks, "retry_count", self.retry_count),
            signing_key=_key(webhooks, self.signing_key),
            ping_interval_s=_count(ping, "interval_seconds", self.ping_interval_s),
        )


def _section(fields: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    section = fields.get(name)
    if section is None:
        return {}
    if not isinstance(section, dict):
        raise BadInput(f"Invalid request: {name} is no JSON object")
    return section


def _count(section: Mapping[str, Any], key: str, before: int) -> int:
    value = section.get(key, before)
    if value is None:
        return 0
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= _LARGEST:
        raise BadInput(f"Invalid request: {key} must be a whole number from 0 to {_LARGEST}")
    return value


def _word(section: Mapping[str, Any], key: str, before: Word, words: type[Word]) -> Word:
    try:
        return words(section.get(key, before))
    except ValueError as error:
        raise BadInput(f"Invalid request: {key} must be one of {', '.join(words)}") from error


def _key(section: Mapping[str, Any], before: str) -> str:
    value = section.get("signing_key", before)
    if not isinstance(value, str) or len(value) > _LONGEST_KEY:
        raise BadInput(f"Invalid request: signing_key must be a text of at most {_LONGEST_KEY} characters")
    return value
