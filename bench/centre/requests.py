"""Prepared requests of gates, so that sending them costs the generator of the load next to nothing."""

import gzip
import json
import marshal
import secrets
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from attendance.domain import wire

SINCE = "0" * 16
"""Stands for the version that the line's last answer of this kind ended with; sent as a number of as many digits."""
AT_ONCE = -1.0
"""Due as soon as the one before it on the same line is answered."""


class Prepared(NamedTuple):
    """One request, ready to be sent.

    Attributes:
        line: who sends it. A line has one request under way at a time, each on a connection of its own, as a gate.
        due_s: after the start.
        key_hash, request: of the answer's signature; empty for a request that is no gate's.
    """

    line: int
    due_s: float
    kind: str
    sent: bytes
    key_hash: str = ""
    request: str = ""


@dataclass(frozen=True, slots=True)
class Place:
    """A gate that a centre knows."""

    token: str
    gate_id: str
    device_id: str


def post(place: Place, line: int, due_s: float, kind: str, said: Any) -> Prepared:
    """What a gate says, packed, as ``/api/v1/<kind>``."""
    request = secrets.token_urlsafe(16)
    body = gzip.compress(json.dumps(said, separators=(",", ":")).encode(), 6)
    head = (
        f"POST /api/v1/{kind} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {place.token}\r\n"
        f"{wire.REQUEST_HEADER}: {request}\r\nContent-Type: application/json\r\nContent-Encoding: gzip\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    return Prepared(line, due_s, kind, head.encode() + body, wire.key_hash(place.token), request)


def foreign_scans(place: Place, line: int, due_s: float) -> Prepared:
    """A gate asks for what its school's other gates have had since it last asked."""
    request = secrets.token_urlsafe(16)
    head = (
        f"GET /api/v1/scans?after={SINCE}&limit=1000 HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer"
        f" {place.token}\r\n{wire.REQUEST_HEADER}: {request}\r\nConnection: close\r\n\r\n"
    )
    return Prepared(line, due_s, "scans", head.encode(), wire.key_hash(place.token), request)


def get(line: int, due_s: float, path: str, headers: dict[str, str]) -> Prepared:
    """A page."""
    lines = [f"GET {path} HTTP/1.1", "Host: localhost", *(f"{name}: {value}" for name, value in headers.items())]
    return Prepared(line, due_s, path, "\r\n".join([*lines, "Connection: close", "", ""]).encode())


def write(path: Path, prepared: Iterable[Prepared]) -> int:
    """Keep them in the order in which each line sends them; how many."""
    count = 0
    with path.open("wb") as file:
        for each in prepared:
            marshal.dump(tuple(each), file)
            count += 1
    return count


def read(path: Path) -> Iterator[Prepared]:
    with path.open("rb") as file:
        while True:
            try:
                yield Prepared(*marshal.load(file))
            except EOFError:
                return
