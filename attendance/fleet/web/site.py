"""The centre's WSGI application: the pages, the API below ``/api/v1``, and what load balancers ask."""

from typing import Any

from flask import Flask, Response, jsonify
from werkzeug.middleware.dispatcher import DispatcherMiddleware

from attendance.errors import StorageError
from attendance.fleet.centre import Centre
from attendance.fleet.store import schools
from attendance.fleet.store.engine import reading
from attendance.fleet.web import pages
from attendance.fleet.web.api import BASE, api_app
from attendance.fleet.web.monitor import monitor_blueprint
from attendance.ops.wsgi import hosts_that_can_be, scheme_of_proxies


def create_app(centre: Centre) -> Flask:
    """Everything that one process of the centre serves."""
    app = Flask(__name__)
    _for_load_balancers(app, centre)
    app.register_blueprint(monitor_blueprint(centre))
    pages.install(app, centre)
    mounted: Any = DispatcherMiddleware(app.wsgi_app, {BASE: api_app(centre)})
    app.wsgi_app = hosts_that_can_be(scheme_of_proxies(centre.proxies)(mounted))  # type: ignore[method-assign, assignment]
    return app


def _for_load_balancers(app: Flask, centre: Centre) -> None:
    @app.get("/livez")
    def live() -> Response:
        """The process answers."""
        return jsonify(status="ok")

    @app.get("/readyz")
    def ready() -> tuple[Response, int]:
        """It can ask its database; without one, another replica is asked instead."""
        try:
            with reading(centre.engine) as conn:
                schools.every(conn)
        except StorageError as error:
            centre.storage_log(str(error))
            return jsonify(status="unavailable"), 503
        return jsonify(status="ok"), 200
