"""What can be made to go wrong with the simulated phone, each by a switch."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum


class Fault(StrEnum):
    """One thing that goes wrong while it is on. All of them were seen in the field."""

    HTML = "html"
    ERROR = "error"
    BUSY = "busy"
    HANG = "hang"
    CLOSE_EARLY = "close_early"
    NO_SERVICE = "no_service"
    UNDELIVERED = "undelivered"
    REGRESS = "regress"
    REPEAT = "repeat"
    DISORDER = "disorder"
    SILENT = "silent"
    LOW_BATTERY = "low_battery"


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a fault does, for the person at the switch.

    Attributes:
        where: what goes wrong.
    """

    where: str
    title: str
    text: str


_SENDING, _NETWORK, _REPORTS = "Taking messages", "Mobile network", "Reports to the gate"
MEANINGS = {
    Fault.HTML: Meaning(_SENDING, "Captive portal", "Answers 200 with a web page; takes nothing."),
    Fault.ERROR: Meaning(_SENDING, "Server error", "Answers 500; takes nothing."),
    Fault.BUSY: Meaning(_SENDING, "Queue full", "Answers 503 with Retry-After; takes nothing."),
    Fault.HANG: Meaning(_SENDING, "No answer", "Takes the message, never answers."),
    Fault.CLOSE_EARLY: Meaning(_SENDING, "Cut off", "Takes the message, ends in the middle of the answer."),
    Fault.NO_SERVICE: Meaning(_NETWORK, "No service", "What the phone sends fails."),
    Fault.UNDELIVERED: Meaning(_NETWORK, "Not delivered", "Messages stay Sent and arrive nowhere."),
    Fault.REGRESS: Meaning(_NETWORK, "Back to Sent", "A delivered message is called Sent again."),
    Fault.REPEAT: Meaning(_REPORTS, "Five times", "Posts each report five times, out of order."),
    Fault.DISORDER: Meaning(_REPORTS, "Disorder", "Posts reports in any order."),
    Fault.SILENT: Meaning(_REPORTS, "Silence", "Posts no report."),
    Fault.LOW_BATTERY: Meaning(_REPORTS, "Battery low", "Pings say 7 %, not charging."),
}


@dataclass(slots=True)
class _Switch:
    until_boot_ns: int | None
    times: int | None


class Faults:
    """The switches. Not for several threads at once: the phone's lock guards them.

    Args:
        boot_ns: the steady clock that ends what is on for a while only.
    """

    def __init__(self, boot_ns: Callable[[], int]) -> None:
        self._boot_ns = boot_ns
        self._on: dict[Fault, _Switch] = {}

    def switch(self, fault: Fault, on: bool, *, seconds: float | None = None, times: int | None = None) -> None:
        """Turn one on or off.

        Args:
            seconds: for how long; ``None``: until it is turned off.
            times: how often it happens; ``None``: always.
        """
        if not on:
            self._on.pop(fault, None)
            return
        until = None if seconds is None else self._boot_ns() + round(seconds * 1e9)
        self._on[fault] = _Switch(until, times)

    def on(self) -> list[Fault]:
        """Those that are on."""
        now = self._boot_ns()
        for fault, switch in list(self._on.items()):
            if switch.until_boot_ns is not None and switch.until_boot_ns <= now:
                del self._on[fault]
        return [fault for fault in Fault if fault in self._on]

    def strikes(self, fault: Fault) -> bool:
        """Whether it happens here; one of its ``times`` is used up then."""
        if fault not in self.on():
            return False
        switch = self._on[fault]
        if switch.times is not None:
            switch.times -= 1
            if switch.times <= 0:
                del self._on[fault]
        return True
