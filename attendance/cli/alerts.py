"""``attendance alerts``: who is told of the gate's problems, and of which."""

import argparse

from attendance.cli.context import add_verb, open_context
from attendance.cli.output import print_json


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = subparsers.add_parser("alerts", help="who is told of the gate's problems")
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    verb = verbs.add_parser("list", help="problems that are remembered, and since when people know of them")
    verb.add_argument("--json", action="store_true")
    add_verb(verb, _list)
    verb = verbs.add_parser("test", help="tell every receiver that this is a test")
    verb.add_argument("--dry-run", action="store_true", help="only say whether the addresses can be used")
    add_verb(verb, _test)
    verb = verbs.add_parser("ack", help="say that somebody looks after a problem: nobody is reminded of it")
    verb.add_argument("code", help="as `attendance alerts list` shows it")
    add_verb(verb, _acknowledge)


def _list(args: argparse.Namespace) -> int:
    from attendance.kiosk.alerting import file_of, remembered

    context = open_context(args)
    alerts = remembered(file_of(context.paths.data_dir))
    if args.json:
        print_json(
            [
                {
                    "code": each.problem.code,
                    "severity": each.problem.severity,
                    "text": each.problem.text,
                    "remedy": each.problem.remedy,
                    "since": each.since.at.isoformat(timespec="seconds"),
                    "told_at": each.told.at.isoformat(timespec="seconds") if each.told else None,
                    "escalated": each.escalated,
                    "acknowledged": each.acknowledged,
                    "there": each.gone is None,
                }
                for each in alerts
            ]
        )
        return 0
    for each in alerts:
        since = each.since.at.astimezone(context.zone).strftime("%Y-%m-%d %H:%M")
        state = (
            "over" if each.gone else "acknowledged" if each.acknowledged else "told" if each.told else "not told yet"
        )
        print(f"{each.problem.code:24}  {each.problem.severity:7}  since {since}  {state}\n    {each.problem.text}")
    if not alerts:
        print("Nothing is wrong, as far as the gate has noted.")
    return 0


def _test(args: argparse.Namespace) -> int:
    from attendance.kiosk import plan as kiosk_plan
    from attendance.kiosk.store import outbox
    from attendance.kiosk.store.database import writing
    from attendance.ops.alert_post import Post, Poster

    context = open_context(args)
    plan = kiosk_plan.alerts(context.settings)
    title, body = f"{plan.place}: this is a test", "Nothing is wrong. Alerts of this gate reach you."
    good, known = True, 0
    for who, receivers in (("receivers", plan.receivers), ("escalation", plan.escalation)):
        known += len(receivers.addresses) + len(receivers.phones)
        addresses = list(receivers.addresses)
        took = (
            Poster().understood(addresses) if args.dry_run else Poster().send(Post(addresses, title, body, "recovery"))
        )
        for number, works in enumerate(took, 1):
            print(f"{'ok     ' if works else 'problem'}  alerts.{who}.addresses, number {number}")
            good &= works
        if receivers.phones and not context.settings.sms_notifications.enabled:
            print(f"problem  alerts.{who}.sms: messages are off; set sms_notifications.enabled")
            good = False
        elif not args.dry_run:
            for phone in receivers.phones:
                with writing(context.database()) as conn:
                    [message_id] = outbox.send(conn, f"{title}.", context.clock.now(), phone=phone)
                print(f"ok       alerts.{who}.sms: message {message_id} waits for the running gate")
    if not known:
        print("Nobody is told: alerts.receivers is empty. docs/operations/alerts.md says what it may hold.")
    return 0 if good else 1


def _acknowledge(args: argparse.Namespace) -> int:
    from attendance.errors import BadInput
    from attendance.kiosk.alerting import acknowledge, file_of, remembered

    context = open_context(args)
    codes = [alert.problem.code for alert in remembered(file_of(context.paths.data_dir))]
    if args.code not in codes:
        raise BadInput(f"The gate remembers no problem {args.code!r}; it knows of: {', '.join(codes) or 'none'}.")
    acknowledge(context.paths.data_dir, args.code)
    print(f"The running gate reminds nobody of {args.code} any more, and says when it is over.")
    return 0
