"""The last export of metrics, read back so that counters outlive the process."""

import json
import logging
from contextlib import suppress
from pathlib import Path
from typing import Any

from attendance.ops.metric import NAME, is_amount

log = logging.getLogger(__name__)

_LONGEST_BYTES = 1 << 20


def counters_of(path: Path) -> dict[str, float]:
    """The counters of the last export; none when there is no file.

    What is no export of ours is set aside as ``….damaged`` with one log line: the counters then begin at 0.
    """
    try:
        with path.open("rb") as file:
            content = file.read(_LONGEST_BYTES + 1)
    except FileNotFoundError:
        return {}
    except OSError as error:
        log.warning("counters begin at 0: %r cannot be read (%s)", str(path), error.strerror)
        return {}
    try:
        return _checked(json.loads(content) if len(content) <= _LONGEST_BYTES else None)
    except (ValueError, RecursionError):
        aside = path.with_name(f"{path.name}.damaged")
        with suppress(OSError):
            path.replace(aside)
        log.warning("counters begin at 0: %r is no export of metrics; it is kept as %r", str(path), aside.name)
        return {}


def _checked(export: Any) -> dict[str, float]:
    """The counters of an export.

    Raises:
        ValueError: it is none.
    """
    counters = export.get("counters") if isinstance(export, dict) else None
    if not isinstance(counters, dict):
        raise ValueError("it has no counters")
    if not all(NAME.fullmatch(name) and is_amount(value) for name, value in counters.items()):
        raise ValueError("its counters are no counts")
    return counters
