"""What is wrong with a configuration, all of it at once, in a table that a person can work through."""

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from attendance.config.catalogue import keys, known
from attendance.config.place import CLASS_SUFFIX, CLASSES_ALIAS
from attendance.errors import ConfigError

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

MASK = "***"
_SHOWN = 40
"""Characters of a faulty value that are shown."""
_SECRET = r"[^\"]*(?:pass|token|secret|api_?key|auth|user)[^\"]*"
_SECRET_NAME = re.compile(_SECRET, re.IGNORECASE)
_SECRET_IN_LINE = re.compile(rf'("{_SECRET}"\s*:\s*)(?:"[^"]*"?|[^\s,}}]+)', re.IGNORECASE)
_LOGIN = re.compile(r"(?<=://)[^/@\s]+(?=@)")


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing to repair: where, what it says now, what it may say."""

    path: str
    value: str
    allowed: str


class FaultyConfig(ConfigError):
    """A configuration that cannot be used, with every fault there is.

    Args:
        source: the file, or whatever else was read.
    """

    def __init__(self, source: str, faults: Sequence[Fault]) -> None:
        self.faults = tuple(faults)
        heads = ("WHERE", "IS", "MUST BE")
        rows = [heads, *((fault.path, fault.value or "-", fault.allowed) for fault in faults)]
        where, value = (max(len(row[column]) for row in rows) for column in (0, 1))
        table = (f"  {row[0]:<{where}}  {row[1]:<{value}}  {row[2]}" for row in rows)
        count = "1 fault" if len(faults) == 1 else f"{len(faults)} faults"
        super().__init__("\n".join((f"{count} in the configuration {source!r}; nothing was changed:", *table)))


def show(path: str, value: object) -> str:
    """A value as it may be printed."""
    if value in ("", None, {}, []):
        return repr(value)
    if is_secret(path):
        return MASK
    if isinstance(value, dict):
        return "an object"
    text = without_login(repr(value) if isinstance(value, str) else str(value))
    text = {"True": "true", "False": "false"}.get(text, text)
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"


def is_secret(path: str) -> bool:
    """Whether a value stays hidden: a secret, a section that holds one, or a stranger that sounds like one."""
    key = known(path.partition("[")[0])
    if key is None:
        return bool(_SECRET_NAME.fullmatch(path.rpartition(".")[2]))
    return key.secret or (
        key.section and any(one.secret and name.startswith(f"{path}.") for name, one in keys().items())
    )


def mask_line(line: str) -> str:
    """A line of a file that could not be read, with what stands beside secret names hidden."""
    return _SECRET_IN_LINE.sub(rf'\1"{MASK}"', without_login(line))


def without_login(text: str) -> str:
    """An address without the login it may hold."""
    return _LOGIN.sub(MASK, text)


def from_validation(errors: Sequence["ErrorDetails"], variables: Mapping[str, str]) -> list[Fault]:
    """What the settings refused, in the words of the file; one fault a key.

    Args:
        variables: the environment variable that set a key, by path.
    """
    found: dict[str, Fault] = {}
    for error in errors:
        path = _path(error["loc"])
        key = known(path.partition("[")[0])
        unknown = error["type"] == "extra_forbidden"
        value = "no such key" if unknown else "missing" if error["type"] == "missing" else show(path, error["input"])
        if unknown:
            allowed = _did_you_mean(path)
        elif error["type"] == "value_error" and (key is None or key.section):
            allowed = error["msg"].removeprefix("Value error, ")
        elif key is None:
            allowed = error["msg"]
        else:
            allowed = key.item if path.endswith("]") and key.item else key.allowed
        variable = next((name for one, name in variables.items() if f"{path}.".startswith(f"{one}.")), None)
        found.setdefault(path, Fault(f"{path} (from {variable})" if variable else path, value, allowed))
    return list(found.values())


def _path(location: Sequence[int | str]) -> str:
    """The path as the file has it: a class is a key of its section there, and an item has its number."""
    text = ""
    after_classes = False
    for part in location:
        if part == CLASSES_ALIAS:
            after_classes = True
        elif isinstance(part, int):
            text = text if text.endswith("]") else f"{text}[{part}]"
        elif part != "[key]":
            text += f".{part}{CLASS_SUFFIX}" if after_classes else f".{part}"
            after_classes = False
    return text.removeprefix(".")


def _did_you_mean(path: str) -> str:
    section, _, name = path.rpartition(".")
    siblings = [one for one in keys() if one.rpartition(".")[0] == section]
    by_name = {one.rpartition(".")[2]: one for one in reversed([*keys(), *_CLASS_PATHS])}
    near = difflib.get_close_matches(path, siblings, n=1) or [
        by_name[close] for close in difflib.get_close_matches(name, by_name, n=1, cutoff=0.85)
    ]
    return f"a key that exists; did you mean {near[0]}?" if near else "a key that exists; remove it"


_CLASS_PATHS = tuple(f"school_schedule.{part}{CLASS_SUFFIX}" for part in ("morning", "afternoon"))
