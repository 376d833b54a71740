"""The school's signing keys: one small file, the same at all its gates."""

import os
from collections.abc import Mapping
from pathlib import Path

from attendance.domain.card import new_key_line, parse_keys
from attendance.errors import BadInput


def load(path: Path) -> Mapping[str, bytes]:
    """The keys, id to secret, the signing one first; none when there is no file.

    Raises:
        BadInput: the file is damaged or may not be read.
    """
    try:
        text = path.read_text("utf-8")
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(
            f"The card key file {str(path)!r} cannot be read ({error}). Restore it from its copy."
        ) from error
    return parse_keys(text, str(path))


def add_key(path: Path) -> str:
    """Make a new signing key, in a new file or before the keys that the file has; its id."""
    known = load(path)
    number = 1 + len(known)
    while (key_id := f"K{number}") in known:
        number += 1
    kept = path.read_text("utf-8") if known else ""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.part")
    fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(fd, "w", encoding="utf-8") as file:
        file.write(f"{new_key_line(key_id)}\n{kept}")
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
    return key_id
