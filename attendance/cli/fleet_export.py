"""``attendance fleet export``: scans for analyses elsewhere."""

import argparse
from datetime import date
from pathlib import Path

from attendance.cli.context import day
from attendance.cli.fleet_context import add_fleet_verb, open_office, school_of


def add_verbs(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    verb = verbs.add_parser("export", help="scans and refusals without names, for DuckDB, Spark and the like")
    verb.add_argument("--parquet", type=Path, metavar="DIR", required=True, help="write there, by school and month")
    verb.add_argument("--from", dest="first", type=day, metavar="DAY", default=date(1970, 1, 1))
    verb.add_argument("--to", dest="last", type=day, metavar="DAY", default=date(2199, 12, 31))
    verb.add_argument("--keys", action="store_true", help="with a pseudonym for each student, new with each export")
    add_fleet_verb(verb, _export, school=True)


def _export(args: argparse.Namespace) -> int:
    from attendance.fleet.parquet import export_parquet
    from attendance.fleet.store import schools

    with open_office(args) as office:
        with office.writing() as conn:
            chosen = [school_of(conn, args)] if args.school else schools.every(conn)
            for school in chosen:
                told = {"from": args.first.isoformat(), "to": args.last.isoformat(), "keys": args.keys}
                office.note(conn, school, "exported", "parquet", told)
        done = export_parquet(office.engine, chosen, args.first, args.last, args.parquet.absolute(), keys=args.keys)
    print(f"{done.scans:,} scans and {done.refusals:,} refusals in {done.files} files under {args.parquet}.")
    return 0
