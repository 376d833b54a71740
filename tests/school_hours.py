"""A time zone in which it is a school morning now, whenever that is: for programs that go by the machine's clock."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

_AHEAD = (10 - datetime.now(UTC).hour + 11) % 24 - 11
ZONE = ZoneInfo(f"Etc/GMT{-_AHEAD:+d}")  # these names count the other way
"""Where it is between ten and eleven."""
