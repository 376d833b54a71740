"""The gate's web application: the screen, the health pages, and what holds for every answer."""

from collections.abc import Sequence

from flask import Blueprint, Flask, Response, jsonify, render_template, request
from werkzeug.exceptions import HTTPException

from attendance.kiosk.web.access import Access
from attendance.kiosk.web.health import HealthPages, health_blueprint
from attendance.kiosk.web.screen import Screen, screen_blueprint
from attendance.ops.wsgi import hosts_that_can_be

_FOR_ALL = ("/ping", "/livez", "/readyz", "/startupz")
"""They tell nothing but that the gate runs, to whoever asks by whatever name."""
_HEADERS = {
    "Content-Security-Policy": "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


def gate_app(
    *, access: Access, health: HealthPages, screen: Screen | None, blueprints: Sequence[Blueprint] = ()
) -> Flask:
    """The WSGI application of the gate's port.

    Args:
        screen: ``None`` serves health only (headless).
        blueprints: further pages; each guards itself.
    """
    app = Flask(__name__)
    app.wsgi_app = hosts_that_can_be(app.wsgi_app)  # type: ignore[method-assign, assignment]
    app.register_blueprint(health_blueprint(health, access))
    if screen is not None:
        app.register_blueprint(screen_blueprint(screen, access))
    for blueprint in blueprints:
        app.register_blueprint(blueprint)

    @app.before_request
    def refuse_foreign_names() -> tuple[str, int] | None:
        if request.path in _FOR_ALL or access.host_known(request):
            return None
        return render_template("refused.html", title="This gate does not go by that name", host=True), 421

    @app.errorhandler(HTTPException)
    def explain(error: HTTPException) -> tuple[Response | str, int]:
        code = error.code or 500
        if request.path == "/scan" or request.path.startswith("/health"):
            return jsonify(error=error.description), code
        return render_template("refused.html", title=error.name, text=error.description), code

    @app.after_request
    def protect(answer: Response) -> Response:
        for name, value in _HEADERS.items():
            answer.headers.setdefault(name, value)
        if request.endpoint != "static":
            answer.headers["Cache-Control"] = "no-store"
        return answer

    return app
