"""The health pages: the documented JSON, written from the last snapshot."""

from collections.abc import Callable
from datetime import tzinfo
from typing import Any

from flask import Blueprint, Response, jsonify, request

from attendance.clock import Clock, timestamps
from attendance.kiosk.web.access import Access
from attendance.ops.health import Component, Snapshot, with_age

LIVE_S = 30.0
"""Without a new snapshot for so long the process no longer does its work, whatever else still answers."""
_DOCUMENTED = ("camera", "watchdog", "backup", "sms_webhook")
_APART = ("system", "database")
"""Components with pages of their own."""
_UNKNOWN = Component("unknown", {})
_UNREACHABLE = Component("unhealthy", {"connectivity": "failed", "error": "the database has not been asked yet"})


class HealthPages:
    """Answers the health addresses.

    Args:
        snapshot: the last one.
        zone: of the documented ``timestamp``, which is local time without offset.
        started: whether the gate has finished starting.
        ready: whether it can take a scan now.
    """

    def __init__(
        self,
        snapshot: Callable[[], Snapshot],
        clock: Clock,
        zone: tzinfo,
        started: Callable[[], bool],
        ready: Callable[[], bool],
    ) -> None:
        self._snapshot = snapshot
        self._clock = clock
        self._zone = zone
        self._started = started
        self._ready = ready

    def everything(self) -> tuple[dict[str, Any], int]:
        snapshot = self._current()
        problems = [
            {"code": each.code, "severity": each.severity, "text": each.text, "remedy": each.remedy}
            for each in snapshot.problems
        ]
        body = {
            "overall_status": snapshot.overall,
            **self._time(),
            "system": self.system(),
            "database": self.database(),
            "components": self.components(),
            "problems": problems,
        }
        return body, 503 if snapshot.overall == "unhealthy" else 200

    def system(self) -> dict[str, Any]:
        return self._component("system", _UNKNOWN)

    def database(self) -> dict[str, Any]:
        return self._component("database", _UNREACHABLE)

    def components(self) -> dict[str, Any]:
        known = self._snapshot().components
        names = [*_DOCUMENTED, *(name for name in known if name not in _DOCUMENTED + _APART)]
        return {name: self._component(name, _UNKNOWN) for name in names}

    def ping(self) -> dict[str, Any]:
        return {"status": "ok", **self._time()}

    def live(self) -> tuple[dict[str, Any], int]:
        snapshot = self._snapshot()
        return _verdict(with_age(snapshot, self._clock.boot_ns(), LIVE_S) is snapshot)

    def started(self) -> tuple[dict[str, Any], int]:
        return _verdict(self._started())

    def ready(self) -> tuple[dict[str, Any], int]:
        return _verdict(self._started() and self._ready())

    def _component(self, name: str, missing: Component) -> dict[str, Any]:
        """One component; what is no longer looked at is not healthy, whatever it was."""
        snapshot = self._snapshot()
        component = snapshot.components.get(name, missing)
        if with_age(snapshot, self._clock.boot_ns()) != snapshot and component.status == "healthy":
            component = Component("unhealthy", component.values)
        return _flat(component)

    def _current(self) -> Snapshot:
        return with_age(self._snapshot(), self._clock.boot_ns())

    def _time(self) -> dict[str, str]:
        return timestamps(self._clock.now().at, self._zone)


def health_blueprint(pages: HealthPages, access: Access) -> Blueprint:
    """The addresses of the health pages. Details only for private peers or with the token; the rest for all."""
    blueprint = Blueprint("health", __name__)

    def detailed(answer: Callable[[], Any]) -> Callable[[], Any]:
        def view() -> Any:
            return answer() if access.health_allowed(request) else _forbidden()

        return view

    for address, answer in {
        "/health": pages.everything,
        "/health/system": pages.system,
        "/health/database": pages.database,
        "/health/components": pages.components,
    }.items():
        blueprint.add_url_rule(address, address.replace("/", "_"), detailed(answer))
    blueprint.add_url_rule("/ping", "ping", pages.ping)
    blueprint.add_url_rule("/livez", "live", pages.live)
    blueprint.add_url_rule("/startupz", "started", pages.started)
    blueprint.add_url_rule("/readyz", "ready", pages.ready)
    return blueprint


def _flat(component: Component) -> dict[str, Any]:
    return {"status": component.status, **component.values}


def _verdict(good: bool) -> tuple[dict[str, Any], int]:
    return ({"status": "ok"}, 200) if good else ({"status": "unavailable"}, 503)


def _forbidden() -> Response:
    answer = jsonify(
        error="Details are for private networks. From elsewhere send `Authorization: Bearer <health_endpoint.token>`;"
        " behind a proxy set web.trusted_proxies."
    )
    answer.status_code = 403
    return answer
