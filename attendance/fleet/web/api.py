"""The centre's API as a WSGI application of its own, mounted at ``/api/v1``: JSON in, signed JSON out."""

import logging
from typing import Any

from flask import Flask, Response, g, request
from pydantic import ValidationError
from werkzeug.exceptions import HTTPException, InternalServerError

from attendance.errors import BadInput, StorageError
from attendance.fleet.centre import Centre
from attendance.fleet.web import api_enrol, api_feed, api_files, api_sync, bodies
from attendance.fleet.web.calls import Address, Call
from attendance.fleet.web.gate_door import Asker, require_name
from attendance.fleet.web.openapi import describe
from attendance.fleet.web.refusals import JSON, Refusal, of_http
from attendance.ops.peers import peer

BASE = "/api/v1"
ADDRESSES: tuple[Address[Any], ...] = (
    *api_enrol.ADDRESSES,
    *api_sync.ADDRESSES,
    *api_feed.ADDRESSES,
    *api_files.ADDRESSES,
)
_TRY_AGAIN_S = 10

log = logging.getLogger(__name__)


def api_app(centre: Centre) -> Flask:
    """The WSGI application of everything below ``BASE``."""
    app = Flask(__name__, static_folder=None)
    app.url_map.strict_slashes = True
    for address in ADDRESSES:
        _serve(app, centre, address)
    description = describe(ADDRESSES, BASE)

    @app.get("/openapi.json")
    def openapi() -> Response:
        return Response(description, content_type=JSON)

    _answer_faults(app, centre)

    @app.before_request
    def see_who_asks() -> None:
        g.asker = Asker.of(request)

    @app.after_request
    def finish(answer: Response) -> Response:
        if request.method != "HEAD":
            g.asker.sign(request, answer)
        answer.headers["Cache-Control"] = "no-store"
        answer.headers["X-Content-Type-Options"] = "nosniff"
        return answer

    return app


def _serve(app: Flask, centre: Centre, address: Address[Any]) -> None:
    def view(**parts: str) -> Response:
        caller = None
        if address.for_gates:
            caller = g.asker.gate(centre.engine)
            require_name(request)
        body = _body(address)
        if address.signed_for is not None:
            g.asker = Asker(address.signed_for(body))
        called = Call(
            centre=centre,
            now=centre.clock.now().at,
            body=body,
            query=bodies.checked(address.query, request.args.to_dict()),
            path=_parts(address, parts),
            peer=str(peer(request.remote_addr or "", request.headers, centre.proxies) or ""),
            caller=caller,
        )
        return Response(address.view(called).model_dump_json(), content_type=JSON)

    rule = address.path.replace("{", "<").replace("}", ">")
    name = f"{address.method} {address.path}".lower()
    app.add_url_rule(rule, name.replace(".", "-"), view, methods=[address.method], provide_automatic_options=False)


def _body(address: Address[Any]) -> Any:
    if address.body is None:
        return None
    if address.body is bytes:
        return bodies.raw(request, address.limit_bytes)
    return bodies.read(request, address.body, address.limit_bytes)


def _parts(address: Address[Any], given: dict[str, str]) -> dict[str, str]:
    try:
        return {name: address.parts[name].validate_python(text) for name, text in given.items()}
    except ValidationError as error:
        raise Refusal(404, "not-found", "There is no such thing here: the address is not well-formed.") from error


def _answer_faults(app: Flask, centre: Centre) -> None:
    @app.errorhandler(Refusal)
    def refuse(refusal: Refusal) -> Response:
        return refusal.answer()

    @app.errorhandler(BadInput)
    def explain(error: BadInput) -> Response:
        return Refusal(400, "bad-request", str(error)).answer()

    @app.errorhandler(StorageError)
    def not_durable(error: StorageError) -> Response:
        centre.storage_log(str(error))
        return Refusal(503, "not-kept", "The centre cannot keep anything now. Send it again.", _TRY_AGAIN_S).answer()

    @app.errorhandler(ValidationError)
    def not_as_described(error: ValidationError) -> Response:
        # what was asked is checked elsewhere: this is an answer, and the values in it are nobody's business in a log
        log.error("the answer to %s is not as described: %s", request.path, error.errors(include_input=False))
        return of_http(InternalServerError()).answer()

    @app.errorhandler(HTTPException)
    def translate(error: HTTPException) -> Response:
        answer = of_http(error).answer()
        answer.headers.extend((name, value) for name, value in error.get_headers() if name in ("Allow", "Retry-After"))
        return answer
