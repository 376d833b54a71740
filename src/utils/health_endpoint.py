"""Documented import path of ``HealthEndpoint``."""

from attendance.kiosk.web.endpoint import HealthEndpoint

__all__ = ["HealthEndpoint"]
