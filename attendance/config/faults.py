"""What is wrong with a configuration, all of it at once, in a table that a person can work through."""

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from attendance.config.catalogue import general, keys, known
from attendance.config.place import CLASS_SUFFIX, CLASSES_ALIAS, DEFAULT_CLASSES
from attendance.errors import ConfigError

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

MASK = "***"
_NO_VALUE = {"extra_forbidden": "no such key", "missing": "missing"}
_SHOWN = 40
"""Characters of a faulty value that are shown."""
_SECRET = r"[^\"]*(?:pass|token|secret|api_?key|auth|user)[^\"]*"
_SECRET_NAME = re.compile(_SECRET, re.IGNORECASE)
_SECRET_IN_LINE = re.compile(rf'("{_SECRET}"\s*:\s*)(?:"[^"]*"?|[^\s,}}]+)', re.IGNORECASE)
_LOGIN = re.compile(r"(?<=://)\S+(?=@)")


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
        value = _NO_VALUE.get(error["type"]) or show(path, error["input"])
        variable = next((name for one, name in variables.items() if f"{path}.".startswith(f"{one}.")), None)
        where = f"{path or 'all together'} (from {variable})" if variable else path or "all together"
        found.setdefault(path, Fault(where, value, _wanted(error, path)))
    return list(found.values())


def _wanted(error: "ErrorDetails", path: str) -> str:
    key = known(path.partition("[")[0])
    of_several_keys = error["type"] == "value_error" and (key is None or key.section)
    if error["type"] == "extra_forbidden":
        return _did_you_mean(path)
    if "[key]" in error["loc"]:
        return f"small letters, digits and _ before {CLASS_SUFFIX}"
    if error["loc"][-1:] == (CLASSES_ALIAS,):
        return "at least one class that is not null"
    if key is None or of_several_keys:
        return error["msg"].removeprefix("Value error, ")
    return key.item if path.endswith("]") and key.item else key.allowed


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
    """The key that was probably meant: one of the same section that reads alike, or the one of that name elsewhere."""
    section, _, name = path.rpartition(".")
    siblings = {one.rpartition(".")[2]: one for one in keys() if one.rpartition(".")[0] == general(section)}
    near = [siblings[one] for one in difflib.get_close_matches(name.lower(), siblings, n=1)]
    elsewhere = [one for one in (*keys(), *_CLASS_PATHS) if one.rpartition(".")[2] == name]
    if not near and len(elsewhere) != 1:
        return "a key that exists; remove it"
    parent = section if near else elsewhere[0].rpartition(".")[0]
    meant = f"{parent}.{(near or elsewhere)[0].rpartition('.')[2]}".removeprefix(".")
    return f"a key that exists; did you mean {meant}?"


_CLASS_PATHS = tuple(f"school_schedule.{name}{CLASS_SUFFIX}" for name in DEFAULT_CLASSES)
