"""``attendance sim phone``: a phone to send messages with, without a phone."""

import argparse
import json
import re
import signal
import threading
from typing import TYPE_CHECKING

from attendance.cli.context import add_verb, open_context

if TYPE_CHECKING:
    from attendance.sim.phone_device import SimulatedPhone

PORT = 8090
_LIMIT = re.compile(r"([1-9][0-9]{0,5})/(minute|30-minutes|hour|day)")
_FASTEST = 10_000.0


def add_phone(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    verb = verbs.add_parser("phone", help="a simulated phone with SMS-Gate, and a page with what parents receive")
    verb.add_argument("--port", type=int, default=PORT, help=f"of its API and its page (default {PORT})")
    verb.add_argument("--host", default="127.0.0.1", help="address to listen on (default 127.0.0.1: this machine only)")
    verb.add_argument("--username", default="sms", help="of its API (default sms)")
    verb.add_argument("--password", default="", help="of its API (default: one is made up)")
    verb.add_argument("--signing-key", default="", metavar="KEY", help="signs its reports (default: not signed)")
    verb.add_argument("--limit", metavar="N/minute", help="what it sends at most, as 10/minute or 100/hour")
    verb.add_argument("--order", choices=("LIFO", "FIFO"), default="LIFO", help="which message leaves first")
    verb.add_argument(
        "--webhook", action="append", default=[], metavar="URL", help="is told of every message; several in turn"
    )
    verb.add_argument("--speed", type=float, default=1.0, help="how much faster than a real one it is (default 1)")
    add_verb(verb, _phone)


def _phone(args: argparse.Namespace) -> int:
    from attendance.errors import BadInput
    from attendance.sim.phone_device import SimulatedPhone
    from attendance.sim.phone_settings import LimitPeriod, PhoneSettings, ProcessingOrder

    if not 0 <= args.port <= 65_535 or not 0.01 <= args.speed <= _FASTEST:
        raise BadInput(f"--port is 0 to 65535, and --speed 0.01 to {_FASTEST:g}.")
    count, period = _limit(args.limit)
    settings = PhoneSettings(
        limit_period=LimitPeriod(period),
        limit_value=count,
        processing_order=ProcessingOrder(args.order),
        signing_key=args.signing_key,
        plain_http=True,  # for a gate on another machine; the app takes such addresses in its build "insecure" only
        speed=args.speed,
    )
    phone = SimulatedPhone(
        host=args.host,
        port=args.port,
        username=args.username,
        password=args.password,
        settings=settings,
        zone=open_context(args).zone,
    )
    for url in args.webhook:
        _register(phone, url)
    stopping = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopping.set())
    with phone:
        print(f"The phone is on. What parents receive: {phone.url}/")
        print("A gate on this machine uses it with this in config/config.json:")
        print(json.dumps(phone.configuration, indent=2), flush=True)
        if not args.webhook:
            print("Nobody is told of its messages: give --webhook http://127.0.0.1:8081/sms-webhook", flush=True)
        stopping.wait()
    return 0


def _register(phone: "SimulatedPhone", url: str) -> None:
    from attendance.errors import BadInput

    try:
        phone.register(url)
    except BadInput as error:
        raise BadInput(f"--webhook {url!r}: {error}") from error


def _limit(text: str | None) -> tuple[int, str]:
    """How many, and the app's name of the period.

    Raises:
        BadInput: the text is no limit.
    """
    from attendance.errors import BadInput

    if text is None:
        return 0, "Disabled"
    found = _LIMIT.fullmatch(text)
    if found is None:
        raise BadInput(f"--limit {text!r} is no limit; write it like 10/minute, 50/30-minutes, 100/hour or 500/day")
    periods = {"minute": "PerMinute", "30-minutes": "Per30Minutes", "hour": "PerHour", "day": "PerDay"}
    return int(found[1]), periods[found[2]]
