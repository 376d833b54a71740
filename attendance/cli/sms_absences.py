"""``attendance sms absences``: who would be told of an absence or a missing departure, and a person's word on it."""

import argparse
import json
from typing import Any

from attendance.cli.context import add_verb, day, open_context


def add_absences(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    verb = verbs.add_parser("absences", help="who would be told of an absence, and why nothing was sent")
    verb.add_argument("--date", type=day, help="as 2026-06-08; default today")
    verb.add_argument("--session", default="", help="only this one")
    said = verb.add_mutually_exclusive_group()
    said.add_argument("--dry-run", action="store_true", help="only show it; so it is without any of these options")
    said.add_argument("--confirm", action="store_true", help="it is true although so many are missing: tell them")
    said.add_argument("--off", action="store_true", help="tell nobody on this day, or in this session")
    said.add_argument("--on", action="store_true", help="take back what was said with --confirm or --off")
    verb.add_argument("--json", action="store_true")
    add_verb(verb, _absences)


def _absences(args: argparse.Namespace) -> int:
    from attendance.domain.absence import KINDS
    from attendance.errors import BadInput
    from attendance.kiosk.sms import plan
    from attendance.kiosk.sms.absence import look, recipients
    from attendance.kiosk.store import absence
    from attendance.kiosk.store.database import reading

    context = open_context(args)
    if args.session and args.session not in context.sessions:
        raise BadInput(f"No session {args.session!r} is configured; there are {', '.join(context.sessions)}.")
    now = context.clock.now()
    on = args.date or now.at.astimezone(context.zone).date()
    if args.confirm or args.off or args.on:
        _give_order(args, context, on)
    rules = plan.absence_rules(context.settings)
    rounds = []
    with reading(context.database()) as conn:
        for session in rules.schedule.sessions:
            for kind in KINDS if args.session in ("", session.name) else ():
                found = look(conn, rules, on, session, kind, now)
                told = absence.round_of(conn, on, session.name, kind)
                row = _row(found, kind in rules.kinds, list(recipients(conn, found)))
                rounds.append(row | {"messages": told.messages if told and told.told else None})
    if args.json:
        print(json.dumps(rounds, ensure_ascii=False, indent=2))
    else:
        for row in rounds:
            _tell(row)
    return 0


def _give_order(args: argparse.Namespace, context: Any, on: Any) -> None:
    from attendance.domain.absence import Order
    from attendance.kiosk.store import absence
    from attendance.kiosk.store.database import writing

    with writing(context.database()) as conn:
        if args.on:
            absence.take_order_back(conn, on, args.session)
        else:
            order = Order.CONFIRM if args.confirm else Order.OFF
            absence.give_order(conn, on, args.session, order, context.clock.now())


def _row(found: Any, switched_on: bool, told: list[Any]) -> dict[str, Any]:
    from attendance.domain.message import masked
    from attendance.kiosk.sms.absence_problems import sentences
    from attendance.kiosk.store.absence import as_round

    return {
        "day": found.day.isoformat(),
        "session": found.session,
        "kind": found.kind.value,
        "switched_on": switched_on,
        "expected": found.expected,
        "named": [
            {
                "student_id": each.student.student_id,
                "section": each.student.section,
                "phone": masked(each.guardian.phone) if each.guardian else None,
                "told": each.told,
            }
            for each in told
        ],
        "reasons": [reason.value for reason in found.reasons],
        "sentences": list(sentences(as_round(found))),
    }


def _tell(row: dict[str, Any]) -> None:
    students = {each["student_id"] for each in row["named"]}
    print(f"{row['day']} {row['session']}, {row['kind']}: {len(students)} of {row['expected']} students")
    if not row["switched_on"]:
        print(f"    switched off: sms_notifications.notification_preferences.{row['kind']}")
    if row["messages"] is not None:
        print(f"    told: {row['messages']} messages")
    for sentence in row["sentences"] if row["messages"] is None else ():
        print(f"    {sentence}")
    for each in row["named"]:
        whom = each["phone"] or "no number"
        print(f"    {each['student_id']:14}  {each['section']:14}  {whom}{'' if each['told'] else '  (not told)'}")
