"""``attendance sms test`` and ``attendance sms webhooks``: the gateways, and what the phone reports to this gate."""

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING

from attendance.cli.context import Context, add_verb, open_context
from attendance.cli.output import print_json

if TYPE_CHECKING:
    from attendance.kiosk.sms.phone_webhooks import PhoneWebhooks, Webhook


def add_phone_verbs(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    verb = verbs.add_parser("test", help="whether the gateways can be reached and let us in; sends nothing")
    verb.add_argument("--send-to", metavar="NUMBER", default="", help="send a message there, too")
    verb.add_argument("--json", action="store_true")
    add_verb(verb, _test)

    parser = verbs.add_parser("webhooks", help="what the phone reports, and where to")
    inner = parser.add_subparsers(dest="inner", required=True, metavar="VERB")
    verb = inner.add_parser("register", help="have the phone report to this gate")
    verb.add_argument("url", help="as the phone sees it: https://…/sms-webhook, or http://127.0.0.1:8081/sms-webhook")
    verb.add_argument("--signing-key", metavar="KEY", default="", help="have the phone sign its reports with it")
    verb.add_argument("--json", action="store_true")
    add_verb(verb, _register)
    for name, what, run in (
        ("list", "what is registered", _list),
        ("remove", "take back what this gate has registered", _remove),
    ):
        verb = inner.add_parser(name, help=what)
        verb.add_argument("--json", action="store_true")
        add_verb(verb, run)


def _test(args: argparse.Namespace) -> int:
    from attendance.errors import BadInput
    from attendance.kiosk.sms.gateway_plan import routes
    from attendance.reports.student_list import e164

    context = open_context(args)
    sms = context.settings.sms_notifications
    phone = e164(args.send_to, context.settings.school.phone_region) if args.send_to else ""
    found = routes(sms, context.paths.resolve, context.clock)
    answers, problems = found.check(), found.problems
    good = bool(answers) and not problems and all(works for _, _, works in answers)
    if phone and good and not sms.enabled:
        raise BadInput("Nobody would send it: messages are off. Set sms_notifications.enabled.")
    message_id = _send_test(context, phone) if phone and good else ""
    if args.json:
        print_json(
            {
                "enabled": sms.enabled,
                "gateways": [{"name": name, "works": works, "said": said} for name, said, works in answers],
                "problems": [{"code": each.code, "text": each.text, "remedy": each.remedy} for each in problems],
                "message_id": message_id or None,
            }
        )
        return 0 if good else 1
    for name, sentence, works in answers:
        print(f"{'ok     ' if works else 'problem'}  {name}: {sentence}")
    for problem in problems:
        print(f"problem  {problem.text}\n         -> {problem.remedy}")
    if not sms.enabled:
        print("Messages are off: set sms_notifications.enabled to send them.")
    if message_id:
        print(f"Message {message_id} waits for the running gate; see `attendance sms show {message_id}`.")
    return 0 if good else 1


def _send_test(context: Context, phone: str) -> str:
    """Queue a message for the running gate; its id."""
    from attendance.kiosk.store import outbox
    from attendance.kiosk.store.database import writing

    text = f"{context.settings.school.name}: this is a test of the school gate."
    with writing(context.database()) as conn:
        [message_id] = outbox.send(conn, text, context.clock.now(), phone=phone)
    return message_id


def _webhooks(context: Context) -> "Sequence[PhoneWebhooks]":
    """Those of every configured phone."""
    from attendance.kiosk.sms import gateway_plan
    from attendance.kiosk.sms.phone_webhooks import PhoneWebhooks

    phones = gateway_plan.phones(context.settings.sms_notifications, context.paths.resolve)
    return [PhoneWebhooks(phone, context.settings.device.device_id) for phone in phones]


def _register(args: argparse.Namespace) -> int:
    from attendance.kiosk.sms.phone_webhooks import refuse_weak_key

    if args.signing_key:
        refuse_weak_key(args.signing_key)
    registered: list[Webhook] = []
    for webhooks in _webhooks(open_context(args)):
        registered += webhooks.register(args.url)
        if args.signing_key:
            webhooks.set_signing_key(args.signing_key)
    if args.json:
        print_json(_told(registered))
        return 0
    for each in registered:
        print(f"{each.event:14}  {each.url}")
    if args.signing_key:
        print("The phone signs its reports; set the same key as sms_webhook.signing_key.")
    return 0


def _list(args: argparse.Namespace) -> int:
    rows = [each for webhooks in _webhooks(open_context(args)) for each in webhooks.list()]
    if args.json:
        print_json(_told(rows))
        return 0
    for each in rows:
        print(f"{each.event:14}  {each.url}{'' if each.ours else '  (not of this gate)'}")
    print(f"{len(rows)} webhooks.")
    return 0


def _remove(args: argparse.Namespace) -> int:
    removed = [each for webhooks in _webhooks(open_context(args)) for each in webhooks.remove()]
    if args.json:
        print_json(_told(removed))
        return 0
    print(f"{len(removed)} webhooks removed.")
    return 0


def _told(webhooks: "Sequence[Webhook]") -> list[dict[str, object]]:
    return [{"id": each.webhook_id, "event": each.event, "url": each.url, "ours": each.ours} for each in webhooks]
