"""Documented import path of ``SMSWebhookReceiver``."""

from attendance.kiosk.web.webhook import SMSWebhookReceiver

__all__ = ["SMSWebhookReceiver"]
