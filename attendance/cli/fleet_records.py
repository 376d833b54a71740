"""``attendance fleet register``, ``complete`` and ``dead-letters``: what gates have sent."""

import argparse
import json
from pathlib import Path

from attendance.cli.context import day
from attendance.cli.fleet_context import add_fleet_verb, open_office, school_of

_MOST_LETTERS = 200
_SHOWN_OF_ITEM = 120


def add_verbs(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    verb = verbs.add_parser("register", help="the scans of a day, of all gates of the school")
    verb.add_argument("date", type=day, metavar="DAY", help="as 2026-12-25")
    form = verb.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true")
    form.add_argument("--csv", action="store_true")
    verb.add_argument("--out", type=Path, metavar="FILE", help="write there instead of printing")
    add_fleet_verb(verb, _register, school=True)

    verb = verbs.add_parser("complete", help="whether every scan of the school's gates is here, unaltered")
    verb.add_argument("--json", action="store_true")
    verb.add_argument("--recheck", action="store_true", help="read every scan again and follow the chain")
    add_fleet_verb(verb, _complete, school=True)

    parser = verbs.add_parser("dead-letters", help="records that could not be taken")
    of_letters = parser.add_subparsers(dest="what", required=True, metavar="WHAT")
    verb = of_letters.add_parser("list", help="those that nobody has dealt with")
    verb.add_argument("--all", action="store_true", help="the others, too")
    verb.add_argument("--json", action="store_true")
    add_fleet_verb(verb, _list_letters, school=True)
    verb = of_letters.add_parser("resolve", help="say that somebody has dealt with one")
    verb.add_argument("number", type=int, nargs="+")
    add_fleet_verb(verb, _resolve, school=True)


def _register(args: argparse.Namespace) -> int:
    from zoneinfo import ZoneInfo

    from attendance.clock import from_rfc3339
    from attendance.fleet.store import daily_scans
    from attendance.ops.files import write_atomically
    from attendance.reports import daily

    with open_office(args) as office, office.reading() as conn:
        school = school_of(conn, args)
        rows = daily_scans.of_day(conn, school.school_id, args.date.isoformat())
    zone = ZoneInfo(school.timezone)
    for row in rows:
        row["scanned_at"] = from_rfc3339(row["scanned_at"]).astimezone(zone).isoformat(timespec="milliseconds")
    if args.json:
        text = json.dumps(rows, ensure_ascii=False, indent=2)
    elif args.csv:
        text = daily.as_csv(rows)
    else:
        text = daily.as_text(rows, args.date.isoformat())
    if args.out:
        write_atomically(args.out.absolute(), text.encode("utf-8-sig" if args.csv else "utf-8"))
        print(f"{len(rows)} rows in {args.out}.")
    else:
        print(text)
    return 0


def _complete(args: argparse.Namespace) -> int:
    """Exit code 1 if anything is missing or altered."""
    from attendance.fleet import devices

    with open_office(args) as office, office.reading() as conn:
        school_id = school_of(conn, args).school_id
        known = devices.completeness(conn, school_id)
        unfit = {
            each: devices.unfit(conn, school_id, each.gate_id, each.device_id, each.epoch) if args.recheck else []
            for each in known
        }
    if args.json:
        rows = [
            {
                "gate_id": each.gate_id,
                "device_id": each.device_id,
                "epoch": each.epoch,
                "complete_to": each.complete_to,
                "newest": each.newest,
                "broken_at": each.broken_at,
                "whole": each.whole and not numbers,
                "unfit": numbers,
            }
            for each, numbers in unfit.items()
        ]
        print(json.dumps(rows, indent=2))
    else:
        for each, numbers in unfit.items():
            print(f"{each}{f'; do not fit: {numbers}' if numbers else ''}")
    return 0 if all(each.whole and not numbers for each, numbers in unfit.items()) else 1


def _list_letters(args: argparse.Namespace) -> int:
    from attendance.fleet.store import dead_letters, gates

    with open_office(args) as office, office.reading() as conn:
        school_id = school_of(conn, args).school_id
        names = {gate.gate_id: gate.name for gate in gates.of_school(conn, school_id, revoked=True)}
        letters = dead_letters.of_school(conn, school_id, _MOST_LETTERS, settled=args.all)
        left = dead_letters.count(conn, school_id)
    if args.json:
        rows = [
            {
                "number": letter.letter_id,
                "gate": names[letter.gate_id],
                "result": letter.result,
                "reason": letter.reason,
                "item": letter.item,
                "times": letter.times,
                "last_at": letter.last_at.isoformat(),
                "resolved": letter.settled_at is not None,
            }
            for letter in letters
        ]
        print(json.dumps(rows, ensure_ascii=False, indent=2))
        return 0
    for letter in letters:
        print(f"{letter.letter_id:6}  {names[letter.gate_id]:20}  {letter.result:8}  {letter.reason}")
        print(f"        {letter.item[:_SHOWN_OF_ITEM]}")
    print(f"{left} records wait for somebody to look at them.")
    return 0


def _resolve(args: argparse.Namespace) -> int:
    from attendance.errors import BadInput
    from attendance.fleet.store import dead_letters

    with open_office(args) as office, office.writing() as conn:
        school = school_of(conn, args)
        for number in args.number:
            if not dead_letters.settle(conn, school.school_id, number, office.actor, office.now):
                raise BadInput(f"There is no open record {number}. `attendance fleet dead-letters list` shows them.")
            office.note(conn, school, "dead-letter-resolved", str(number), {})
    print(f"{len(args.number)} resolved.")
    return 0
