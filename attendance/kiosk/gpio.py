"""The gate's buzzer and RGB light on the pins of a Raspberry Pi."""

from collections.abc import Mapping
from typing import Any, Protocol

import gpiozero

from attendance.errors import AttendanceError

Colour = tuple[float, float, float]
"""Red, green, blue; 0 to 1 each."""


class Indicator(Protocol):
    """What shows a result without a screen."""

    def buzz(self, on: bool) -> None: ...

    def light(self, colour: Colour) -> None: ...

    def close(self) -> None: ...


class GpioIndicator:
    """Owns its pins from construction to ``close``.

    Args:
        buzzer_pin: BCM number, or ``None`` without a buzzer.
        led_pins: BCM numbers of ``red``, ``green`` and ``blue``, or ``None`` without a light.
        pin_factory: of gpiozero; ``None`` takes what the machine has.

    Raises:
        AttendanceError: the pins cannot be had.
    """

    def __init__(self, buzzer_pin: int | None, led_pins: Mapping[str, int] | None, pin_factory: Any = None) -> None:
        self._buzzer: Any = None
        self._led: Any = None
        try:
            if buzzer_pin is not None:
                self._buzzer = gpiozero.Buzzer(buzzer_pin, pin_factory=pin_factory)
            if led_pins is not None:
                pins = (led_pins["red"], led_pins["green"], led_pins["blue"])
                self._led = gpiozero.RGBLED(*pins, pin_factory=pin_factory)
        except (gpiozero.GPIOZeroError, OSError, RuntimeError, ImportError) as error:
            self.close()
            raise AttendanceError(
                f"the pins of the buzzer ({buzzer_pin!r}) and the light ({led_pins!r}) cannot be used: {error}; is this"
                " a Raspberry Pi, may this user use GPIO (group gpio), and does no other program hold the pins?"
            ) from error

    def buzz(self, on: bool) -> None:
        if self._buzzer is not None:
            self._buzzer.value = on

    def light(self, colour: Colour) -> None:
        if self._led is not None:
            self._led.value = colour

    def close(self) -> None:
        for device in (self._buzzer, self._led):
            if device is not None:
                device.close()
