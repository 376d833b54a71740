"""The page ``/metrics``: what Prometheus reads."""

from collections.abc import Callable

from flask import Blueprint, Response, request

from attendance.kiosk.web.access import Access
from attendance.ops.exposition import CONTENT_TYPE

_REFUSED = (
    "Metrics are for private networks. From elsewhere send `Authorization: Bearer <health_endpoint.token>`; behind a"
    " proxy set web.trusted_proxies.\n"
)


def metrics_blueprint(text: Callable[[], bytes], access: Access) -> Blueprint:
    """The page, for whoever gets health's details.

    Args:
        text: all metrics in the text format of Prometheus.
    """
    blueprint = Blueprint("metrics", __name__)

    @blueprint.get("/metrics")
    def metrics() -> Response:
        if not access.health_allowed(request):
            return Response(_REFUSED, 403, content_type="text/plain; charset=utf-8")
        return Response(text(), content_type=CONTENT_TYPE)

    return blueprint
