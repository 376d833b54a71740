"""What a metric is: its name, its kind, and which values it takes."""

import re
from dataclasses import dataclass
from typing import Literal

NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,99}")
"""Names that every reader of metrics takes as they are."""
LARGEST = 2**53
"""Up to here whole numbers are exact in every reader of JSON."""
_NUMBERS = (int, float)  # a tuple: `int | float` would be built anew by each call, which costs as much as the rest


@dataclass(frozen=True, slots=True)
class Label:
    """Makes several counters one family for Prometheus, told apart by a label with a few fixed values.

    Attributes:
        family: the common name, as a metric's.
        help: what the family counts.
        key, value: the label.
    """

    family: str
    help: str
    key: str
    value: str


@dataclass(frozen=True, slots=True)
class Metric:
    """One number that a part of the program keeps.

    Attributes:
        name: in the export; a unit is its last word (``_ms``, ``_mb``, ``_gb``, ``_seconds``, ``_percent``).
        unit: of the value in the export, or what is counted, or ``yes/no``.
        help: what it says, in a sentence.
    """

    name: str
    kind: Literal["counter", "timing", "gauge"]
    unit: str
    help: str
    label: Label | None = None


def is_number(value: object) -> bool:
    """Whether a metric can have this value: finite, not too large; booleans are none."""
    return isinstance(value, _NUMBERS) and not isinstance(value, bool) and -LARGEST <= value <= LARGEST


def is_amount(value: object) -> bool:
    """Whether a counter can grow by this value, or something take so long."""
    return isinstance(value, _NUMBERS) and not isinstance(value, bool) and 0 <= value <= LARGEST
