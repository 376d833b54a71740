"""``attendance sync``: this gate's place at a centre, and what is on its way there."""

import argparse
import sys
from typing import TYPE_CHECKING, Any

from attendance.cli.context import Context, add_verb, open_context
from attendance.cli.output import print_json

if TYPE_CHECKING:
    from attendance.kiosk.sync.credentials import Credentials


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = subparsers.add_parser("sync", help="exchange with the centre")
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")

    verb = verbs.add_parser("enroll", help="make this gate one of a centre's, by a one-time code")
    verb.add_argument("url", metavar="URL", help="of the centre, as https://centre.example")
    verb.add_argument("code", metavar="CODE", help="what `attendance fleet invite` gave at the centre")
    verb.add_argument(
        "--other-school", action="store_true", help="although the records went to another school's centre so far"
    )
    add_verb(verb, _enroll)

    verb = verbs.add_parser("status", help="whether the centre answers, and what waits for it")
    verb.add_argument("--json", action="store_true")
    add_verb(verb, _status)

    add_verb(verbs.add_parser("now", help="send everything that waits, and say what is in the way"), _now)
    add_verb(verbs.add_parser("leave", help="give the place at the centre up; what waits stays here"), _leave)

    dead = verbs.add_parser("dead", help="records that the centre did not take")
    of_dead = dead.add_subparsers(dest="what", required=True, metavar="WHAT")
    verb = of_dead.add_parser("list", help="each with its reason")
    verb.add_argument("--json", action="store_true")
    add_verb(verb, _dead)
    verb = of_dead.add_parser("retry", help="send them again")
    verb.add_argument("numbers", nargs="*", type=int, metavar="NUMBER", help="of the list; default: all")
    add_verb(verb, _retry)

    verb = verbs.add_parser("accept-roster", help="take a list of students from the centre although it is small")
    add_verb(verb, _accept_roster)


def _enroll(args: argparse.Namespace) -> int:
    from attendance import __version__
    from attendance.kiosk.sync import enrolment
    from attendance.ops.machine import board_model

    context = open_context(args)
    device, cloud = context.settings.device, context.settings.cloud
    machine = enrolment.Machine(
        device_id=device.device_id,
        device_name=device.device_name,
        version=__version__,
        model=board_model(),
        ca_file=context.paths.resolve(cloud.ca_file) if cloud.ca_file else None,
        timeout_s=cloud.timeout_seconds,
    )
    found = enrolment.enrol(
        context.database(), context.paths.data_dir, args.url, args.code, machine, other_school=args.other_school
    )
    place = found.credentials
    print(f"Enrolled as {_shown(place)}.")
    if found.students_wanted:
        print("The centre knows no students of the school yet: those of this gate become its list.")
    print("A gate that runs notices it in a few seconds. `attendance sync status` shows how it goes.")
    for warning in _warnings(context, place):
        print(warning, file=sys.stderr)
    return 0


def _shown(place: "Credentials") -> str:
    return f"{place.gate_name!r} of {place.school!r} at {place.url}"


def _warnings(context: Context, place: "Credentials") -> list[str]:
    """What would keep an enrolment from doing what is expected of it."""
    found = []
    zone = context.settings.school.timezone
    if zone != place.timezone:
        found.append(
            f"The centre has the school in {place.timezone!r} and this gate is in {zone!r}: days and lateness would "
            "differ. Correct school.timezone here, or the school's time zone at the centre."
        )
    if not context.settings.cloud.enabled:
        found.append("Nothing is exchanged while cloud.enabled is off. Set it and restart the gate.")
    return found


def _status(args: argparse.Namespace) -> int:
    from attendance.kiosk.store import register, sync_queue
    from attendance.kiosk.store.database import reading
    from attendance.kiosk.sync import credentials

    context = open_context(args)
    place = credentials.load(context.paths.data_dir)
    with reading(context.database()) as conn:
        waiting = sync_queue.waiting(conn)
        oldest = register.oldest_unsent_sync(conn)
    fault = _asked(context) if place is not None else ""
    known: dict[str, Any] = {
        "enrolled": place is not None,
        "url": place.url if place else None,
        "school": place.school if place else None,
        "gate": place.gate_name if place else None,
        "answers": place is not None and not fault,
        "fault": fault,
        "waiting": waiting.items,
        "oldest_waiting_at": oldest.at.isoformat() if oldest else None,
        "pictures_waiting": waiting.pictures,
        "pictures_leave": context.settings.cloud.photos,
        "not_taken": waiting.dead,
        "warnings": _warnings(context, place) if place is not None else [],
    }
    if args.json:
        print_json(known)
    else:
        _tell(known, context)
    return 1 if fault else 0


def _asked(context: Context) -> str:
    """Why the centre does not answer this gate; empty when it does."""
    from attendance.kiosk.sync.app import client
    from attendance.kiosk.sync.exchange import CentreError

    centre = client(context.settings, context.paths, context.clock)
    try:
        reply = centre.ask("GET", "/changes?after=0&limit=1", deadline_s=context.settings.cloud.timeout_seconds)
    except CentreError as error:
        return str(error)
    return "" if reply.ok else f"The centre refuses: {reply.fault}."


def _tell(known: dict[str, Any], context: Context) -> None:
    if not known["enrolled"]:
        print("This gate is not enrolled at a centre: `attendance sync enroll URL CODE`.")
    else:
        print(f"{'enrolled':12} as {known['gate']!r} of {known['school']!r} at {known['url']}")
        print(f"{'centre':12} {known['fault'] or 'answers'}")
    print(f"{'waiting':12} {known['waiting']} records{_since(known, context)}")
    stay = "" if known["pictures_leave"] else "; they stay here, cloud.photos is off"
    print(f"{'pictures':12} {known['pictures_waiting']}{stay}")
    if known["not_taken"]:
        print(f"{'not taken':12} {known['not_taken']} records: `attendance sync dead list`")
    for warning in known["warnings"]:
        print(f"  {warning}")


def _since(known: dict[str, Any], context: Context) -> str:
    from datetime import datetime

    if known["oldest_waiting_at"] is None:
        return ""
    at = datetime.fromisoformat(known["oldest_waiting_at"]).astimezone(context.zone)
    return f", the oldest of a scan of {at:%Y-%m-%d %H:%M}"


def _now(args: argparse.Namespace) -> int:
    from attendance.kiosk.store import sync_queue
    from attendance.kiosk.store.database import writing
    from attendance.kiosk.sync.app import at_once

    context = open_context(args)
    with writing(context.database()) as conn:
        sync_queue.end_pauses(conn)
    done = at_once(context.settings, context.paths, context.clock)
    print(f"{done.taken} records are at the centre, {done.pictures} pictures were sent.")
    if done.left.items:
        print(f"{done.left.items} records have to wait for what they refer to.")
    if done.left.dead:
        print(f"{done.left.dead} records were not taken: `attendance sync dead list`.")
    return 1 if done.left.dead else 0


def _leave(args: argparse.Namespace) -> int:
    from attendance.kiosk.sync import enrolment

    place = enrolment.leave(open_context(args).paths.data_dir)
    of_place = f"Left: {_shown(place)}." if place is not None else "Left."
    print(f"{of_place} What was not sent stays here.")
    print("The centre still counts this gate among the school's: `attendance fleet gates revoke` there ends that.")
    return 0


def _dead(args: argparse.Namespace) -> int:
    from attendance.kiosk.store import sync_queue
    from attendance.kiosk.store.database import reading

    with reading(open_context(args).database()) as conn:
        rows = sync_queue.dead(conn)
    if args.json:
        print_json(rows)
        return 0
    for row in rows:
        print(f"{row['position']:>8}  {row['record_type']:10}  {row['record_id']}  {row['reason']}")
    print(f"{len(rows)} records.")
    return 0


def _retry(args: argparse.Namespace) -> int:
    from attendance.errors import BadInput
    from attendance.kiosk.store import sync_queue
    from attendance.kiosk.store.database import writing

    with writing(open_context(args).database()) as conn:
        count = sync_queue.retry_dead(conn, args.numbers)
    if args.numbers and not count:
        raise BadInput("None of these is in `attendance sync dead list`.")
    print(f"{count} records wait again.")
    return 0


def _accept_roster(args: argparse.Namespace) -> int:
    from attendance.errors import BadInput
    from attendance.kiosk.store import centre_refusals
    from attendance.kiosk.store.database import writing

    with writing(open_context(args).database()) as conn:
        accepted = centre_refusals.accept(conn)
    if not accepted:
        raise BadInput("No list of students from the centre was refused as too small.")
    for each in accepted:
        print(f"A list with {each.remaining} of the {each.students} known students is taken at the next contact.")
    return 0
