"""``attendance sms test`` and ``attendance sms webhooks``: the gateways, and what the phone reports to this gate."""

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING

from attendance.cli.context import Context, add_verb, open_context

if TYPE_CHECKING:
    from attendance.kiosk.sms.phone_webhooks import PhoneWebhooks


def add_phone_verbs(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    verb = verbs.add_parser("test", help="whether the gateways can be reached and let us in; sends nothing")
    verb.add_argument("--send-to", metavar="NUMBER", default="", help="send a message there, too")
    add_verb(verb, _test)

    parser = verbs.add_parser("webhooks", help="what the phone reports, and where to")
    inner = parser.add_subparsers(dest="inner", required=True, metavar="VERB")
    verb = inner.add_parser("register", help="have the phone report to this gate")
    verb.add_argument("url", help="as the phone sees it: https://…/sms-webhook, or http://127.0.0.1:8081/sms-webhook")
    verb.add_argument("--signing-key", metavar="KEY", default="", help="have the phone sign its reports with it")
    add_verb(verb, _register)
    add_verb(inner.add_parser("list", help="what is registered"), _list)
    add_verb(inner.add_parser("remove", help="take back what this gate has registered"), _remove)


def _test(args: argparse.Namespace) -> int:
    from attendance.errors import BadInput
    from attendance.kiosk.sms.gateway_plan import routes
    from attendance.kiosk.store import outbox
    from attendance.kiosk.store.database import writing
    from attendance.reports.student_list import e164

    context = open_context(args)
    found = routes(context.settings.sms_notifications, context.paths.resolve, context.clock)
    answers = found.check()
    for name, sentence, good in answers:
        print(f"{'ok     ' if good else 'problem'}  {name}: {sentence}")
    for problem in found.problems:
        print(f"problem  {problem.text}\n         -> {problem.remedy}")
    if not answers or not all(good for _, _, good in answers):
        return 1
    if not context.settings.sms_notifications.enabled:
        print("Messages are off: set sms_notifications.enabled to send them.")
    if args.send_to:
        if not context.settings.sms_notifications.enabled:
            raise BadInput("Nobody would send it.")
        phone = e164(args.send_to, context.settings.school.phone_region)
        text = f"{context.settings.school.name}: this is a test of the school gate."
        with writing(context.database()) as conn:
            [message_id] = outbox.send(conn, text, context.clock.now(), phone=phone)
        print(f"Message {message_id} waits for the running gate; see `attendance sms show {message_id}`.")
    return 0


def _webhooks(context: Context) -> "Sequence[PhoneWebhooks]":
    """Those of every configured phone."""
    from attendance.kiosk.sms import gateway_plan
    from attendance.kiosk.sms.phone_webhooks import PhoneWebhooks

    phones = gateway_plan.phones(context.settings.sms_notifications, context.paths.resolve)
    return [PhoneWebhooks(phone, context.settings.device.device_id) for phone in phones]


def _register(args: argparse.Namespace) -> int:
    for webhooks in _webhooks(open_context(args)):
        for each in webhooks.register(args.url):
            print(f"{each.event:14}  {each.url}")
        if args.signing_key:
            webhooks.set_signing_key(args.signing_key)
            print("The phone signs its reports; set the same key as sms_webhook.signing_key.")
    return 0


def _list(args: argparse.Namespace) -> int:
    rows = [each for webhooks in _webhooks(open_context(args)) for each in webhooks.list()]
    for each in rows:
        print(f"{each.event:14}  {each.url}{'' if each.ours else '  (not of this gate)'}")
    print(f"{len(rows)} webhooks.")
    return 0


def _remove(args: argparse.Namespace) -> int:
    removed = sum(len(webhooks.remove()) for webhooks in _webhooks(open_context(args)))
    print(f"{removed} webhooks removed.")
    return 0
