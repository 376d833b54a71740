"""Sending, asking and calling back: the part of the simulated phone's API that is about messages.

Source: ``MessagesRoutes.kt`` of capcom6/android-sms-gateway; ``messages/3rdparty.go`` of android-sms-gateway/server.
"""

from collections.abc import Sequence
from datetime import datetime

from flask import Blueprint, Response, jsonify, request
from werkzeug.exceptions import NotFound

from attendance.domain.receipt import GatewayState
from attendance.errors import BadInput
from attendance.sim.phone import AlreadyThere, NotPending, Phone, QueueFull
from attendance.sim.phone_faults import Fault
from attendance.sim.phone_messages import Message
from attendance.sim.phone_requests import read_request
from attendance.sim.web.phone_line import Answer, Line, refusal

RETRY_AFTER_S = 30
_PAGE, _LARGEST_PAGE = 50, 100
_PORTAL = "<!doctype html><title>Sign in to the network</title><p>Please accept the terms to go online.</p>"


def add_messages(blueprint: Blueprint, line: Line, server: bool) -> None:
    phone = line.phone
    conflict = 409 if server else 400

    def send() -> Answer:
        line.require("messages:send", tokens=server)
        if (broken := _broken(phone)) is not None:
            return broken
        skip = request.args.get("skipPhoneValidation") == "true"
        sent = read_request(request.get_data(), phone.clock.now().at, phone.device_id, skip_phone_validation=skip)
        try:
            message = phone.accept(sent)
        except AlreadyThere as error:
            return refusal(str(error), 409)
        except QueueFull as error:
            return refusal(str(error), 503)
        answer = jsonify(phone.tell(message))
        answer.headers["Location"] = f"{request.path}/{message.message_id}"
        return _cut(line, answer), 202

    def several() -> Answer:
        line.require("messages:list", tokens=server)
        chosen = _chosen(phone)
        content = request.args.get("includeContent") == "true"
        first, length = _number("offset", 0, 0, 10**9), _number("limit", _PAGE, 1, _LARGEST_PAGE)
        page = chosen[first : first + length]
        answer = jsonify([phone.tell(each, content=content) for each in page])
        answer.headers["X-Total-Count"] = str(len(chosen))
        return answer

    def one(message_id: str) -> Answer:
        line.require("messages:read", tokens=server)
        if (broken := _broken(phone)) is not None:
            return broken
        return _told(phone, phone.message(message_id))

    def cancel(message_id: str) -> Answer:
        line.require("messages:cancel", tokens=server)
        try:
            return _told(phone, phone.cancel(message_id))
        except NotPending as error:
            return refusal(str(error), conflict)

    for path in ("/messages", "/message"):
        blueprint.add_url_rule(path, f"send{path}", send, methods=["POST"])
        blueprint.add_url_rule(path, f"several{path}", several, methods=["GET"])
        blueprint.add_url_rule(f"{path}/<message_id>", f"one{path}", one, methods=["GET"])
        blueprint.add_url_rule(f"{path}/<message_id>", f"cancel{path}", cancel, methods=["DELETE"])


def _broken(phone: Phone) -> Answer | None:
    """The answer of a line that lets nothing through."""
    if phone.strikes(Fault.HTML):
        return Response(_PORTAL, mimetype="text/html"), 200
    if phone.strikes(Fault.ERROR):
        return refusal("Internal Server Error", 500)
    if phone.strikes(Fault.BUSY):
        answer, status = refusal("queue limits exceeded; ensure device is online", 503)
        answer.headers["Retry-After"] = str(RETRY_AFTER_S)
        return answer, status
    return None


def _cut(line: Line, answer: Response) -> Response:
    """The answer to a message that was taken, as much of it as gets through."""
    if line.phone.strikes(Fault.HANG):
        line.hung_up.wait(line.hang_s)
    elif line.phone.strikes(Fault.CLOSE_EARLY):
        whole = answer.get_data()
        answer.set_data(whole[: len(whole) // 2])
        answer.headers["Content-Length"] = str(len(whole))  # more than follows: the server closes the connection
    return answer


def _chosen(phone: Phone) -> Sequence[Message]:
    """The messages that a list asks for, newest first unless it asks otherwise."""
    state, device = request.args.get("state"), request.args.get("deviceId")
    if state and state not in set(GatewayState):
        raise BadInput(f"state must be one of {', '.join(GatewayState)}")
    if device and device != phone.device_id:
        raise BadInput("Invalid device ID")
    first, last = _moment("from"), _moment("to")
    if first and last and first > last:
        raise BadInput("Start date cannot be after end date")
    found = [
        each
        for each in phone.messages()
        if (not state or each.state == state)
        and (first is None or each.created_at >= first)
        and (last is None or each.created_at <= last)
    ]
    return found if request.args.get("sort") == "created_at" else found[::-1]


def _moment(name: str) -> datetime | None:
    text = request.args.get(name)
    if not text:
        return None
    try:
        at = datetime.fromisoformat(text.replace(" ", "+"))  # an unescaped + arrives as a space
    except ValueError as error:
        raise BadInput(f"{name} is no time, as 2026-06-08T07:00:00+08:00") from error
    if at.tzinfo is None:
        raise BadInput(f"{name} has no offset")
    return at


def _number(name: str, default: int, least: int, most: int) -> int:
    text = request.args.get(name)
    if not text:
        return default
    if not (text.isascii() and text.isdecimal()) or len(text) > 9 or not least <= int(text) <= most:
        raise BadInput(f"{name} must be a whole number from {least} to {most}")
    return int(text)


def _told(phone: Phone, message: Message | None) -> Answer:
    if message is None:
        raise NotFound("Message not found")
    return jsonify(phone.tell(message))
