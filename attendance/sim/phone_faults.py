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


MEANINGS = {
    Fault.HTML: "Send requests are answered with 200 and a web page, as a captive portal does; nothing is taken.",
    Fault.ERROR: "Send requests are answered with 500; nothing is taken.",
    Fault.BUSY: "Send requests are answered with 503 and Retry-After; nothing is taken.",
    Fault.HANG: "A message is taken, and the answer never comes.",
    Fault.CLOSE_EARLY: "A message is taken, and the connection ends in the middle of the answer.",
    Fault.NO_SERVICE: "The phone has no mobile network: what it sends fails.",
    Fault.UNDELIVERED: "The networks report no delivery: messages stay Sent.",
    Fault.REGRESS: "A delivered message goes back to Sent.",
    Fault.REPEAT: "Each report is posted five times, out of order.",
    Fault.DISORDER: "Reports are posted in any order.",
    Fault.SILENT: "No report is posted.",
    Fault.LOW_BATTERY: "The phone hangs on no charger, and its battery is almost empty.",
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
