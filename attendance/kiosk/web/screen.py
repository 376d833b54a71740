"""The gate's screen: its page, its two streams, the photos, and the scans that readers type into it."""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import tzinfo
from typing import Any
from urllib.parse import urlsplit

from flask import Blueprint, Response, jsonify, redirect, render_template, request
from werkzeug.exceptions import NotFound

from attendance.clock import Clock
from attendance.kiosk.web.access import COOKIE, Access, same_origin
from attendance.kiosk.web.events import Event, ScreenEvents
from attendance.kiosk.web.preview import PreviewFeed
from attendance.ops.webserver import Streams

PAYLOAD_LIMIT = 4096
"""Bytes. The largest QR code carries 2,953."""
_RETRY_MS = 1000
_COOKIE_DAYS = 400
"""The longest that browsers keep a cookie."""
_BOUNDARY = "picture"
_BLANK = b"GIF89a\1\0\1\0\x80\0\0\0\0\0\0\0\0,\0\0\0\0\1\0\1\0\0\2\2D\1\0;"
"""One black pixel: what the live view shows without a camera, rather than the last picture it had."""
_SCAN_ID = re.compile(r"[0-9A-Za-z-]{1,64}")


@dataclass(frozen=True, slots=True)
class Screen:
    """What the screen shows and where its input goes.

    Attributes:
        scan: takes what a reader typed; returns whether the gate could take it.
        photo: the JPEG of a scan by its id, or ``None``.
        school, gate: names, for the page's head.
        zone: of the clock on the screen.
    """

    events: ScreenEvents
    preview: PreviewFeed
    streams: Streams
    scan: Callable[[bytes], bool]
    photo: Callable[[str], bytes | None]
    clock: Clock
    zone: tzinfo
    school: str
    gate: str


def screen_blueprint(screen: Screen, access: Access) -> Blueprint:
    """The addresses of the screen, all for those who may see it only."""
    blueprint = Blueprint("screen", __name__)

    @blueprint.before_request
    def guard() -> Any:
        if request.path == "/" and "token" in request.args and access.screen_token_right(request.args["token"]):
            return _with_cookie(access)
        if not access.screen_allowed(request):
            return _not_for_you(access)
        return None

    @blueprint.get("/")
    def page() -> str:
        return render_template("screen.html", school=screen.school, gate=screen.gate)

    @blueprint.get("/events")
    def events() -> Response:
        chunks = _event_stream(screen, request.headers.get("Last-Event-ID", ""))
        return Response(chunks, mimetype="text/event-stream", headers={"X-Accel-Buffering": "no"})

    @blueprint.get("/stream.mjpg")
    def live_view() -> Response:
        return Response(_pictures(screen), mimetype=f"multipart/x-mixed-replace; boundary={_BOUNDARY}")

    @blueprint.get("/photo/<scan_id>.jpg")
    def photo(scan_id: str) -> Response:
        jpeg = screen.photo(scan_id) if _SCAN_ID.fullmatch(scan_id) else None
        if jpeg is None:
            raise NotFound("There is no such photo.")
        return Response(jpeg, mimetype="image/jpeg")

    @blueprint.post("/scan")
    def scan() -> tuple[Response, int]:
        if request.mimetype != "application/json":
            return jsonify(error='Send {"payload": "…"} as Content-Type: application/json.'), 415
        if not same_origin(request):
            return jsonify(error="Scans are taken from the gate's own page only."), 403
        payload = _payload(request.get_data())
        if payload is None:
            limit = f'Send {{"payload": "…"}} with 1 to {PAYLOAD_LIMIT} bytes of text.'
            return jsonify(error=limit), 400
        if not screen.scan(payload):
            return jsonify(error="The gate is not ready. Scan again in a moment."), 503
        return jsonify(accepted=True), 202

    return blueprint


def _payload(body: bytes) -> bytes | None:
    try:
        text = json.loads(body)["payload"]
        payload = text.encode() if isinstance(text, str) else b""
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    return payload if 0 < len(payload) <= PAYLOAD_LIMIT else None


def _event_stream(screen: Screen, last_id: str) -> Iterator[str]:
    subscription = screen.events.subscribe(last_id)
    try:
        with screen.streams.hold(subscription.close):
            yield f"retry: {_RETRY_MS}\n\n" + _clock(screen)
            for event in subscription:
                yield _event(event) if event else _clock(screen)
    finally:
        screen.events.unsubscribe(subscription)


def _event(event: Event) -> str:
    return f"id: {event.id}\ndata: {event.data}\n\n"


def _clock(screen: Screen) -> str:
    """The time with each heartbeat: the page shows the gate's clock, not that of the browser's machine."""
    now = screen.clock.now()
    local = now.at.astimezone(screen.zone)
    data = {"kind": "clock", "now": local.isoformat(), "zone": str(screen.zone), "trusted": now.trusted}
    return f"data: {json.dumps(data)}\n\n"


def _pictures(screen: Screen) -> Iterator[bytes]:
    view = screen.preview.view()
    try:
        with screen.streams.hold(view.close):
            # a part is complete when the next boundary is there: sent at once, or the browser shows it one late
            yield f"--{_BOUNDARY}\r\n".encode()
            for jpeg in view:
                yield _part("image/jpeg", jpeg) if jpeg else _part("image/gif", _BLANK)
    finally:
        view.close()


def _part(kind: str, picture: bytes) -> bytes:
    head = f"Content-Type: {kind}\r\nContent-Length: {len(picture)}\r\n\r\n"
    return head.encode() + picture + f"\r\n--{_BOUNDARY}\r\n".encode()


def _with_cookie(access: Access) -> Any:
    answer = redirect("/")
    answer.set_cookie(
        COOKIE,
        access.cookie,
        max_age=_COOKIE_DAYS * 86_400,
        httponly=True,
        samesite="Strict",
        secure=urlsplit(request.url).scheme == "https",
    )
    return answer


def _not_for_you(access: Access) -> tuple[Any, int]:
    peer = access.peer(request) or request.remote_addr
    return render_template("refused.html", title="This screen is for the gate itself", peer=peer), 403
