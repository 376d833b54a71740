"""A centre that is as small as a centre can be: it keeps in memory what it is told, signs, and lies when told to."""

import gzip
import hashlib
import json
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

from attendance.domain import wire

SCHOOL = "0198c0de-0000-7000-8000-000000000001"
GATE = "0198c0de-0000-7000-8000-00000000000a"


@dataclass
class Told:
    """One request that came in."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        content = gzip.decompress(self.body) if self.headers.get("content-encoding") == "gzip" else self.body
        return json.loads(content)


@dataclass
class Answered:
    """What goes back; a fault changes it on the way. ``cut``: so many bytes of it arrive and then the line is dead."""

    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)
    cut: int | None = None


Fault = Callable[[Told, Answered], Answered | None]
"""Gets what was asked and the honest answer; ``None``: the line is dead."""


@dataclass
class SmallCentre:
    """Serves for ``with``.

    Attributes:
        school_id: whose gates enrol.
        codes: that may still be used, or were by the key hash behind them.
        keys: of the gates that are let in.
        results: what it says of an item, by its id; otherwise it takes it.
        items: what it has taken, by type and id, and how often it was new.
        before: called with each request before it is done; ``False`` drops it.
        fault: changes answers.
    """

    school_id: str = SCHOOL
    codes: dict[str, str] = field(default_factory=lambda: {"ABCD1234": ""})
    keys: set[str] = field(default_factory=set)
    results: dict[str, dict[str, str]] = field(default_factory=dict)
    items: dict[tuple[str, str], Any] = field(default_factory=dict)
    pictures: dict[str, bytearray] = field(default_factory=dict)
    asked: list[Told] = field(default_factory=list)
    before: Callable[[Told], bool] = lambda told: True
    fault: Fault | None = None
    newly: list[tuple[str, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._lock = threading.Lock()
        centre = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_any(self) -> None:
                centre._talk(self)

            do_GET = do_POST = do_PUT = do_any

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def ids(self, kind: str) -> set[str]:
        """Of the items of one type that are here."""
        return {item_id for known, item_id in self.items if known == kind}

    def paths(self) -> list[str]:
        return [f"{told.method} {told.path}" for told in self.asked]

    def _talk(self, handler: BaseHTTPRequestHandler) -> None:
        parts = urlsplit(handler.path)
        told = Told(
            handler.command,
            parts.path.removeprefix("/api/v1"),
            {name: values[0] for name, values in parse_qs(parts.query).items()},
            {name.lower(): value for name, value in handler.headers.items()},
            handler.rfile.read(int(handler.headers.get("Content-Length", "0"))),
        )
        handler.close_connection = True
        self.asked.append(told)
        if not self.before(told):
            return
        with self._lock:
            key, status, said = self._answer(told)
        answered = Answered(status, json.dumps(said).encode())
        if key:
            signature = wire.signature_of_answer(key, told.headers[wire.REQUEST_HEADER.lower()], status, answered.body)
            answered.headers[wire.SIGNATURE_HEADER] = signature
        changed = self.fault(told, answered) if self.fault is not None else answered
        if changed is not None:
            _send(handler, changed, pack="gzip" in told.headers.get("accept-encoding", ""))

    def _answer(self, told: Told) -> tuple[str, int, Any]:
        if told.path == "/enrol":
            return self._enrol(told.json)
        key = wire.key_hash(told.headers.get("authorization", "").removeprefix("Bearer "))
        if key not in self.keys:
            return key, 401, _fault("This gate was revoked")
        if told.path == "/sync":
            results = [self._take(item) for item in told.json["items"]]
            heads = self._heads(told.json["items"])
            return key, 200, {"results": results, "heads": heads, "versions": {"changes": 0, "scans": 0}}
        match = re.fullmatch("/photos/([0-9a-f]{64})", told.path)
        if match:
            return (key, *self._picture(match[1], told))
        return key, 404, _fault("No such address")

    def _enrol(self, said: Any) -> tuple[str, int, Any]:
        key, code = said["key_hash"], said["code"]
        if code not in self.codes:
            return key, 403, _fault("The code is wrong. Ask for a new one")
        if self.codes[code] not in ("", key):
            return key, 409, _fault("The code was used already")
        self.codes[code] = key
        self.keys.add(key)
        place = {"gate_id": GATE, "gate_name": "Main gate", "school_id": self.school_id, "school": "Mabini"}
        return key, 200, {**place, "timezone": "Asia/Manila", "students_wanted": True}

    def _take(self, raw: Any) -> dict[str, str]:
        item = wire.ITEM.validate_python(raw)
        key = (item.type, item.item_id)
        if item.item_id in self.results:
            return self.results[item.item_id]
        if item.type in ("photo", "correction") and ("scan", item.item_id) not in self.items:
            return {"result": "later", "reason": "its scan is not here"}
        if key in self.items and self.items[key] == item:
            return {"result": "duplicate"}
        if key in self.items and item.type == "scan":
            return {"result": "conflict", "reason": "another scan is here"}
        self.items[key] = item
        self.newly.append(key)
        return {"result": "created"}

    def _heads(self, raw: list[Any]) -> list[dict[str, Any]]:
        """Of the series of the scans among the items; it looks at no chain."""
        series = {(item["device_id"], item["epoch"]) for item in raw if item["type"] == "scan"}
        heads = []
        for device_id, epoch in series:
            scans = [item for item in self.items.values() if isinstance(item, wire.Scan)]
            here = {scan.seq for scan in scans if (scan.device_id, scan.epoch) == (device_id, epoch)}
            complete_to = next(number for number in count() if number + 1 not in here)
            heads.append(
                {"device_id": device_id, "epoch": epoch, "complete_to": complete_to, "highest": max(here, default=0)}
            )
        return heads

    def _picture(self, sha256: str, told: Told) -> tuple[int, Any]:
        size = next((i.size_bytes for i in self.items.values() if i.type == "photo" and i.sha256 == sha256), None)
        if size is None:
            return 403, _fault("Nobody announced such a photo")
        here = self.pictures.setdefault(sha256, bytearray())
        if told.method == "PUT" and int(told.query["offset"]) <= len(here):
            here[int(told.query["offset"]) :] = told.body
            if len(here) == size and hashlib.sha256(here).hexdigest() != sha256:
                here.clear()
                return 409, _fault("It is another photo")
        return 200, {"received": len(here), "complete": len(here) == size}


def _fault(message: str) -> dict[str, Any]:
    return {"error": {"code": "refused", "message": f"{message}."}}


def _send(handler: BaseHTTPRequestHandler, answered: Answered, *, pack: bool) -> None:
    body = answered.body
    headers = dict(answered.headers)
    if pack and len(body) > 200:
        body, headers["Content-Encoding"] = gzip.compress(body), "gzip"
    head = [f"HTTP/1.1 {answered.status} Status", f"Content-Length: {len(body)}", "Connection: close"]
    head += [f"{name}: {value}" for name, value in headers.items()]
    whole = "\r\n".join([*head, "", ""]).encode() + body
    handler.wfile.write(whole if answered.cut is None else whole[: answered.cut])
