"""Every setting once: typed, with default, unit and reason; all faults are reported together."""

from attendance.config.faults import FaultyConfig
from attendance.config.load import Loaded, check_decided, configured, load, masked
from attendance.config.paths import Paths, locate
from attendance.config.settings import Settings

__all__ = ["FaultyConfig", "Loaded", "Paths", "Settings", "check_decided", "configured", "load", "locate", "masked"]
