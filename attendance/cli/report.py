"""``attendance report``: reading the ledger back."""

import argparse
import json
from pathlib import Path

from attendance.cli.context import add_verb, day, open_context


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = subparsers.add_parser("report", help="who passed")
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    verb = verbs.add_parser("day", help="the scans of a day")
    verb.add_argument("--date", type=day, help="as 2026-12-25; default today")
    verb.add_argument("--section")
    verb.add_argument("--all", action="store_true", help="refused sightings too")
    form = verb.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true")
    form.add_argument("--csv", action="store_true")
    verb.add_argument("--out", type=Path, metavar="FILE", help="write there instead of printing")
    add_verb(verb, _report_day)


def _report_day(args: argparse.Namespace) -> int:
    from attendance.kiosk.store import register
    from attendance.kiosk.store.database import reading
    from attendance.ops.files import write_atomically
    from attendance.reports import daily

    context = open_context(args)
    on = args.date or context.clock.now().at.astimezone(context.zone).date()
    with reading(context.database()) as conn:
        rows = register.day(conn, on, context.zone, section=args.section, refused=args.all)
    if args.json:
        text = json.dumps(rows, ensure_ascii=False, indent=2)
    elif args.csv:
        text = daily.as_csv(rows)
    else:
        text = daily.as_text(rows, on.isoformat())
    if args.out:
        write_atomically(args.out.absolute(), text.encode("utf-8-sig" if args.csv else "utf-8"))
        print(f"{len(rows)} rows in {args.out}.")
    else:
        print(text)
    return 0
