"""What a delivery webhook is made of, and what the configuration says of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import tzinfo
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from attendance.clock import Clock, SystemClock
from attendance.kiosk.web.access import Access


@dataclass(frozen=True, slots=True)
class WebhookPlan:
    """Every argument of ``SMSWebhookReceiver``, with a value.

    Attributes:
        tls_certificate, tls_key: empty for plain HTTP.
    """

    db_path: str | Path
    port: int
    enabled: bool
    auth_token: str
    host: str
    log_deliveries: bool
    retry_failed: bool
    signing_key: str
    tls_certificate: str | Path
    tls_key: str | Path
    expire_after_minutes: float
    zone: tzinfo
    clock: Clock
    access: Access


def as_configured(settings: Any, paths: Any) -> dict[str, Any]:
    """What the configuration alone says of the webhook, by the names of ``SMSWebhookReceiver``'s arguments.

    Args:
        settings: ``attendance.config.Settings``.
        paths: ``attendance.config.Paths``.
    """
    hook = settings.sms_webhook
    return {
        "db_path": paths.database,
        "port": hook.port,
        "enabled": hook.enabled,
        "auth_token": hook.auth_token,
        "host": hook.host,
        "log_deliveries": hook.log_deliveries,
        "retry_failed": hook.retry_failed,
        "signing_key": hook.signing_key,
        "tls_certificate": paths.resolve(hook.tls_certificate) if hook.tls_certificate else "",
        "tls_key": paths.resolve(hook.tls_key) if hook.tls_key else "",
        "expire_after_minutes": settings.sms_notifications.rate_limiting.expire_after_minutes,
    }


def filled(given: Mapping[str, Any], settings: Any, paths: Any) -> dict[str, Any]:
    """``given``, with what the configuration makes of every ``None`` in it."""
    proxies = [str(network) for network in settings.web.trusted_proxies]
    configured = {
        **as_configured(settings, paths),
        "zone": ZoneInfo(settings.school.timezone),
        "clock": SystemClock(settings.clock.trust_rtc),
        "access": Access(hosts=settings.web.hosts, trusted_proxies=proxies),
    }
    return {name: configured[name] if value is None else value for name, value in given.items()}
