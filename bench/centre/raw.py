"""The peer of the whole API: the same rows into the same table, by upserts of unnested arrays and nothing else.

    python -m centre.raw

takes jobs as lines of JSON (the fields of ``Job``): it reads the rows and says ``ready``, and with the next line writes
them and says how long that took.
"""

import gzip
import json
import sqlite3
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from centre.requests import read

COLUMNS = {
    "school_id": "uuid",
    "scan_id": "uuid",
    "event_at": "timestamptz",
    "chain_id": "bigint",
    "seq": "bigint",
    "student_key": "text",
    "day": "date",
    "session": "text",
    "direction": "text",
    "status": "text",
    "passage": "int",
    "minutes_late": "int",
    "boot_id": "text",
    "boot_ns": "bigint",
    "clock_trusted": "bool",
    "source": "text",
    "card_issue": "int",
    "card_signed": "bool",
    "link": "text",
}
"""Of the centre's table, with their types."""
_SAID = {"event_at": "scanned_at", "link": "chain"}
_UPSERT = (
    f"INSERT INTO events ({', '.join(COLUMNS)}) SELECT * FROM unnest("
    + ", ".join(f"%s::{kind}[]" for kind in COLUMNS.values())
    + ") ON CONFLICT DO NOTHING"
)

_UPSERT_EACH = (
    f"INSERT INTO events ({', '.join(COLUMNS)}) VALUES ({', '.join('?' * len(COLUMNS))}) ON CONFLICT DO NOTHING"
)


@dataclass(frozen=True, slots=True)
class Job:
    """``path``: of prepared requests; this client takes those of each ``clients``-th line from ``client`` on."""

    url: str
    path: str
    client: int
    clients: int


def batches(job: Job) -> Iterator[list[list[Any]]]:
    """The arrays of each request."""
    school = str(uuid.uuid4())
    for each in read(Path(job.path)):
        if each.line % job.clients == job.client:
            items = json.loads(gzip.decompress(each.sent.partition(b"\r\n\r\n")[2]))["items"]
            known: dict[str, Any] = {"school_id": school, "chain_id": each.line}
            yield [[{**item, **known}[_SAID.get(name, name)] for item in items] for name in COLUMNS]


def run(job: Job) -> Iterator[dict[str, Any]]:
    """First that it is ready, then what it did."""
    arrays = list(batches(job))
    with _writer(job.url) as write:
        yield {"ready": len(arrays)}
        begun, cpu = time.perf_counter(), time.process_time()
        rows = sum(write(each) for each in arrays)
        yield {"rows": rows, "took_s": time.perf_counter() - begun, "cpu_s": time.process_time() - cpu}


@contextmanager
def _writer(url: str) -> Iterator[Callable[[list[list[Any]]], int]]:
    """Writes one request's rows, durably; how many were new. SQLite has no arrays: there it is one prepared statement
    for all rows of a transaction."""
    if not url.startswith("sqlite:///"):
        with psycopg.connect(url, autocommit=True) as conn:
            yield lambda arrays: conn.execute(_UPSERT, arrays).rowcount
        return
    with closing(sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)) as lite:
        lite.execute("PRAGMA journal_mode=WAL")
        lite.execute("PRAGMA synchronous=FULL")

        def write(arrays: list[list[Any]]) -> int:
            lite.execute("BEGIN IMMEDIATE")
            rows = lite.executemany(_UPSERT_EACH, zip(*arrays, strict=True)).rowcount
            lite.execute("COMMIT")
            return rows

        yield write


def main() -> None:
    for text in sys.stdin:
        doing = run(Job(**json.loads(text)))
        print(json.dumps(next(doing)), flush=True)
        sys.stdin.readline()
        for answer in doing:
            print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
