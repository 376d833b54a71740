"""Reading a configuration file: JSON as people write it, with the place of every mistake."""

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

from attendance.config.catalogue import Tree
from attendance.config.faults import Fault, FaultyConfig, mask_line

LARGEST_FILE_BYTES = 1_000_000
"""A thousand times a usual file: anything larger is something else, and is not read."""


class _NoNumber(ValueError):
    """NaN or Infinity, which Python's reader would take."""


class _Object(dict[str, Any]):
    """A JSON object that remembers which of its keys were there twice."""

    repeated: list[str]


def read(file: Path) -> tuple[Tree, list[Fault]]:
    """The settings in a file, and the faults that do not hinder reading it.

    Raises:
        FaultyConfig: it cannot be read as one JSON object.
    """
    text = _text(file)
    try:
        tree = json.loads(text, object_pairs_hook=_object, parse_constant=_no_constant)
        json.dumps(tree, ensure_ascii=False).encode()
    except json.JSONDecodeError as error:
        line = text.split("\n")[error.lineno - 1]
        where = f"line {error.lineno}, column {error.colno}"
        _refuse(file, where, mask_line(line.strip())[:80], f"JSON: {error.msg}")
    except UnicodeEncodeError as error:
        _refuse(file, "a text", repr(error.object[error.start]), "whole characters; this is half of one")
    except RecursionError:
        _refuse(file, "the whole file", "", "JSON that is nested a few levels deep, not thousands")
    except _NoNumber as error:
        _refuse(file, "a number", str(error), "a number that JSON knows")
    except ValueError:
        _refuse(file, "a number", "", "a number of fewer than thousands of digits")
    if not isinstance(tree, _Object):
        _refuse(file, "the whole file", "", "one JSON object: { … }")
    return dict(tree), list(_repetitions(tree, ""))


def _text(file: Path) -> str:
    try:
        with file.open("rb") as stream:
            data = stream.read(LARGEST_FILE_BYTES + 1)
    except FileNotFoundError:
        _refuse(file, "the file", "", "a file that exists; give another path with --config, or none for the defaults")
    except IsADirectoryError:
        _refuse(file, "the file", "", "a file, not a directory")
    except (OSError, ValueError) as error:
        _refuse(file, "the file", "", f"a file that can be read; this one cannot: {error}")
    if len(data) > LARGEST_FILE_BYTES:
        _refuse(file, "the file", "", f"a configuration; this has more than {LARGEST_FILE_BYTES} bytes")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        _refuse(file, f"line {line}", "", "UTF-8 text; save the file with that encoding")


def _object(pairs: list[tuple[str, Any]]) -> _Object:
    found = _Object(pairs)
    found.repeated = [name for name, times in Counter(name for name, _ in pairs).items() if times > 1]
    return found


def _no_constant(name: str) -> NoReturn:
    raise _NoNumber(name)


def _repetitions(tree: Any, path: str) -> Iterator[Fault]:
    if isinstance(tree, list):
        for item in tree:
            yield from _repetitions(item, path)
    if isinstance(tree, _Object):
        for name in tree.repeated:
            yield Fault(f"{path}{name}", "", "once; the file has it several times: remove all but one")
        for name, value in tree.items():
            yield from _repetitions(value, f"{path}{name}.")


def _refuse(file: Path, where: str, value: str, allowed: str) -> NoReturn:
    raise FaultyConfig(str(file), [Fault(where, value, allowed)])
