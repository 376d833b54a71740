"""What the centre has decided of this gate's settings: a layer between the file and the environment.

``kiosk/sync`` writes the file in the data directory, and only after ``check_decided`` has found it right.
"""

import copy
from pathlib import Path
from typing import Any

from attendance.config import reading
from attendance.config.catalogue import Tree, flat
from attendance.config.faults import Fault, FaultyConfig

FILE = "centre-settings.json"
WHOLE = ("school_schedule",)
"""Sections that the centre replaces as a whole: a class that it does not name is none."""


def decided(data_dir: Path) -> Tree:
    """What holds; nothing when there is no file.

    Raises:
        FaultyConfig: it cannot be read.
    """
    file = data_dir / FILE
    if not file.exists():
        return {}
    tree, found = reading.read(file)
    found += strange(tree)
    if found:
        raise FaultyConfig(str(file), found)
    return tree


def strange(tree: Tree) -> list[Fault]:
    """Placeholders: the centre may not ask for what only this gate's environment knows."""
    return [Fault(path, "", "a value without ${…}") for path, value in flat(tree) if "${" in str(value)]


def over(written: Tree, layer: Tree) -> Tree:
    """The tree of a file with a layer on top."""
    merged = {name: value for name, value in written.items() if name not in WHOLE or name not in layer}
    return _merged(merged, layer)


def _merged(below: Tree, above: Tree) -> Tree:
    result: dict[str, Any] = dict(below)
    for name, value in above.items():
        lower = result.get(name)
        if isinstance(value, dict) and isinstance(lower, dict):
            result[name] = _merged(lower, value)
        else:
            result[name] = copy.deepcopy(value)
    return result
