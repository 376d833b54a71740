"""``attendance fleet forget``: letting go of old records."""

import argparse

from attendance.cli.context import day
from attendance.cli.fleet_context import add_fleet_verb, open_office


def add_verbs(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    verb = verbs.add_parser("forget", help="delete scans and photos of all schools from before a day; for good")
    verb.add_argument("--before", type=day, required=True, metavar="DAY", help="the first day that stays: 2026-06-01")
    verb.add_argument("--yes", action="store_true", help="do it; without, it only says what it would do")
    add_fleet_verb(verb, _forget)


def _forget(args: argparse.Namespace) -> int:
    from attendance.errors import BadInput
    from attendance.fleet.store.upkeep import drop_before

    with open_office(args) as office:
        if args.before > office.now.date():
            raise BadInput(f"{args.before} lies ahead: everything would go.")
        if not args.yes:
            print(f"Scans and photos of before {args.before} would be deleted at every school. Say --yes to do it.")
            return 0
        dropped = drop_before(office.engine, args.before)
        with office.writing() as conn:
            office.note(
                conn,
                None,
                "records.forget",
                args.before.isoformat(),
                {"months": len(dropped.months), "scans": dropped.scans},
            )
    months = f"{len(dropped.months)} whole months, " if dropped.months else ""
    print(f"Of before {args.before} {months}{dropped.scans} scans and {dropped.photos} photos are deleted.")
    return 0
