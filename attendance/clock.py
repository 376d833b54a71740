"""Time, with how far it can be trusted. The only module that reads the wall clock.

A Raspberry Pi has no clock at boot: until NTP is known good its wall time is a guess. Durations, deadlines and limits
therefore use boot time (``CLOCK_BOOTTIME``: steady, counts suspend, shared by all processes); wall time is kept beside
it, with its trust, so that a record made before the clock was right can be dated afterwards.
"""

import ctypes
import functools
import os
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path
from typing import Protocol

_BOOT_ID_FILE = Path("/proc/sys/kernel/random/boot_id")
_TIMESYNCD_FILE = Path("/run/systemd/timesync/synchronized")
_RTC_SET_SYSTEM_CLOCK = Path("/sys/class/rtc/rtc0/hctosys")
_BOARD_MODEL_FILE = Path("/proc/device-tree/model")
_TIME_ERROR = 5
"""``ntp_adjtime`` returns this while the kernel clock is not synchronised (``<sys/timex.h>``)."""
_TRUST_CHECK_NS = 5_000_000_000
"""How long an answer about NTP is reused: asking costs a system call and nothing changes faster."""


@dataclass(frozen=True, slots=True)
class Moment:
    """One instant, as the machine that saw it knew it.

    Attributes:
        at: wall time, aware UTC.
        boot_id: which boot of the machine.
        boot_ns: nanoseconds since that boot.
        trusted: whether the wall time was known good.
    """

    at: datetime
    boot_id: str
    boot_ns: int
    trusted: bool


class Clock(Protocol):
    """What every part that needs time is given."""

    @property
    def boot_id(self) -> str: ...

    def now(self) -> Moment: ...

    def boot_ns(self) -> int: ...

    def moment(self, boot_ns: int) -> Moment:
        """The moment of this boot at ``boot_ns``, dated by what the wall clock says now."""
        ...


class SystemClock:
    """The machine's clock.

    Args:
        trust_rtc: whether a battery-backed clock chip makes wall time trusted without NTP. ``None`` decides by the
            board: yes with such a chip, but never on a Raspberry Pi, whose chip usually has no battery.
    """

    def __init__(self, trust_rtc: bool | None = None) -> None:
        self.boot_id = _read(_BOOT_ID_FILE) or f"process-{os.getpid()}"
        self._rtc_trusted = _rtc_set_the_clock() if trust_rtc is None else trust_rtc
        self._trusted = False
        self._trust_asked_ns: int | None = None

    def boot_ns(self) -> int:
        return boot_ns()

    def now(self) -> Moment:
        return self.moment(boot_ns())

    def moment(self, at_boot_ns: int) -> Moment:
        age = timedelta(microseconds=(boot_ns() - at_boot_ns) / 1000)
        return Moment(wall_now() - age, self.boot_id, at_boot_ns, self._wall_trusted())

    def _wall_trusted(self) -> bool:
        now = boot_ns()
        if self._trust_asked_ns is None or now - self._trust_asked_ns > _TRUST_CHECK_NS:
            self._trust_asked_ns = now
            self._trusted = self._rtc_trusted or _TIMESYNCD_FILE.exists() or _kernel_says_synchronised()
        return self._trusted


class ManualClock:
    """A clock that stands still until told otherwise: simulators and tests."""

    def __init__(self, at: datetime, *, boot_id: str = "manual", trusted: bool = True) -> None:
        self.boot_id = boot_id
        self.trusted = trusted
        self._start = at
        self._boot_ns = 0

    def advance(self, seconds: float) -> None:
        """Let both clocks run on."""
        self._boot_ns += round(seconds * 1e9)

    def step(self, seconds: float) -> None:
        """Change the wall time only, as an NTP correction does."""
        self._start += timedelta(seconds=seconds)

    def boot_ns(self) -> int:
        return self._boot_ns

    def now(self) -> Moment:
        return self.moment(self._boot_ns)

    def moment(self, at_boot_ns: int) -> Moment:
        return Moment(self._start + timedelta(microseconds=at_boot_ns / 1000), self.boot_id, at_boot_ns, self.trusted)


def age(made: Moment, now: Moment) -> timedelta:
    """How long ago a stored moment was, at least: the one rule for all stored deadlines.

    In the same boot, boot time decides. After a reboot wall times are compared if both were trusted; otherwise only
    this boot counts, so that a clock that jumps never makes anything old.
    """
    if made.boot_id == now.boot_id:
        return timedelta(microseconds=(now.boot_ns - made.boot_ns) / 1000)
    if made.trusted and now.trusted:
        return now.at - made.at
    return timedelta(microseconds=now.boot_ns / 1000)


def boot_ns() -> int:
    """Nanoseconds since boot, the same in every process of the machine."""
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME)


def wall_now() -> datetime:
    """Aware UTC, trusted or not."""
    return datetime.now(UTC)


def rfc3339(at: datetime) -> str:
    """UTC text of an aware time, microseconds, ``Z``: sorts as it reads."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def timestamps(at: datetime, zone: tzinfo) -> dict[str, str]:
    """The documented pair of whole seconds: local time in ``zone`` without offset, and UTC beside it."""
    whole = at.replace(microsecond=0)
    local = whole.astimezone(zone).replace(tzinfo=None)
    return {"timestamp": local.isoformat(), "timestamp_utc": f"{whole.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"}


def from_rfc3339(text: str) -> datetime:
    """The aware UTC time of a text that ``rfc3339`` wrote."""
    return datetime.fromisoformat(text).astimezone(UTC)


def _read(path: Path) -> str:
    try:
        return path.read_text(errors="replace").strip("\x00\n ")
    except OSError:
        return ""


def _rtc_set_the_clock() -> bool:
    return _read(_RTC_SET_SYSTEM_CLOCK) == "1" and "Raspberry Pi" not in _read(_BOARD_MODEL_FILE)


@functools.cache
def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _kernel_says_synchronised() -> bool:
    buffer = ctypes.create_string_buffer(512)  # struct timex, zeroed: modes=0 reads only
    try:
        return int(_libc().ntp_adjtime(buffer)) not in (-1, _TIME_ERROR)
    except AttributeError:
        return False
