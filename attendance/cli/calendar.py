"""``attendance calendar``: days without classes."""

import argparse
import json

from attendance.cli.context import add_verb, day, open_context


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = subparsers.add_parser("calendar", help="holidays and suspensions")
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")

    verb = verbs.add_parser("add", help="enter a day, or a span of days, without classes")
    verb.add_argument("first", type=day, metavar="DAY", help="as 2026-12-25")
    verb.add_argument("last", type=day, metavar="LAST_DAY", nargs="?", help="the last day of a span")
    verb.add_argument("--name", required=True, help="what students are told")
    verb.add_argument("--kind", choices=("holiday", "suspension"), default="holiday")
    verb.add_argument("--session", default="", help="only this session has no classes")
    add_verb(verb, _add)

    verb = verbs.add_parser("list", help="all of them, with their numbers")
    verb.add_argument("--json", action="store_true")
    add_verb(verb, _list)

    verb = verbs.add_parser("remove", help="take one out by its number")
    verb.add_argument("number", type=int)
    add_verb(verb, _remove)


def _add(args: argparse.Namespace) -> int:
    from attendance.domain.calendar import Closure, ClosureKind
    from attendance.errors import BadInput
    from attendance.kiosk.store import closures
    from attendance.kiosk.store.database import writing

    context = open_context(args)
    last = args.last or args.first
    if last < args.first:
        raise BadInput(f"The last day {last} lies before the first, {args.first}.")
    if args.session and args.session not in context.sessions:
        raise BadInput(f"No session {args.session!r} is configured; there are {', '.join(context.sessions)}.")
    closure = Closure(args.first, last, ClosureKind(args.kind), args.name, args.session)
    with writing(context.database()) as conn:
        number = closures.add(conn, closure)
    print(f"Entered as number {number}.")
    return 0


def _list(args: argparse.Namespace) -> int:
    from attendance.kiosk.store import closures
    from attendance.kiosk.store.database import reading

    context = open_context(args)
    with reading(context.database()) as conn:
        entries = closures.all_closures(conn)
    if args.json:
        rows = [
            {
                "number": number,
                "first_day": c.first_day.isoformat(),
                "last_day": c.last_day.isoformat(),
                "kind": c.kind,
                "name": c.name,
                "session": c.session,
            }
            for number, c in entries
        ]
        print(json.dumps(rows, ensure_ascii=False, indent=2))
        return 0
    for number, c in entries:
        span = str(c.first_day) if c.first_day == c.last_day else f"{c.first_day} to {c.last_day}"
        print(f"{number:4}  {span:24}  {c.kind:10}  {c.name}{f' (only {c.session})' if c.session else ''}")
    print(f"{len(entries)} entries.")
    return 0


def _remove(args: argparse.Namespace) -> int:
    from attendance.kiosk.store import closures
    from attendance.kiosk.store.database import writing

    with writing(open_context(args).database()) as conn:
        closures.remove(conn, args.number)
    print("Removed.")
    return 0
