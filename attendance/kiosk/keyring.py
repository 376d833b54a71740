"""The school's signing keys: one small file, the same at all its gates."""

from collections.abc import Mapping
from pathlib import Path

from attendance.domain.card import new_key_line, parse_keys
from attendance.errors import BadInput
from attendance.ops.files import write_atomically


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
    """Make a new signing key, in a new file or before the keys that the file has; its id.

    Raises:
        BadInput: the file is damaged or may not be read.
        StorageError: the disk refused.
    """
    known = load(path)
    number = 1 + len(known)
    while (key_id := f"K{number}") in known:
        number += 1
    kept = path.read_text("utf-8") if known else ""
    write_atomically(path, f"{new_key_line(key_id)}\n{kept}".encode(), mode=0o600)
    return key_id
