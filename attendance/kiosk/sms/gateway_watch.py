"""Looks after gateways that nobody uses, so that a phone that died at night is known before the first student comes."""

from attendance.kiosk.sms.routes import Routes
from attendance.ops.service import Service

IDLE_S = 300.0
"""A gateway without traffic for so long is asked whether it is there; three failures make it a problem."""
_REST_S = 30.0


class GatewayWatch:
    """Asks idle gateways whether they let us in, and sends nothing.

    Args:
        routes: not owned; it remembers what was found.
    """

    def __init__(self, routes: Routes) -> None:
        self._routes = routes
        self.service = Service("SMS gateways", self)

    def step(self) -> float:
        self._routes.check(IDLE_S)
        return _REST_S
