"""``attendance fleet alerts``: who is told of the problems of gates."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from attendance.cli.fleet_context import add_fleet_verb, open_office, school_of, secret_from

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from attendance.fleet.store.schools import School


def add_verbs(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = verbs.add_parser("alerts", help="who is told of the problems of gates")
    of_alerts = parser.add_subparsers(dest="what", required=True, metavar="WHAT")

    verb = of_alerts.add_parser("add", help="have somebody told")
    verb.add_argument("name", help="what the receiver is called here")
    verb.add_argument(
        "--address-file", type=Path, required=True, metavar="FILE", help="its first line is the Apprise address"
    )
    verb.add_argument("--escalation", action="store_true", help="only of errors that nobody looks after")
    verb.add_argument("--all-schools", action="store_true", help="of every school of this centre")
    add_fleet_verb(verb, _add, school=True)

    verb = of_alerts.add_parser("list", help="receivers, and the problems that they know of")
    add_fleet_verb(verb, _list, school=True)

    verb = of_alerts.add_parser("remove", help="tell somebody no more")
    verb.add_argument("name")
    verb.add_argument("--all-schools", action="store_true", help="one who is told of every school")
    add_fleet_verb(verb, _remove, school=True)

    verb = of_alerts.add_parser("test", help="tell every receiver of the school that this is a test")
    add_fleet_verb(verb, _test, school=True)

    verb = of_alerts.add_parser("ack", help="say that somebody looks after a problem of a gate")
    verb.add_argument("gate")
    verb.add_argument("code")
    add_fleet_verb(verb, _acknowledge, school=True)


def _add(args: argparse.Namespace) -> int:
    from attendance.errors import BadInput
    from attendance.fleet.store import alerting
    from attendance.ops.alert_post import Poster

    address = secret_from(args.address_file)
    if not Poster().understood([address])[0]:
        raise BadInput("The address is none that Apprise knows. See https://github.com/caronc/apprise/wiki")
    with open_office(args) as office, office.writing() as conn:
        school = _school(conn, args)
        alerting.add(conn, school.school_id if school else None, args.name, address, escalation=args.escalation)
        office.note(conn, school, "alerts.add", args.name, {"escalation": args.escalation})
    print(f"{args.name} is told. `attendance fleet alerts test` tries it.")
    return 0


def _school(conn: "Connection", args: argparse.Namespace) -> "School | None":
    return None if args.all_schools else school_of(conn, args)


def _list(args: argparse.Namespace) -> int:
    from attendance.fleet.alerting import known
    from attendance.fleet.store import alerting

    with open_office(args) as office, office.reading() as conn:
        school = school_of(conn, args)
        receivers = alerting.of_school(conn, school.school_id)
        alerts = known(alerting.remembered(conn, school.school_id))
    for each in receivers:
        where = "all schools" if each.school_id is None else school.name
        print(f"{each.name:24}  {where}{'  escalation' if each.escalation else ''}")
    print(f"{len(receivers)} are told of problems at {school.name}.")
    for alert in alerts:
        state = "acknowledged" if alert.acknowledged else "told" if alert.told else "not told yet"
        print(f"{alert.source:24}  {alert.problem.code:24}  {alert.problem.severity:7}  {state}")
    return 0


def _remove(args: argparse.Namespace) -> int:
    from attendance.errors import BadInput
    from attendance.fleet.store import alerting

    with open_office(args) as office, office.writing() as conn:
        school = _school(conn, args)
        if not alerting.remove(conn, school.school_id if school else None, args.name):
            raise BadInput(f"There is no receiver {args.name!r}. `attendance fleet alerts list` shows all.")
        office.note(conn, school, "alerts.remove", args.name, {})
    print(f"{args.name} is told no more.")
    return 0


def _test(args: argparse.Namespace) -> int:
    from attendance.fleet.store import alerting
    from attendance.ops.alert_post import Post, Poster

    with open_office(args) as office, office.reading() as conn:
        school = school_of(conn, args)
        receivers = alerting.of_school(conn, school.school_id)
    post = Post([each.address for each in receivers], f"{school.name}: this is a test", "Alerts reach you.", "recovery")
    took = Poster().send(post)
    for each, good in zip(receivers, took, strict=True):
        print(f"{'ok     ' if good else 'problem'}  {each.name}")
    if not receivers:
        print("Nobody is told: `attendance fleet alerts add` adds somebody.")
    return 0 if receivers and all(took) else 1


def _acknowledge(args: argparse.Namespace) -> int:
    from attendance.errors import BadInput
    from attendance.fleet.alerting import acknowledge
    from attendance.fleet.store import alerting

    with open_office(args) as office, office.writing() as conn:
        school = school_of(conn, args)
        changed = acknowledge(alerting.remembered(conn, school.school_id), args.gate, args.code)
        if changed is None:
            raise BadInput(
                f"No problem {args.code!r} of {args.gate!r} is known. `attendance fleet alerts list` shows all."
            )
        alerting.remember(conn, school.school_id, changed)
        office.note(conn, school, "alerts.ack", args.gate, {"code": args.code})
    print("Nobody is reminded of it any more; people hear when it is over.")
    return 0
