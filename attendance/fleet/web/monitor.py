"""``/metrics`` and ``/sd/gates``: what Prometheus reads of a centre.

They tell of all schools, so they want a secret of their own; nobody's login opens them.
"""

import hmac

from flask import Blueprint, Response, jsonify, request

from attendance.errors import StorageError
from attendance.fleet import monitor
from attendance.fleet.centre import Centre
from attendance.ops.exposition import CONTENT_TYPE, labelled_text

_REFUSED = (
    "This is for monitors: send `Authorization: Bearer <token>` with the token that the centre was started with"
    " (`attendance fleet serve --monitor-token-file FILE`).\n"
)
_PLAIN = "text/plain; charset=utf-8"


def monitor_blueprint(centre: Centre) -> Blueprint:
    """The two pages."""
    blueprint = Blueprint("monitor", __name__)

    @blueprint.before_request
    def only_monitors() -> Response | None:
        given = request.authorization.token if request.authorization else None
        right = centre.monitor_token
        if right and given and hmac.compare_digest(given.encode("utf-8", "replace"), right.encode()):
            return None
        refused = Response(_REFUSED, 401, content_type=_PLAIN)
        refused.headers["WWW-Authenticate"] = "Bearer"
        return refused

    @blueprint.errorhandler(StorageError)
    def no_database(error: StorageError) -> Response:
        centre.storage_log(str(error))
        return Response("The database cannot be asked at the moment.\n", 503, content_type=_PLAIN)

    @blueprint.get("/metrics")
    def metrics() -> Response:
        return Response(labelled_text(monitor.gauges(centre.sight.gates())), content_type=CONTENT_TYPE)

    @blueprint.get("/sd/gates")
    def discovery() -> Response:
        return jsonify(monitor.targets(centre.sight.gates()))

    return blueprint
