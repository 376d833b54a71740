"""``attendance fleet school``: the schools of a centre."""

import argparse
import json

from attendance.cli.fleet_context import add_fleet_verb, open_office


def add_verbs(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = verbs.add_parser("school", help="add and list schools")
    of_school = parser.add_subparsers(dest="what", required=True, metavar="WHAT")

    verb = of_school.add_parser("add", help="a new school")
    verb.add_argument("name")
    verb.add_argument("--timezone", default="Asia/Manila", help="default Asia/Manila")
    add_fleet_verb(verb, _add)

    verb = of_school.add_parser("list", help="all schools")
    verb.add_argument("--json", action="store_true")
    add_fleet_verb(verb, _list)


def _add(args: argparse.Namespace) -> int:
    from attendance.fleet.store import schools

    with open_office(args) as office, office.writing() as conn:
        school = schools.add(conn, args.name, args.timezone, office.now)
        told = {"name": school.name, "timezone": school.timezone}
        office.note(conn, school, "school-added", school.school_id, told)
    print(f"{school.name} added. `attendance fleet invite` gives codes for its gates.")
    return 0


def _list(args: argparse.Namespace) -> int:
    from attendance.fleet.store import gates, schools

    with open_office(args) as office, office.reading() as conn:
        rows = [
            {
                "school_id": school.school_id,
                "name": school.name,
                "timezone": school.timezone,
                "gates": len(gates.of_school(conn, school.school_id)),
            }
            for school in schools.every(conn)
        ]
    if args.json:
        print(json.dumps(rows, ensure_ascii=False, indent=2))
        return 0
    for row in rows:
        print(f"{row['name']:40}  {row['timezone']:20}  {row['gates']} gates")
    print(f"{len(rows)} schools.")
    return 0
