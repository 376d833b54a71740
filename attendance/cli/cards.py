"""``attendance cards``: keys, printing, revoking, readers."""

import argparse
import json
from pathlib import Path

from attendance.cli.context import add_verb, open_context


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = subparsers.add_parser("cards", help="print, sign, revoke and register cards")
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")

    verb = verbs.add_parser("key", help="make the school's signing key, if there is none")
    verb.add_argument(
        "--add", action="store_true", help="make a further key; it signs from now on, the others stay valid"
    )
    add_verb(verb, _key)

    verb = verbs.add_parser("print", help="ID cards as a PDF, signed when there is a key")
    verb.add_argument("--section")
    verb.add_argument("--student", action="append", metavar="STUDENT_ID")
    verb.add_argument("--out", type=Path, default=Path("cards.pdf"), metavar="FILE")
    verb.add_argument("--plain", action="store_true", help="plain student numbers, although there is a key")
    add_verb(verb, _print)

    verb = verbs.add_parser("revoke", help="call a card back")
    verb.add_argument("card", help="a student number; with --rfid or --payload what the card says")
    verb.add_argument("--issue", type=int, help="only this issue; otherwise all up to the current one")
    verb.add_argument("--rfid", action="store_true")
    verb.add_argument("--payload", action="store_true")
    verb.add_argument("--reason", default="")
    add_verb(verb, _revoke)

    verb = verbs.add_parser("register", help="let an RFID card or any code stand for a student")
    verb.add_argument("student_id")
    kind = verb.add_mutually_exclusive_group(required=True)
    kind.add_argument("--rfid", metavar="UID")
    kind.add_argument("--payload", metavar="TEXT")
    add_verb(verb, _register)

    verb = verbs.add_parser("list", help="registered and revoked cards")
    verb.add_argument("student_id", nargs="?")
    verb.add_argument("--json", action="store_true")
    add_verb(verb, _list)

    verb = verbs.add_parser("check", help="whose card a text is")
    verb.add_argument("payload")
    add_verb(verb, _check)


def _key(args: argparse.Namespace) -> int:
    from attendance.kiosk import keyring

    context = open_context(args)
    keys = keyring.load(context.card_keys)
    if keys and not args.add:
        print(f"The key file {context.card_keys} has {len(keys)} keys; {next(iter(keys))} signs.")
    else:
        print(f"Key {keyring.add_key(context.card_keys)} made; it signs from now on.")
    print("Keep a copy in a safe place elsewhere, and bring the same file to all gates of the school.")
    return 0


def _print(args: argparse.Namespace) -> int:
    from attendance.domain.card import sign
    from attendance.errors import BadInput
    from attendance.kiosk import keyring
    from attendance.kiosk.store import roster
    from attendance.kiosk.store.database import reading
    from attendance.ops.files import write_atomically
    from attendance.reports.id_cards import IdCard, id_cards

    context = open_context(args)
    keys = {} if args.plain else keyring.load(context.card_keys)
    with reading(context.database()) as conn:
        for student_id in args.student or ():
            roster.key_of(conn, student_id)
        rows = [r for r in roster.enrolled(conn, args.section) if not args.student or r["student_id"] in args.student]
        issues = {row["student_id"]: roster.current_issue(conn, row["student_id"]) for row in rows}
    if not rows:
        raise BadInput("No students to print cards for. `attendance students list` shows who is known.")
    key_id, key = next(iter(keys.items()), ("", b""))
    cards = []
    for row in rows:
        number = row["student_id"]
        if not key_id and issues[number] > 1:
            raise BadInput(
                f"The plain card of {number!r} was revoked; a new one would say the same. "
                "Make a key with `attendance cards key`, so that cards can be told apart."
            )
        payload = sign(number, issues[number], key_id, key) if key_id else number
        cards.append(IdCard(row["name"], number, row["section"], payload))
    write_atomically(args.out.absolute(), id_cards(cards, context.settings.school.name))
    kind = "signed" if key_id else "plain"
    print(f"{len(cards)} {kind} cards in {args.out}. Print them at 100 % on A4 and cut at the marks.")
    return 0


def _revoke(args: argparse.Namespace) -> int:
    from attendance.kiosk.store import roster
    from attendance.kiosk.store.database import writing

    context = open_context(args)
    now = context.clock.now()
    with writing(context.database()) as conn:
        if args.rfid or args.payload:
            kind, value = ("rfid", args.card.upper()) if args.rfid else ("payload", args.card)
            roster.revoke_card(conn, kind, value, args.reason, now)
            print("Revoked.")
        else:
            issues = roster.revoke_number(conn, args.card, args.issue, args.reason, now)
            shown = ", ".join("plain" if issue == 0 else str(issue) for issue in issues)
            print(f"Revoked the cards of {args.card}: issue {shown}. `attendance cards print` makes the next one.")
    return 0


def _register(args: argparse.Namespace) -> int:
    from attendance.kiosk.store import roster
    from attendance.kiosk.store.database import writing

    context = open_context(args)
    kind, value = ("rfid", args.rfid.strip().upper()) if args.rfid else ("payload", args.payload.strip())
    with writing(context.database()) as conn:
        roster.register_card(conn, kind, value, args.student_id, context.clock.now())
    print(f"The {kind} card stands for {args.student_id} now.")
    return 0


def _list(args: argparse.Namespace) -> int:
    from attendance.kiosk.store import roster
    from attendance.kiosk.store.database import reading

    context = open_context(args)
    with reading(context.database()) as conn:
        rows = [dict(row) for row in roster.cards(conn, args.student_id)]
    if args.json:
        print(json.dumps(rows, ensure_ascii=False, indent=2))
        return 0
    for row in rows:
        state = f"revoked {row['revoked_at'][:10]} {row['reason']}" if row["revoked_at"] else "valid"
        print(f"{row['student_id'] or '-':16}  {row['kind']:8}  {row['value']}  issue {row['issue']}  {state}".rstrip())
    print(f"{len(rows)} registered cards. Cards without a line here are valid by their number or signature.")
    return 0


def _check(args: argparse.Namespace) -> int:
    from attendance.domain.scan import Refused
    from attendance.kiosk import keyring
    from attendance.kiosk.identity import CardRules, identify
    from attendance.kiosk.store.database import reading

    context = open_context(args)
    rules = CardRules(keyring.load(context.card_keys), context.settings.cards.require_signature)
    with reading(context.database()) as conn:
        found = identify(conn, args.payload.encode("utf-8", "surrogateescape"), "reader", rules)
    if isinstance(found, Refused):
        print(f"{found.refusal}: {found.sentence}")
        return 1
    print(f"{found.student.student_id}  {found.student.section}  {found.student.name}")
    return 0
