"""The page of the simulated phone: what parents see on theirs, their answers, and the switches of what goes wrong."""

from collections.abc import Sequence
from datetime import datetime
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from flask import Blueprint, Response, jsonify, render_template, request
from werkzeug.exceptions import Forbidden, UnsupportedMediaType

from attendance.domain.receipt import GatewayState
from attendance.errors import BadInput
from attendance.sim.phone import Heard, Phone
from attendance.sim.phone_faults import MEANINGS, Fault
from attendance.sim.phone_messages import Message, Recipient
from attendance.sim.phone_network import OWN_NUMBER
from attendance.sim.phone_requests import read_object

LONGEST_ANSWER = 480
"""Characters a parent can write at once: three parts."""
_SHOWN_MESSAGES = 400
_SHOWN_PARENTS = 60
_SHOWN_EACH = 40


def page_blueprint(phone: Phone) -> Blueprint:
    """The page and what it asks for. Only pages of its own may ask: what parents wrote is nobody else's."""
    blueprint = Blueprint("page", __name__)

    @blueprint.before_request
    def guard() -> None:
        if not _addressed_by_number(request.headers.get("Host", "")):
            raise Forbidden("Open this page by its address, as http://127.0.0.1:8090/")
        if request.method == "POST" and request.mimetype != "application/json":
            raise UnsupportedMediaType("Send JSON.")

    @blueprint.get("/")
    def page() -> str:
        return render_template("phone.html", longest=LONGEST_ANSWER, faults=_by_place(), school=OWN_NUMBER)

    @blueprint.get("/screen")
    def screen() -> Response:
        if request.args.get("seen") == str(phone.revision):
            return Response(status=204)
        return jsonify(view(phone))

    @blueprint.post("/answers")
    def answer() -> tuple[str, int]:
        fields = read_object(request.get_data())
        number, text = fields.get("phone"), fields.get("text")
        if not isinstance(number, str) or not isinstance(text, str) or not number or not text.strip():
            raise BadInput("An answer needs a phone and a text.")
        if len(text) > LONGEST_ANSWER or len(number) > LONGEST_ANSWER:
            raise BadInput(f"An answer has at most {LONGEST_ANSWER} characters.")
        phone.answer(number, text)
        return "", 204

    @blueprint.post("/faults")
    def switch() -> tuple[str, int]:
        fields = read_object(request.get_data())
        fault, on, seconds = fields.get("fault"), fields.get("on"), fields.get("seconds")
        if fault not in list(Fault) or not isinstance(on, bool):
            raise BadInput(f"'fault' must be one of {', '.join(Fault)}, and 'on' true or false.")
        if seconds is not None and (not isinstance(seconds, int | float) or not 0 < seconds <= 1e6):
            raise BadInput("'seconds' must be a number above 0.")
        phone.switch(Fault(fault), on, seconds=seconds)
        return "", 204

    @blueprint.post("/ping")
    def ping() -> tuple[str, int]:
        phone.ping()
        return "", 204

    return blueprint


def view(phone: Phone) -> dict[str, Any]:
    """Everything that the page shows."""
    with phone.lock:
        messages, heard, on = phone.messages(), list(phone.heard), phone.faults.on()
        webhooks, waiting_posts = phone.webhooks.registered, phone.webhooks.waiting
        posted, given_up = list(phone.webhooks.recent), phone.webhooks.given_up
        revision, battery, settings = phone.revision, phone.battery, phone.settings
    states = [each.state for each in messages]
    return {
        "revision": revision,
        "now": phone.stamp(phone.clock.now().at),
        "battery": {"percent": battery.percent, "charging": battery.charging},
        "parents": _parents(phone, messages[-_SHOWN_MESSAGES:], heard[-_SHOWN_MESSAGES:]),
        "counts": {state: states.count(state) for state in GatewayState if state in states},
        "limit": {"period": settings.limit_period, "value": settings.limit_value} if settings.limit_s else None,
        "order": settings.processing_order,
        "signed": bool(settings.signing_key),
        "faults_on": on,
        "webhooks": sorted({(each.event, each.url) for each in webhooks}),
        "reports": {
            "waiting": waiting_posts,
            "given_up": given_up,
            "last": [{"event": each.event, "outcome": each.outcome, "taken": each.taken} for each in posted[::-1]],
        },
    }


def _by_place() -> dict[str, list[tuple[Fault, str, str]]]:
    places: dict[str, list[tuple[Fault, str, str]]] = {}
    for fault, meaning in MEANINGS.items():
        places.setdefault(meaning.where, []).append((fault, meaning.title, meaning.text))
    return places


def _parents(phone: Phone, messages: Sequence[Message], heard: Sequence[Heard]) -> list[dict[str, Any]]:
    """What was said with each number: the number that spoke last is the first, the words are in their order."""
    said = [(each.at, each.phone, _heard(phone, each)) for each in heard]
    for message in messages:
        said += [(_shown_at(message, each), each.phone, _told(phone, message, each)) for each in message.recipients]
    said.sort(key=lambda each: each[0])
    found: dict[str, list[dict[str, Any]]] = {}
    for _, number, words in said:
        before = found.pop(number, [])
        before.append(words)
        found[number] = before
    newest_first = list(found.items())[::-1][:_SHOWN_PARENTS]
    return [{"phone": number, "said": words[-_SHOWN_EACH:]} for number, words in newest_first]


def _shown_at(message: Message, recipient: Recipient) -> datetime:
    return recipient.arrived_at or message.created_at


def _told(phone: Phone, message: Message, recipient: Recipient) -> dict[str, Any]:
    return {
        "id": f"{message.message_id} {recipient.phone}",
        "from": "school",
        "text": message.request.text,
        "at": phone.stamp(_shown_at(message, recipient)),
        "state": recipient.state,
        "arrived": recipient.arrived_at is not None,
        "error": recipient.error,
        "parts": message.parts,
    }


def _heard(phone: Phone, heard: Heard) -> dict[str, Any]:
    at = phone.stamp(heard.at)
    return {"id": f"{heard.phone} {at}", "from": "parent", "text": heard.text, "at": at}


def _addressed_by_number(host: str) -> bool:
    """A name could be one that a foreign page has bent to this address."""
    try:
        name = urlsplit(f"//{host}").hostname or ""
        return name == "localhost" or bool(ip_address(name))
    except ValueError:
        return False
