"""``attendance sms guardian``: what one guardian gets, and in which language."""

import argparse
from typing import TYPE_CHECKING

from attendance.cli.context import add_verb, open_context
from attendance.domain.message import MessageKind, preference

if TYPE_CHECKING:
    import sqlite3

    from attendance.clock import Moment

_MUTABLE = tuple(kind.value for kind in MessageKind if preference(kind) == kind)


def add_guardian(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    verb = verbs.add_parser("guardian", help="what a student's guardians get: show it, or change it for one of them")
    verb.add_argument("student_id")
    verb.add_argument("phone", nargs="?", default="", metavar="NUMBER", help="whose wishes are changed")
    wish = verb.add_mutually_exclusive_group()
    wish.add_argument("--stop", action="store_true", help="no more messages to this number, about anybody")
    wish.add_argument("--start", action="store_true", help="messages again")
    verb.add_argument("--language", choices=("en", "fil", "school"))
    verb.add_argument(
        "--mute", nargs="*", choices=_MUTABLE, metavar="KIND", help="only these are not sent; none: all are"
    )
    add_verb(verb, _guardian)


def _guardian(args: argparse.Namespace) -> int:
    from attendance.domain.message import masked
    from attendance.errors import BadInput
    from attendance.kiosk.store import preferences
    from attendance.kiosk.store.database import reading, writing
    from attendance.reports.student_list import e164

    context = open_context(args)
    changes = args.stop or args.start or args.language or args.mute is not None
    if changes and not args.phone:
        raise BadInput("Name the number whose wishes are changed.")
    if changes:
        phone = e164(args.phone, context.settings.school.phone_region)
        with writing(context.database()) as conn:
            _change(conn, args, phone, context.clock.now())
    with reading(context.database()) as conn:
        found = preferences.of_student(conn, args.student_id)
    for each in found:
        state = f"no messages since {each.opted_out_at[:10]}" if each.opted_out_at else "gets messages"
        muted = f", but no {', '.join(sorted(each.muted))}" if each.muted else ""
        print(
            f"{masked(each.phone)}  {each.name or '-'}  {state}{muted}  {each.language or 'in the school’s language'}"
        )
    print(f"{len(found)} guardians.")
    return 0


def _change(conn: "sqlite3.Connection", args: argparse.Namespace, phone: str, now: "Moment") -> None:
    from attendance.domain.answer import Wish
    from attendance.kiosk.store import preferences

    if args.stop or args.start:
        preferences.opt(conn, args.student_id, phone, Wish.OUT if args.stop else Wish.IN, now)
    if args.language:
        language = "" if args.language == "school" else args.language
        preferences.speak(conn, args.student_id, phone, language)
    if args.mute is not None:
        preferences.mute(conn, args.student_id, phone, [MessageKind(kind) for kind in args.mute])
