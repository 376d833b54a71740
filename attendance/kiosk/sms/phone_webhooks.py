"""What the phone is told to report, and to whom: its webhooks, and the key that it signs them with.

Source: ``docs/features/webhooks.md`` and ``WebhooksRoutes.kt`` of SMS-Gate: one event a registration, the same id
replaces, deleting what is not there is no error.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit

from attendance.errors import BadInput
from attendance.kiosk.sms.gateway import Fault, GatewayError
from attendance.kiosk.sms.sms_gate import SmsGate

EVENTS: Sequence[str] = ("sms:sent", "sms:delivered", "sms:failed", "sms:cancelled", "sms:received", "system:ping")
"""Those that mean something to us: states of a message, answers of guardians, the phone's health."""
_OURS = "attendance"
_KEY_FITS = range(8, 129)


@dataclass(frozen=True, slots=True)
class Webhook:
    """One registration.

    Attributes:
        ours: of this gate; others belong to somebody else and are left alone.
    """

    webhook_id: str
    event: str
    url: str
    ours: bool


class PhoneWebhooks:
    """The registrations of one gate at one phone, or at the account that it belongs to.

    Args:
        gate_id: ``device.device_id``: gates that share a phone have registrations of their own.
    """

    def __init__(self, gateway: SmsGate, gate_id: str) -> None:
        self._gateway = gateway
        self._prefix = f"{_OURS}-{hashlib.sha256(gate_id.encode()).hexdigest()[:8]}-"

    def list(self) -> Sequence[Webhook]:
        """All that are registered, ours and others'.

        Raises:
            GatewayError: it does not say.
        """
        found = self._gateway.call("GET", "/webhooks")
        if not isinstance(found, list):
            raise GatewayError(f"{self._gateway.origin} gave no list of webhooks. Check api_url.")
        return [self._webhook(each) for each in found if isinstance(each, dict)]

    def register(self, url: str) -> Sequence[Webhook]:
        """Have every event of ``EVENTS`` reported to ``url``; replaces what this gate registered before.

        Args:
            url: as the phone sees it. Phones post to https, and to http on 127.0.0.1 only.

        Raises:
            BadInput: no phone would post to it.
            GatewayError: one could not be registered; those before it are, and doing it again does no harm.
        """
        _refuse_unless_phones_post(url)
        for event in EVENTS:
            registration = {"id": self._id(event), "url": url, "event": event}
            if self._gateway.device_id:
                registration["deviceId"] = self._gateway.device_id
            self._post(registration)
        return [Webhook(self._id(event), event, url, ours=True) for event in EVENTS]

    def _post(self, registration: dict[str, str]) -> None:
        try:
            self._gateway.call("POST", "/webhooks", registration)
        except GatewayError as error:
            if error.fault is not Fault.MESSAGE:
                raise
            raise GatewayError(
                f"The webhook for {registration['event']} was refused ({error}) Apps since 2026 post to no private"
                " address or .local name but http://127.0.0.1; docs/operations/sms-gateways.md shows ways.",
                fault=error.fault,
            ) from error

    def remove(self) -> Sequence[Webhook]:
        """Remove what this gate registered; which those were.

        Raises:
            GatewayError: one could not be removed; doing it again does no harm.
        """
        ours = [each for each in self.list() if each.ours]
        for each in ours:
            self._gateway.call("DELETE", f"/webhooks/{quote(each.webhook_id, safe='')}")
        return ours

    def set_signing_key(self, key: str) -> None:
        """Have the phone sign its reports with ``key``. Only the phone itself takes one: no server may know it.

        Raises:
            BadInput: it is too short, too long or has characters that cannot be typed.
            GatewayError: it was not taken, and where to enter it by hand.
        """
        refuse_weak_key(key)
        try:
            self._gateway.call("PATCH", "/settings", {"webhooks": {"signing_key": key}})
        except GatewayError as error:
            if error.fault not in (Fault.MESSAGE, Fault.ANSWER):
                raise
            raise GatewayError(
                f"The key was not taken ({error}) Servers take none; enter it at the phone: Settings, Webhooks,"
                " Signing Key.",
                fault=error.fault,
            ) from error

    def signing_key(self) -> str:
        """The phone's key; empty if it does not tell. Servers and new phones keep it to themselves.

        Raises:
            GatewayError: it does not answer.
        """
        settings = self._gateway.call("GET", "/settings")
        section = settings.get("webhooks") if isinstance(settings, dict) else None
        key = section.get("signing_key") if isinstance(section, dict) else None
        return key if isinstance(key, str) else ""

    def _id(self, event: str) -> str:
        """At most 36 characters, as the server demands."""
        return self._prefix + event.replace(":", "-")

    def _webhook(self, fields: dict[str, Any]) -> Webhook:
        webhook_id = _shown(fields.get("id"))
        return Webhook(
            webhook_id, _shown(fields.get("event")), _shown(fields.get("url")), webhook_id.startswith(self._prefix)
        )


def refuse_weak_key(key: str) -> None:
    """Raise for what can be no signing key.

    Raises:
        BadInput: it is too short, too long or has characters that cannot be typed.
    """
    if len(key) not in _KEY_FITS or not key.isascii() or not key.isprintable():
        raise BadInput(f"A signing key has {_KEY_FITS[0]} to {_KEY_FITS[-1]} printable ASCII characters.")


def _refuse_unless_phones_post(url: str) -> None:
    try:
        parts = urlsplit(url)
        port_fits = parts.port is None or parts.port > 0
    except ValueError as error:
        raise BadInput(f"{url!r} is no address ({error}).") from error
    if not parts.hostname or not port_fits or not url.isascii() or not url.isprintable() or " " in url:
        raise BadInput(f"{url!r} is no address. It must look like https://gate.school.ph:8081/sms-webhook.")
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname == "127.0.0.1"):
        raise BadInput(
            f"Phones do not post to {url!r}: it must be https, or http://127.0.0.1 over a cable."
            " docs/operations/sms-webhook.md shows both ways."
        )


def _shown(value: object) -> str:
    """A text of the gateway that can be printed."""
    return "".join(letter for letter in value if letter.isprintable()) if isinstance(value, str) else ""
