"""``attendance sms``: the messages to guardians, as the office sees them."""

import argparse
import sys
from datetime import datetime, time
from typing import TYPE_CHECKING, Any

from attendance.cli.context import Context, add_verb, day, open_context
from attendance.cli.output import print_json
from attendance.cli.sms_absences import add_absences
from attendance.cli.sms_guardian import add_guardian
from attendance.cli.sms_phone import add_phone_verbs
from attendance.domain.message import MessageKind, OutboxState

if TYPE_CHECKING:
    from attendance.domain.capacity import Capacity

_KINDS = tuple(kind.value for kind in MessageKind)
_STATES = tuple(state.value for state in OutboxState)
_MOST_ROWS = 1_000_000
"""Of a list: more than a gate keeps."""


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = subparsers.add_parser("sms", help="messages to guardians")
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")

    verb = verbs.add_parser("status", help="how the outbox stands, and whether the limits can carry the school")
    verb.add_argument("--json", action="store_true")
    add_verb(verb, _status)

    verb = verbs.add_parser("list", help="the newest messages")
    verb.add_argument("--state", choices=_STATES)
    verb.add_argument("--kind", choices=_KINDS)
    verb.add_argument("--student", metavar="STUDENT_ID", type=_written)
    verb.add_argument("--since", type=day, metavar="DAY")
    verb.add_argument("--limit", type=_rows, default=50)
    _reveal(verb)
    verb.add_argument("--json", action="store_true")
    add_verb(verb, _list)

    verb = verbs.add_parser("show", help="all that is known of a message")
    verb.add_argument("message_id", metavar="ID", type=_written)
    _reveal(verb)
    verb.add_argument("--json", action="store_true")
    add_verb(verb, _show)

    verb = verbs.add_parser("send", help="send a text to a student's guardians, or to a number")
    verb.add_argument("text")
    to = verb.add_mutually_exclusive_group(required=True)
    to.add_argument("--student", metavar="STUDENT_ID", type=_written, default="")
    to.add_argument("--to", metavar="NUMBER", default="", help="as +639171234567")
    verb.add_argument("--json", action="store_true")
    add_verb(verb, _send)

    verb = verbs.add_parser("retry", help="send a message again that was not sent, or failed")
    verb.add_argument("message_id", metavar="ID", type=_written)
    verb.add_argument("--json", action="store_true")
    add_verb(verb, _retry)

    verb = verbs.add_parser("cancel", help="end a message that still waits")
    verb.add_argument("message_id", metavar="ID", type=_written)
    verb.add_argument("--json", action="store_true")
    add_verb(verb, _cancel)

    verb = verbs.add_parser("preview", help="the texts, with their length, encoding and parts")
    verb.add_argument("kind", nargs="?", choices=_KINDS)
    verb.add_argument("--language", choices=("en", "fil"), default="")
    verb.add_argument("--json", action="store_true")
    add_verb(verb, _preview)

    add_absences(verbs)
    add_guardian(verbs)
    add_phone_verbs(verbs)


def _reveal(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--reveal", action="store_true", help="whole numbers, and the texts")


def _written(text: str) -> str:
    """An argument that can be text: a terminal passes any bytes on.

    Raises:
        argparse.ArgumentTypeError: it has characters that nobody wrote.
    """
    if not text.isprintable():
        raise argparse.ArgumentTypeError(f"{text!r} has characters that cannot be printed")
    return text


def _rows(text: str) -> int:
    """A number of rows.

    Raises:
        argparse.ArgumentTypeError: it is none.
    """
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:9]) <= _MOST_ROWS):
        raise argparse.ArgumentTypeError(f"{text!r} is no number from 1 to {_MOST_ROWS}")
    return int(text)


def _status(args: argparse.Namespace) -> int:
    from attendance.kiosk.store import outbox
    from attendance.kiosk.store.database import reading

    context = open_context(args)
    with reading(context.database()) as conn:
        found = outbox.status(conn, context.clock.now(), context.zone)
    enabled, carried = context.settings.sms_notifications.enabled, school_capacity(context)
    if args.json:
        print_json({"enabled": enabled, **found, "limits": list(carried.sentences)})
        return 0
    print("Messages are on." if enabled else "Messages are off: set sms_notifications.enabled.")
    for title, key in (("at the gate", "states"), ("at the gateway", "gateway_states"), ("waiting", "waiting_kinds")):
        counts = ", ".join(f"{count} {name.lower().replace('_', ' ')}" for name, count in found[key].items())
        print(f"{title:16} {counts or 'none'}")
    if found["oldest_waiting_minutes"] is not None:
        print(f"{'oldest waiting':16} {found['oldest_waiting_minutes']:.0f} minutes")
    print(f"{'message parts':16} {found['parts_today']} today, {found['parts_this_month']} this month")
    for sentence in carried.sentences:
        print(f"  {sentence}")
    return 0


def school_capacity(context: Context) -> "Capacity":
    """Whether the limits can carry the school, by its roster."""
    from attendance.kiosk.sms import plan
    from attendance.kiosk.store import roster
    from attendance.kiosk.store.database import reading

    with reading(context.database()) as conn:
        return plan.school_capacity(context.settings, *roster.told(conn))


def _list(args: argparse.Namespace) -> int:
    from attendance.kiosk.store import outbox
    from attendance.kiosk.store.database import reading

    context = open_context(args)
    since = datetime.combine(args.since, time(), context.zone) if args.since else None
    with reading(context.database()) as conn:
        rows = outbox.messages(
            conn,
            state=OutboxState(args.state) if args.state else None,
            kind=MessageKind(args.kind) if args.kind else None,
            student_id=args.student,
            since=since,
            limit=args.limit,
            reveal=args.reveal,
        )
    if args.json:
        print_json(rows)
        return 0
    for row in rows:
        print(_line(row, context))
    print(f"{len(rows)} messages.")
    return 0


def _line(row: dict[str, Any], context: Context) -> str:
    from attendance.clock import from_rfc3339

    at = from_rfc3339(row["made_at"]).astimezone(context.zone)
    state = f"{row['state']} / {row['gateway_state']}" if row["gateway_state"] else row["state"]
    reason = row["gateway_error"] or row["reason"] or ""
    line = f"{row['message_id']}  {at:%Y-%m-%d %H:%M:%S}  {row['phone']:16}  {row['kind']:14}  {state}  {reason}"
    return "\n    ".join(filter(None, (line.rstrip(), row.get("text"))))


def _show(args: argparse.Namespace) -> int:
    from attendance.kiosk.store import outbox
    from attendance.kiosk.store.database import reading

    with reading(open_context(args).database()) as conn:
        found = outbox.show(conn, args.message_id, reveal=args.reveal)
    if args.json:
        print_json(found)
        return 0
    for key, value in found.items():
        if key == "reports":
            for report in value:
                shown = (report["received_at"], report["event"], report["state"] or "", report["reason"] or "")
                print(f"{'report':18} {'  '.join(shown).rstrip()}")
        elif value not in (None, "", []):
            print(f"{key:18} {', '.join(value) if isinstance(value, list) else value}")
    return 0


def _send(args: argparse.Namespace) -> int:
    from attendance.kiosk.store import outbox
    from attendance.kiosk.store.database import writing
    from attendance.reports.student_list import e164

    context = open_context(args)
    phone = e164(args.to, context.settings.school.phone_region) if args.to else ""
    with writing(context.database()) as conn:
        ids = outbox.send(conn, args.text, context.clock.now(), student_id=args.student, phone=phone)
    if args.json:
        print_json({"message_ids": ids})
    else:
        print("\n".join(ids))
    if not context.settings.sms_notifications.enabled:
        print("It waits: messages are off. Set sms_notifications.enabled.", file=sys.stderr)
    return 0


def _retry(args: argparse.Namespace) -> int:
    from attendance.kiosk.store import outbox
    from attendance.kiosk.store.database import writing

    context = open_context(args)
    with writing(context.database()) as conn:
        new = outbox.retry(conn, args.message_id, context.clock.now())
    if args.json:
        print_json({"message_id": new, "retry_of": args.message_id})
    else:
        print(new)
    return 0


def _cancel(args: argparse.Namespace) -> int:
    from attendance.kiosk.store import outbox
    from attendance.kiosk.store.database import writing

    context = open_context(args)
    with writing(context.database()) as conn:
        outbox.cancel(conn, args.message_id, context.clock.now())
    if args.json:
        print_json({"message_id": args.message_id, "state": OutboxState.CANCELLED})
    else:
        print("Cancelled.")
    return 0


def _preview(args: argparse.Namespace) -> int:
    from attendance.kiosk.sms import plan
    from attendance.kiosk.sms.texts import TEMPLATE_KEYS

    texts = plan.texts(open_context(args).settings)
    kinds = [MessageKind(args.kind)] if args.kind else list(TEMPLATE_KEYS)
    found = {kind.value: texts.preview(kind, args.language) for kind in kinds}
    if args.json:
        shown = {
            kind: {"text": t.text, "length": len(t.text), "encoding": t.encoding.value, "parts": t.parts}
            for kind, t in found.items()
        }
        print_json(shown)
        return 0
    for kind, text in found.items():
        parts = f"{text.parts} part{'s' if text.parts > 1 else ''}"
        print(f"{kind} ({len(text.text)} characters, {text.encoding.value}, {parts})\n    {text.text}")
    return 0
