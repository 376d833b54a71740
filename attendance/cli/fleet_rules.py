"""``attendance fleet cards``, ``closures``, ``schedule`` and ``texts``: by which rules all gates of a school work."""

import argparse
import json
from pathlib import Path
from typing import Any

from attendance.cli.context import day
from attendance.cli.fleet_context import add_fleet_verb, open_office, school_of

_LARGEST_DOCUMENT_BYTES = 256 * 1024


def add_verbs(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    _add_cards(verbs)
    _add_closures(verbs)
    for kind, what in (("schedule", "the section school_schedule"), ("texts", "texts of messages")):
        parser = verbs.add_parser(kind, help=f"{what} of every gate's settings")
        of_kind = parser.add_subparsers(dest="what", required=True, metavar="WHAT")
        verb = of_kind.add_parser("set", help="from a JSON file; each gate checks it before it takes it")
        verb.add_argument("file", type=Path)
        verb.set_defaults(kind=kind)
        add_fleet_verb(verb, _set_document, school=True)
        verb = of_kind.add_parser("show", help="as the gates are told")
        verb.set_defaults(kind=kind)
        add_fleet_verb(verb, _show_document, school=True)


def _add_cards(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = verbs.add_parser("cards", help="call cards back at all gates of the school")
    of_cards = parser.add_subparsers(dest="what", required=True, metavar="WHAT")

    verb = of_cards.add_parser("revoke", help="call a card back")
    verb.add_argument("card", help="a student number; with --rfid or --payload what the card says")
    verb.add_argument("--issue", type=int, help="of a card by number; default: all up to the newest")
    kind = verb.add_mutually_exclusive_group()
    kind.add_argument("--rfid", dest="kind", action="store_const", const="rfid", default="number")
    kind.add_argument("--payload", dest="kind", action="store_const", const="payload")
    verb.add_argument("--reason", default="")
    add_fleet_verb(verb, _revoke, school=True)

    verb = of_cards.add_parser("list", help="cards that the centre knows of")
    verb.add_argument("--json", action="store_true")
    add_fleet_verb(verb, _list_cards, school=True)


def _add_closures(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = verbs.add_parser("closures", help="days without classes, for all gates of the school")
    of_closures = parser.add_subparsers(dest="what", required=True, metavar="WHAT")

    verb = of_closures.add_parser("add", help="a day, or a span of days")
    verb.add_argument("first", type=day, metavar="DAY", help="as 2026-12-25")
    verb.add_argument("last", type=day, metavar="LAST_DAY", nargs="?", help="the last day of a span")
    verb.add_argument("--name", required=True, help="what students are told")
    verb.add_argument("--kind", choices=("holiday", "suspension"), default="holiday")
    verb.add_argument("--session", default="", help="only this session has no classes")
    add_fleet_verb(verb, _add_closure, school=True)

    verb = of_closures.add_parser("list", help="all of them, with their keys")
    verb.add_argument("--json", action="store_true")
    add_fleet_verb(verb, _list_closures, school=True)

    verb = of_closures.add_parser("remove", help="take one out by its key")
    verb.add_argument("key")
    add_fleet_verb(verb, _remove_closure, school=True)


def _revoke(args: argparse.Namespace) -> int:
    from attendance.fleet import directory

    value = args.card.strip().upper() if args.kind == "rfid" else args.card.strip()
    with open_office(args) as office, office.writing() as conn:
        school = school_of(conn, args)
        known = directory.cards(conn, school.school_id)
        newest = max((card.issue for card in known if (card.kind, card.value) == (args.kind, value)), default=0)
        # a plain card is issue 0; the next that is printed is one above the newest that was called back
        issues = [args.issue] if args.issue is not None else range(newest + 2 if args.kind == "number" else 1)
        for issue in issues:
            directory.revoke_card(conn, school.school_id, args.kind, value, issue, args.reason, office.now)
        office.note(conn, school, "card-revoked", args.kind, {"issues": list(issues)})
    print("Revoked. Each gate refuses it from its next call on.")
    return 0


def _list_cards(args: argparse.Namespace) -> int:
    from attendance.fleet import directory

    with open_office(args) as office, office.reading() as conn:
        cards = directory.cards(conn, school_of(conn, args).school_id)
    if args.json:
        print(json.dumps([card.model_dump() for card in cards], ensure_ascii=False, indent=2))
        return 0
    for card in cards:
        state = f"revoked {card.revoked_at[:10]} {card.reason}" if card.revoked_at else "valid"
        print(f"{card.student_id or '-':16}  {card.kind:8}  {card.value}  issue {card.issue}  {state}".rstrip())
    print(f"{len(cards)} cards. Others are valid by their number or signature.")
    return 0


def _add_closure(args: argparse.Namespace) -> int:
    from attendance.domain.directory import Closure
    from attendance.errors import BadInput
    from attendance.fleet import directory

    last = args.last or args.first
    if last < args.first:
        raise BadInput(f"The last day {last} lies before the first, {args.first}.")
    closure = Closure(
        first_day=args.first.isoformat(),
        last_day=last.isoformat(),
        kind=args.kind,
        name=args.name,
        session=args.session,
    )
    with open_office(args) as office, office.writing() as conn:
        school = school_of(conn, args)
        key = directory.put_closure(conn, school.school_id, closure, office.now)
        office.note(conn, school, "closure-added", key, closure.model_dump())
    print(f"Entered as {key}.")
    return 0


def _list_closures(args: argparse.Namespace) -> int:
    from attendance.fleet import directory

    with open_office(args) as office, office.reading() as conn:
        closures = directory.closures(conn, school_of(conn, args).school_id)
    if args.json:
        rows = [{"key": key, **closure.model_dump()} for key, closure in closures.items()]
        print(json.dumps(rows, ensure_ascii=False, indent=2))
        return 0
    for key, closure in closures.items():
        print(f"{key:28}  {closure.kind:10}  {closure.name}")
    print(f"{len(closures)} entries.")
    return 0


def _remove_closure(args: argparse.Namespace) -> int:
    from attendance.errors import BadInput
    from attendance.fleet import directory

    with open_office(args) as office, office.writing() as conn:
        school = school_of(conn, args)
        if not directory.remove_closure(conn, school.school_id, args.key, office.now):
            raise BadInput(f"There is no entry {args.key!r}. `attendance fleet closures list` shows all.")
        office.note(conn, school, "closure-removed", args.key, {})
    print("Removed.")
    return 0


def _set_document(args: argparse.Namespace) -> int:
    from attendance.fleet import directory

    body = _document(args.file)
    with open_office(args) as office, office.writing() as conn:
        school = school_of(conn, args)
        changed = directory.put_document(conn, school.school_id, args.kind, body, office.now)
        office.note(conn, school, f"{args.kind}-set", args.kind, {"keys": sorted(body)})
    print(
        "Set. Each gate checks it and takes it when it calls."
        if changed
        else "That is what the gates are told already."
    )
    return 0


def _show_document(args: argparse.Namespace) -> int:
    from attendance.fleet import directory

    with open_office(args) as office, office.reading() as conn:
        body = directory.document(conn, school_of(conn, args).school_id, args.kind)
    print(json.dumps(body or {}, ensure_ascii=False, indent=2))
    return 0


def _document(file: Path) -> dict[str, Any]:
    """A JSON object from a file.

    Raises:
        BadInput: it is none, or too long.
    """
    from attendance.errors import BadInput

    try:
        content = file.read_bytes()
        body = json.loads(content) if len(content) <= _LARGEST_DOCUMENT_BYTES else None
    except (OSError, ValueError, RecursionError) as error:
        raise BadInput(f"{str(file)!r} cannot be read as JSON ({error}).") from error
    if not isinstance(body, dict) or not body:
        raise BadInput(f"{str(file)!r} must hold a JSON object of at most {_LARGEST_DOCUMENT_BYTES // 1024} kB.")
    return body
