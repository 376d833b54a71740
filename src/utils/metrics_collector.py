"""Documented import path of ``MetricsCollector``."""

from attendance.ops.metrics import MetricsCollector

__all__ = ["MetricsCollector"]
