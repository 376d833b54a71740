"""``attendance sms absences``: who would be told of an absence or a missing departure, and a person's word on it."""

import argparse
import json
from typing import TYPE_CHECKING, Any

from attendance.cli.context import Context, add_verb, day, open_context

if TYPE_CHECKING:
    import sqlite3
    from datetime import date

    from attendance.clock import Moment
    from attendance.config import Settings
    from attendance.domain.absence import Plan
    from attendance.domain.message import MessageKind
    from attendance.kiosk.sms.absence import AbsenceRules


def add_absences(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    verb = verbs.add_parser("absences", help="who would be told of an absence, and why nothing was sent")
    verb.add_argument("--date", type=day, help="as 2026-06-08; default today")
    verb.add_argument("--session", default="", help="only this one")
    said = verb.add_mutually_exclusive_group()
    said.add_argument("--dry-run", action="store_true", help="only show it; so it is without any of these options")
    said.add_argument("--confirm", action="store_true", help="it is true although so many are missing: tell them")
    said.add_argument("--off", action="store_true", help="tell nobody on this day, or in this session")
    said.add_argument("--on", action="store_true", help="take back what was said with --confirm or --off")
    verb.add_argument("--reveal", action="store_true", help="whole numbers, and the texts")
    verb.add_argument("--json", action="store_true")
    add_verb(verb, _absences)


def _absences(args: argparse.Namespace) -> int:
    from attendance.domain.absence import KINDS
    from attendance.errors import BadInput
    from attendance.kiosk.sms import plan
    from attendance.kiosk.sms.absence import look
    from attendance.kiosk.store.database import reading
    from attendance.kiosk.sync.foreign import OthersConfirmed

    context = open_context(args)
    if args.session and args.session not in context.sessions:
        raise BadInput(f"No session {args.session!r} is configured; there are {', '.join(context.sessions)}.")
    now = context.clock.now()
    on = args.date or now.at.astimezone(context.zone).date()
    rules = plan.absence_rules(context.settings)
    others = OthersConfirmed(context.database(), rules.schedule, rules.zone, rules.limits.after, context.clock)
    if args.confirm or args.off or args.on:
        _give_order(args, context, rules, on, now)
    rounds = []
    with reading(context.database()) as conn:
        for session in rules.schedule.sessions:
            for kind in KINDS if args.session in ("", session.name) else ():
                found = look(conn, rules, on, session, kind, now, others)
                rounds.append(_row(conn, context, found, args.reveal, now))
    if args.json:
        print(json.dumps(rounds, ensure_ascii=False, indent=2))
    else:
        for row in rounds:
            _tell(row)
    return 0


def _give_order(args: argparse.Namespace, context: Context, rules: "AbsenceRules", on: "date", now: "Moment") -> None:
    from attendance.domain.absence import Order
    from attendance.errors import BadInput
    from attendance.kiosk.sms.absence import is_due
    from attendance.kiosk.sms.withdrawing import withdraw
    from attendance.kiosk.store import absence
    from attendance.kiosk.store.database import writing

    if args.confirm and not is_due(rules, on, args.session, now):
        raise BadInput(
            "Nothing can be confirmed yet: it is not known how many are missing. Look again after the window."
        )
    withdrawn = 0
    with writing(context.database()) as conn:
        if args.on and args.session and absence.is_off(conn, on, ""):
            raise BadInput(f"The whole of {on} is switched off. Take that back with --on without --session.")
        if args.on:
            absence.take_order_back(conn, on, args.session)
        else:
            absence.give_order(conn, on, args.session, Order.CONFIRM if args.confirm else Order.OFF, now)
        if args.off:
            withdrawn = withdraw(conn, rules.schedule, rules.zone, now)
    if withdrawn and not args.json:
        print(f"Messages that still waited and are cancelled: {withdrawn}.")


def _row(conn: "sqlite3.Connection", context: Context, found: "Plan", reveal: bool, now: "Moment") -> dict[str, Any]:
    from attendance.domain.message import masked
    from attendance.kiosk.sms import plan
    from attendance.kiosk.sms.absence import recipients
    from attendance.kiosk.sms.absence_preview import previews
    from attendance.kiosk.sms.absence_problems import sentences
    from attendance.kiosk.store import absence

    def shown(phone: str) -> str:
        return phone if reveal else masked(phone)

    told = absence.round_of(conn, found.day, found.session, found.kind)
    off = _switch(context.settings, found.kind)
    return {
        "day": found.day.isoformat(),
        "session": found.session,
        "kind": found.kind.value,
        "switched_on": not off,
        "switched_off_by": off or None,
        "expected": found.expected,
        "named": [
            {
                "student_id": each.student.student_id,
                "section": each.student.section,
                "phone": shown(each.guardian.phone) if each.guardian else None,
                "told": each.told,
            }
            for each in recipients(conn, found)
        ],
        "texts": [
            {
                "phone": shown(each.phone),
                "student_ids": [student.student_id for student in each.students],
                "parts": each.text.parts,
                **({"text": each.text.text} if reveal else {}),
            }
            for each in previews(conn, found, plan.texts(context.settings), context.zone, now)
        ],
        "reasons": [reason.value for reason in found.reasons],
        "sentences": list(sentences(absence.as_round(found))),
        "messages": told.messages if told and told.told else None,
    }


def _switch(settings: "Settings", kind: "MessageKind") -> str:
    """The setting that switches a kind off; empty if it is on."""
    from attendance.domain.message import MessageKind

    sms = settings.sms_notifications
    if not sms.enabled:
        return "sms_notifications.enabled"
    if not getattr(sms.notification_preferences, kind):
        return f"sms_notifications.notification_preferences.{kind}"
    needs_logout = kind is MessageKind.NO_CHECKOUT and not settings.school_schedule.require_logout
    return "school_schedule.require_logout" if needs_logout else ""


def _tell(row: dict[str, Any]) -> None:
    students = {each["student_id"] for each in row["named"]}
    print(f"{row['day']} {row['session']}, {row['kind']}: {len(students)} of {row['expected']} students")
    if row["switched_off_by"]:
        print(f"    switched off: {row['switched_off_by']}")
    if row["messages"] is not None:
        print(f"    told: {row['messages']} messages")
    for sentence in row["sentences"] if row["messages"] is None else ():
        print(f"    {sentence}")
    for each in row["named"]:
        whom = each["phone"] or "no number"
        print(f"    {each['student_id']:14}  {each['section']:14}  {whom}{'' if each['told'] else '  (not told)'}")
    for each in row["texts"]:
        if "text" in each:
            print(f"    to {each['phone']}: {each['text']}")
