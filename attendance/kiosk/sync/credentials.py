"""What an enrolled gate knows of its centre. Owns ``centre.json`` and ``.centre-invited.json`` in the data directory.

Both hold a secret and are readable by the gate's user only. A running gate notices a change by itself.
"""

import json
import secrets
import threading
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, TypeVar

from attendance.domain import wire
from attendance.errors import StorageError
from attendance.ops.files import write_atomically

_PRIVATE = 0o600
_TOKEN_BYTES = 32


@dataclass(frozen=True, slots=True)
class Credentials:
    """A gate's place at a centre.

    Attributes:
        url: of the centre; paths of the API follow it.
        token: what the gate shows with each request; the centre knows its hash only.
        timezone: of the school, as the centre has it.
    """

    url: str
    gate_id: str
    gate_name: str
    school_id: str
    school: str
    timezone: str
    token: str

    @property
    def key_hash(self) -> str:
        """What signatures are made with."""
        return wire.key_hash(self.token)

    def __repr__(self) -> str:
        return f"Credentials({self.url!r}, gate {self.gate_id!r})"  # the token stays out of logs and tracebacks


@dataclass(frozen=True, slots=True)
class Invited:
    """An enrolment that may have been answered already: asked again with the same token, it has the same answer."""

    url: str
    code: str
    token: str

    def __repr__(self) -> str:
        return f"Invited({self.url!r})"


_Kept = TypeVar("_Kept", Credentials, Invited)


def load(data_dir: Path) -> Credentials | None:
    """This gate's place; ``None`` when it is not enrolled.

    Raises:
        StorageError: the file cannot be read or is damaged.
    """
    return _read(_file(data_dir), Credentials)


def save(data_dir: Path, credentials: Credentials) -> None:
    """Enrol this gate, durably; the invitation has served.

    Raises:
        StorageError: the disk refused.
    """
    _write(_file(data_dir), credentials)
    _invited_file(data_dir).unlink(missing_ok=True)


def forget(data_dir: Path) -> bool:
    """Give the place up; whether there was one.

    Raises:
        StorageError: the disk refused.
    """
    _invited_file(data_dir).unlink(missing_ok=True)
    try:
        _file(data_dir).unlink()
    except FileNotFoundError:
        return False
    except OSError as error:
        raise StorageError(f"{str(_file(data_dir))!r} could not be removed ({error.strerror}).") from error
    return True


def is_enrolled(data_dir: Path) -> bool:
    """Whether there is a centre that this gate belongs to; costs one look at a file."""
    return _file(data_dir).exists()


def invited(data_dir: Path, url: str, code: str) -> Invited:
    """The enrolment with this code, begun anew unless it is under way already.

    Raises:
        StorageError: the disk refused.
    """
    file = _invited_file(data_dir)
    known = _read(file, Invited)
    if known is not None and (known.url, known.code) == (url, code):
        return known
    begun = Invited(url, code, secrets.token_urlsafe(_TOKEN_BYTES))
    _write(file, begun)
    return begun


class Enrolled:
    """This gate's place as it is at the moment: a file that another process writes. For any thread."""

    def __init__(self, data_dir: Path) -> None:
        self._data_dir = data_dir
        self._lock = threading.Lock()
        self._seen: tuple[int, int] | None = None
        self._credentials: Credentials | None = None

    def __call__(self) -> Credentials | None:
        """``None`` when it is not enrolled.

        Raises:
            StorageError: the file cannot be read or is damaged.
        """
        with self._lock:
            seen = self._look()
            if seen != self._seen:
                self._credentials = load(self._data_dir)
                self._seen = seen
            return self._credentials

    def _look(self) -> tuple[int, int] | None:
        try:
            found = _file(self._data_dir).stat()
        except FileNotFoundError:
            return None
        return found.st_ino, found.st_mtime_ns


def _file(data_dir: Path) -> Path:
    return data_dir / "centre.json"


def _invited_file(data_dir: Path) -> Path:
    return data_dir / ".centre-invited.json"


def _write(file: Path, kept: Credentials | Invited) -> None:
    write_atomically(file, json.dumps(asdict(kept), indent=1).encode() + b"\n", mode=_PRIVATE)


def _read(file: Path, kind: type[_Kept]) -> _Kept | None:
    try:
        found: Any = json.loads(file.read_bytes())
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StorageError(f"{str(file)!r} cannot be read ({error.strerror}). Check its owner.") from error
    except ValueError as error:
        raise StorageError(_damaged(file)) from error
    names = [field.name for field in fields(kind)]
    if not isinstance(found, Mapping) or not all(isinstance(found.get(name), str) for name in names):
        raise StorageError(_damaged(file))
    return kind(**{name: found[name] for name in names})


def _damaged(file: Path) -> str:
    return f"{str(file)!r} is damaged. Run `attendance sync leave`, then enrol the gate with a new code."
