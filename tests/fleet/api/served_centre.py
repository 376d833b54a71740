"""A centre as it is really served: its own processes, a real port, and gates that speak raw HTTP to it."""

import gzip
import http.client
import json
import secrets
import subprocess
import sys
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from attendance.domain import wire
from attendance.fleet import invitations
from attendance.fleet.store import gates, schools
from attendance.fleet.store.engine import open_engine, reading, transaction
from attendance.fleet.store.gates import Gate
from attendance.fleet.store.schools import School

API = "/api/v1"
_STARTS_WITHIN_S = 180


@dataclass(frozen=True)
class Said:
    """An answer, as it came."""

    status: int
    headers: dict[str, str]
    body: bytes
    signed: bool

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def code(self) -> str:
        """Of a refusal."""
        return str(self.json["error"]["code"])


def exchange(url: str, method: str, path: str, body: bytes | None, headers: dict[str, str]) -> Said:
    """One request on a connection of its own; the answer is not judged."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=40)
    try:
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        return Said(
            answer.status, {name.lower(): value for name, value in answer.headers.items()}, answer.read(), False
        )
    finally:
        connection.close()


@dataclass
class Caller:
    """A gate's end of the line."""

    url: str
    token: str = field(default_factory=lambda: secrets.token_urlsafe(32))

    @property
    def key_hash(self) -> str:
        return wire.key_hash(self.token)

    def ask(
        self,
        method: str,
        path: str,
        said: Any = None,
        *,
        raw: bytes | None = None,
        headers: dict[str, str] | None = None,
        packed: bool = False,
    ) -> Said:
        """Ask below ``/api/v1``; ``said`` goes as JSON, ``raw`` as it is."""
        request = secrets.token_hex(16)
        told = {"Authorization": f"Bearer {self.token}", wire.REQUEST_HEADER: request}
        body = raw
        if raw is not None:
            told["Content-Type"] = "application/octet-stream"
        elif said is not None:
            body = json.dumps(said).encode()
            told["Content-Type"] = "application/json"
        if packed and body is not None:
            body, told["Content-Encoding"] = gzip.compress(body), "gzip"
        told |= headers or {}
        answer = exchange(self.url, method, API + path, body, told)
        right = wire.signature_of_answer(self.key_hash, told.get(wire.REQUEST_HEADER, ""), answer.status, answer.body)
        shown = answer.headers.get(wire.SIGNATURE_HEADER.lower(), "")
        return Said(answer.status, answer.headers, answer.body, shown == right)

    def enrol(self, code: str, device_id: str = "gate-1") -> Said:
        said = {"code": code, "key_hash": self.key_hash, "device_id": device_id, "version": "1.0", "model": "Pi"}
        return self.ask("POST", "/enrol", said)


class ServedCentre:
    """``attendance fleet serve`` in a process of its own.

    Args:
        database: URL; the default is SQLite in the folder.
    """

    def __init__(self, folder: Path, database: str = "", *, workers: int = 2, options: tuple[str, ...] = ()) -> None:
        self.folder = folder
        self.database = database or f"sqlite:///{folder}/centre.db"
        self.log: list[str] = []
        words = [
            *("fleet", "serve", "--port", "0", "--workers", str(workers)),
            *("--db", self.database, "--folder", str(folder), *options),
        ]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "attendance", *words], stderr=subprocess.PIPE, text=True, cwd=folder
        )
        self.url = self._listening()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self.engine = open_engine(self.database, connections=4)

    def _listening(self) -> str:
        assert self.process.stderr is not None
        killer = threading.Timer(_STARTS_WITHIN_S, self.process.kill)
        killer.start()
        for line in self.process.stderr:
            self.log.append(line)
            if "Booting worker" in line:
                killer.cancel()
                return next(each for text in self.log for each in text.split() if each.startswith("http"))
        raise AssertionError(f"the centre does not start: {''.join(self.log)}")

    def _read(self) -> None:
        assert self.process.stderr is not None
        self.log.extend(self.process.stderr)

    def stop(self) -> int:
        """Its exit code, after a friendly request."""
        self.engine.dispose()
        self.process.terminate()
        code = self.process.wait(40)
        self._reader.join(5)
        return code

    def school(self, name: str = "") -> School:
        with transaction(self.engine) as conn:
            return schools.add(conn, name or f"School {secrets.token_hex(6)}", "Asia/Manila", datetime.now(UTC))

    def invite(self, school: School, name: str = "", replaced: Gate | None = None) -> str:
        with transaction(self.engine) as conn:
            return invitations.invite(conn, school, name, replaced, "test", datetime.now(UTC))

    def gate(self, school: School, name: str = "gate-1") -> Caller:
        """A gate that is enrolled."""
        caller = Caller(self.url)
        answer = caller.enrol(self.invite(school, name), name)
        assert answer.status == 200, answer.body
        return caller

    def known(self, caller: Caller) -> Gate:
        with reading(self.engine) as conn:
            found = gates.by_key_hash(conn, caller.key_hash)
        assert found is not None
        return found


def heartbeat(**changes: Any) -> dict[str, Any]:
    """One of a gate that is well."""
    return {
        "sent_at": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.%fZ}",
        "boot_id": "boot-1",
        "boot_ns": 5_000_000_000,
        "clock_trusted": True,
        "version": "1.0",
        "health": {"overall_status": "healthy", "problems": [], "system": {"temperature_c": 51.2}},
        "queue": {"items": 0, "oldest_seconds": 0, "photos": 0},
        "heads": [],
        "results": [],
        **changes,
    }
