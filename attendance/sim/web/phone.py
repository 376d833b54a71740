"""The web application of the simulated phone: its API, as the phone itself and as a server has it, and its page."""

from flask import Blueprint, Flask, Response
from werkzeug.exceptions import HTTPException

from attendance.errors import BadInput
from attendance.ops.webserver import BODY_LIMIT_BYTES
from attendance.sim.web.phone_api import add_messages
from attendance.sim.web.phone_device_api import (
    SERVER_PREFIXES,
    add_device,
    add_tokens,
    add_webhooks,
    health_blueprint,
)
from attendance.sim.web.phone_line import Line, refusal
from attendance.sim.web.phone_page import page_blueprint

_HEADERS = {
    "Content-Security-Policy": "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}


def phone_app(line: Line) -> Flask:
    """The WSGI application."""
    app = Flask(__name__)
    app.config["MAX_CONTENT_LENGTH"] = BODY_LIMIT_BYTES
    app.json.sort_keys = False  # type: ignore[attr-defined]
    app.register_blueprint(page_blueprint(line.phone))
    app.register_blueprint(health_blueprint(line.phone))
    for prefix in ("", *SERVER_PREFIXES):
        app.register_blueprint(api_blueprint(line, prefix))

    @app.errorhandler(BadInput)
    def invalid(error: BadInput) -> tuple[Response, int]:
        return refusal(str(error), 400)

    @app.errorhandler(HTTPException)
    def explain(error: HTTPException) -> tuple[Response, int]:
        answer, status = refusal(error.description or error.name, error.code or 500)
        if status == 401:
            answer.headers["WWW-Authenticate"] = 'Basic realm="Access to SMS Gateway"'
        return answer, status

    @app.after_request
    def protect(answer: Response) -> Response:
        for name, value in _HEADERS.items():
            answer.headers.setdefault(name, value)
        return answer

    return app


def api_blueprint(line: Line, prefix: str) -> Blueprint:
    """The API below ``prefix``: that of the phone itself if it is empty, else that of a server."""
    server = bool(prefix)
    blueprint = Blueprint(
        "server" + prefix.replace("/", "_") if server else "local", __name__, url_prefix=prefix or None
    )
    add_messages(blueprint, line, server)
    add_webhooks(blueprint, line, server)
    add_device(blueprint, line, server)
    if server:
        add_tokens(blueprint, line)
    return blueprint
