"""Writes docs/reference/config.md: ``python -m attendance.config.reference > docs/reference/config.md``."""

import json
from collections.abc import Iterator
from typing import Any

from attendance.config.catalogue import Key, flat, keys
from attendance.config.environment import DOCUMENTED
from attendance.config.load import plain
from attendance.config.place import CLASSES_ALIAS, DEFAULT_CLASSES
from attendance.config.retired import RETIRED, RETIRED_VARIABLES
from attendance.config.settings import Settings

_INTRODUCTION = """# Configuration

<!-- Made by `python -m attendance.config.reference > docs/reference/config.md`: change the settings, not this page. -->

A gate reads `config/config.json` in its home, or the file after `--config`. What the file leaves out keeps its default;
what the environment says wins over the file. `attendance config check` names every fault at once, `attendance config
show` prints what holds and where it comes from, `attendance config schema` prints a JSON schema for editors. A
configuration with a fault stops every command with exit code 2 before anything is changed.

- **Home** is `ATTENDANCE_HOME`, else the checkout that holds `attendance_system.py`, else the current directory.
- **Paths** that begin with `data/` lie in the data directory (`--data-dir`, else `data` in the home), other relative
  ones in the home.
- **Switches** are `true` or `false`; the texts "true", "yes", "on", "1" and "false", "no", "off", "0" are read as what
  they say.
- **Placeholders**: `${NAME}` in a text stands for the environment variable `NAME`. If that is not set or empty, it is a
  fault, except in a section whose `enabled` is false: there it is the empty text.
- **Environment**: `ATTENDANCE__SECTION__KEY` sets any key, as `ATTENDANCE__CAMERA__FPS=15` or
  `ATTENDANCE__SCREEN__ALLOW='["10.0.0.0/8"]'` (lists and objects are JSON). An unknown name is a fault; an empty
  variable counts as not set. Some keys have a shorter name, listed below.
- **Secrets** (marked) are never shown, in faults neither.
"""
_CLASSES = """Each class session is one object, under any name that ends in `_class`. The sessions stand in the order of
the file; where windows overlap, the first one wins. Any times are legal: of no length, overlapping, past midnight. The
sessions below hold without being written; `null` instead of an object switches one off. A class of another name must
say all its times.
"""


def pages() -> str:
    """The whole page."""
    defaults = dict(flat(plain(Settings())))
    parts = [_INTRODUCTION]
    for section in (key for key in keys().values() if key.section and "." not in key.path):
        inner = [key for key in keys().values() if key.path.startswith(f"{section.path}.") and not key.section]
        parts.append(f"## {section.path}\n\n{section.what}\n")
        parts.append(_table(("key", "default", "allowed", "what it does", "why this default"), _rows(inner, defaults)))
        if section.path == "school_schedule":
            parts += [_CLASSES, _table(("session", *_class_keys()), _sessions())]
    parts.append("## Shorter names in the environment\n")
    parts.append(_table(("variable", "key"), ((f"`{name}`", f"`{path}`") for name, path in DOCUMENTED.items())))
    parts.append("## Keys without effect\n")
    parts.append("Files of the earlier system may keep these. `attendance config check` names those that a file has.\n")
    retired = {**RETIRED, **RETIRED_VARIABLES}
    parts.append(_table(("key or variable", "why"), ((f"`{name}`", reason) for name, reason in retired.items())))
    return "\n".join(parts)


def _rows(inner: list[Key], defaults: dict[str, Any]) -> Iterator[tuple[str, ...]]:
    for key in inner:
        if f".{CLASSES_ALIAS}." in key.path:
            default = "`15`" if key.path.endswith("late_threshold_minutes") else "none"
        else:
            default = f"`{json.dumps(defaults[key.path], ensure_ascii=False)}`"
        yield f"`{key.path}`", default, key.allowed + (" (secret)" if key.secret else ""), key.what, key.why


def _class_keys() -> list[str]:
    return list(next(iter(DEFAULT_CLASSES.values())))


def _sessions() -> Iterator[tuple[str, ...]]:
    for name, times in DEFAULT_CLASSES.items():
        yield f"`{name}_class`", *(str(value) for value in times.values())


def _table(heads: tuple[str, ...], rows: Iterator[tuple[str, ...]]) -> str:
    lines = [heads, ("---",) * len(heads), *rows]
    return "".join(f"| {' | '.join(cell.replace('|', '&#124;') for cell in line)} |\n" for line in lines)


if __name__ == "__main__":
    print(pages(), end="")
